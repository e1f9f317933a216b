import path from 'node:path';
import { readLastLines } from '../base/bounded-file.js';
import { codeOf } from '../base/error-code.js';
import { errorWords } from '../base/error-words.js';
import { ProblemsError, type Problem } from '../base/problem.js';
import { quoteWord } from '../base/shell.js';
import type { Clock } from '../host/clock.js';
import { systemHost, type Host } from '../host/host.js';
import { systemRunBase } from '../host/run-directory/run-base.js';
import { openLedger } from '../host/repair/ledger.js';
import { lastWordsOf } from '../host/files/lock.js';
import { hasOpen } from '../host/process/open-files.js';
import { isStopped, stateOf } from '../host/process/process-identity.js';
import { endIn, type RunDirectory } from '../host/run-directory/run-directory.js';
import { endFile, forceIn, locksIn, managerIn, outputFiles, supervisorIn } from '../host/run-directory/run-files.js';
import { knownNames, whoRuns, type NameHolder } from '../host/run-directory/who-runs.js';
import type { Force, LastEnd, RunState } from '../host/run-directory/run-state.js';
import { signalProcess } from '../host/process/signal-process.js';
import { leaveStopNote } from '../host/run-directory/stop-note.js';
import { explainEnd } from '../explain/explain-end.js';
import { describeEnd, isUnexpected, readEnd, reasonOf, type RunEnd } from '../explain/run-end.js';
import { deviceMapName } from '../machine/loader.js';
import { privateConfigName } from '../machine/plan.js';
import { claim, type ClaimOptions } from './claim.js';
import { endedIn, orphanOf } from './orphan.js';

/** A VM that runs on this host, or what is left of one. */
export interface KnownRun {
  /** Of the VM. */
  readonly name: string;
  /**
   * `supervised`: all is well. `orphaned`: its bhyve goes on without its supervisor, which was killed. `left`: nothing
   * runs, but what a killed run has made is still there.
   */
  readonly status: 'supervised' | 'orphaned' | 'left';
  /** Of the bhyve, or of the loader before it. */
  readonly pid?: number;
  /** Of the supervisor; absent where that is gone. */
  readonly supervisor?: number;
  /** Socket of the manager that the supervisor is: it is asked for a stop, and not signalled. */
  readonly managedBy?: string;
  /** What the run told last; absent where its file cannot be read. */
  readonly state?: RunState;
  /** How its bhyve ended, which no supervisor has told yet: of one that is `left`. */
  readonly ended?: UntoldEnd;
}

/** The end of a bhyve whose supervisor was killed before. */
interface UntoldEnd extends Omit<LastEnd, 'at'> {
  /** ISO 8601; absent where nobody knows. */
  readonly at?: string;
  /** What became of the boot, for people: `powered off`. */
  readonly words: string;
}

/** Where runs are looked for. */
export interface RunsOptions {
  /** Folder of the run directories. Default: /var/run/vmrun for root, else the user's. */
  readonly runBase?: string;
  /** Default: this machine, `systemHost()`. */
  readonly host?: Host;
}

/** How runs are listed. */
export interface ListRunsOptions extends RunsOptions {
  /** Gets what cannot be looked at, another user's say, and the list is of the others. Default: nothing is listed then. */
  readonly onUnknown?: (name: string, error: unknown) => void;
}

/** The VMs that are run from a folder of run directories, by name. @throws the error of a failed system call */
export async function listRuns(options: ListRunsOptions = {}): Promise<readonly KnownRun[]> {
  const { runBase = systemRunBase(), host = systemHost(), onUnknown } = options;
  const known = knownNames(runBase).map(async (name) => {
    try {
      return await knownRun(name, whoRuns(runBase, name), host);
    } catch (error) {
      if (onUnknown === undefined) throw error;
      onUnknown(name, error);
      return undefined;
    }
  });
  return (await Promise.all(known)).filter((each) => each !== undefined);
}

/** The same of one name. @returns undefined where nothing runs and nothing is left. @throws the error of a failed system call */
export function listRun(name: string, options: RunsOptions = {}): Promise<KnownRun | undefined> {
  const { runBase = systemRunBase(), host = systemHost() } = options;
  return knownRun(name, whoRuns(runBase, name), host);
}

/** @returns undefined for a folder that is empty by now */
async function knownRun(name: string, holder: NameHolder, host: Host): Promise<KnownRun | undefined> {
  const { state, note, heldBy } = holder;
  if (heldBy !== undefined) {
    const supervisor = supervisorIn(heldBy);
    // One that has only begun has told nothing yet; what is there is of one that was killed.
    const own = state?.supervisor === supervisor ? state : undefined;
    const pid = own?.bhyve?.pid ?? own?.loader?.pid;
    const managedBy = managerIn(heldBy);
    return {
      name,
      status: 'supervised',
      ...(pid === undefined ? {} : { pid }),
      ...(supervisor === undefined ? {} : { supervisor }),
      ...(managedBy === undefined ? {} : { managedBy }),
      ...(own === undefined ? {} : { state: own }),
    };
  }
  const told = state === undefined ? {} : { state };
  const orphan = await orphanOf(holder, host.run);
  if (orphan !== undefined) {
    return { name, status: 'orphaned', ...(orphan === 'unknown' ? {} : { pid: orphan.pid }), ...told };
  }
  if (state === undefined && note === undefined) return undefined;
  const ended = untoldEnd(name, holder, host);
  return { name, status: 'left', ...told, ...(ended === undefined ? {} : { ended }) };
}

const tailBytes = 8192;

/** @returns undefined where no bhyve was left, or its end is told already */
function untoldEnd(name: string, { state, note, vmLock }: NameHolder, host: Host): UntoldEnd | undefined {
  const folder = path.dirname(vmLock);
  const found = endedIn({
    leftState: state,
    readNote: () => note,
    readEnd: (of) => endIn(path.join(folder, endFile), of),
  });
  if (found === undefined || found.told !== undefined) return undefined;
  const said = lastLines(path.join(folder, outputFiles.stderr));
  const isVmGone = host.vmm.isAvailable && state?.isMonitored !== true && !host.vmm.exists(name);
  const end: RunEnd = found.end === undefined ? { kind: 'unknown' } : readEnd(found.end.end, said, { isVmGone });
  const reason = reasonOf(end);
  return {
    boot: found.left.boot,
    ...(found.end === undefined ? {} : { at: new Date(found.end.atMs).toISOString() }),
    end: end.kind,
    words: describeEnd(end),
    ...(reason === undefined ? {} : { reason }),
    ...(isUnexpected(end, false) ? { why: explainEnd(end, said) } : {}),
  };
}

function lastLines(file: string): string {
  try {
    return readLastLines(file, tailBytes).join('\n');
  } catch {
    return ''; // it has said nothing that is there
  }
}

/** How a VM is stopped. */
export interface StopRunOptions extends RunsOptions {
  /** How long the guest may take to power off, in milliseconds. Default: the `stop_timeout` of its spec. */
  readonly timeoutMs?: number | undefined;
  /** Do not wait for the guest. Default: false. */
  readonly now?: boolean;
  /**
   * Asks the manager that runs the VM to stop it, over its socket, and resolves when it is stopped; what it throws, the stop
   * throws. Default: a VM of a manager's is not stopped (`managed`).
   */
  readonly askManager?: (socket: string, name: string, how: ManagerStop) => Promise<void>;
  /** Called once it is known what is asked to stop; again where its supervisor is killed meanwhile. */
  readonly onStopping?: (run: KnownRun) => void;
  /** Called once, after two seconds, where the stop takes longer. */
  readonly onWaiting?: (wait: StopWait) => void;
  /**
   * Called when the guest was ended by force: it had not powered off in its time. `power-off`: by bhyvectl(8)
   * `--force-poweroff`; `kill`: bhyve was killed.
   */
  readonly onForced?: (how: Force) => void;
  /** Gets what could not be taken back of what a killed run had changed on the host; and that its supervisor was stopped, and goes on. */
  readonly onWarning?: (problem: Problem) => void;
}

/** How a manager is to stop a VM. */
export type ManagerStop = Pick<StopRunOptions, 'timeoutMs' | 'now'>;

/** What a stop waits for. */
export interface StopWait {
  /** `guest`: that it powers off; then it is ended by force. `end`: all that follows, cleanup say; then the stop fails. */
  readonly for: 'guest' | 'end';
  /** ISO 8601: it is waited for no longer than that. */
  readonly until: string;
}

/** What became of a stop. `not-running`: there was nothing; what a killed run had left is removed then too. */
export type StopOutcome = 'stopped' | 'not-running';

/** A look may start a program, and a guest may take a minute. */
const pollMs = { first: 25, last: 200 } as const;
/** Hooks and cleanup come after the guest; a supervisor that hangs is not waited for. */
const afterMs = 60_000;
const defaultTimeoutMs = 60_000;
/** A stop that takes no longer needs no words. */
const silentMs = 2000;
/** One that has just taken the lock says so in a moment, and one that ends lets go of it. */
const unprovenMs = 3000;

/**
 * Stops the VM of a name as its own supervisor does, or in its place where that was killed, and waits until nothing is
 * left of it. A manager runs others beside it, so it is asked, and never signalled.
 * @throws ProblemsError `in-use` where it does not end, or is another user's, or a manager's that nobody can ask (`managed`)
 */
export async function stopRun(name: string, options: StopRunOptions = {}): Promise<StopOutcome> {
  const { runBase = systemRunBase(), host = systemHost(), now = false } = options;
  const asked = { ...options, host, runBase, now, onWait: waitTeller(host.clock, options.onWaiting) };
  let stopped: number | undefined;
  for (;;) {
    const isKnown = knownNames(runBase).includes(name);
    const found = isKnown ? await knownRun(name, look(runBase, name), host) : undefined;
    if (isKnown && found === undefined && stopped === undefined) await tidy(name, asked);
    const isSupervised = found?.status === 'supervised';
    const isNext = isSupervised && stopped !== undefined && ![undefined, stopped].includes(found.supervisor);
    if (found === undefined || isNext) return stopped === undefined ? 'not-running' : 'stopped';
    options.onStopping?.(found);
    if (found.managedBy !== undefined) {
      if (await stopManaged(found, found.managedBy, asked)) return 'stopped';
    } else if (isSupervised) {
      const forced = await stopSupervised(found, asked);
      if (forced !== undefined) options.onForced?.(forced);
      // It may have been killed over it, so what there is now is looked at once more.
      stopped ??= found.supervisor;
    } else if (await endLeft(found, asked)) {
      return found.status === 'left' && stopped === undefined ? 'not-running' : 'stopped';
    }
  }
}

/** The last date there is, for who waits for ever. */
const latestMs = 8.64e15;

/** Tells once what is waited for, when that has taken a while. */
function waitTeller(clock: Clock, onWaiting: StopRunOptions['onWaiting']): NonNullable<ClaimOptions['onWait']> {
  const toldMs = clock.monotonicMs() + silentMs;
  let isTold = false;
  return (what, untilMs) => {
    if (isTold || clock.monotonicMs() < toldMs) return;
    isTold = true;
    onWaiting?.({ for: what, until: new Date(Math.min(untilMs, latestMs)).toISOString() });
  };
}

/** @throws ProblemsError where it is another user's */
function look(runBase: string, name: string): NameHolder {
  try {
    return whoRuns(runBase, name);
  } catch (cause) {
    if (codeOf(cause) !== 'EACCES') throw cause;
    throw notYours(name, `nobody but its user may look into ${path.join(runBase, name)}`);
  }
}

/**
 * Removes the directory of a supervisor that was killed when it had just made it, or had all but ended; a VM of that name
 * need not be its own, and stays. Somebody else's directory stays as well.
 */
async function tidy(name: string, asked: Asked): Promise<void> {
  try {
    await takeBack(name, asked, { force: false, isLoadedByOthers: true, stopTimeoutMs: 0 });
  } catch (error) {
    if (!(error instanceof ProblemsError) || error.kind !== 'cannot-create') throw error;
  }
}

/** Does what its supervisor would have done. @returns false where somebody supervises it by now */
function endLeft({ name, state }: KnownRun, asked: Asked): Promise<boolean> {
  const stopTimeoutMs = asked.now ? 0 : (asked.timeoutMs ?? state?.stopTimeoutMs ?? defaultTimeoutMs);
  return takeBack(name, asked, { force: true, isLoadedByOthers: false, stopTimeoutMs });
}

async function takeBack(
  name: string,
  { host, runBase, onWarning, onForced, onWait }: Asked,
  how: Pick<ClaimOptions, 'force' | 'isLoadedByOthers' | 'stopTimeoutMs'>,
): Promise<boolean> {
  let directory: RunDirectory;
  try {
    const told = { onWait, ...(onForced && { onForced }) };
    ({ directory } = await claim(name, { ...how, ...told, adopt: false, isStopping: true, host, base: runBase }));
  } catch (error) {
    if (error instanceof ProblemsError && error.problems.some(({ code }) => code === 'in-use')) return false;
    throw error;
  }
  try {
    const ledger = await openLedger(directory.file('ledger'));
    for (const problem of await ledger.undoAll({ run: host.run })) onWarning?.(problem);
    for (const file of [privateConfigName, deviceMapName]) directory.remove(file);
  } catch (error) {
    directory.abandon();
    throw error;
  }
  directory.release();
  return true;
}

type Asked = StopRunOptions &
  Required<Pick<StopRunOptions, 'host' | 'runBase' | 'now'>> & { readonly onWait: NonNullable<ClaimOptions['onWait']> };

/** @returns false where that manager was killed over it: what there is now is looked at once more */
async function stopManaged(
  { name, supervisor }: KnownRun,
  socket: string,
  { host, runBase, askManager, timeoutMs, now }: Asked,
): Promise<boolean> {
  if (askManager === undefined) throw managed(name, socket);
  try {
    await askManager(socket, name, { now, ...(timeoutMs === undefined ? {} : { timeoutMs }) });
    return true;
  } catch (error) {
    // Its end closes the connection before the kernel has let go of its locks.
    const endMs = host.clock.monotonicMs() + unprovenMs;
    do {
      const { heldBy } = whoRuns(runBase, name);
      if (heldBy === undefined || supervisorIn(heldBy) !== supervisor) return false;
      if (!isLost(error)) throw error;
      await host.clock.sleep(pollMs.first);
    } while (host.clock.monotonicMs() < endMs);
    throw error;
  }
}

/** A connection that broke off, or was not taken. */
const isLost = (error: unknown): boolean =>
  ['ECONNREFUSED', 'ECONNRESET', 'EPIPE', 'ENOENT', 'UND_ERR_SOCKET'].includes(
    codeOf(error) || codeOf(error instanceof Error ? error.cause : undefined),
  );

const managed = (name: string, socket: string): ProblemsError =>
  new ProblemsError('in-use', name, [
    {
      code: 'managed',
      severity: 'error',
      message: `this VM is one of those that the manager at ${socket} runs: nothing was signalled`,
      fix: `ask it to stop this one: vmrun stop ${quoteWord(name)}`,
    },
  ]);

/** @returns by what its guest was ended, where that was by force */
async function stopSupervised(run: KnownRun, asked: Asked): Promise<Force | undefined> {
  const words = lastWordsOf(locksIn(path.join(asked.runBase, run.name)).lock);
  try {
    await askSupervisor(run, asked);
    // Its state is gone by now, with its directory.
    return forceIn(words.read());
  } finally {
    words.close();
  }
}

async function askSupervisor(
  run: KnownRun,
  { host, runBase, now, timeoutMs, onWarning, onWait }: Asked,
): Promise<void> {
  const { name, supervisor, state } = run;
  const { clock } = host;
  const startMs = clock.now().getTime();
  const givenMs = now ? 0 : (timeoutMs ?? state?.stopTimeoutMs ?? defaultTimeoutMs);
  let latest = state;
  const isOver = (): boolean => {
    const { heldBy, state: told } = whoRuns(runBase, name);
    if (heldBy === undefined) return true;
    latest = told;
    const holder = supervisorIn(heldBy);
    return holder !== undefined && holder !== supervisor;
  };
  const isLimited = now || timeoutMs !== undefined;
  /** Of several stops the one whose time is over first holds, and the run knows which. */
  const guestUntilMs = (): number => {
    const heldMs = Date.parse(latest?.guestUntil ?? '');
    if (Number.isNaN(heldMs)) return startMs + givenMs;
    return isLimited ? Math.min(heldMs, startMs + givenMs) : heldMs;
  };
  const wait = async (ms: number): Promise<boolean> => {
    const end = clock.monotonicMs() + ms;
    const endsAtMs = clock.now().getTime() + ms;
    for (let pauseMs: number = pollMs.first; !isOver(); pauseMs = Math.min(2 * pauseMs, pollMs.last)) {
      if (clock.monotonicMs() >= end) return false;
      const isGuestWaitedFor = latest?.phase === 'stopping' && latest.forced === undefined;
      if (isGuestWaitedFor) onWait('guest', guestUntilMs());
      else onWait('end', supervisor === undefined ? endsAtMs : startMs + givenMs + afterMs);
      await clock.sleep(pauseMs);
    }
    return true;
  };
  let takeBackNote: (() => void) | undefined;
  /** The second SIGTERM that says nothing means "now" to a run, which a stop that joins another never means. */
  const signalStop = (pid: number): void => {
    takeBackNote = leaveStopNote(path.join(runBase, name), isLimited ? { timeoutMs: givenMs } : {});
    const isAsked = whoRuns(runBase, name).state?.phase === 'stopping';
    if (takeBackNote !== undefined || !isAsked) send(name, pid, 'SIGTERM');
  };
  /** @returns whether it is over: a process that only has the number of the supervisor is not signalled */
  const ask = async (signal: 'SIGTERM' | 'SIGINT', pid: number): Promise<boolean> => {
    const { lock } = whoRuns(runBase, name);
    if (!(await hasOpen(pid, lock, host.run))) {
      if (await wait(unprovenMs)) return true;
      throw notProven(name, pid, lock);
    }
    if (signal === 'SIGTERM') signalStop(pid);
    else send(name, pid, signal);
    // One that was stopped, by Ctrl-Z say, hears of it when it goes on.
    if ((await stateOf(pid, host.run)) !== 'T') return false;
    onWarning?.(wasStopped(pid));
    send(name, pid, 'SIGCONT');
    return false;
  };
  if (supervisor === undefined) {
    if (await wait(givenMs + afterMs)) return;
    throw noSupervisor(name);
  }
  try {
    if (await ask('SIGTERM', supervisor)) return;
    if (await wait(isLimited ? givenMs : givenMs + afterMs)) return;
    // Another signal, since two of a kind may become one: do not wait for the guest any longer.
    if (isLimited && (await ask('SIGINT', supervisor))) return;
    if (isLimited && (await wait(afterMs))) return;
  } finally {
    takeBackNote?.();
  }
  throw notStopped(name, supervisor, await stateOf(supervisor, host.run), now);
}

function send(name: string, supervisor: number, signal: 'SIGTERM' | 'SIGINT' | 'SIGCONT'): void {
  try {
    signalProcess(supervisor, signal);
  } catch (cause) {
    const why = errorWords(cause);
    throw notYours(name, `process ${supervisor}, which runs this VM, cannot be asked to stop: ${why}`);
  }
}

const notYours = (name: string, message: string): ProblemsError =>
  new ProblemsError('in-use', name, [
    { code: 'not-yours', severity: 'error', message, fix: 'stop it as the user who runs it, or as root' },
  ]);

const noSupervisor = (name: string): ProblemsError =>
  new ProblemsError('in-use', name, [
    {
      code: 'no-supervisor',
      severity: 'error',
      message: 'somebody has claimed this VM, to start or to stop it, and does not get done',
      fix: 'look for another vmrun with ps',
    },
  ]);

const notProven = (name: string, supervisor: number, lock: string): ProblemsError =>
  new ProblemsError('in-use', name, [
    {
      code: 'not-proven',
      severity: 'error',
      message: `somebody holds the lock of this VM, and it is not process ${supervisor}, as the lock says: nothing was signalled`,
      fix: `see who has ${lock} open with fuser, and what that is with ps, and end it`,
    },
  ]);

const wasStopped = (supervisor: number): Problem => ({
  code: 'supervisor-stopped',
  severity: 'warning',
  message: `process ${supervisor}, its supervisor, was stopped (state T): kill -CONT ${supervisor} makes it go on, to stop the VM`,
});

function notStopped(name: string, supervisor: number, state: string | undefined, wasNow: boolean): ProblemsError {
  const how = isStopped(state) ? `is stopped (state ${state ?? ''}) and has not ended` : 'has not ended';
  const look = `look at what it waits for: ps -o state,wchan -p ${supervisor}`;
  const fix = wasNow ? look : `stop it now with --now; where that does not help, ${look}`;
  return new ProblemsError('in-use', name, [
    {
      code: 'not-stopped',
      severity: 'error',
      message: `process ${supervisor}, which runs this VM, ${how}`,
      fix: isStopped(state) ? `make it go on: kill -CONT ${supervisor}, or end its debugger` : fix,
    },
  ]);
}
