import { codeOf } from '../../base/error-code.js';

/**
 * Sends a signal to a process that is not our child.
 * @returns false where there is none of that number
 */
export function signalProcess(pid: number, signal: NodeJS.Signals): boolean {
  try {
    process.kill(pid, signal);
    return true;
  } catch (error) {
    if (codeOf(error) === 'ESRCH') return false;
    throw error;
  }
}

/** What Ctrl-Z does: stops us, and the shell, npm or sudo that waits for us in our process group. */
export function suspendGroup(): void {
  process.kill(0, 'SIGTSTP');
}

/**
 * Sends a signal to a process group. What runs as another user by now, by sudo(8) say, is not ours to kill, and no
 * reason to fail.
 * @param isReaped its leader has ended and was waited for, so that another process may have its number. No process gets
 * the number of a group that is there, so where one has it, the group was empty, and the one that is there is another's.
 */
export function signalGroup(leader: number, signal: NodeJS.Signals, isReaped: boolean): void {
  if (isReaped && isProcess(leader)) return;
  try {
    signalProcess(-leader, signal);
  } catch (error) {
    if (codeOf(error) !== 'EPERM') throw error;
  }
}

/** There is a process of that number, whoever's it is. */
export function isProcess(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return codeOf(error) === 'EPERM';
  }
}
