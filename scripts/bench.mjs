// npm run bench: what vmrun costs, as ratios and distributions within one run on one machine. Fails over budget.
// Arguments: the measurements to take, by the names at the end; without them all.
import { spawn } from 'node:child_process';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { isAllWithin, median, quantile, report, root, spawnNode } from './bench/measure.mjs';
import { consoleLoad, consoleMemory } from './bench/console.mjs';
import { canMeasure } from './bench/cpu.mjs';
import { largeInputs } from './bench/large-inputs.mjs';
import { settled, usage } from './bench/process-usage.mjs';
import { rebootLatency } from './bench/reboots.mjs';
import { serveAtRest, serveEvents, serveHandOver, serveList, serveMany, serveStart } from './bench/serving.mjs';
import { asText } from './bench/spec.mjs';
import { startUp } from './bench/start-up.mjs';
import { passingOn, rebootCpu } from './bench/supervisor-cpu.mjs';

const { loadSpecText, plan } = await import('../dist/index.js');
const runs = Number(process.env.BENCH_RUNS ?? 41);
// A run directory is on tmpfs on most hosts; others write a file to the disk that replaces another.
const scratch = mkdtempSync(path.join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'vmrun-bench-'));
const disk = (index) => ({ device: 'virtio-blk', path: `/vm/disk${index}.img` });
const manyDevices = (count) => ({
  name: 'vm',
  cpu: 1,
  mem: '1G',
  emulations: Array.from({ length: count }, (_, i) => disk(i)),
});
const manyTargets = (count) => ({
  ...manyDevices(4),
  targets: Object.fromEntries(Array.from({ length: count }, (_, i) => [`t${i}`, { emulations: [disk(i + 10)] }])),
});

async function loadAndPlanMs(spec) {
  const start = performance.now();
  const loaded = await loadSpecText(asText(spec));
  const planned = loaded.ok ? plan(loaded.value, 'default') : loaded;
  if (!planned.ok) throw new Error(JSON.stringify(planned.problems));
  return performance.now() - start;
}

/** Time for each of many should not depend on how many there are. */
async function growth(what, make, counts, limitMs) {
  const perItem = [];
  // Until V8 has compiled what is hot.
  for (let round = 0; round < 12; round += 1) await loadAndPlanMs(make(counts[0]));
  for (const count of counts) {
    const times = [];
    for (let round = 0; round < 7; round += 1) times.push(await loadAndPlanMs(make(count)));
    const ms = median(times);
    perItem.push((ms * 1000) / count);
    report(
      `load and plan, ${count} ${what}`,
      `${ms.toFixed(1)} ms`,
      limitMs === undefined ? '' : `< ${limitMs} ms`,
      limitMs === undefined ? undefined : ms < limitMs,
    );
  }
  const spread = Math.max(...perItem) / Math.min(...perItem);
  report(
    `time per ${what.slice(0, -1)}: most / least`,
    `${spread.toFixed(2)} (${perItem.map((us) => us.toFixed(1)).join(', ')} us)`,
    '<= 1.6',
    spread <= 1.6,
  );
}

/** 300 VMs in one process, a tenth of them crashing for ever. */
function manyRuns() {
  const [count, ends] = [300, 200];
  const script = path.join(root, 'scripts/bench/many-runs.mjs');
  const { stdout } = spawnNode(['--expose-gc', script, String(count), String(ends), scratch]);
  const { startedMs, reactions, bytesPerRun, crashes } = JSON.parse(stdout);
  const [p50, p99] = [quantile(reactions, 0.5), quantile(reactions, 0.99)];
  report(`${count} VMs in one process, all started`, `${startedMs.toFixed(0)} ms`, '', undefined);
  report(`an end of bhyve -> its event, ${count / 10} others crashing, p50`, `${p50.toFixed(1)} ms`, '', undefined);
  report(`the same, p99 of ${ends}, beside ${crashes} crashes`, `${p99.toFixed(1)} ms`, '< 50 ms', p99 < 50);
  report('memory for each', `${(bytesPerRun / 1024).toFixed(0)} KiB`, '', undefined);
}

/** A supervisor with a guest that does nothing, beside a node that does nothing. */
async function atRest() {
  if (process.platform !== 'linux') return;
  const events = path.join(scratch, 'events');
  const args = [
    'bin/vmrun.js',
    '-q',
    '-c',
    'examples/minimal.json',
    '--simulate=run',
    '--run-dir',
    path.join(scratch, 'run'),
  ];
  const supervisor = spawn(process.execPath, [...args, '--events', events], { cwd: root, stdio: 'ignore' });
  const idle = spawn(process.execPath, ['-e', 'setInterval(() => undefined, 1e9)'], { stdio: 'ignore' });
  const before = await settled(supervisor.pid);
  await wait(10_000);
  const after = usage(supervisor.pid);
  const share = after.kib / usage(idle.pid).kib;
  idle.kill('SIGKILL');
  supervisor.kill('SIGTERM');
  await new Promise((resolve) => supervisor.once('exit', resolve));
  const ticks = after.ticks - before.ticks;
  report('a supervisor at rest, processor ticks in 10 s', String(ticks), '0', ticks === 0);
  report(
    'a supervisor at rest / an idle node, memory',
    `${(after.kib / 1024).toFixed(1)} MiB = ${share.toFixed(3)}`,
    '<= 1.3',
    share <= 1.3,
  );
}

/** 100 VMs in one process, all killed at once. */
function manyKills() {
  const script = path.join(root, 'scripts/bench/many-kills.mjs');
  const { reactions, cpuMs } = JSON.parse(spawnNode([script, '100', scratch]).stdout);
  const p99 = quantile(reactions, 0.99);
  report('100 VMs killed at once -> their events, p99', `${p99.toFixed(0)} ms`, '<= 300 ms', p99 <= 300);
  report('the same, CPU of all', `${cpuMs.toFixed(0)} ms`, '', undefined);
}

/** Needs bash, which tells the CPU time of a child. */
const ofCpu = (measure) => () => {
  if (canMeasure) measure();
  else console.log('CPU times are not measured: there is no bash');
};

const measurements = {
  start: ofCpu(() => startUp(scratch, runs)),
  reboot: ofCpu(() => rebootCpu(scratch)),
  stderr: ofCpu(() => passingOn(scratch)),
  console: () => consoleLoad(scratch),
  'console-memory': () => consoleMemory(scratch),
  devices: () => growth('devices', manyDevices, [1000, 2000, 4000], 500),
  targets: () => growth('targets', manyTargets, [1000, 10_000]),
  inputs: largeInputs,
  latency: () => rebootLatency(scratch),
  runs: manyRuns,
  serve: () => serveAtRest(scratch),
  'serve-many': () => serveMany(scratch),
  'serve-start': () => serveStart(scratch),
  'serve-hand-over': () => serveHandOver(scratch),
  'serve-list': () => serveList(scratch),
  'serve-events': () => serveEvents(scratch),
  kills: manyKills,
  rest: atRest,
};

const wanted = process.argv.slice(2);
const unknown = wanted.filter((name) => !Object.hasOwn(measurements, name));
if (unknown.length > 0) throw new Error(`no such measurement: ${unknown}; there are ${Object.keys(measurements)}`);

try {
  for (const [name, measure] of Object.entries(measurements)) {
    if (wanted.length === 0 || wanted.includes(name)) await measure();
  }
} finally {
  rmSync(scratch, { recursive: true, force: true });
}
process.exitCode = isAllWithin() ? 0 : 1;
