import type { Problem } from '../base/problem.js';
import type { Explanation } from '../explain/rule.js';
import type { LastEnd, Phase, RestartBudget } from '../host/run-directory/run-state.js';
import type { MachineChange } from '../machine/difference.js';
import type { GuestChange } from '../machine/guest-changes.js';

/**
 * What a VM is doing. A phase of its run: MANAGER's own runs, and those that another vmrun supervises (`supervisor` says who).
 * `stopped`: nothing runs. `queued`: it waits for those that come before it. `failed`: it was to run and could not, or was
 * given up; `why` says so. `orphaned`: a bhyve runs and nobody watches it. `left`: what a killed run has made is still there.
 */
export type VmState = Phase | 'stopped' | 'queued' | 'failed' | 'orphaned' | 'left';

/** What is wanted of a VM, on disk, so that the next manager knows. */
export interface Wanted {
  readonly state: 'running' | 'stopped';
  /** ISO 8601. */
  readonly since: string;
  /** Who wanted it: a user, `autostart`, `guest` where it powered itself off. */
  readonly by: string;
  /** Target of the first boot, where it was asked for with one. */
  readonly target?: string;
}

/** What its file says now, beside what was accepted and what runs. */
export interface SpecView {
  /** Absolute; undefined where the file is gone and the VM is not. */
  readonly file?: string;
  readonly isOurs: boolean;
  /** Of the file as it is now: where there are errors, what was accepted before still holds. */
  readonly problems: readonly Problem[];
  /** What its next boot has: what the file says, what it said when it was last without errors, or nothing, so there is none. */
  readonly nextBoot: 'file' | 'accepted' | 'none';
  /** The accepted spec differs from the one that runs: it takes effect at the next boot. */
  readonly isChanged: boolean;
  /** What would be different, for bhyve and for the guest; empty where nothing runs. */
  readonly changes: readonly MachineChange[];
  readonly guestChanges: readonly GuestChange[];
}

/** A VM as the manager knows it, at one moment. */
export interface VmView {
  readonly name: string;
  /** UUID, of the manager's own making: the same for as long as it has a spec of this name, and another for the next that has it. */
  readonly id: string;
  readonly state: VmState;
  readonly wanted: Wanted;
  /** Path in the tree of groups: `root`, `root/web`. */
  readonly group: string;
  readonly target?: string;
  /** Counts from 1. */
  readonly boot?: number;
  /** Start of the run, and of the boot; ISO 8601. */
  readonly since?: string;
  readonly bootSince?: string;
  /** Of bhyve, or of the loader before it. */
  readonly pid?: number;
  /** Where its spec limits reboots: what of that is used up. */
  readonly restart?: RestartBudget;
  /** Of the process that supervises, where that is not this one. */
  readonly supervisor?: number;
  /** `ready` of its `autostart` has come true in this boot. */
  readonly isReady?: boolean;
  /** Those that it waits for. */
  readonly waitsFor?: readonly string[];
  readonly spec: SpecView;
  readonly last?: LastEnd;
  /** Why it failed, or why its last boot did. */
  readonly why?: Explanation;
  readonly problems?: readonly Problem[];
  readonly degraded?: Readonly<Record<string, string>>;
  /** Id of the operation that goes on with it. */
  readonly operation?: string;
}
