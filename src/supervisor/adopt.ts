import { ProblemsError, type Problem } from '../base/problem.js';
import type { Ephemeral } from '../devices/device.js';
import { abort } from '../host/abort.js';
import { tracesOf, type Trace } from '../host/run-directory/ephemeral.js';
import { lookAtSocket } from '../host/look/look-at-socket.js';
import { hearLine } from '../host/process/life-line.js';
import { isStillThere } from '../host/process/process-identity.js';
import { endTag, lifeLineFile } from '../host/run-directory/run-files.js';
import type { RunState, StateChanges } from '../host/run-directory/run-state.js';
import { endOfStatus, type ProcessEnd } from '../host/process/staying-shell.js';
import type { Machine } from '../machine/machine.js';
import { removeTraces, tellEnd, writePid } from './boot.js';
import type { Ended, LateEnd, Orphan } from './orphan.js';
import { adoptWords } from './outputs.js';
import { orphanProcess } from './power-button.js';
import type { Planner } from './planner.js';
import { pidFilePart, removeLeftFiles, type BootResult, type Session } from './session.js';
import { stopWhenAsked } from './stop.js';

/** What is known of a boot that another supervisor has begun, so that it is not lost should this one fail or be killed. */
export const inheritedState = (
  { boot, target, identity, ended }: Orphan,
  left: RunState | undefined,
): StateChanges => ({
  boot,
  target,
  ...(ended === undefined
    ? { bhyve: identity, phase: left?.phase === 'paused' ? 'paused' : 'running' }
    : { phase: 'ending' }),
  bootSince: left?.bootSince,
  isMonitored: left?.isMonitored,
  stopTimeoutMs: left?.stopTimeoutMs,
  sockets: left?.sockets,
  last: left?.last,
});

/** A boot that was begun is gone on with only where the spec still has its target. */
export function isKnown(planned: Planner, target: string): boolean {
  try {
    planned(target);
    return true;
  } catch (error) {
    if (!(error instanceof ProblemsError) || error.kind !== 'usage') throw error;
    return false;
  }
}

/** Nobody knows how the bhyve of a run has ended that was killed; the next boot is the first of a run of its own. */
export const endLost = ({
  left: { boot, pid },
  isOfEarlierHost,
}: Pick<Ended, 'left' | 'isOfEarlierHost'>): Problem => ({
  code: 'end-unknown',
  severity: 'warning',
  message: isOfEarlierHost
    ? `process ${pid}, boot ${boot} of a run that was killed, has ended with the host, which has been started anew since`
    : `process ${pid}, boot ${boot} of a run that was killed, has ended, and how is not known: the shell that waited for it was killed too`,
  fix: "the VM is started anew; look at the guest's own log, and at dmesg",
});

/**
 * The spec may have changed since its bhyve was started, yet its policy is to go on from the target that runs.
 * @throws ProblemsError `in-use` where the spec does not know that target
 */
export function refuseUnknownTarget(planned: Planner, { target, pid, ended }: Orphan, name: string): void {
  if (isKnown(planned, target)) return;
  const which = `with target ${JSON.stringify(target)}, which the spec does not have`;
  throw new ProblemsError('in-use', name, [
    {
      code: 'unknown-target',
      severity: 'error',
      ...(ended === undefined
        ? {
            message: `this VM runs as process ${pid} ${which}`,
            fix: 'give the spec it was started with, or end it with --force; nothing was changed',
          }
        : {
            message: `this VM ran ${which}; how it ended meanwhile is not yet told`,
            fix: 'give the spec it was started with, or start it anew without --adopt; nothing was changed',
          }),
    },
  ]);
}

/**
 * The rest of a boot that another supervisor has begun: its bhyve is watched and stopped as one's own is, and what it
 * leaves is removed. Of one that has ended meanwhile the end is told.
 */
export async function adoptOnce(session: Session, machine: Machine, orphan: Orphan): Promise<BootResult> {
  const { directory, pidFile, state } = session;
  try {
    await session.console.adopt();
    return await (orphan.ended === undefined
      ? watchOnce(session, machine, orphan)
      : tellLate(session, machine, orphan, orphan.ended));
  } finally {
    if (pidFile !== undefined) state.beside(pidFilePart, pidFile.clear);
    state.soon({ phase: 'ending', bhyve: undefined, loader: undefined });
    await removeTraces(session, machine.name, ...(await socketsOf(machine, directory.leftState)));
    removeLeftFiles(session);
  }
}

async function watchOnce(session: Session, machine: Machine, orphan: Orphan): Promise<BootResult> {
  const { host, emit, directory, state } = session;
  const { pid, boot, target } = orphan;
  const { leftState } = directory;
  const startedMs = host.clock.monotonicMs();
  emit({ kind: 'adopted', boot, target, pid });
  state.update({
    ...inheritedState(orphan, leftState),
    isMonitored: machine.isMonitored ? true : undefined,
    stopTimeoutMs: machine.policy.stopTimeoutMs,
  });
  writePid(session, pid);
  const ended = new AbortController();
  const words = adoptWords(session);
  try {
    const stopped = stopWhenAsked(orphanProcess(orphan, host), machine, ended.signal, session);
    const told = await endOf(session, orphan);
    session.console.settle();
    abort(ended);
    await stopped;
    await takeOver(session, machine);
    await words.end();
    // Its shell has written it by now, if it lived to do so.
    const end = told ?? directory.readEnd(orphan)?.end;
    const aliveMs = Math.max(
      host.clock.monotonicMs() - startedMs,
      sinceBoot(leftState, host.clock.now().getTime()) ?? 0,
    );
    return tellEnd(session, machine, boot, { pid, aliveMs, ...words.tails(), end });
  } finally {
    abort(ended);
    await words.end();
  }
}

async function tellLate(
  session: Session,
  machine: Machine,
  { pid, boot }: Orphan,
  { end, atMs, told }: LateEnd,
): Promise<BootResult> {
  const aliveMs = atMs === undefined ? undefined : sinceBoot(session.directory.leftState, atMs);
  const words = adoptWords(session);
  await words.end();
  return tellEnd(session, machine, boot, { pid, aliveMs, ...words.tails(), end, told });
}

const lookMs = 200;

/**
 * Waits until a bhyve has ended that another has started: its shell says how on the life line, or both are gone. Where
 * there is no such line, for one of an older vmrun or in a run directory that was made anew, it is looked at again and again.
 */
async function endOf({ host, directory }: Session, orphan: Orphan): Promise<ProcessEnd | undefined> {
  const line = hearLine(directory.file(lifeLineFile), endTag(orphan));
  const status = typeof line === 'object' ? await line.ended : undefined;
  if (typeof line === 'object') line.close();
  if (status !== undefined) return endOfStatus(status);
  while (await isStillThere(orphan.identity, host.run)) await host.clock.sleep(lookMs);
  return undefined;
}

/** How long its bhyve has lived, for the policy; the date alone knows of the time before us. Undefined where it does not. */
function sinceBoot(leftState: RunState | undefined, atMs: number): number | undefined {
  const ms = atMs - Date.parse(leftState?.bootSince ?? '');
  return Number.isFinite(ms) ? Math.max(0, ms) : undefined;
}

/**
 * Where its bhyve may have left sockets, and what is not its own there: what was there before it, or is another's by
 * now. A record that is lost is replaced by what the spec says, since bhyve binds no path that is taken.
 */
async function socketsOf(
  { ephemerals }: Machine,
  leftState: RunState | undefined,
): Promise<[made: readonly Ephemeral[], foreign: readonly Trace[]]> {
  const { paths, before } = leftState?.sockets ?? { paths: ephemerals.map(({ path }) => path), before: [] };
  const made = paths.map((path) => ({ kind: 'socket', path }) as const);
  const looks = await Promise.all(
    tracesOf(made).map(async (trace) => ({ trace, look: await lookAtSocket(trace.path) })),
  );
  const known = before.map(({ path, device, inode }) => ({ path, device: BigInt(device), inode: BigInt(inode) }));
  const others = looks.flatMap(({ trace, look }) => (look.kind === 'listening' ? [trace] : []));
  return [made, [...known, ...others]];
}

const pollMs = 20;
const lockWaitMs = 5000;

/** The kernel lets go of the lock of a process when that has ended. */
async function takeOver({ directory, host }: Session, { name }: Machine): Promise<void> {
  const end = host.clock.monotonicMs() + lockWaitMs;
  while (!(await directory.takeVm())) {
    if (host.clock.monotonicMs() >= end) {
      throw new ProblemsError('in-use', name, [
        {
          code: 'orphan',
          severity: 'error',
          message: 'bhyve has ended, but something that it has started still holds the lock of this VM',
          fix: 'look for it with ps and end it',
        },
      ]);
    }
    await host.clock.sleep(pollMs);
  }
}
