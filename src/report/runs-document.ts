import { rebootsLeft } from '../supervisor/policy.js';
import type { KnownRun } from '../supervisor/runs.js';

/** A run in the list; those of the simulator say so. */
export interface ListedRun extends KnownRun {
  /** How many reboots `restart.max` of the spec still allows; absent where it sets no limit. */
  readonly rebootsLeft?: number;
  /** Absent: a real VM. */
  readonly simulated?: true;
}

/** What `vmrun ps --json` prints: the VMs that run here, by name, those of the simulator last. */
export type RunsDocument = readonly ListedRun[];

/** Runs for programs. @param simulated those of the simulator */
export const runsDocument = (
  real: readonly KnownRun[],
  simulated: readonly KnownRun[],
  now: Date = new Date(),
): RunsDocument => [
  ...real.map((run) => ({ ...run, ...budgetLeft(run, now) })),
  ...simulated.map((run) => ({ ...run, ...budgetLeft(run, now), simulated: true as const })),
];

function budgetLeft({ status, state }: KnownRun, now: Date): Pick<ListedRun, 'rebootsLeft'> {
  // Whoever takes an orphan over begins with all of the budget.
  if (status !== 'supervised' || state?.restart === undefined) return {};
  const bootSince = state.bhyve === undefined ? undefined : state.bootSince;
  return { rebootsLeft: rebootsLeft(state.restart, { bootSince, now }) };
}
