import type { Problem } from '../base/problem.js';
import type { Machine } from '../machine/machine.js';
import type { PlanOptions } from '../machine/plan.js';
import type { Spec } from '../spec/parse-spec.js';

const isCard = (model: string): boolean => model === 'virtio-net' || model === 'e1000';
const isDisk = (model: string): boolean => ['virtio-blk', 'ahci-hd', 'ahci-cd', 'nvme'].includes(model);

/**
 * Devices of a machine that its guest cannot tell apart, as `check` tells them. What computes serial numbers is loaded
 * only where two devices could be twins.
 */
export async function twinsOfRun(
  spec: Spec,
  { devices, target }: Machine,
  options: PlanOptions,
): Promise<readonly Problem[]> {
  const howMany = (isKind: (model: string) => boolean): number => devices.filter(({ model }) => isKind(model)).length;
  const hasDrives = devices.some(({ model }) => model === 'ahci');
  if (!hasDrives && howMany(isCard) < 2 && howMany(isDisk) < 2) return [];
  const { twinWarnings } = await import('../machine/twins.js');
  return twinWarnings(spec, [target], options);
}
