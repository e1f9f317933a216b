// Many VMs in one process, a tenth of them crashing at once and for ever: how soon the end of another is told, and what
// each of them costs. Run as a process of its own; prints JSON. Arguments: how many, and a folder.
import path from 'node:path';
import { specOf } from './spec.mjs';

const { run } = await import('../../dist/index.js');

const [count, ends] = [Number(process.argv[2]), Number(process.argv[3])];
const scratch = process.argv[4];
const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
/** The clock of events. */
const nowMs = () => Number(process.hrtime.bigint()) / 1e6;
const sh = (script) => ['/bin/sh', '-c', script];

const memory = () => {
  globalThis.gc();
  return process.memoryUsage().rss;
};

/** A run whose first boot, and whose end, can be waited for. */
async function start(index) {
  const isCrashing = index % 10 === 9;
  const fields = isCrashing ? { reboot_on: ['error'], restart: { delay: '100ms', max_delay: '10s' } } : {};
  const spec = await specOf({ name: `many-${index}`, cpu: 1, mem: '64M', ...fields });
  const vm = run(spec, {
    bhyve: isCrashing ? sh('exit 4') : sh('exec sleep 3600'),
    runBase: path.join(scratch, 'many'),
    check: false,
  });
  const seen = { boots: 0, pid: 0, exitMs: 0 };
  const booted = new Promise((resolve) => {
    void (async () => {
      for await (const event of vm.events) {
        if (event.kind === 'exit') seen.exitMs = event.monotonicMs;
        if (event.kind !== 'boot') continue;
        seen.boots += 1;
        seen.pid = event.pid;
        resolve();
      }
    })();
  });
  return { vm, seen, booted, isCrashing };
}

const before = memory();
const startMs = nowMs();
const runs = await Promise.all(Array.from({ length: count }, (_, index) => start(index)));
await Promise.all(runs.map(({ booted }) => booted));
const startedMs = nowMs() - startMs;
const others = runs.filter(({ isCrashing }) => !isCrashing);

const reactions = [];
for (const { vm, seen } of others.slice(0, ends)) {
  await wait(20);
  const killedMs = nowMs();
  process.kill(seen.pid, 'SIGKILL');
  await vm.result;
  reactions.push(seen.exitMs - killedMs);
}
const bytesPerRun = (memory() - before) / count;
const crashes = runs.filter(({ isCrashing }) => isCrashing).reduce((sum, { seen }) => sum + seen.boots, 0);
for (const { vm } of runs) vm.stop();
await Promise.all(runs.map(({ vm }) => vm.result));
process.stdout.write(JSON.stringify({ startedMs, reactions, bytesPerRun, crashes }));
