import { ProblemsError, type Problem } from '../base/problem.js';
import { formatDuration } from '../base/duration.js';
import { errorWords } from '../base/error-words.js';
import { lookAtSocket } from '../host/look/look-at-socket.js';
import { removeTrace, tracesOf } from '../host/run-directory/ephemeral.js';
import type { Host } from '../host/host.js';
import { isLockFailure } from '../host/files/flock.js';
import { isStillThere } from '../host/process/process-identity.js';
import type { Force } from '../host/run-directory/run-state.js';
import { openRunDirectory, type RunDirectory } from '../host/run-directory/run-directory.js';
import { holderWords, vmLockFile } from '../host/run-directory/run-files.js';
import { orphaned, runElsewhere, vmExists } from './name-in-use.js';
import { endedIn, orphanOf, type Ended, type LateEnd, type Orphan } from './orphan.js';
import { orphanProcess, powerButton, signalGuest } from './power-button.js';

export interface ClaimOptions {
  readonly host: Host;
  /** Folder of the run directories. */
  readonly base: string;
  /** End and destroy what an earlier run left; never what another supervisor runs. */
  readonly force: boolean;
  /** Leave a bhyve alone that an earlier run left: it is to be taken over. */
  readonly adopt: boolean;
  /** How long an orphan may take to power off. */
  readonly stopTimeoutMs: number;
  /** Somebody else has loaded the VM, so it is right that it is there. */
  readonly isLoadedByOthers: boolean;
  /** Socket of the manager that claims it. */
  readonly managedBy?: string | undefined;
  /** The name is claimed to end what is left of it, and not to run it. */
  readonly isStopping?: true;
  /** Called when a bhyve that an earlier run left is killed, since its guest has not powered off in time. */
  readonly onForced?: (how: Force, orphan: Pick<Orphan, 'pid'>) => void;
  /**
   * Called while an orphan is waited for, again and again.
   * @param untilMs until when, by the clock that tells dates
   */
  readonly onWait?: (what: 'guest' | 'end', untilMs: number) => void;
}

export interface Claimed {
  readonly directory: RunDirectory;
  /** To be taken over; as long as it runs, the lock of the VM is its own. */
  readonly orphan: Orphan | undefined;
  /** The last bhyve, where its end is lost: nobody lived to see it. The VM is started anew. */
  readonly lost?: Ended;
  /** The boot that a supervisor had begun that was killed before there was a bhyve: to be gone on with. */
  readonly begun?: { readonly boot: number; readonly target: string };
}

/**
 * Makes this process the one supervisor of a VM name: takes the run directory, and sees to what a run that was killed
 * has left, a bhyve or loader without supervisor, its sockets, or `/dev/vmm/NAME`.
 * @throws ProblemsError `in-use`, or `cannot-create` where there can be no run directory
 */
export async function claim(name: string, options: ClaimOptions): Promise<Claimed> {
  const directory = await open(name, options);
  try {
    const found = await leftovers(name, directory, options);
    if ('problem' in found) throw new ProblemsError('in-use', name, [found.problem]);
    return { directory, ...found };
  } catch (error) {
    // Whoever looks next must find what we found.
    if (isNothingLeft(directory)) directory.release();
    else directory.abandon();
    throw error;
  }
}

function isNothingLeft(directory: RunDirectory): boolean {
  if (directory.leftState !== undefined || directory.readNote() !== undefined) return false;
  try {
    return !directory.isVmHeld();
  } catch {
    return false; // it cannot be known
  }
}

async function open(name: string, { base, host, isStopping, managedBy }: ClaimOptions): Promise<RunDirectory> {
  const holder =
    isStopping === true
      ? `process ${host.pid}, vmrun stop`
      : holderWords(host.pid, host.clock.now().toISOString(), { managedBy });
  let directory;
  try {
    directory = await openRunDirectory(base, name, holder);
  } catch (error) {
    throw noRunDirectory(name, error);
  }
  if (!('heldBy' in directory)) return directory;
  throw new ProblemsError('in-use', name, [runElsewhere(directory)]);
}

/** Whether there is a lock or not could not be found out: that is an error of its own. */
function noRunDirectory(name: string, error: unknown): unknown {
  if (isLockFailure(error)) return error;
  const problem: Problem = {
    code: 'run-directory',
    severity: 'error',
    message: `there can be no run directory: ${errorWords(error)}`,
    fix: 'run vmrun as root, or give a folder of your own with --run-dir',
  };
  return new ProblemsError('cannot-create', name, [problem]);
}

async function leftovers(
  name: string,
  directory: RunDirectory,
  options: ClaimOptions,
): Promise<{ readonly problem: Problem } | Omit<Claimed, 'directory'>> {
  const { host, force, adopt, isLoadedByOthers } = options;
  const orphan = await findOrphan(name, directory, host);
  if (orphan !== undefined) {
    if (adopt && orphan !== 'unknown' && orphan.role === 'bhyve') return { orphan };
    if (!force || orphan === 'unknown')
      return { problem: orphaned(orphan, { state: directory.leftState, vmLock: directory.file(vmLockFile) }) };
    if (!(await endOrphan(orphan, directory, options))) return { problem: notEnded(orphan, options) };
  }
  const ended = orphan === undefined ? endedIn(directory) : undefined;
  const vmLock = directory.file(vmLockFile);
  if (ended !== undefined && isGoneOnFrom(ended, options))
    return {
      orphan: { ...ended.left, holdsLock: false, vmLock, ended: { ...(ended.end ?? unknownEnd), told: ended.told } },
    };
  const begun = adopt && !force && orphan === undefined && ended === undefined ? begunIn(directory) : undefined;
  const nobody = {
    orphan: undefined,
    ...(begun && { begun }),
    ...(ended !== undefined && ended.end === undefined ? { lost: ended } : {}),
  };
  await removeSockets(directory);
  // One that an orphan ran has been used up.
  if (!host.vmm.exists(name) || (isLoadedByOthers && orphan === undefined)) return nobody;
  if (force && (await host.vmm.destroy(name))) return nobody;
  return { problem: force ? notDestroyed(name) : vmExists(name) };
}

const unknownEnd: LateEnd = { end: undefined, atMs: undefined };

/**
 * What follows an end is up to the policy whoever is there to see it. So an end that nobody knows is followed by no boot,
 * before a run takes over as well as after: the guest may have powered off. It has not where the host went down under it.
 */
const isGoneOnFrom = ({ end, isOfEarlierHost }: Ended, { adopt, force }: ClaimOptions): boolean =>
  adopt && (end !== undefined || (!force && !isOfEarlierHost));

/** The first boot need not be gone on with: it is begun anew, with the target that is asked for. */
function begunIn({ leftState }: RunDirectory): Claimed['begun'] {
  const { phase, boot, target } = leftState ?? {};
  if (boot === undefined || boot === 1 || target === undefined) return undefined;
  return phase === 'starting' || phase === 'loading' ? { boot, target } : undefined;
}

const pollMs = 20;
/** A child says who it is in the first moment of its life; on a machine that is busy, that may take a while. */
const noteWaitMs = 3000;

/** With the lock of the VM in our hands there is no orphan that has one. */
async function findOrphan(
  name: string,
  directory: RunDirectory,
  { run, clock }: Host,
): Promise<Orphan | 'unknown' | undefined> {
  const end = clock.monotonicMs() + noteWaitMs;
  for (;;) {
    const hasOrphan = !(await takeVm(name, directory));
    const orphan = await orphanOf(
      { state: directory.leftState, note: directory.readNote(), hasOrphan, vmLock: directory.file(vmLockFile) },
      run,
    );
    if (orphan !== 'unknown' || clock.monotonicMs() >= end) return orphan;
    await clock.sleep(pollMs);
  }
}

async function takeVm(name: string, directory: RunDirectory): Promise<boolean> {
  try {
    return await directory.takeVm();
  } catch (error) {
    throw noRunDirectory(name, error);
  }
}

const killWaitMs = 5000;

async function endOrphan(
  orphan: Orphan,
  directory: RunDirectory,
  { host, stopTimeoutMs, onForced, onWait }: ClaimOptions,
): Promise<boolean> {
  const target = orphanProcess(orphan, host);
  // What it has started may hold its lock longer.
  const isGone = async (): Promise<boolean> =>
    !(await isStillThere(orphan.identity, host.run)) && (!orphan.holdsLock || (await directory.takeVm()));
  for (const [signal, timeoutMs] of [
    ['SIGTERM', stopTimeoutMs],
    ['SIGKILL', killWaitMs],
  ] as const) {
    if (await isGone()) return true;
    const isForced = signal === 'SIGKILL';
    if (isForced && (await target.kill(signal)) && orphan.role === 'bhyve') onForced?.('kill', orphan);
    if (!isForced) await signalGuest(target, directory.leftState?.isMonitored === true, host, powerButton);
    const end = host.clock.monotonicMs() + timeoutMs;
    const untilMs = host.clock.now().getTime() + timeoutMs;
    while (host.clock.monotonicMs() < end) {
      if (await isGone()) return true;
      onWait?.(isForced ? 'end' : 'guest', untilMs);
      await host.clock.sleep(pollMs);
    }
  }
  return isGone();
}

/** What a bhyve has bound that is dead by now: new since its boot, and nobody listens. */
async function removeSockets({ leftState }: Pick<RunDirectory, 'leftState'>): Promise<void> {
  if (leftState?.sockets === undefined) return;
  const { paths, before } = leftState.sockets;
  const known = new Set(before.map(({ path, device, inode }) => `${device} ${inode} ${path}`));
  for (const trace of tracesOf(paths.map((path) => ({ kind: 'socket', path })))) {
    if (known.has(`${trace.device} ${trace.inode} ${trace.path}`)) continue;
    if ((await lookAtSocket(trace.path)).kind === 'stale') removeTrace(trace);
  }
}

const notEnded = ({ pid }: Orphan, { stopTimeoutMs }: ClaimOptions): Problem => ({
  code: 'orphan',
  severity: 'error',
  message: `process ${pid}, which runs this VM, did not end within ${formatDuration(stopTimeoutMs)} nor when it was killed`,
});

const notDestroyed = (name: string): Problem => ({
  ...vmExists(name),
  message: `/dev/vmm/${name} is there and could not be destroyed`,
  fix: `if nothing runs it: bhyvectl --vm=${name} --destroy`,
});
