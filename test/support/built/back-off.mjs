// A supervisor in the pause before a boot: how much processor time it uses.
import { run } from '../../../dist/index.js';
import { answer, sh, specOf } from './vm.mjs';

const pauseMs = 4000;
/** What is left to do after the event, and V8's own tidying. */
const settleMs = 1000;

const spec = await specOf('back-off', { restart: { delay: `${pauseMs}ms`, max_delay: `${pauseMs}ms` } });
const vm = run(spec, { bhyve: sh('exit 0'), runBase: `${process.cwd()}/run`, check: false });
let reboots = 0;
for await (const event of vm.events) {
  if (event.kind !== 'reboot' || (reboots += 1) < 2) continue;
  await new Promise((resolve) => setTimeout(resolve, settleMs));
  const before = process.cpuUsage();
  const startMs = performance.now();
  await new Promise((resolve) => setTimeout(resolve, pauseMs - settleMs - 200));
  const { user, system } = process.cpuUsage(before);
  answer({ pauseMs: performance.now() - startMs, processorMs: (user + system) / 1000 });
  vm.stop();
}
await vm.result;
