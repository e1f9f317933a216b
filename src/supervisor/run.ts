import { ProblemsError } from '../base/problem.js';
import type { Problem } from '../base/problem.js';
import { systemHost, type Host } from '../host/host.js';
import type { HostFinding } from '../host/findings.js';
import { openLedger, type Ledger } from '../host/ledger.js';
import { takePidFile, type PidFile } from '../host/pid-file.js';
import { systemRunBase } from '../host/run-base.js';
import { differences } from '../machine/difference.js';
import type { Platform } from '../devices/device.js';
import { deviceMapName, type LoaderPrograms } from '../machine/loader.js';
import type { Machine } from '../machine/machine.js';
import { plan, privateConfigName, type PlanOptions } from '../machine/plan.js';
import type { Spec } from '../spec/parse-spec.js';
import { defaultTarget } from '../spec/targets.js';
import { bootOnce } from './boot.js';
import { claim } from './claim.js';
import { makeCleaner } from './cleanup.js';
import { eventStream, type Emit, type RunEvent } from './events.js';
import type { Explanation } from './explain.js';
import { makeHooks } from './hooks.js';
import { nextStep, shortLifeMs, type RebootLimits, type StopReason } from './policy.js';
import { preflight, refuseUnloaded } from './preflight.js';
import type { RunEnd } from './run-end.js';
import type { BootResult, Session } from './session.js';
import type { StopSignals } from './stop.js';

type Environment = Readonly<Record<string, string>>;

export interface RunOptions {
  /** First boot's target. Default: `default`. */
  readonly target?: string;
  /** The bhyve program, and words that go before its options. Default: `bhyve`. */
  readonly bhyve?: readonly string[];
  /** The same for bhyveload and grub-bhyve. Default: themselves, found in PATH. */
  readonly loaders?: LoaderPrograms;
  /** Words for bhyve, put after the spec's extra options. */
  readonly extraArguments?: readonly string[];
  /** What the command is written for where the spec does not say. Default: those of this host. */
  readonly platform?: Partial<Platform>;
  /** Folder of the run directories; the VM's own is made in it. Default: /var/run/vmrun for root, else the user's. */
  readonly runBase?: string;
  /** Look whether the host can run the machine, before each boot. Default: true. */
  readonly check?: boolean;
  /** Whether a fix may be applied that the spec does not allow by itself. Default: it may not. */
  readonly mayFix?: (finding: HostFinding) => boolean | Promise<boolean>;
  /** End and destroy what an earlier run left. Default: false. */
  readonly force?: boolean;
  readonly limits?: RebootLimits;
  /** Pid file of bhyve. */
  readonly pidFile?: string;
  /** Pid file of this process. */
  readonly supervisorPidFile?: string;
  /** Stop, and fail, when something that the run made cannot be removed. Default: false, a warning. */
  readonly panicOnFailedCleanup?: boolean;
  /**
   * Whole lines of what bhyve writes to stderr, and its loader anywhere but to the guest's console. Default: kept for
   * explanations, otherwise dropped.
   */
  readonly onStderr?: (text: string) => void;
  /** Whole lines of what hooks write. Default: dropped. */
  readonly onHookOutput?: (text: string) => void;
  /** Added to the environment of bhyve and its loader; or what makes it for the machine of a boot. */
  readonly env?: Environment | ((machine: Machine) => Environment);
  readonly host?: Host;
}

/** How a run ended. */
export interface RunResult {
  /** How the last boot ended; undefined where the run was stopped before there was one. */
  readonly end: RunEnd | undefined;
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
  /** What happens, in order, for one reader. */
  readonly events: AsyncIterable<RunEvent>;
  /**
   * Asks the guest to power off, and no boot follows; after the spec's `stop_timeout` it is ended by force. The second
   * call does not wait any longer.
   */
  readonly stop: () => void;
  /**
   * How it ended. Rejects with ProblemsError (`host`, `in-use`, `cannot-create`) or StartError where bhyve was not
   * started; what the run had made is removed then too.
   */
  readonly result: Promise<RunResult>;
}

/** Runs a VM: boots it, boots it again as its policy says, and removes what it left. */
export function run(spec: Spec, options: RunOptions): Run {
  const host = options.host ?? systemHost();
  const events = eventStream();
  const stopping = new AbortController();
  const hurrying = new AbortController();
  const emit: Emit = (body) => {
    events.push({ time: host.clock.now().toISOString(), monotonicMs: host.clock.monotonicMs(), ...body });
  };
  const signals = { stop: stopping.signal, hurry: hurrying.signal };
  const platform = options.platform ?? host.platform;
  const result = supervise(spec, { ...options, platform }, host, emit, signals).finally(events.end);
  // A caller that only reads events must not be killed by an unhandled rejection; `result` still rejects.
  result.catch(() => undefined);
  return {
    events,
    stop: () => {
      if (stopping.signal.aborted) hurrying.abort();
      stopping.abort();
    },
    result,
  };
}

/** From the claim of the name to the last cleanup, on every way out. */
async function supervise(
  spec: Spec,
  options: RunOptions,
  host: Host,
  emit: Emit,
  signals: StopSignals,
): Promise<RunResult> {
  const { policy, isLoadedByOthers } = planned(spec, options.target ?? defaultTarget, options, {});
  const directory = await claim(spec.name, {
    host,
    base: options.runBase ?? systemRunBase(),
    force: options.force ?? false,
    stopTimeoutMs: policy.stopTimeoutMs,
    isLoadedByOthers,
  });
  const cleaner = makeCleaner(emit);
  const hooks = makeHooks(host, emit, options.onHookOutput ?? ignore);
  const since = host.clock.now().toISOString();
  const saveState: Session['saveState'] = (more) => {
    directory.saveState({ version: 1, name: spec.name, supervisor: host.pid, since, ...more });
  };
  const pidFiles: PidFile[] = [];
  const makePidFile = async (path: string | undefined): Promise<PidFile | undefined> => {
    if (path === undefined) return undefined;
    const file = await createPidFile(spec.name, path);
    pidFiles.push(file);
    return file;
  };
  let ledger: Ledger | undefined;
  let result: RunResult | undefined;
  try {
    // Of a run that was killed.
    for (const name of [privateConfigName, deviceMapName]) directory.remove(name);
    saveState({});
    if (options.check !== false) {
      ledger = await openLedger(directory.file('ledger'));
      // What a run that crashed had changed on the host is taken back before anything else is.
      for (const problem of await ledger.undoAll({ run: host.run })) emit({ kind: 'warning', problem });
    }
    (await makePidFile(options.supervisorPidFile))?.write(host.pid);
    const pidFile = await makePidFile(options.pidFile);
    const { bhyve = ['bhyve'], loaders = {}, env = {}, onStderr = ignore } = options;
    const shared = { host, emit, signals, cleaner, hooks, directory, pidFile, bhyve, loaders, onStderr, saveState };
    const session: Session = { ...shared, env: typeof env === 'function' ? env : () => env };
    result = await bootLoop(spec, options, session, ledger);
    return result;
  } finally {
    await hooks.end();
    if (ledger !== undefined) cleaner.addLeftBehind(await ledger.undoAll({ run: host.run }));
    for (const file of pidFiles.reverse()) {
      await cleaner.remove('pid file', file.path, () => file.remove().then(ignore));
    }
    await cleaner.remove('run directory', directory.path, () => directory.release().then(ignore));
    emit({ kind: 'stop', because: result?.because ?? 'error', boots: result?.boots ?? 0 });
  }
}

/** Boots, decides, boots again, until the policy or a stop ends it. */
async function bootLoop(
  spec: Spec,
  options: RunOptions,
  session: Session,
  ledger: Ledger | undefined,
): Promise<RunResult> {
  const { host, emit, signals, cleaner } = session;
  const reboots: number[] = [];
  let target = options.target ?? defaultTarget;
  let previous: Machine | undefined;
  let last: BootResult | undefined;
  let shortLives = 0;
  let boots = 0;
  const isStopping = (): boolean => signals.stop.aborted;
  const finish = (because: StopReason): RunResult => ({
    end: last?.end,
    because,
    boots,
    leftBehind: cleaner.leftBehind,
    ...(last?.why === undefined ? {} : { why: last.why }),
  });
  for (;;) {
    const machine = await readyMachine(spec, target, options, session, ledger);
    if (isStopping()) return finish('asked');
    const changes = previous === undefined ? [] : differences(previous, machine);
    const booted = await bootOnce(session, machine, boots + 1, changes);
    if (booted === undefined) return finish('asked');
    boots += 1;
    last = booted;
    previous = machine;
    if (isStopping()) return finish('asked');
    const nowMs = host.clock.monotonicMs();
    const history = { nowMs, aliveMs: last.aliveMs, reboots, shortLives };
    const step = nextStep(last.end, target, machine.policy, options.limits ?? {}, history);
    if (step.do === 'stop') return finish(step.because);
    if (options.panicOnFailedCleanup === true && cleaner.leftBehind.length > 0) return finish('left-behind');
    shortLives = last.aliveMs < shortLifeMs ? shortLives + 1 : 0;
    reboots.push(nowMs);
    ({ target } = step);
    emit({ kind: 'reboot', boot: boots + 1, target, reason: step.reason, delayMs: step.delayMs });
    if (step.delayMs > 0) await host.clock.sleep(step.delayMs, signals.stop);
    if (isStopping()) return finish('asked');
  }
}

/** The machine of a target, on a host that was looked at; planned again with what the host told. */
async function readyMachine(
  spec: Spec,
  target: string,
  options: RunOptions,
  { host, emit, directory }: Session,
  ledger: Ledger | undefined,
): Promise<Machine> {
  const paths = { runDirectory: directory.path };
  const machine = planned(spec, target, options, paths);
  refuseUnloaded(machine, host);
  if (ledger === undefined) return machine;
  const { mayFix } = options;
  const ready = await preflight(machine, { run: host.run, ledger, ...(mayFix === undefined ? {} : { mayFix }) });
  for (const problem of ready.warnings) emit({ kind: 'warning', problem });
  return ready.hostCards.size === 0
    ? machine
    : planned(spec, target, options, { ...paths, hostCards: ready.hostCards });
}

const ignore = (): undefined => undefined;

/** The spec has been checked for every target when it was loaded, so a plan that fails is a mistake of the caller. */
function planned(spec: Spec, target: string, options: RunOptions, more: PlanOptions): Machine {
  const result = plan(spec, target, {
    ...options.platform,
    ...(options.extraArguments === undefined ? {} : { extraArguments: options.extraArguments }),
    ...more,
  });
  if (!result.ok) throw new ProblemsError('spec', spec.source, result.problems);
  return result.value;
}

async function createPidFile(vm: string, path: string): Promise<PidFile> {
  const refuse = (message: string, fix: string): ProblemsError =>
    new ProblemsError('cannot-create', vm, [{ code: 'pid-file', severity: 'error', message, fix }]);
  let file;
  try {
    file = await takePidFile(path);
  } catch (error) {
    throw refuse(
      `the pid file ${path} cannot be made: ${error instanceof Error ? error.message : String(error)}`,
      'choose another path',
    );
  }
  if (!('heldBy' in file)) return file;
  throw refuse(`the pid file ${path} belongs to process ${file.heldBy}`, 'stop that one, or choose another path');
}
