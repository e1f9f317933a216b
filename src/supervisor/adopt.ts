import { ProblemsError } from '../base/problem.js';
import { signalProcess } from '../host/signal-process.js';
import { processEnd } from '../host/watch-process.js';
import type { Machine } from '../machine/machine.js';
import { privateConfigName } from '../machine/plan.js';
import { removeTraces, tellEnd, writePid } from './boot.js';
import type { Orphan } from './orphan.js';
import type { BootResult, Session } from './session.js';
import { stopWhenAsked } from './stop.js';

/**
 * The rest of a boot that another supervisor has begun: its bhyve is watched and stopped as one's own is, and what it
 * leaves is removed.
 */
export async function adoptOnce(session: Session, machine: Machine, orphan: Orphan): Promise<BootResult> {
  const { host, emit, directory, pidFile, state } = session;
  const { pid, boot, target } = orphan;
  const { leftState } = directory;
  const startedMs = host.clock.monotonicMs();
  emit({ kind: 'adopted', boot, target, pid });
  state.update({
    phase: 'running',
    target,
    boot,
    bootSince: leftState?.bootSince,
    bhyve: orphan.identity,
    isMonitored: machine.isMonitored ? true : undefined,
    stopTimeoutMs: machine.policy.stopTimeoutMs,
    sockets: leftState?.sockets,
  });
  writePid(session, pid);
  const ended = new AbortController();
  const isAlive = (): boolean => !ended.signal.aborted && (!orphan.holdsLock || directory.isVmHeld());
  const child = {
    pid,
    kill: (signal: NodeJS.Signals): boolean => isAlive() && signalProcess(pid, signal),
  };
  try {
    const stopped = stopWhenAsked(child, machine, ended.signal, session);
    const end = await processEnd(orphan.identity, { run: host.run, clock: host.clock, isAlive });
    ended.abort();
    await stopped;
    await takeOver(session, machine);
    const aliveMs = host.clock.monotonicMs() - startedMs;
    return tellEnd(session, machine, boot, { pid, aliveMs, stderrTail: '', stdoutTail: '', end });
  } finally {
    ended.abort();
    pidFile?.clear();
    const { paths, before } = leftState?.sockets ?? { paths: [], before: [] };
    const known = before.map(({ path, device, inode }) => ({ path, device: BigInt(device), inode: BigInt(inode) }));
    const made = paths.map((path) => ({ kind: 'socket', path }) as const);
    await removeTraces(session, machine.name, made, known);
    directory.remove(privateConfigName);
  }
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
