import { spawn, type ChildProcess, type SpawnOptions as NodeSpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import { signalGroup } from './signal-process.js';
import type { ProcessEnd } from './staying-shell.js';

/** A child of this process. */
export interface StartedProcess {
  readonly pid: number;
  readonly streams: Pick<ChildProcess, 'stdin' | 'stdout' | 'stderr' | 'stdio'>;
  /** How it ended itself; what it has started may live on. */
  readonly exit: Promise<ProcessEnd>;
  /** It has ended, and its number may be another's. */
  readonly isReaped: () => boolean;
  /** To it, and to what it has started that is still in its group; for one that leads a group. */
  readonly signalGroup: (signal: 'SIGTERM' | 'SIGKILL') => void;
}

/** @throws the error of the system call: some failures of fork(2) and execve(2) are thrown, the others are an event */
export async function startProcess(
  program: string,
  args: readonly string[],
  options: NodeSpawnOptions,
): Promise<StartedProcess> {
  const subprocess = spawn(program, args, options);
  const { pid } = subprocess;
  if (pid === undefined) throw (await once(subprocess, 'error'))[0];
  // A signal that could not be sent.
  subprocess.on('error', () => undefined);
  let isReaped = false;
  const exit = new Promise<ProcessEnd>((resolve) => {
    subprocess.once('exit', (status, signal) => {
      isReaped = true;
      resolve(signal === null ? { kind: 'exited', status: status ?? 0 } : { kind: 'signalled', signal });
    });
  });
  return {
    pid,
    streams: subprocess,
    exit,
    isReaped: () => isReaped,
    signalGroup: (signal) => {
      signalGroup(pid, signal, isReaped);
    },
  };
}
