import { constants } from 'node:os';
import type { ProcessEnd } from './child.js';
import type { Clock } from './clock.js';
import { isStillThere, type ProcessIdentity } from './process-identity.js';
import type { RunTool } from './tools.js';

export interface WatchOptions {
  readonly run: RunTool;
  readonly clock: Clock;
  /** False once nothing of the process is left, whatever has its number then. */
  readonly isAlive: () => boolean;
}

const pollMs = 200;

/**
 * Waits until a process has ended that is not a child of ours: pwait(1), FreeBSD, tells how, since its kernel does.
 * Elsewhere it is looked at again and again.
 * @returns undefined where nobody tells how it ended; `missed` where it had ended before it could be watched
 */
export async function processEnd(
  known: ProcessIdentity,
  { run, clock, isAlive }: WatchOptions,
): Promise<ProcessEnd | 'missed' | undefined> {
  const { pid } = known;
  const isThere = async (): Promise<boolean> => isAlive() && (await isStillThere(known, run));
  let isWatched = false;
  while (await isThere()) {
    isWatched = true;
    // Verbose: the status is written.
    const { stdout, failure } = await run(['pwait', '-v', String(pid)], { timeoutMs: 0 });
    const told = readPwait(stdout, pid);
    if (told !== undefined) return told;
    // A Ctrl-C at our terminal ends it as well, and nothing is known then that could not be asked again.
    if (failure?.startsWith('SIG') !== true) break;
    await clock.sleep(pollMs);
  }
  if (!isWatched) return 'missed';
  while (await isThere()) await clock.sleep(pollMs);
  return undefined;
}

function readPwait(text: string, pid: number): ProcessEnd | undefined {
  const [, told, how, number] = /^(\d+): (exited with status|killed by signal) (\d+)\.$/m.exec(text) ?? [];
  if (Number(told) !== pid) return undefined;
  if (how === 'exited with status') return { kind: 'exited', status: Number(number) };
  const signal = signalNames.find((name) => constants.signals[name] === Number(number));
  return signal === undefined ? undefined : { kind: 'signalled', signal };
}

const signalNames: readonly NodeJS.Signals[] = [
  ...(['SIGHUP', 'SIGINT', 'SIGQUIT', 'SIGILL', 'SIGTRAP', 'SIGABRT', 'SIGBUS', 'SIGFPE', 'SIGKILL'] as const),
  ...(['SIGUSR1', 'SIGSEGV', 'SIGUSR2', 'SIGPIPE', 'SIGALRM', 'SIGTERM', 'SIGXCPU', 'SIGXFSZ', 'SIGSYS'] as const),
];
