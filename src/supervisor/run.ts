import { ProblemsError, type Problem } from '../base/problem.js';
import type { Platform } from '../devices/device.js';
import type { HostFinding } from '../host/findings.js';
import { systemHost, type Host } from '../host/host.js';
import { openLedger, type Ledger } from '../host/ledger.js';
import { refuseWithoutBhyve } from '../host/no-bhyve.js';
import type { PidFile } from '../host/pid-file.js';
import { systemRunBase } from '../host/run-base.js';
import type { RunState } from '../host/run-state.js';
import { StartError } from '../host/start-error.js';
import type { LoaderPrograms } from '../machine/loader.js';
import type { Identity } from '../machine/identity.js';
import type { Loader, Machine } from '../machine/machine.js';
import type { Spec } from '../spec/parse-spec.js';
import { endLost, inheritedState, isKnown, refuseUnknownTarget } from './adopt.js';
import { bootLoop } from './boot-loop.js';
import { carefully } from './callbacks.js';
import { claim } from './claim.js';
import { consolePlace } from './console-place.js';
import { servedConsole, type RunConsole, type ServedConsole } from './console.js';
import { makeCleaner } from './cleanup.js';
import { eventStream, type SubscribeOptions, type Subscription } from './event-stream.js';
import type { Emit, HookName, Part, RunEvent } from './events.js';
import type { Explanation } from '../explain/rule.js';
import { makeHooks } from './hooks.js';
import { createPidFile } from './pid-files.js';
import { keepSecrets } from './private-text.js';
import type { RebootLimits, StopReason } from './policy.js';
import type { RunEnd } from '../explain/run-end.js';
import { removeLeftFiles, type Session } from './session.js';
import { specAtHand, type SpecSource } from './spec-source.js';
import { keepState, type StateKeeper } from './state-keeper.js';
import { takeRequests, type RequestOutcome, type RunRequest, type RunSignals } from './requests.js';

type Environment = Readonly<Record<string, string>>;

/** How a VM is run. All but what its user must decide has a default. */
export interface RunOptions {
  /** First boot's target. Default: `default`. */
  readonly target?: string;
  /** The bhyve program, and words that go before its options. Default: `bhyve`. */
  readonly bhyve?: readonly string[];
  /** The same for bhyveload and grub-bhyve. Default: themselves, found in PATH. */
  readonly loaders?: LoaderPrograms;
  /** What a lock file keeps: slots, and what else the guest knows its machine by. Default: nothing is kept. */
  readonly identity?: Identity | undefined;
  /** Words for bhyve, put after the spec's extra options. */
  readonly extraArguments?: readonly string[];
  /** What the command is written for where the spec does not say. Default: those of this host. */
  readonly platform?: Partial<Platform>;
  /** Folder of the run directories; the VM's own is made in it. Default: /var/run/vmrun for root, else the user's. */
  readonly runBase?: string;
  /** Look whether the host can run the machine, before each boot. Default: true. */
  readonly check?: boolean;
  /**
   * Whether a fix may be applied that the spec does not allow by itself. Default: it may not. Nobody waits for the answer
   * any more when the signal is aborted: a stop was asked for.
   */
  readonly mayFix?: (finding: HostFinding, signal: AbortSignal) => boolean | Promise<boolean>;
  /** End and destroy what an earlier run left. Default: false. */
  readonly force?: boolean;
  /**
   * Take over a bhyve whose supervisor was killed, with the target and the number of its boot; where there is none, boot
   * as usual. Default: false, it is an error (`in-use`).
   */
  readonly adopt?: boolean;
  /** Over the spec: what may boot again, and how often. Default: the spec alone decides. */
  readonly limits?: RebootLimits;
  /** Pid file of bhyve. */
  readonly pidFile?: string;
  /** Pid file of this process. */
  readonly supervisorPidFile?: string;
  /** Stop, and fail, when something that the run made cannot be removed. Default: false, a warning. */
  readonly panicOnFailedCleanup?: boolean;
  /**
   * Whole lines of what bhyve writes to stderr, and its loader anywhere but to the guest's console, and who of the two.
   * Default: kept for explanations, otherwise dropped.
   */
  readonly onStderr?: (text: string, program: 'bhyve' | Loader['kind']) => void;
  /**
   * Gets what the guest writes to its console, where vmrun serves it, or in place of this process's standard output where
   * it is stdio. Default: `Run.console` alone, or bhyve inherits standard output.
   */
  readonly onConsole?: (bytes: Uint8Array) => void;
  /** Whole lines of what hooks write, and which of them. Default: dropped. */
  readonly onHookOutput?: (text: string, hook: HookName) => void;
  /** Added to the environment of bhyve and its loader; or what makes it for the machine of a boot. */
  readonly env?: Environment | ((machine: Machine) => Environment);
  /** The machine to run on. Default: this one, `systemHost()`. */
  readonly host?: Host;
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

/**
 * Runs a VM: boots it, boots it again as its policy says, and removes what it left.
 * @param subject a spec; or a function that gives it, asked before each boot, so that a changed spec takes effect at the
 * next one; or one machine of it, planned for this run directory, which then knows no other target. What the function
 * throws at first rejects `result`. Later the last spec that has booted boots again, and `degraded` tells of a part
 * `spec`: where it throws, where its spec has another name, no target of that name, or cannot run on this host.
 */
export function run(subject: Spec | Machine | SpecSource, options: RunOptions): Run {
  const host = options.host ?? systemHost();
  const events = eventStream();
  const requests = takeRequests(host);
  let boots = 0;
  const emit: Emit = (body) => {
    if (body.kind === 'boot') boots += 1;
    events.push({ time: host.clock.now().toISOString(), monotonicMs: host.clock.monotonicMs(), ...body });
  };
  const { signals, request } = requests;
  const since = host.clock.now().toISOString();
  let isOver = false;
  const platform = options.platform ?? host.platform;
  const outside = new Map<Part, string>();
  let state: StateKeeper | undefined;
  const onState = (keeper: StateKeeper): void => {
    state = keeper;
    for (const [part, error] of outside) keeper.degraded(part, error);
  };
  const console = servedConsole();
  const edge = { host, emit, signals, onState, console };
  const result = tellEnd(supervise(subject, { ...options, platform }, edge), emit, () => boots).finally(() => {
    isOver = true;
    console.end();
    events.end();
  });
  // A caller that only reads events must not be killed by an unhandled rejection; `result` still rejects.
  result.then(
    () => {
      requests.end();
    },
    (error: unknown) => {
      requests.end(error instanceof ProblemsError && error.kind === 'in-use' ? error.problems[0] : undefined);
    },
  );
  return {
    events: { [Symbol.asyncIterator]: () => events.subscribe() },
    subscribe: events.subscribe,
    console,
    stop: () => {
      void request({ kind: 'stop', now: signals.stop.aborted });
    },
    request,
    state: () =>
      state?.current() ?? {
        ...{ version: 1, name: typeof subject === 'function' ? '' : subject.name, supervisor: host.pid, since },
        phase: isOver ? 'ending' : 'starting',
      },
    degraded: (part, error) => {
      if (error === undefined) outside.delete(part);
      else outside.set(part, error);
      state?.degraded(part, error);
    },
    result,
  };
}

/** The last event, whatever became of the run. @param boots how many bhyves were started */
async function tellEnd(supervised: Promise<RunResult>, emit: Emit, boots: () => number): Promise<RunResult> {
  try {
    const result = await supervised;
    emit({ kind: 'stop', because: result.because, boots: result.boots });
    return result;
  } catch (error) {
    emit({ kind: 'stop', because: 'error', boots: boots(), problems: problemsOf(error) });
    throw error;
  }
}

function problemsOf(error: unknown): readonly Problem[] {
  if (error instanceof ProblemsError) return error.problems;
  if (error instanceof StartError) return [error.problem];
  return [{ code: 'unexpected', severity: 'error', message: error instanceof Error ? error.message : String(error) }];
}

interface Edge {
  readonly host: Host;
  readonly emit: Emit;
  readonly signals: RunSignals;
  readonly onState: (keeper: StateKeeper) => void;
  readonly console: ServedConsole;
}

/** From the claim of the name to the last cleanup, on every way out. */
async function supervise(subject: Spec | Machine | SpecSource, options: RunOptions, edge: Edge): Promise<RunResult> {
  const { host, emit, signals, onState } = edge;
  if (options.bhyve === undefined) refuseWithoutBhyve();
  const { runBase = systemRunBase() } = options;
  const spec = await specAtHand(subject, options, { runBase, stop: signals.stop });
  if (spec === undefined) return { end: undefined, because: 'asked', boots: 0, leftBehind: [] };
  const { name, planned } = spec;
  const { policy, isLoadedByOthers } = planned(options.target, {});
  const { directory, orphan, lost, ...claimed } = await claim(name, {
    host,
    base: runBase,
    force: options.force ?? false,
    adopt: options.adopt ?? false,
    stopTimeoutMs: policy.stopTimeoutMs,
    isLoadedByOthers,
  });
  const begun = claimed.begun !== undefined && isKnown(planned, claimed.begun.target) ? claimed.begun : undefined;
  const since =
    (orphan === undefined && begun === undefined ? undefined : directory.leftState?.since) ??
    host.clock.now().toISOString();
  const own = { name, supervisor: host.pid, since };
  const inherited = orphan === undefined ? {} : inheritedState(orphan, directory.leftState);
  const state = keepState(directory, { ...inherited, ...own }, { clock: host.clock, emit });
  const cleaner = makeCleaner(emit);
  const callbacks = carefully(options, state);
  const hooks = makeHooks(host, emit, signals, callbacks.onHookOutput);
  const pidFiles: PidFile[] = [];
  const makePidFile = async (path: string | undefined): Promise<PidFile | undefined> => {
    if (path === undefined) return undefined;
    const file = await createPidFile(name, path);
    pidFiles.push(file);
    return file;
  };
  if (callbacks.onConsole !== undefined) edge.console.listen(callbacks.onConsole);
  const console = consolePlace({ directory, state, run: host.run }, edge.console);
  let ledger: Ledger | undefined;
  const adoption = orphan === undefined ? undefined : { orphan, isOver: false };
  try {
    if (orphan !== undefined) refuseUnknownTarget(planned, orphan, name);
    onState(state);
    // Of a run that was killed; what it started lives by them.
    if (orphan === undefined) removeLeftFiles({ directory, state });
    if (lost !== undefined) emit({ kind: 'warning', problem: endLost(lost) });
    state.update(orphan === undefined ? { phase: 'starting' } : {});
    if (options.check !== false) {
      ledger = await openLedger(directory.file('ledger'));
      // What a run that crashed had changed on the host is taken back before anything else is, unless its VM runs.
      const undone = orphan === undefined ? await ledger.undoAll({ run: host.run }) : [];
      for (const problem of undone) emit({ kind: 'warning', problem });
    }
    (await makePidFile(options.supervisorPidFile))?.write(host.pid);
    const pidFile = await makePidFile(options.pidFile);
    const { bhyve = ['bhyve'], loaders = {} } = options;
    const { onStderr, onConsole, env, mayFix } = callbacks;
    const secrets = keepSecrets(host.readSecret, state);
    const beside = { directory, state, secrets, pidFile, console };
    const shared = { host, emit, signals, cleaner, hooks, bhyve, loaders, ...beside };
    const session: Session = { ...shared, onStderr, onConsole, env };
    return await bootLoop({ spec, options, mayFix, session, ledger, adoption, begun });
  } finally {
    await hooks.end();
    // Where its bhyve still runs, the next run is to find everything.
    const isLeft = adoption?.isOver === false;
    if (ledger !== undefined && !isLeft) cleaner.addLeftBehind(await ledger.undoAll({ run: host.run }));
    for (const file of pidFiles.reverse()) {
      await cleaner.remove('pid file', file.path, () => {
        file.remove();
        return undefined;
      });
    }
    console.close();
    state.end();
    if (isLeft) directory.abandon();
    else await cleaner.remove('run directory', directory.path, () => directory.release());
  }
}
