import type { Problem } from '../base/problem.js';
import { ProblemsError } from '../base/problem.js';
import type { Child } from '../host/child.js';
import { removeTrace, tracesOf, type Trace } from '../host/ephemeral.js';
import { systemHost, type Host } from '../host/host.js';
import type { HostFinding } from '../host/findings.js';
import { openLedger, type Ledger } from '../host/ledger.js';
import { takePidFile, type PidFile } from '../host/pid-file.js';
import { processStart } from '../host/process-identity.js';
import type { RunState } from '../host/run-directory.js';
import { rememberTerminal } from '../host/terminal.js';
import { differences } from '../machine/difference.js';
import type { Machine } from '../machine/machine.js';
import { plan, type PlanOptions } from '../machine/plan.js';
import type { EffectiveSpec, Spec } from '../spec/parse-spec.js';
import { defaultTarget } from '../spec/targets.js';
import { claim } from './claim.js';
import { eventStream, type RunEvent, type RunEventBody } from './events.js';
import { explain, type Explanation } from './explain.js';
import { nextStep, shortLifeMs, type RebootLimits, type StopReason } from './policy.js';
import { preflight } from './preflight.js';
import { readEnd, type RunEnd } from './run-end.js';

export interface RunOptions {
  /** First boot's target. Default: `default`. */
  readonly target?: string;
  /** The bhyve program, and words that go before its options. Default: `bhyve`. */
  readonly bhyve?: readonly string[];
  /** Words for bhyve, put after the spec's extra options. */
  readonly extraArguments?: readonly string[];
  readonly release?: PlanOptions['release'];
  /** Folder of the run directories; the VM's own is made in it. */
  readonly runBase: string;
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
  /** Whole lines of what bhyve writes to stderr. Default: kept for explanations, otherwise dropped. */
  readonly onStderr?: (text: string) => void;
  /** Whole lines of what hooks write. Default: dropped. */
  readonly onHookOutput?: (text: string) => void;
  /** Added to bhyve's environment. */
  readonly env?: Readonly<Record<string, string>>;
  readonly host?: Host;
}

/** How a run ended. */
export interface RunResult {
  /** How the last boot ended; undefined where the run was stopped before there was one. */
  readonly end: RunEnd | undefined;
  readonly because: StopReason;
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
  stop(): void;
  /**
   * How it ended. Rejects with ProblemsError (`host`, `in-use`, `cannot-create`) or StartError where bhyve was not
   * started; what the run had made is removed then too.
   */
  readonly result: Promise<RunResult>;
}

const hookTimeoutMs = 30_000;
/** bhyvectl --force-poweroff acts at once; only a bhyve that hangs in the kernel does not follow. */
const forcedPowerOffMs = 3000;

/** Runs a VM: boots it, boots it again as its policy says, and removes what it left. */
export function run(spec: Spec, options: RunOptions): Run {
  const events = eventStream();
  const stopping = new AbortController();
  const hurrying = new AbortController();
  const result = supervise(spec, options, events.push, stopping.signal, hurrying.signal).finally(events.end);
  // A caller that only reads events must not be killed by an unhandled rejection; `result` still rejects.
  result.catch(() => undefined);
  return {
    events,
    stop() {
      if (stopping.signal.aborted) hurrying.abort();
      stopping.abort();
    },
    result,
  };
}

async function supervise(
  spec: Spec,
  options: RunOptions,
  push: (event: RunEvent) => void,
  stopSignal: AbortSignal,
  hurrySignal: AbortSignal,
): Promise<RunResult> {
  const { host = systemHost(), limits = {} } = options;
  const { clock } = host;
  const emit = (body: RunEventBody): void => {
    push({ time: clock.now().toISOString(), monotonicMs: clock.monotonicMs(), ...body });
  };
  const firstTarget = options.target ?? defaultTarget;
  const first = planned(spec, spec.effective(firstTarget), options, {});
  const directory = await claim(spec.name, {
    host,
    base: options.runBase,
    force: options.force ?? false,
    stopTimeoutMs: first.policy.stopTimeoutMs,
  });
  const since = clock.now().toISOString();
  const leftBehind: Problem[] = [];
  const hooks = hookRunner(host, options, emit);
  let ledger: Ledger | undefined;
  let supervisorPid: PidFile | undefined;
  let bhyvePid: PidFile | undefined;
  let boots = 0;
  let outcome: StopReason | 'error' = 'error';

  /** Removes one thing, tells it, and goes on whatever happens. */
  async function cleanUp(
    what: CleanupName,
    name: string,
    remove: () => Promise<string | undefined> | string | undefined,
  ) {
    let error: string | undefined;
    try {
      error = await remove();
    } catch (cause) {
      error = cause instanceof Error ? cause.message : String(cause);
    }
    emit({ kind: 'cleanup', what, name, ...(error === undefined ? {} : { error }) });
    if (error !== undefined) leftBehind.push(notRemoved(what, name, error));
  }

  const saveState = (more: Partial<RunState> = {}): void => {
    directory.saveState({ version: 1, name: spec.name, supervisor: host.pid, since, ...more });
  };

  /** One life of bhyve, from the check to the end of its process and its traces. */
  async function boot(machine: Machine, changes: ReturnType<typeof differences>): Promise<BootResult> {
    const command = [...(options.bhyve ?? ['bhyve']), ...machine.argv];
    if (machine.privateConfig !== undefined) directory.write(privateConfigName, machine.privateConfig.content);
    const before = tracesOf(machine.ephemerals);
    const restoreTerminal = machine.usesStdio ? rememberTerminal(0) : () => undefined;
    const ended = new AbortController();
    let child: Child | undefined;
    try {
      child = await host.spawn(command, {
        stdin: machine.usesStdio ? 'inherit' : 'ignore',
        stdout: machine.usesStdio ? 1 : 2,
        ownSession: !machine.usesStdio,
        env: { ...options.env, VMRUN_NAME: machine.name, VMRUN_TARGET: machine.target, VMRUN_BOOT: String(boots + 1) },
        onStderr: options.onStderr ?? (() => undefined),
      });
      boots += 1;
      const { pid } = child;
      const startedMs = clock.monotonicMs();
      emit({ kind: 'boot', boot: boots, target: machine.target, pid, command, changes });
      bhyvePid?.write(pid);
      const state = { target: machine.target, boot: boots, bhyve: { pid } };
      saveState(state);
      // Not waited for: it costs a process on some systems, and only the next run needs it.
      const identified = processStart(pid, host.run).then((start) => {
        if (start !== undefined && !ended.signal.aborted) saveState({ ...state, bhyve: { pid, start } });
      });
      const stopped = stopWhenAsked(child, machine, ended.signal);
      hooks.postStart(machine, boots, pid, ended.signal);
      const processEnd = await child.ended;
      ended.abort();
      await Promise.all([stopped, identified]);
      const end = readEnd(processEnd, child.stderrTail());
      const aliveMs = clock.monotonicMs() - startedMs;
      const isStopped = stopSignal.aborted;
      const why =
        end.kind === 'failed' || (end.kind === 'killed' && !isStopped) ? explain(child.stderrTail()) : undefined;
      emit({ kind: 'exit', boot: boots, end, aliveMs, ...(why === undefined ? {} : { why }) });
      return { end, aliveMs, ...(why === undefined ? {} : { why }) };
    } finally {
      ended.abort();
      restoreTerminal();
      bhyvePid?.clear();
      if (child !== undefined) await removeTraces(machine, before);
      if (machine.privateConfig !== undefined) directory.remove(privateConfigName);
    }
  }

  /** What bhyve leaves on every exit: its sockets, and the VM with its memory. */
  async function removeTraces(machine: Machine, before: readonly Trace[]): Promise<void> {
    const isNew = (trace: Trace): boolean =>
      !before.some(
        ({ path, device, inode }) => path === trace.path && device === trace.device && inode === trace.inode,
      );
    for (const trace of tracesOf(machine.ephemerals).filter(isNew)) {
      await cleanUp('socket', trace.path, () => {
        const removal = removeTrace(trace);
        return typeof removal === 'object' ? removal.error : undefined;
      });
    }
    if (!host.vmm.exists(machine.name)) return;
    await cleanUp('vm', machine.name, async () =>
      (await host.vmm.destroy(machine.name)) ? undefined : `/dev/vmm/${machine.name} is still there`,
    );
  }

  async function stopWhenAsked(child: Child, machine: Machine, ended: AbortSignal): Promise<void> {
    await aborted(AbortSignal.any([stopSignal, ended]));
    const { stopTimeoutMs } = machine.policy;
    const waitFor = async (ms: number, cut: AbortSignal): Promise<void> => {
      await clock.sleep(ms, AbortSignal.any([ended, cut]));
    };
    if (ended.aborted) return;
    emit({ kind: 'stopping', how: 'power button', timeoutMs: stopTimeoutMs });
    child.kill('SIGTERM');
    await waitFor(stopTimeoutMs, hurrySignal);
    if (ended.aborted) return;
    if (host.vmm.exists(machine.name)) {
      emit({ kind: 'stopping', how: 'forced power-off', timeoutMs: forcedPowerOffMs });
      await host.vmm.forcePowerOff(machine.name);
      await waitFor(forcedPowerOffMs, ended);
      if (ended.aborted) return;
    }
    emit({ kind: 'stopping', how: 'kill', timeoutMs: 0 });
    child.kill('SIGKILL');
  }

  async function bootLoop(): Promise<RunResult> {
    let target = firstTarget;
    let previous: Machine | undefined;
    let last: BootResult | undefined;
    let shortLives = 0;
    const reboots: number[] = [];
    const finish = (because: StopReason): RunResult => {
      outcome = because;
      return {
        end: last?.end,
        because,
        boots,
        leftBehind,
        ...(last?.why === undefined ? {} : { why: last.why }),
      };
    };
    for (;;) {
      const machine = await readyMachine(target);
      if (stopSignal.aborted) return finish('asked');
      last = await boot(machine, previous === undefined ? [] : differences(previous, machine));
      previous = machine;
      if (stopSignal.aborted) return finish('asked');
      const step = nextStep(last.end, target, machine.policy, limits, {
        nowMs: clock.monotonicMs(),
        aliveMs: last.aliveMs,
        reboots,
        shortLives,
      });
      if (step.do === 'stop' || (options.panicOnFailedCleanup === true && leftBehind.length > 0)) {
        return finish(step.do === 'stop' ? step.because : 'guest');
      }
      shortLives = last.aliveMs < shortLifeMs ? shortLives + 1 : 0;
      reboots.push(clock.monotonicMs());
      ({ target } = step);
      emit({ kind: 'reboot', boot: boots + 1, target, reason: step.reason, delayMs: step.delayMs });
      if (step.delayMs > 0) await clock.sleep(step.delayMs, stopSignal);
      if (stopSignal.aborted) return finish('asked');
    }
  }

  /** The machine of a target, on a host that was looked at; planned again with what the host told. */
  async function readyMachine(target: string): Promise<Machine> {
    const effective = spec.effective(target);
    const paths = { privateConfigPath: directory.file(privateConfigName) };
    const machine = planned(spec, effective, options, paths);
    if (options.check === false || ledger === undefined) return machine;
    const { mayFix } = options;
    const ready = await preflight(machine, { run: host.run, ledger, ...(mayFix === undefined ? {} : { mayFix }) });
    for (const problem of ready.warnings) emit({ kind: 'warning', problem });
    return ready.hostCards.size === 0
      ? machine
      : planned(spec, effective, options, { ...paths, hostCards: ready.hostCards });
  }

  try {
    saveState();
    if (options.check !== false) {
      ledger = await openLedger(directory.file('ledger'));
      // What a run that crashed had changed on the host is taken back before anything else is.
      for (const problem of await ledger.undoAll({ run: host.run })) emit({ kind: 'warning', problem });
    }
    if (options.supervisorPidFile !== undefined) {
      supervisorPid = await createPidFile(spec.name, options.supervisorPidFile);
      supervisorPid.write(host.pid);
    }
    if (options.pidFile !== undefined) bhyvePid = await createPidFile(spec.name, options.pidFile);
    return await bootLoop();
  } finally {
    await hooks.end();
    for (const problem of (await ledger?.undoAll({ run: host.run })) ?? []) {
      emit({ kind: 'warning', problem });
      leftBehind.push(problem);
    }
    for (const file of [bhyvePid, supervisorPid]) {
      if (file !== undefined) await cleanUp('pid file', file.path, () => file.remove().then(() => undefined));
    }
    await cleanUp('run directory', directory.path, () => directory.release().then(() => undefined));
    emit({ kind: 'stop', because: outcome, boots });
  }
}

const privateConfigName = 'bhyve.conf';

type CleanupName = Extract<RunEventBody, { readonly kind: 'cleanup' }>['what'];

interface BootResult {
  readonly end: RunEnd;
  readonly aliveMs: number;
  readonly why?: Explanation;
}

/** The spec has been checked for every target when it was loaded, so a plan that fails is a mistake of the caller. */
function planned(spec: Spec, effective: EffectiveSpec, options: RunOptions, more: PlanOptions): Machine {
  const result = plan(spec, effective.target, {
    ...(options.release === undefined ? {} : { release: options.release }),
    ...(options.extraArguments === undefined ? {} : { extraArguments: options.extraArguments }),
    ...more,
  });
  if (!result.ok) throw new ProblemsError('spec', spec.source, result.problems);
  return result.value;
}

const notRemoved = (what: string, name: string, error: string): Problem => ({
  code: 'cleanup-failed',
  severity: 'warning',
  message: `the ${what} ${name} could not be removed: ${error}`,
  fix: 'remove it by hand',
});

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

const aborted = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else {
      signal.addEventListener(
        'abort',
        () => {
          resolve();
        },
        { once: true },
      );
    }
  });

/** Hooks run beside the VM: a slow one delays nothing, and none outlives the run. */
function hookRunner(host: Host, options: RunOptions, emit: (body: RunEventBody) => void) {
  const over = new AbortController();
  const running = new Set<Promise<void>>();

  async function runPostStart(machine: Machine, boot: number, pid: number, ended: AbortSignal): Promise<void> {
    const { postStart } = machine.policy;
    if (postStart === undefined) return;
    await host.vmm.appears(machine.name, AbortSignal.any([ended, over.signal]));
    if (ended.aborted || over.signal.aborted) return;
    emit({ kind: 'hook', hook: 'post_start', boot, state: 'started' });
    const end = await host.runHook(postStart, {
      env: {
        VMRUN_NAME: machine.name,
        VMRUN_PID: String(pid),
        VMRUN_TARGET: machine.target,
        VMRUN_BOOT: String(boot),
      },
      timeoutMs: hookTimeoutMs,
      clock: host.clock,
      signal: over.signal,
      onOutput: options.onHookOutput ?? (() => undefined),
    });
    emit({ kind: 'hook', hook: 'post_start', boot, state: 'ended', end });
  }

  return {
    postStart(machine: Machine, boot: number, pid: number, ended: AbortSignal): void {
      const hook = runPostStart(machine, boot, pid, ended).finally(() => running.delete(hook));
      running.add(hook);
    },
    async end(): Promise<void> {
      over.abort();
      await Promise.all(running);
    },
  };
}
