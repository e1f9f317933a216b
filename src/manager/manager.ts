import type { Problem } from '../base/problem.js';
import type { Result } from '../base/result.js';
import type { Spec } from '../spec/parse-spec.js';
import type { GuestAct } from '../supervisor/guest-act.js';
import type { ManagerEvents } from './manager-events.js';
import type { Operation, Operations } from './operations.js';
import type { VmView } from './vm-view.js';

/** Who asks, for operations, wanted state and the log: `root`, `socket`, `signal`, a user's name. */
export interface Asker {
  readonly by: string;
}

/** How a VM is started. */
export interface StartRequest {
  /** First boot's target. Default: `default`, or the one that a running bhyve of this VM has, which is taken over. */
  readonly target?: string;
}

/** How a VM is stopped. */
export interface StopRequest {
  /** How long the guest may take to power off, in milliseconds. Default: the `stop_timeout` of its spec. */
  readonly timeoutMs?: number;
  /** Do not wait for the guest. It always wins over a stop that waits, and over a start. */
  readonly now?: boolean;
}

/** What happens to the VMs when the manager ends. */
export type Ending =
  /** Stop all, in the reverse order of their dependencies. What was wanted stays wanted, for the next manager. */
  | { readonly kind: 'stop'; readonly budgetMs: number }
  /**
   * Leave every VM running; the next manager takes them over. The process is to end when `end` has resolved, which is at once:
   * the kernel lets go of the VMs and of the state folder then, and all that the next one needs is on disk.
   */
  | { readonly kind: 'hand-over' };

/** The text of a spec as it is in its file. */
export interface SpecSourceText {
  /** Absolute. */
  readonly file: string;
  readonly text: string;
  /** Changes with each byte of the text: SHA-256 in hex. */
  readonly etag: string;
  /** The manager made the file: it lies in its state folder, and may be replaced and removed through an API. */
  readonly isOurs: boolean;
}

/**
 * Many VMs in one process: the specs of a folder, what is wanted of each, and their runs. It prints nothing, installs no
 * signal handlers and knows no HTTP. Nothing here waits for a guest but an operation's `ended`.
 */
export interface Manager {
  /** By name. */
  readonly vms: () => readonly VmView[];
  readonly vm: (name: string) => VmView | undefined;
  /** Of a VM that is gone: the group that it was in, as long as any of its events may be kept. */
  readonly groupOf: (name: string) => string | undefined;
  readonly events: ManagerEvents;
  readonly operations: Operations;
  /** Reads the file of a VM once more, as before each boot: what is asked for next is judged by what it says now. */
  readonly readSpecOf: (name: string) => Promise<void>;
  /**
   * A start of a VM that runs is done at once, without effect. One that could not boot, by the spec as it was read last or
   * for want of that target, has failed at once, and changes nothing. @throws ProblemsError `unknown-vm`
   */
  readonly start: (name: string, request: StartRequest, asker: Asker) => Operation;
  /** A stop of a VM that does not run is done at once, without effect. @throws ProblemsError `unknown-vm` */
  readonly stop: (name: string, request: StopRequest, asker: Asker) => Operation;
  /** A stop, then a start, as one operation. @throws ProblemsError `unknown-vm` */
  readonly restart: (name: string, request: StartRequest & StopRequest, asker: Asker) => Operation;
  /** Done to the guest that runs. @throws ProblemsError `unknown-vm` */
  readonly act: (name: string, what: GuestAct, asker: Asker) => Operation;
  /** Reads the folder again: what is new is known from then on, what has changed takes effect at the next boot. */
  readonly reload: (asker: Asker) => Promise<ReloadOutcome>;
  /** The text of its file. @returns undefined where there is no such VM, or no such file any more */
  readonly specText: (name: string) => SpecSourceText | undefined;
  /**
   * Writes a spec of the manager's own, new or in place of an older one; whole or not at all. An admin's file is never
   * written. `ifMatch`: only where the file has this etag; `*`: only where there is one; `none`: only where there is none.
   * @returns the problems that keep it from being written: of the spec, or `exists`, `changed`, `not-ours`, `no-such-vm`
   */
  readonly writeSpec: (spec: WrittenSpec, asker: Asker) => Promise<Result<VmView>>;
  /**
   * Removes a VM whose spec the manager made; it has to be stopped.
   * @returns a problem where not: `not-ours`, `running`
   * @throws ProblemsError `unknown-vm`
   */
  readonly remove: (name: string, asker: Asker) => Promise<Problem | undefined>;
  /**
   * Puts a VM into a group, for the rights to it. Which groups there are is not the manager's to know.
   * @returns a problem where it cannot be written, and so has not happened: `not-kept`
   * @throws ProblemsError `unknown-vm`
   */
  readonly setGroup: (name: string, group: string) => Problem | undefined;
  /** The spec that its next boot has, as loaded last without problems. @throws ProblemsError `unknown-vm`, or why there is none */
  readonly accepted: (name: string) => Spec;
  /** The newest lines of what bhyve, its loader and its hooks wrote, oldest first. */
  readonly log: (name: string) => readonly string[];
  /** Ends. Resolves when every VM is stopped, or at once for a hand-over; a second call with less time shortens the first. */
  readonly end: (ending: Ending) => Promise<void>;
}

/** A spec that an API writes. */
export interface WrittenSpec {
  /** It has to be the one in the spec. */
  readonly name?: string;
  /** JSON. */
  readonly text: string;
  readonly ifMatch?: string;
}

/** What a look into the folder has found. */
export interface ReloadOutcome {
  readonly added: readonly string[];
  readonly changed: readonly string[];
  readonly removed: readonly string[];
  /** Those added that start by themselves, with the next manager: a look into the folder starts nothing. */
  readonly notStarted?: readonly string[];
  /** Files that have none, or another's name: each with what is wrong with it. */
  readonly problems: readonly Problem[];
}
