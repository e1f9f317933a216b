import { ProblemsError } from '../base/problem.js';
import type { Ephemeral } from '../devices/device.js';
import { tracesOf, type Trace } from '../host/ephemeral.js';
import { lookAtSocket } from '../host/look-at-socket.js';
import { isStillThere } from '../host/process-identity.js';
import type { RunState, StateChanges } from '../host/run-state.js';
import { processEnd } from '../host/watch-process.js';
import type { Machine } from '../machine/machine.js';
import { removeTraces, tellEnd, writePid } from './boot.js';
import type { Orphan } from './orphan.js';
import { orphanProcess } from './power-button.js';
import type { Planner } from './planner.js';
import { pidFilePart, removeLeftFiles, type BootResult, type Session } from './session.js';
import { stopWhenAsked } from './stop.js';

/** What is known of a boot that another supervisor has begun, so that it is not lost should this one fail or be killed. */
export const inheritedState = ({ boot, target, identity }: Orphan, left: RunState | undefined): StateChanges => ({
  boot,
  target,
  bhyve: identity,
  phase: left?.phase === 'paused' ? 'paused' : 'running',
  bootSince: left?.bootSince,
  isMonitored: left?.isMonitored,
  stopTimeoutMs: left?.stopTimeoutMs,
  sockets: left?.sockets,
  last: left?.last,
});

/**
 * The spec may have changed since its bhyve was started, yet its policy is to go on from the target that runs.
 * @throws ProblemsError `in-use` where the spec does not know that target
 */
export function refuseUnknownTarget(planned: Planner, { target, pid }: Orphan, name: string): void {
  try {
    planned(target, {});
  } catch (error) {
    if (!(error instanceof ProblemsError) || error.kind !== 'usage') throw error;
    throw new ProblemsError('in-use', name, [
      {
        code: 'unknown-target',
        severity: 'error',
        message: `this VM runs as process ${pid} with target ${JSON.stringify(target)}, which the spec does not have`,
        fix: 'give the spec it was started with, or end it with --force; nothing was changed',
      },
    ]);
  }
}

/**
 * The rest of a boot that another supervisor has begun: its bhyve is watched and stopped as one's own is, and what it
 * leaves is removed.
 * @returns undefined where it had ended before it could be watched, as if it had before it was found
 */
export async function adoptOnce(session: Session, machine: Machine, orphan: Orphan): Promise<BootResult | undefined> {
  const { host, directory, pidFile, state } = session;
  try {
    if (await isStillThere(orphan.identity, host.run)) return await watchOnce(session, machine, orphan);
    await takeOver(session, machine);
    return undefined;
  } finally {
    if (pidFile !== undefined) state.beside(pidFilePart, pidFile.clear);
    state.soon({ phase: 'ending', bhyve: undefined, loader: undefined });
    await removeTraces(session, machine.name, ...(await socketsOf(machine, directory.leftState)));
    removeLeftFiles(session);
  }
}

async function watchOnce(session: Session, machine: Machine, orphan: Orphan): Promise<BootResult | undefined> {
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
  const isAlive = (): boolean => !ended.signal.aborted;
  try {
    const stopped = stopWhenAsked(orphanProcess(orphan, host), machine, ended.signal, session);
    const end = await processEnd(orphan.identity, { run: host.run, clock: host.clock, isAlive });
    ended.abort();
    await stopped;
    await takeOver(session, machine);
    if (end === 'missed') return undefined;
    const aliveMs = aliveMsOf(leftState, host.clock.now(), host.clock.monotonicMs() - startedMs);
    return tellEnd(session, machine, boot, { pid, aliveMs, stderrTail: '', stdoutTail: '', end });
  } finally {
    ended.abort();
  }
}

/** How long its bhyve lives, for the policy; the date alone knows of the time before us. */
function aliveMsOf(leftState: RunState | undefined, now: Date, watchedMs: number): number {
  const ms = now.getTime() - Date.parse(leftState?.bootSince ?? '');
  return ms > watchedMs ? ms : watchedMs;
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
