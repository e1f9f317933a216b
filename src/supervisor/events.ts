import type { Problem } from '../base/problem.js';
import type { HookEnd } from '../host/process/hook.js';
import type { MachineChange } from '../machine/difference.js';
import type { Loader } from '../machine/machine.js';
import type { ExitReason } from '../fields/exits.js';
import type { Explanation } from '../explain/rule.js';
import type { Attendance } from './console.js';
import type { GuestAct } from './guest-act.js';
import type { LoadEnd } from './load-end.js';
import type { StopReason } from './policy.js';
import type { RunEnd } from '../explain/run-end.js';

/** The user's programs, by when they are run. */
export type HookName = 'pre_start' | 'post_start' | 'pre_reboot' | 'post_stop';

/** What can fail beside the VM: its state file, the start of a program, or what the caller names, e.g. its log. */
export type Part = string;

/** What happened, as it happened. `boot` counts from 1. */
export type RunEventBody =
  /** A loader has been started; bhyve follows when it is done. */
  | {
      readonly kind: 'loader';
      readonly boot: number;
      readonly state: 'started';
      readonly program: Loader['kind'];
      readonly pid: number;
      readonly command: readonly string[];
    }
  /** It has ended, or could not be started; where it has not loaded the guest, no bhyve is started in this boot. */
  | {
      readonly kind: 'loader';
      readonly boot: number;
      readonly state: 'ended';
      readonly program: Loader['kind'];
      readonly end: LoadEnd;
      readonly aliveMs: number;
      readonly why?: Explanation;
    }
  /** bhyve has been started. */
  | {
      readonly kind: 'boot';
      readonly boot: number;
      readonly target: string;
      readonly pid: number;
      readonly command: readonly string[];
      /** What differs from the boot before; empty for the first. */
      readonly changes: readonly MachineChange[];
    }
  /** A bhyve that a supervisor had left behind when it was killed is now watched by this run. */
  | { readonly kind: 'adopted'; readonly boot: number; readonly target: string; readonly pid: number }
  /** bhyve has ended; `why` where that was no doing of the guest or of us. */
  | {
      readonly kind: 'exit';
      readonly boot: number;
      readonly end: RunEnd;
      /** The spec's word for it, by which `reboot_on` and `next_target` go; absent where none fits. */
      readonly reason?: ExitReason;
      /** Absent where nobody knows when it has ended, or when it was started. */
      readonly aliveMs?: number;
      readonly why?: Explanation;
    }
  /** Another boot follows. */
  | {
      readonly kind: 'reboot';
      readonly boot: number;
      readonly target: string;
      readonly reason: ExitReason;
      readonly delayMs: number;
      /** The budget of `restart` is spent, and this is the target that `on_give_up` names. */
      readonly gaveUp?: true;
    }
  | { readonly kind: 'hook'; readonly hook: HookName; readonly boot: number; readonly state: 'started' }
  | {
      readonly kind: 'hook';
      readonly hook: HookName;
      readonly boot: number;
      readonly state: 'ended';
      readonly end: HookEnd;
    }
  /** Something that the run made was removed, or could not be. */
  | {
      readonly kind: 'cleanup';
      readonly what: 'socket' | 'vm' | 'pid file' | 'run directory';
      readonly name: string;
      readonly error?: string;
    }
  /** The host was fixed, or a fix was taken back; or neither worked. */
  | { readonly kind: 'warning'; readonly problem: Problem }
  /** A part of what surrounds the VM does not work: the VM is untouched, and the part is tried again. */
  | { readonly kind: 'degraded'; readonly part: Part; readonly error: string }
  | { readonly kind: 'recovered'; readonly part: Part }
  /**
   * Somebody has come to the console that vmrun serves, or has left it, or has the keyboard from now on. The keyboard is told
   * at most once a second, the last who has it always; so are coming and leaving after 40 in quick succession, with how
   * many before it were `untold`. Not told once the run is over.
   */
  | ({ readonly kind: 'console' } & Attendance)
  /** What the run was asked for was done to the guest; a reset and a power button have their own consequences. */
  | { readonly kind: 'request'; readonly boot: number; readonly what: GuestAct }
  /** A stop is on its way: how it is tried now. */
  | {
      readonly kind: 'stopping';
      readonly how: 'power button' | 'power button again' | 'forced power-off' | 'kill';
      /** How long the guest has before the next way is tried. */
      readonly timeoutMs: number;
    }
  /** In the place of events that a reader does not get: it was too slow, or came too late. */
  | { readonly kind: 'lost'; readonly count: number }
  /** The run is over: the last event; what made it fail where that is `error`. */
  | {
      readonly kind: 'stop';
      readonly because: StopReason | 'error';
      readonly boots: number;
      readonly problems?: readonly Problem[];
    };

/** When: ISO 8601 for people, monotonic milliseconds for intervals. */
interface EventTime {
  readonly time: string;
  readonly monotonicMs: number;
}

/** What happened to a run, and when. */
export type RunEvent = EventTime & RunEventBody;

/** Tells what happens; whoever takes it adds the time. */
export type Emit = (body: RunEventBody) => void;
