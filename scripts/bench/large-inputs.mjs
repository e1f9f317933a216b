// What large inputs cost: CPU time as they grow, and what the largest that are read take, of memory too.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { median, report, usageOf } from './measure.mjs';
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

const mebibyte = 1024 * 1024;

/** Text of a form that is given a number of items, as near to so many bytes as whole items come. */
function filled(make, bytes) {
  let count = Math.floor(bytes / (make(1000).length / 1000));
  while (make(count).length > bytes) count = Math.floor(count * 0.99);
  return make(count);
}

const lines = (count, line) => many(count, line).join('\n');
const object = (count, key, value = 1) => Object.fromEntries(many(count, (index) => [`${key}${index}`, value]));
const json = (make) => (count) => JSON.stringify(make(count));

/** What is like the specs that people write, but for its size, and what is like none; some are refused, which costs as well. */
const specs = {
  'one long text': json((count) => ({ ...head, 'x-text': 'a'.repeat(count) })),
  'x- keys': json((count) => ({ ...head, ...object(count, 'x-') })),
  'unknown fields': json((count) => ({ ...head, ...object(count, 'u') })),
  devices: json(devices),
  'empty devices': json((count) => ({ ...head, emulations: many(count, () => ({})) })),
  targets: json(targets),
  'a chain of inherits': json((count) => ({
    ...head,
    targets: Object.fromEntries(many(count, (index) => [`t${index}`, { inherits: `t${index + 1}` }])),
  })),
  'unknown config': json((count) => ({ ...head, config: object(count, 'u.') })),
  'words of extra_options': json((count) => ({ ...head, extra_options: '-H '.repeat(count) })),
  'open brackets': (count) => `{"name": ${'['.repeat(count)}`,
  'secrets before a mistake': (count) => `${lines(count, () => '{"password":')} x`,
};
const yaml = {
  'a list': (count) => `name: vm\nx-list:\n${lines(count, (index) => `- ${index}`)}\n`,
  'a flow list': (count) => `name: vm\nx-list: [${'1, '.repeat(count)}]\n`,
  'unknown fields': (count) => `name: vm\n${lines(count, (index) => `u${index}: 1`)}\n`,
  'flow mappings, never closed': (count) => `name: ${'{a: '.repeat(count)}\n`,
  'secrets before a mistake': (count) => `${lines(count, () => 'password:')}\n]\n`,
  documents: (count) => '---\n'.repeat(count),
};
const ucl = {
  'unknown fields': (count) => `name = vm;\n${lines(count, (index) => `u${index} = 1;`)}\n`,
  'a list': (count) => `name = vm;\nlist [ ${'1, '.repeat(count)} ]\n`,
  'open braces': (count) => `name ${'{a '.repeat(count)}\n`,
  'secrets before a mistake': (count) => `${lines(count, () => 'password {')}\n]\n`,
};
const originals = {
  'sh: variables': (count) => `${lines(count, (index) => `v${index}=a`)}\nbhyve -m 1G -c 1 vm\n`,
  'sh: blanks': (count) => `bhyve${' '.repeat(count)}vm\n`,
  'sh: words': (count) => `bhyve ${'-H '.repeat(count)}vm\n`,
  'conf: bhyve_config(5)': (count) => `name=vm\n${lines(count, (index) => `pci.0.3.0.u${index}=a`)}\n`,
  'conf: vm-bhyve': (count) => `loader="uefi"\ncpu=1\nmemory=1G\n${lines(count, (index) => `u${index}="a"`)}\n`,
  'xml: libvirt': (count) => `<domain type="bhyve"><name>vm</name>${'<a/>'.repeat(count)}</domain>\n`,
};

/** Twice as much may take twice as long, and half as much again on a busy machine; below the ceilings in any case. */
function size(folder, { what, make, bytes, command, maxMib, maxMs }) {
  const cost = (limit) => {
    const file = path.join(folder, 'vm.json');
    writeFileSync(file, filled(make, limit));
    return usageOf(['bin/vmrun.js', ...command, file]);
  };
  const [half, whole] = [cost(bytes / 2), cost(bytes)];
  const [ratio, peakMib] = [whole.cpuMs / half.cpuMs, whole.peakKib / 1024];
  const figure = `${peakMib.toFixed(0)} MiB, ${whole.cpuMs.toFixed(0)} ms, x ${ratio.toFixed(1)}`;
  const isWithin = peakMib <= maxMib && whole.cpuMs <= maxMs && ratio <= 3;
  report(`${bytes / mebibyte} MiB, ${what}`, figure, `${maxMib}, ${maxMs}, x 3`, isWithin);
}

function largest(folder) {
  const of = (format, shapes, limits) => {
    for (const [shape, make] of Object.entries(shapes))
      size(folder, { what: `${format}: ${shape}`, make, bytes: 4 * mebibyte, ...limits });
  };
  const dryRun = (format) => ['--dry-run', '--input-format', format, '-c'];
  of('JSON', specs, { command: dryRun('json'), maxMib: 200, maxMs: 1500 });
  of('YAML', yaml, { command: dryRun('yaml'), maxMib: 256, maxMs: 3000 });
  of('UCL', ucl, { command: dryRun('ucl'), maxMib: 256, maxMs: 3000 });
  for (const [what, make] of Object.entries(originals))
    size(folder, { what: `import, ${what}`, make, bytes: mebibyte, command: ['import'], maxMib: 256, maxMs: 3000 });
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
