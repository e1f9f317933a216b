import { errorWords } from '../base/error-words.js';
import { ProblemsError, type Problem } from '../base/problem.js';
import { systemHost, type Host } from '../host/host.js';
import { openLedger, type Ledger } from '../host/repair/ledger.js';
import { refuseWithoutBhyve } from '../host/look/no-bhyve.js';
import { noteFile } from '../host/run-directory/run-files.js';
import type { PidFile } from '../host/files/pid-file.js';
import { systemRunBase } from '../host/run-directory/run-base.js';
import { StartError } from '../host/process/start-error.js';
import type { Machine } from '../machine/machine.js';
import type { Spec } from '../spec/parse-spec.js';
import { endLost, inheritedState, isKnown, refuseUnknownTarget } from './adopt.js';
import { bootLoop } from './boot-loop.js';
import { carefully } from './callbacks.js';
import { claim } from './claim.js';
import { consolePlace } from './console-place.js';
import { servedConsole, type ServedConsole } from './console.js';
import { makeCleaner } from './cleanup.js';
import { eventStream } from './event-stream.js';
import type { Emit, Part } from './events.js';
import { makeHooks } from './hooks.js';
import { orphanKilled } from './name-in-use.js';
import { adoptWords } from './outputs.js';
import { createPidFile } from './pid-files.js';
import { keepSecrets } from './private-text.js';
import type { Run, RunOptions, RunResult } from './run-options.js';
import { removeLeftFiles, type Session } from './session.js';
import { specAtHand, type SpecSource } from './spec-source.js';
import { keepState, type StateKeeper } from './state-keeper.js';
import { takeRequests, type RunSignals } from './requests.js';
import { refuseUnknownOptions } from './unknown-options.js';

/**
 * Runs a VM: boots it, boots it again as its policy says, and removes what it left.
 * @param subject a spec; or a function that gives it, asked before each boot, so that a changed spec takes effect at the
 * next one; or one machine of it, planned for this run directory, which then knows no other target. What the function
 * throws at first rejects `result`. Later the last spec that has booted boots again, and `degraded` tells of a part
 * `spec`: where it throws, where its spec has another name, no target of that name, or cannot run on this host.
 * @throws TypeError for an option that there is not
 */
export function run(subject: Spec | Machine | SpecSource, options: RunOptions = {}): Run {
  refuseUnknownOptions(options);
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
  const console = servedConsole((attendance) => {
    emit({ kind: 'console', ...attendance });
  }, host.clock);
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
  return [{ code: 'unexpected', severity: 'error', message: errorWords(error) }];
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
  const { policy, isLoadedByOthers } = planned(options.target);
  const { directory, orphan, lost, ...claimed } = await claim(name, {
    host,
    base: runBase,
    force: options.force ?? false,
    adopt: options.adopt ?? false,
    stopTimeoutMs: policy.stopTimeoutMs,
    isLoadedByOthers,
    managedBy: options.managedBy,
    onForced: (_how, { pid }) => {
      emit({ kind: 'warning', problem: orphanKilled(pid, policy.stopTimeoutMs) });
    },
  });
  const begun = claimed.begun !== undefined && isKnown(planned, claimed.begun.target) ? claimed.begun : undefined;
  const since =
    (orphan === undefined && begun === undefined ? undefined : directory.leftState?.since) ??
    host.clock.now().toISOString();
  const { managedBy } = options;
  const own = { name, supervisor: host.pid, since, ...(managedBy === undefined ? {} : { managedBy }) };
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
  const console = consolePlace({ directory, state, run: host.run, clock: host.clock }, edge.console);
  let ledger: Ledger | undefined;
  const adoption = orphan === undefined ? undefined : { orphan, isOver: false };
  try {
    if (orphan !== undefined) refuseUnknownTarget(planned, orphan, name);
    onState(state);
    // Of a run that was killed; what it started lives by them.
    if (orphan === undefined) removeLeftFiles({ directory, state }, noteFile);
    state.update(orphan === undefined ? { phase: 'starting' } : {});
    // Nobody can find it any more, and tell it again.
    if (lost !== undefined && lost.told === undefined) emit({ kind: 'warning', problem: endLost(lost) });
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
    // What it said last may be all that there is to know of its end.
    if (lost !== undefined) await adoptWords(session).end();
    const result = await bootLoop({ spec, options, mayFix, session, ledger, adoption, begun });
    callbacks.beforeEnd(result);
    return result;
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
