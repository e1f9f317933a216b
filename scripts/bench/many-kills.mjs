// Many VMs in one process whose bhyves are all killed at once: how soon the end of each is told. Run as a process of its
// own; prints JSON. Arguments: how many, and a folder.
import path from 'node:path';
import { specOf } from './spec.mjs';

const { run } = await import('../../dist/index.js');

const [count, scratch] = [Number(process.argv[2]), process.argv[3]];

/** A run whose first boot can be waited for, and the moment in which its end is told. */
async function start(index) {
  const spec = await specOf({ name: `kill-${index}`, cpu: 1, mem: '64M' });
  const vm = run(spec, {
    bhyve: ['/bin/sh', '-c', 'exec sleep 3600'],
    runBase: path.join(scratch, 'kills'),
    check: false,
  });
  const seen = { pid: 0, exitMs: 0 };
  const booted = new Promise((resolve) => {
    void (async () => {
      for await (const event of vm.events) {
        if (event.kind === 'exit') seen.exitMs = performance.now();
        if (event.kind !== 'boot') continue;
        seen.pid = event.pid;
        resolve();
      }
    })();
  });
  return { vm, seen, booted };
}

const runs = await Promise.all(Array.from({ length: count }, (_, index) => start(index)));
await Promise.all(runs.map(({ booted }) => booted));
// Until the shells have become what they start.
await new Promise((resolve) => setTimeout(resolve, 500));
const cpuBefore = process.cpuUsage();
const killedMs = performance.now();
for (const { seen } of runs) process.kill(seen.pid, 'SIGKILL');
await Promise.all(runs.map(({ vm }) => vm.result));
const { user, system } = process.cpuUsage(cpuBefore);
const reactions = runs.map(({ seen }) => seen.exitMs - killedMs);
process.stdout.write(JSON.stringify({ reactions, cpuMs: (user + system) / 1000 }));
