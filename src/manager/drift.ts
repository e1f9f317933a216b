import { differences, type MachineChange } from '../machine/difference.js';
import { guestChanges, type GuestChange } from '../machine/guest-changes.js';
import { guestIn } from '../machine/guest.js';
import { planInDetail, type PlanOptions } from '../machine/plan.js';
import { defaultTarget } from '../spec/targets.js';
import { formatIdentity } from '../machine/identity-text.js';
import type { BootedSpec } from './vm-life.js';

/** How the spec of the next boot differs from the one that runs. */
export interface Drift {
  readonly isChanged: boolean;
  readonly changes: readonly MachineChange[];
  readonly guestChanges: readonly GuestChange[];
}

export const noDrift: Drift = { isChanged: false, changes: [], guestChanges: [] };

/** Compares two specs again only where one of them is another. */
export function driftTeller(planning: PlanOptions): (running: BootedSpec, next: BootedSpec, target: string) => Drift {
  let last: { readonly running: BootedSpec; readonly next: BootedSpec; readonly target: string } | undefined;
  let drift = noDrift;
  return (running, next, target) => {
    const isKnown = last?.running.spec === running.spec && last.next.spec === next.spec && last.target === target;
    if (isKnown) return drift;
    last = { running, next, target };
    drift = driftOf(running, next, target, planning);
    return drift;
  };
}

function driftOf(running: BootedSpec, next: BootedSpec, target: string, planning: PlanOptions): Drift {
  if (running.spec === next.spec || textOf(running) === textOf(next)) return noDrift;
  const isIn = next.spec.targets.includes(target);
  const before = planned(running, target, planning);
  const after = planned(next, isIn ? target : defaultTarget, planning);
  if (before === undefined || after === undefined) return { ...noDrift, isChanged: true };
  return {
    isChanged: true,
    changes: differences(before.machine, after.machine),
    guestChanges: guestChanges(guestIn(before), guestIn(after)),
  };
}

/** All that a spec says, whatever its file looks like. */
const textOf = ({ spec, identity }: BootedSpec): string =>
  JSON.stringify([spec.written(), identity === undefined ? '' : formatIdentity(identity)]);

function planned({ spec, identity }: BootedSpec, target: string, planning: PlanOptions) {
  const result = planInDetail(spec, target, { ...planning, identity });
  return result.ok ? result.value : undefined;
}
