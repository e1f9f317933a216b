// What large specs cost: CPU time of twice as much over half as much, and peak memory of the largest that is read.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { median, report, root } from './measure.mjs';
import { specOf } from './spec.mjs';

const { lockIdentity, machineGraph, plan } = await import('../../dist/index.js');

const head = { name: 'vm', cpu: 1, mem: '1G' };
const disk = (index) => ({ device: 'virtio-blk', path: `/vm/disk${index}.img` });
const many = (count, make) => Array.from({ length: count }, (_, index) => make(index));
const devices = (count) => ({ ...head, emulations: many(count, disk) });
const targets = (count) => ({
  ...devices(4),
  targets: Object.fromEntries(many(count, (index) => [`t${index}`, { emulations: [disk(index + 10)] }])),
});

const cpuMs = (work) => {
  const before = process.cpuUsage();
  work();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
};

/** Four times as much should take four times as long; twice that is what a busy machine may make of it. */
async function growth(what, make, counts, work) {
  const costs = [];
  for (const count of counts) {
    const spec = await specOf(make(count));
    work(spec);
    costs.push(median(many(5, () => cpuMs(() => work(spec)))));
  }
  const [least, most] = costs;
  const ratio = most / least / (counts[1] / counts[0]);
  const figure = `${least.toFixed(0)}, ${most.toFixed(0)} ms = ${ratio.toFixed(2)}`;
  report(`${what}, CPU, ${counts.join(' and ')}: each, most / least`, figure, '<= 2', ratio <= 2);
}

/** As near to the limit of a spec as whole items come. */
function filled(make, itemBytes) {
  const limit = 4 * 1024 * 1024;
  let count = Math.floor(limit / itemBytes);
  for (;;) {
    const text = JSON.stringify(make(count));
    if (text.length <= limit) return text;
    count = Math.floor((count * limit) / text.length) - 1;
  }
}

const shapes = {
  'one long text': filled((count) => ({ ...head, 'x-text': 'a'.repeat(count) }), 1),
  'x- keys': filled((count) => ({ ...head, ...Object.fromEntries(many(count, (i) => [`x-${i}`, 1])) }), 12),
  'unknown fields': filled((count) => ({ ...head, ...Object.fromEntries(many(count, (i) => [`u${i}`, 1])) }), 12),
  devices: filled(devices, 50),
  targets: filled(targets, 60),
};

/** A dry run of a spec of 4 MiB; some are refused, which costs as well. */
function largest(folder) {
  for (const [shape, text] of Object.entries(shapes)) {
    const file = path.join(folder, 'vm.json');
    writeFileSync(file, text);
    const args = ['-r', path.join(root, 'scripts/bench/peak-memory.cjs'), 'bin/vmrun.js', '--dry-run', '-c', file];
    const { output } = spawnSync(process.execPath, args, { cwd: root, stdio: ['ignore', 'ignore', 'ignore', 'pipe'] });
    report(`dry run of 4 MiB of ${shape}, peak memory`, `${(Number(output[3]) / 1024).toFixed(0)} MiB`, '', undefined);
  }
}

export async function largeInputs() {
  const machineOf = (spec) => plan(spec, 'default').value;
  await growth('graph of devices', devices, [2000, 8000], (spec) => machineGraph(machineOf(spec)));
  await growth('lock of devices', devices, [1000, 4000], (spec) => lockIdentity(spec));
  await growth('lock of targets', targets, [500, 2000], (spec) => lockIdentity(spec));
  const folder = mkdtempSync(path.join(tmpdir(), 'vmrun-bench-'));
  try {
    largest(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
