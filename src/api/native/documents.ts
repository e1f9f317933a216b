import type { Problem } from '../../base/problem.js';
import type { Explanation } from '../../explain/rule.js';
import type { LastEnd } from '../../host/run-directory/run-state.js';
import type { MachineChange } from '../../machine/difference.js';
import type { GuestChange } from '../../machine/guest-changes.js';
import type { Grant } from '../../manager/accounts/grants.js';
import type { TokenView, UserView } from '../../manager/accounts/accounts.js';
import type { Operation } from '../../manager/operations.js';
import type { VmState, VmView } from '../../manager/vm-view.js';
import type { PlanDocument } from '../../report/plan-document.js';

export type { CheckDocument } from '../../report/check-document.js';
export type { PlanDocument } from '../../report/plan-document.js';
export type { ManagerEvent } from '../../manager/manager-events.js';
export type { Operation } from '../../manager/operations.js';
export type { ReloadOutcome } from '../../manager/manager.js';
export type { TokenView, UserView } from '../../manager/accounts/accounts.js';
export type { ErrorDocument } from '../../server/http-error.js';

/** What answers here. Keys may be added to any document of this API, none changes its meaning. */
export interface ServiceDocument {
  readonly service: 'vmrun';
  /** Of vmrun. */
  readonly version: string;
  /** Of this API. */
  readonly api: 1;
  /** Of the manager. */
  readonly pid: number;
  /** ISO 8601. */
  readonly since: string;
  /** What a client may ask for here and not from every manager. */
  readonly features: readonly string[];
}

/** Whether the manager answers. */
export interface HealthDocument {
  readonly status: 'ok';
  readonly version: string;
  /** On the UNIX socket alone. */
  readonly pid?: number;
}

/** What the processes of a VM take. */
export interface UsageDocument {
  /** Processor time of bhyve so far, in seconds. */
  readonly cpuSeconds: number;
  /** Memory that bhyve has, with that of the guest. */
  readonly memoryBytes: number;
}

/** A VM. */
export interface VmDocument extends VmView {
  /** Of the last seconds; absent where nothing runs. */
  readonly usage?: UsageDocument;
}

/** The VMs that the asker may see, by name. */
export interface VmListDocument {
  readonly vms: readonly VmDocument[];
}

/** What would be different if the VM were booted now. */
export interface ChangesDocument {
  readonly name: string;
  /** There is another spec than the one that runs: it takes effect at the next boot. */
  readonly isChanged: boolean;
  /** What bhyve is told otherwise. */
  readonly changes: readonly MachineChange[];
  /** What the guest notices. */
  readonly guest: readonly GuestChange[];
  /** What is wrong with the file as it is now: what was accepted before holds. */
  readonly problems: readonly Problem[];
}

/** Why a VM is in the state that it is in. */
export interface WhyDocument {
  readonly name: string;
  readonly state: VmState;
  /** Those that it waits for. */
  readonly waitsFor: readonly string[];
  /** The cause, what shows it, and what to do. */
  readonly why?: Explanation;
  readonly last?: LastEnd;
  readonly problems: readonly Problem[];
  /** What does not work beside the VM, and why. */
  readonly degraded: Readonly<Record<string, string>>;
}

/** What bhyve, its loader and its hooks wrote. */
export interface LogDocument {
  readonly name: string;
  /** The newest, oldest first. */
  readonly lines: readonly string[];
}

/** A spec that was looked at and not kept. */
export interface DraftDocument {
  /** It would be accepted. */
  readonly ok: boolean;
  readonly problems: readonly Problem[];
  /** With where each argument comes from; absent where it would not be accepted. */
  readonly plan?: PlanDocument;
}

/** Operations that the asker may see, newest first. */
export interface OperationListDocument {
  readonly operations: readonly Operation[];
}

/** Who asks. */
export interface AskerDocument {
  /** `socket`, or the name of a user. */
  readonly by: string;
  readonly via: 'socket' | 'token' | 'session' | 'nothing';
  /** Of the user. */
  readonly grants: readonly Grant[];
}

export interface UserListDocument {
  readonly users: readonly UserView[];
}

export interface TokenListDocument {
  readonly tokens: readonly TokenView[];
}

/** A token that was made just now. */
export interface NewTokenDocument extends TokenView {
  /** Nobody can see it again. */
  readonly token: string;
}

export interface GroupListDocument {
  /** Paths, `root` first. */
  readonly groups: readonly string[];
}
