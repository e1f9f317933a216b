import type { KnownRun } from '../supervisor/runs.js';

/** A run in the list; those of the simulator say so. */
export interface ListedRun extends KnownRun {
  /** Absent: a real VM. */
  readonly simulated?: true;
}

/** What `vmrun ps --json` prints: the VMs that run here, by name, those of the simulator last. */
export type RunsDocument = readonly ListedRun[];

/** Runs for programs. @param simulated those of the simulator */
export const runsDocument = (real: readonly KnownRun[], simulated: readonly KnownRun[]): RunsDocument => [
  ...real,
  ...simulated.map((run) => ({ ...run, simulated: true as const })),
];
