// What the manager costs: a start of many, and each of them at rest.
import path from 'node:path';
import { report, root, spawnNode } from './measure.mjs';

const script = path.join(root, 'scripts/bench/many-managed.mjs');
const measure = (count, scratch, restMs) =>
  JSON.parse(spawnNode(['--expose-gc', script, String(count), scratch, String(restMs)]).stdout);

export function managed(scratch) {
  const { startedMs } = measure(50, scratch, 0);
  report('50 VMs of a manager start by themselves', `${startedMs.toFixed(0)} ms`, '<= 3000 ms', startedMs <= 3000);
  const { bytesPerVm, viewsMs, restShare } = measure(300, scratch, 10_000);
  const mib = bytesPerVm / 1024 / 1024;
  report('each of 300 VMs of a manager, memory', `${mib.toFixed(3)} MiB`, '<= 0.35', mib <= 0.35);
  report('the list of all 300', `${viewsMs.toFixed(1)} ms`, '', undefined);
  const percent = 100 * restShare;
  report('all of them at rest, of a core', `${percent.toFixed(3)} %`, '<= 0.5 %', percent <= 0.5);
}
