import { differences, type MachineChange } from '../machine/difference.js';
import { guestChanges, type GuestChange } from '../machine/guest-changes.js';
import type { LoadedWithLock } from './load-with-lock.js';
import { targetPlan, type PlanRequest } from './plan-report.js';

/** What `vmrun plan --diff FILE --json` prints: what differs between two specs. Keys may be added to it, none changes its meaning. */
export interface ComparisonDocument {
  /** Of the VM, by the first spec. */
  readonly name: string;
  /** The file of the first. */
  readonly from: string;
  /** The file of the second. */
  readonly to: string;
  readonly targets: readonly TargetComparison[];
}

/** One target of both. */
export interface TargetComparison {
  /** Its name. */
  readonly target: string;
  /** The one of the two specs that alone has this target. */
  readonly only?: 'from' | 'to';
  /** What bhyve is told otherwise. */
  readonly changes: readonly MachineChange[];
  /** What the guest notices. */
  readonly guest: readonly GuestChange[];
}

/**
 * Compares two specs.
 * @param names targets of one of them at least
 * @throws ProblemsError as `planReport`
 */
export function compareSpecs(
  from: LoadedWithLock,
  to: LoadedWithLock,
  names: readonly string[],
  request: PlanRequest,
): ComparisonDocument {
  const compare = (target: string): TargetComparison => {
    if (!to.spec.targets.includes(target)) return { target, only: 'from', changes: [], guest: [] };
    if (!from.spec.targets.includes(target)) return { target, only: 'to', changes: [], guest: [] };
    const [before, after] = [targetPlan(from, target, request), targetPlan(to, target, request)];
    return {
      target,
      changes: differences(before.machine, after.machine),
      guest: guestChanges(before.guest, after.guest),
    };
  };
  return { name: from.spec.name, from: from.spec.source, to: to.spec.source, targets: names.map(compare) };
}
