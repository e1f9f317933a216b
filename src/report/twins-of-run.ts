import { problemKey, type Problem } from '../base/problem.js';
import { success } from '../base/result.js';
import type { Machine } from '../machine/machine.js';
import { plan, type PlanOptions } from '../machine/plan.js';
import type { Spec } from '../spec/parse-spec.js';
import { forecastSpec } from './forecast-spec.js';

const isCard = (model: string): boolean => model === 'virtio-net' || model === 'e1000';
const isDisk = (model: string): boolean => ['virtio-blk', 'ahci-hd', 'ahci-cd', 'nvme'].includes(model);
const ofHost = ['interface', 'tcp-port', 'free-socket', 'host-card'];

/** Says of each target, when a run first comes to it, which devices of its machine are alike: each finding once. */
type TwinsOfRun = (target: string) => Promise<readonly Problem[]>;

/**
 * What `check` tells of devices that are alike. What computes it is loaded only where two devices could be.
 * @param first a machine of the spec that was planned already
 * @param isChecked the host is checked before each boot, and what two devices want of it is told there
 */
export function twinsOfRun(spec: Spec, first: Machine, options: PlanOptions, isChecked: boolean): TwinsOfRun {
  const seen = new Set<string>();
  const told = new Set<string>();
  return async (target) => {
    if (seen.has(target)) return [];
    seen.add(target);
    const planned = target === first.target ? success(first) : plan(spec, target, options);
    if (!planned.ok) return [];
    const found = await twinsIn(spec, planned.value, options, isChecked);
    const fresh = found.filter((problem) => !told.has(problemKey(problem)));
    for (const problem of fresh) told.add(problemKey(problem));
    return fresh;
  };
}

async function twinsIn(
  spec: Spec,
  { devices, target, requirements }: Machine,
  options: PlanOptions,
  isChecked: boolean,
): Promise<readonly Problem[]> {
  const howMany = (isKind: (model: string) => boolean): number => devices.filter(({ model }) => isKind(model)).length;
  const hasDrives = devices.some(({ model }) => model === 'ahci');
  const mayBeAlike = hasDrives || howMany(isCard) > 1 || howMany(isDisk) > 1;
  const mayShare = !isChecked && requirements.filter(({ need }) => ofHost.includes(need.kind)).length > 1;
  return [
    ...(mayBeAlike ? (await import('../machine/twins.js')).twinWarnings(spec, [target], options) : []),
    ...(mayShare
      ? await forecastSpec(spec, [target], { ...options, severity: 'warning', withoutHost: true, ownWords: false })
      : []),
  ];
}
