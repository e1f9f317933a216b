// A supervisor in the pause before a boot: what keeps its event loop busy, by the names of node.
import { setImmediate } from 'node:timers/promises';
import { run } from '../../../dist/index.js';
import { answer, sh, specOf } from './vm.mjs';

const kinds = () => process.getActiveResourcesInfo().filter((kind) => !ours.has(kind));

/** What the test's own streams and the lock of the name are to node, which only wait. */
const ours = new Set(['PipeWrap', 'TTYWrap', 'TCPServerWrap', 'TCPSocketWrap']);

const spec = await specOf('back-off', { restart: { delay: '1h', max_delay: '1h' } });
const vm = run(spec, { bhyve: sh('exit 0'), runBase: `${process.cwd()}/run`, check: false });
let reboots = 0;
for await (const event of vm.events) {
  if (event.kind !== 'reboot' || (reboots += 1) < 2) continue;
  // What the boot has left to write is done when the same is seen in many turns, whatever that is.
  for (let same = 0, last = ''; same < 1000;) {
    await setImmediate();
    const now = kinds().join();
    same = now === last ? same + 1 : 0;
    last = now;
  }
  answer(kinds());
  vm.stop();
}
await vm.result;
