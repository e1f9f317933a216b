import { ProblemsError } from '../base/problem.js';
import { systemHost, type Host } from '../host/host.js';
import { systemRunBase } from '../host/run-base.js';
import { openLedger } from '../host/ledger.js';
import { knownNames, whoRuns, type NameHolder } from '../host/run-directory.js';
import type { RunState } from '../host/run-state.js';
import { signalProcess } from '../host/signal-process.js';
import { deviceMapName } from '../machine/loader.js';
import { privateConfigName } from '../machine/plan.js';
import { claim } from './claim.js';
import { orphanOf } from './orphan.js';

/** A VM that runs on this host, or what is left of one. */
export interface KnownRun {
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
  /** What the run told last; absent where its file cannot be read. */
  readonly state?: RunState;
}

export interface RunsOptions {
  /** Folder of the run directories. Default: /var/run/vmrun for root, else the user's. */
  readonly runBase?: string;
  readonly host?: Host;
}

/** The VMs that are run from a folder of run directories, by name. @throws the error of a failed system call */
export async function listRuns({ runBase = systemRunBase(), host = systemHost() }: RunsOptions = {}): Promise<
  readonly KnownRun[]
> {
  const known = knownNames(runBase).map((name) => knownRun(name, whoRuns(runBase, name), host));
  return (await Promise.all(known)).filter((each) => each !== undefined);
}

/** @returns undefined for a folder that is empty by now */
async function knownRun(name: string, holder: NameHolder, host: Host): Promise<KnownRun | undefined> {
  const { state, note, heldBy } = holder;
  const told = state === undefined ? {} : { state };
  if (heldBy !== undefined) {
    const pid = state?.bhyve?.pid ?? state?.loader?.pid;
    const supervisor = supervisorOf(heldBy) ?? state?.supervisor;
    return {
      name,
      status: 'supervised',
      ...(pid === undefined ? {} : { pid }),
      ...(supervisor === undefined ? {} : { supervisor }),
      ...told,
    };
  }
  const orphan = await orphanOf(holder, host.run);
  if (orphan !== undefined) {
    return { name, status: 'orphaned', ...(orphan === 'unknown' ? {} : { pid: orphan.pid }), ...told };
  }
  return state === undefined && note === undefined ? undefined : { name, status: 'left', ...told };
}

/** As the run directory's lock file has it. */
function supervisorOf(heldBy: string): number | undefined {
  const [, pid] = /^process (\d+) since /.exec(heldBy) ?? [];
  return pid === undefined ? undefined : Number(pid);
}

export interface StopRunOptions extends RunsOptions {
  /** How long the guest may take to power off, in milliseconds. Default: the `stop_timeout` of its spec. */
  readonly timeoutMs?: number;
  /** Do not wait for the guest. Default: false. */
  readonly now?: boolean;
  /** Called once it is known what is asked to stop. */
  readonly onStopping?: (run: KnownRun) => void;
}

/** What became of a stop. `not-running`: there was nothing; what a killed run had left is removed then too. */
export type StopOutcome = 'stopped' | 'not-running';

const pollMs = 50;
/** Hooks and cleanup come after the guest; a supervisor that hangs is not waited for. */
const afterMs = 60_000;
const defaultTimeoutMs = 60_000;

/**
 * Stops the VM of a name as its own supervisor does, or in its place where that was killed, and waits until nothing is
 * left of it.
 * @throws ProblemsError `in-use` where it does not end, or is another user's
 */
export async function stopRun(name: string, options: StopRunOptions = {}): Promise<StopOutcome> {
  const { runBase = systemRunBase(), host = systemHost(), now = false } = options;
  const found = (await listRuns({ runBase, host })).find((each) => each.name === name);
  if (found === undefined) return 'not-running';
  options.onStopping?.(found);
  if (found.status === 'supervised') {
    await stopSupervised(found, { ...options, host, runBase, now });
    return 'stopped';
  }
  const timeoutMs = now ? 0 : (options.timeoutMs ?? found.state?.stopTimeoutMs ?? defaultTimeoutMs);
  const isForced = { host, base: runBase, force: true, adopt: false, isLoadedByOthers: false };
  const { directory } = await claim(name, { ...isForced, stopTimeoutMs: timeoutMs });
  const ledger = await openLedger(directory.file('ledger'));
  await ledger.undoAll({ run: host.run });
  for (const file of [privateConfigName, deviceMapName]) directory.remove(file);
  await directory.release();
  return found.status === 'left' ? 'not-running' : 'stopped';
}

interface Asked {
  readonly host: Host;
  readonly runBase: string;
  readonly now: boolean;
  readonly timeoutMs?: number;
}

async function stopSupervised(run: KnownRun, { host, runBase, now, timeoutMs }: Asked): Promise<void> {
  const { name, supervisor, state } = run;
  const { clock } = host;
  const isOver = (): boolean => {
    const { heldBy } = whoRuns(runBase, name);
    return heldBy === undefined || supervisorOf(heldBy) !== supervisor;
  };
  const wait = async (ms: number): Promise<boolean> => {
    const end = clock.monotonicMs() + ms;
    while (!isOver()) {
      if (clock.monotonicMs() >= end) return false;
      await clock.sleep(pollMs);
    }
    return true;
  };
  if (supervisor === undefined) throw noSupervisor(name);
  send(name, supervisor, 'SIGTERM');
  const givenMs = now ? 0 : (timeoutMs ?? state?.stopTimeoutMs ?? defaultTimeoutMs);
  const isLate = now || timeoutMs !== undefined;
  if (await wait(isLate ? givenMs : givenMs + afterMs)) return;
  // Another signal, since two of a kind may become one: do not wait for the guest any longer.
  if (isLate) send(name, supervisor, 'SIGINT');
  if (isLate && (await wait(afterMs))) return;
  throw notStopped(name, supervisor);
}

function send(name: string, supervisor: number, signal: 'SIGTERM' | 'SIGINT'): void {
  try {
    signalProcess(supervisor, signal);
  } catch (cause) {
    throw new ProblemsError('in-use', name, [
      {
        code: 'not-yours',
        severity: 'error',
        message: `process ${supervisor}, which runs this VM, cannot be asked to stop: ${cause instanceof Error ? cause.message : String(cause)}`,
        fix: 'stop it as the user who runs it, or as root',
      },
    ]);
  }
}

const noSupervisor = (name: string): ProblemsError =>
  new ProblemsError('in-use', name, [
    {
      code: 'no-supervisor',
      severity: 'error',
      message: 'somebody runs this VM, but has not said which process it is',
      fix: 'try once more; it may only be starting',
    },
  ]);

const notStopped = (name: string, supervisor: number): ProblemsError =>
  new ProblemsError('in-use', name, [
    {
      code: 'not-stopped',
      severity: 'error',
      message: `process ${supervisor}, which runs this VM, has not ended`,
      fix: `stop it now with --now; where that does not help, look at what it waits for: ps -o state,wchan -p ${supervisor}`,
    },
  ]);
