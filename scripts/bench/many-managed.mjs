// Many VMs in one manager: how soon all of a folder are started that start by themselves, what each of them costs, and what
// all cost at rest. Run as a process of its own; prints JSON. Arguments: how many, a folder, and how long to rest in ms.
import { mkdirSync, writeFileSync } from 'node:fs';
import path from 'node:path';

const { createManager } = await import('../../dist/manager.js');

const [count, scratch, restMs] = [Number(process.argv[2]), process.argv[3], Number(process.argv[4] ?? 0)];
const folder = path.join(scratch, `managed-${count}`);
const specs = path.join(folder, 'specs');
mkdirSync(specs, { recursive: true });
for (let index = 0; index < count; index += 1) {
  const name = `managed-${index}`;
  const spec = { name, cpu: 1, mem: '64M', autostart: true, stop_timeout: '10s' };
  writeFileSync(path.join(specs, `${name}.json`), JSON.stringify(spec));
}
const guest = path.join(folder, 'bhyve');
writeFileSync(guest, '#!/bin/sh\nexec sleep 3600\n', { mode: 0o755 });

const wait = (ms) => new Promise((resolve) => setTimeout(resolve, ms));
const nowMs = () => Number(process.hrtime.bigint()) / 1e6;
const memory = () => {
  globalThis.gc();
  return process.memoryUsage().rss;
};
const options = { state: path.join(folder, 'state'), runBase: path.join(folder, 'run'), bhyve: [guest], check: false };

// One with nothing to do loads what all need.
const empty = await createManager({
  ...options,
  specs: path.join(folder, 'none'),
  state: path.join(folder, 'no-state'),
});
await empty.end({ kind: 'stop', budgetMs: 0 });
const before = memory();
const startMs = nowMs();
const manager = await createManager({ ...options, specs });
const events = manager.events.subscribe({ after: 'first', bound: 100_000 });
const left = new Set(manager.vms().map(({ name }) => name));
for await (const event of events) {
  if (event.kind === 'run' && event.event.kind === 'boot') left.delete(event.vm);
  if (left.size === 0) break;
}
const startedMs = nowMs() - startMs;
await wait(3000);
const bytesPerVm = (memory() - before) / count;
const viewsMs = (() => {
  const from = nowMs();
  manager.vms();
  return nowMs() - from;
})();
let restTicks;
if (restMs > 0) {
  await wait(8000);
  const { user, system } = process.cpuUsage();
  await wait(restMs);
  const after = process.cpuUsage();
  restTicks = (after.user + after.system - user - system) / 1000 / restMs;
}
await manager.end({ kind: 'stop', budgetMs: 10_000 });
process.stdout.write(`${JSON.stringify({ startedMs, bytesPerVm, viewsMs, restShare: restTicks })}\n`);
