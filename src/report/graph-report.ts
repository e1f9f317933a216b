import { ProblemsError } from '../base/problem.js';
import type { Platform } from '../devices/device.js';
import { bootGraph } from '../graph/boot-graph.js';
import { machineGraph } from '../graph/machine-graph.js';
import type { Picture } from '../graph/picture.js';
import { plan } from '../machine/plan.js';
import type { LoadedWithLock } from './load-with-lock.js';

/** What of a spec is drawn. */
export const pictures = ['both', 'boots', 'machine'] as const;

/**
 * The sequence of boots that begins with a target, and its machine: plain data, which `drawGraph` draws.
 * @param target one of the spec
 * @throws ProblemsError where what was good when it was loaded cannot be planned for this host
 */
export function graphReport(
  { spec, locked }: LoadedWithLock,
  target: string,
  what: (typeof pictures)[number],
  hostBhyve: Partial<Platform>,
): Picture {
  const planned = plan(spec, target, { ...hostBhyve, identity: locked?.identity });
  if (!planned.ok) throw new ProblemsError('spec', spec.source, planned.problems);
  return {
    ...(what === 'machine' ? {} : { boots: bootGraph(spec, target) }),
    ...(what === 'boots' ? {} : { machine: machineGraph(planned.value) }),
  };
}
