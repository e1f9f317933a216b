import type { Problem } from '../base/problem.js';
import type { Platform } from '../devices/device.js';
import type { HostFinding } from '../host/look/findings.js';
import type { Host } from '../host/host.js';
import type { RunState } from '../host/run-directory/run-state.js';
import type { LoaderPrograms } from '../machine/loader.js';
import type { Identity } from '../machine/identity.js';
import type { Loader, Machine } from '../machine/machine.js';
import type { Spec } from '../spec/parse-spec.js';
import type { SubscribeOptions, Subscription } from './event-stream.js';
import type { HookName, RunEvent } from './events.js';
import type { Explanation } from '../explain/rule.js';
import type { RebootLimits, StopReason } from './policy.js';
import type { RunEnd } from '../explain/run-end.js';
import type { RequestOutcome, RunRequest } from './requests.js';
import type { RunConsole } from './console.js';

type Environment = Readonly<Record<string, string>>;

/** How a VM is run. All but what its user must decide has a default. */
export interface RunOptions {
  /** First boot's target. Default: `default`. */
  readonly target?: string | undefined;
  /**
   * A machine of the spec that the caller has planned already, for these options and this run directory, so that its first
   * boot is not planned again. Default: none; a function that gives specs has none either.
   */
  readonly planned?: Machine | undefined;
  /** The bhyve program, and words that go before its options. Default: `bhyve`. */
  readonly bhyve?: readonly string[] | undefined;
  /** The same for bhyveload and grub-bhyve. Default: themselves, found in PATH. */
  readonly loaders?: LoaderPrograms | undefined;
  /**
   * What a lock file keeps: slots, and what else the guest knows its machine by. Or a function that gives it for each spec
   * that is taken from a source. Default: nothing is kept.
   */
  readonly identity?: Identity | ((spec: Spec) => Identity | undefined) | undefined;
  /** Words for bhyve, put after the spec's extra options. */
  readonly extraArguments?: readonly string[] | undefined;
  /** What the command is written for where the spec does not say. Default: those of this host. */
  readonly platform?: Partial<Platform> | undefined;
  /** Folder of the run directories; the VM's own is made in it. Default: /var/run/vmrun for root, else the user's. */
  readonly runBase?: string | undefined;
  /** Look whether the host can run the machine, before each boot. Default: true. */
  readonly check?: boolean | undefined;
  /**
   * Whether a fix may be applied that the spec does not allow by itself. Default: it may not. Nobody waits for the answer
   * any more when the signal is aborted: a stop was asked for.
   */
  readonly mayFix?: ((finding: HostFinding, signal: AbortSignal) => boolean | Promise<boolean>) | undefined;
  /** End and destroy what an earlier run left. Default: false. */
  readonly force?: boolean | undefined;
  /**
   * Take over a bhyve whose supervisor was killed, with the target and the number of its boot; where there is none, boot
   * as usual. Default: false, it is an error (`in-use`).
   */
  readonly adopt?: boolean | undefined;
  /** Over the spec: what may boot again, and how often. Default: the spec alone decides. */
  readonly limits?: RebootLimits | undefined;
  /**
   * UNIX socket of the manager that this process is, which runs VMs beside this one: who wants the VM stopped asks it there,
   * and does not signal this process. It stands in the lock and in the state file. Default: a stop is a signal.
   */
  readonly managedBy?: string | undefined;
  /**
   * Keep the spec that boots in the run directory, mode 0600, so that who takes the VM over knows what it runs with:
   * `readKeptSpec`. Default: false.
   */
  readonly keepSpec?: boolean | undefined;
  /**
   * Serve a guest's console on stdio as `"com1": "console"` is served: this process has no terminal for it, or may end before
   * the VM does, whose bhyve would go on to hold its standard input and output. Default: bhyve inherits both.
   */
  readonly servesStdio?: boolean | undefined;
  /** Pid file of bhyve. */
  readonly pidFile?: string | undefined;
  /** Pid file of this process. */
  readonly supervisorPidFile?: string | undefined;
  /** Stop, and fail, when something that the run made cannot be removed. Default: false, a warning. */
  readonly panicOnFailedCleanup?: boolean | undefined;
  /**
   * Whole lines of what bhyve writes to stderr, and its loader anywhere but to the guest's console, and who of the two.
   * Default: kept for explanations, otherwise dropped.
   */
  readonly onStderr?: ((text: string, program: 'bhyve' | Loader['kind']) => void) | undefined;
  /**
   * Gets what the guest writes to its console, where vmrun serves it, or in place of this process's standard output where
   * it is stdio. Default: `Run.console` alone, or bhyve inherits standard output.
   */
  readonly onConsole?: ((bytes: Uint8Array) => void) | undefined;
  /** Whole lines of what hooks write, and which of them. Default: dropped. */
  readonly onHookOutput?: ((text: string, hook: HookName) => void) | undefined;
  /**
   * Called when no boot follows, before anything that the run made is removed: what is written down then is known also
   * where this process is killed over it. Default: nothing is done.
   */
  readonly beforeEnd?: ((result: RunResult) => void) | undefined;
  /** Added to the environment of bhyve and its loader; or what makes it for the machine of a boot. */
  readonly env?: Environment | ((machine: Machine) => Environment) | undefined;
  /** The machine to run on. Default: this one, `systemHost()`. */
  readonly host?: Host | undefined;
}

/** How a run ended. */
export interface RunResult {
  /** How the last boot ended; undefined where the run was stopped before there was one. */
  readonly end: RunEnd | undefined;
  /** Why no boot followed. */
  readonly because: StopReason;
  /** Those whose loader failed among them. */
  readonly boots: number;
  /** Why the last boot failed, where it did. */
  readonly why?: Explanation;
  /** Something that the run made is still there. */
  readonly leftBehind: readonly Problem[];
}

/** A VM that is being run. */
export interface Run {
  /** What happens, in order; each loop over it is a reader of its own, as by `subscribe()`. */
  readonly events: AsyncIterable<RunEvent>;
  /**
   * The same for a reader with a queue of its own, so that none takes an event from another and a slow one costs no more
   * than its bound. Each begins with the first event that is kept, of the newest 1000; also when the run is over. What a
   * reader does not get is told in its place by an event `lost`.
   * @throws RangeError where the bound is no whole number from 1 on
   */
  readonly subscribe: (options?: SubscribeOptions) => Subscription;
  /** The console that vmrun serves: `"com1": "console"`. Of another VM it is silent, and nobody types there. */
  readonly console: RunConsole;
  /**
   * Asks the guest to power off, and no boot follows; after the spec's `stop_timeout` it is ended by force. The second
   * call does not wait any longer.
   */
  readonly stop: () => void;
  /**
   * Asks for something while the run goes on: a stop with a time of its own, the power button, a reset, a pause, an NMI.
   * It never rejects, and answers when that is done, or why it is not; also where the VM ends meanwhile, or is over.
   */
  readonly request: (asked: RunRequest) => Promise<RequestOutcome>;
  /**
   * What the run is doing, as `state.json` holds it at this moment. Before that is there, the run is `starting`, without a
   * name where that is still to be asked for; when it is over, it is what the file said last.
   */
  readonly state: () => RunState;
  /**
   * Tells that something which the caller keeps beside the VM does not work, its log say, or with `undefined` that it
   * works again: in an event and in the state file, where others see it.
   */
  readonly degraded: (part: string, error: string | undefined) => void;
  /**
   * How it ended. Rejects with ProblemsError (`host`, `in-use`, `cannot-create`) or StartError where bhyve was not
   * started; what the run had made is removed then too.
   */
  readonly result: Promise<RunResult>;
}
