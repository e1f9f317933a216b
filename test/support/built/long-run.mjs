// Ten thousand boots in one process, or as many as the argument says: what it holds on to, and whether its events are
// all there and in order. Wants --expose-gc.
import { closeSync, openSync, readdirSync } from 'node:fs';
import { run } from '../../../dist/index.js';
import { answer, sh, specOf } from './vm.mjs';

const reboots = Number(process.argv[2]);
const firstLook = Number(process.argv[3]);

/** Open descriptors; where the system does not list them, the number that the next one gets. */
function descriptors() {
  if (process.platform === 'linux') return readdirSync('/proc/self/fd').length;
  const next = openSync('/dev/null');
  closeSync(next);
  return next;
}

const look = () => {
  globalThis.gc();
  globalThis.gc();
  const { heapUsed, external, rss } = process.memoryUsage();
  return { descriptors: descriptors(), heapBytes: heapUsed + external, rssBytes: rss };
};

const cycle = ['boot', 'exit', 'reboot'];
const wrong = [];
const looks = [];
let events = 0;
let boot = 0;
let lastMs = 0;
const spec = await specOf('long-run');
const startMs = performance.now();
const vm = run(spec, {
  bhyve: sh('exit 0'),
  runBase: `${process.cwd()}/run`,
  check: false,
  limits: { rebootCount: reboots },
});
for await (const event of vm.events) {
  const { kind, monotonicMs } = event;
  if (monotonicMs < lastMs) wrong.push(`event ${events}: ${monotonicMs} after ${lastMs}`);
  lastMs = monotonicMs;
  if (kind === 'cleanup' || kind === 'stop') continue;
  if (kind !== cycle[events % cycle.length]) wrong.push(`event ${events} is ${kind}`);
  events += 1;
  if (kind === 'boot') boot += 1;
  if (event.boot !== (kind === 'reboot' ? boot + 1 : boot)) wrong.push(`${kind} of boot ${event.boot}, not ${boot}`);
  // Right after the start of bhyve, where each boot holds the same.
  if (kind === 'boot' && (boot === firstLook || boot === reboots)) looks.push(look());
}
const { boots, because } = await vm.result;
answer({ boots, because, events, wrong: wrong.slice(0, 10), looks, msPerBoot: (performance.now() - startMs) / boots });
