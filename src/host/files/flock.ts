import { spawnSync } from 'node:child_process';
import { closeSync, constants, existsSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { codeOf } from '../../base/error-code.js';

/** FreeBSD's and macOS's <fcntl.h>; Node passes numbers through to open(2). */
const bsd = { O_SHLOCK: 0x10, O_EXLOCK: 0x20 } as const;

const hasOpenLock = process.platform === 'freebsd' || process.platform === 'darwin';

type Sharing = 'exclusive' | 'shared';

/**
 * Opens a file with the lock of flock(2), which is also that of pidfile(3). It belongs to the open file: it is held until
 * this process and each child that inherits the descriptor have ended or closed it. Never waits.
 * @param flags of open(2); a FIFO is not waited for either
 * @returns the descriptor, or undefined where somebody holds a lock that excludes this one
 * @throws the error of the system call; one of `flock` where the lock could be neither had nor refused
 */
export function openLocked(file: string, flags: number, sharing: Sharing): number | undefined {
  const careful = flags | constants.O_NOFOLLOW | constants.O_NONBLOCK;
  return hasOpenLock ? openAndLock(file, careful, sharing) : openThenLock(file, careful, sharing);
}

/** Who may read a file may lock it, and keep us from it. */
const newFileMode = 0o600;

/** Where open(2) locks. */
function openAndLock(file: string, flags: number, sharing: Sharing): number | undefined {
  try {
    return openSync(file, flags | (sharing === 'exclusive' ? bsd.O_EXLOCK : bsd.O_SHLOCK), newFileMode);
  } catch (error) {
    if (codeOf(error) === 'EAGAIN') return undefined;
    throw error;
  }
}

/** Where Node has no call for it, flock(1) of util-linux locks what we have opened, and leaves us with the lock. */
function openThenLock(file: string, flags: number, sharing: Sharing): number | undefined {
  if ((flags & constants.O_CREAT) !== 0 && !existsSync(file)) refuseWithoutFlock(dirname(file));
  const descriptor = openSync(file, flags, newFileMode);
  let isLocked = false;
  try {
    isLocked = lockDescriptor(descriptor, sharing);
  } finally {
    if (!isLocked) closeSync(descriptor);
  }
  return isLocked ? descriptor : undefined;
}

/**
 * A file that was made for a lock that cannot be had would have to stay: another process may have locked it by then.
 * So whether flock(1) works is tried on its folder first, with a lock that hinders nobody who locks files.
 * @throws what locking the file would throw
 */
function refuseWithoutFlock(folder: string): void {
  let descriptor;
  try {
    descriptor = openSync(folder, constants.O_RDONLY);
  } catch (error) {
    if (codeOf(error) === 'EACCES') return; // one that may be written and not read
    throw error;
  }
  try {
    lockDescriptor(descriptor, 'shared');
  } finally {
    closeSync(descriptor);
  }
}

function lockDescriptor(descriptor: number, sharing: Sharing): boolean {
  const { status, stderr, error } = spawnSync('flock', ['-n', sharing === 'exclusive' ? '-x' : '-s', '3'], {
    stdio: ['ignore', 'ignore', 'pipe', descriptor],
    env: { PATH: `${process.env.PATH ?? ''}:/usr/bin:/bin`, LC_ALL: 'C' },
    encoding: 'utf8',
  });
  if (error !== undefined) throw lockError(unstarted(error));
  if (status === 0) return true;
  // That of busybox has this status for failures as well, and says them.
  if (status === 1 && stderr === '') return false;
  throw lockError(`flock(1) failed with ${status === null ? 'a signal' : `status ${status}`}: ${stderr.trim()}`);
}

const unstarted = (error: Error): string =>
  codeOf(error) === 'ENOENT'
    ? 'flock(1) was not found in PATH: install util-linux, vmrun locks its files with it'
    : `flock(1) could not be started: ${error.message}`;

/** The call that failed says what the matter is; its code must not be taken for one of the file. */
const lockError = (message: string): Error => Object.assign(new Error(message), { code: 'ENOLCK', syscall: 'flock' });

/** Whether there is a lock or not could not be found out. */
export const isLockFailure = (error: unknown): boolean =>
  codeOf(error) === 'ENOLCK' && error instanceof Error && 'syscall' in error && error.syscall === 'flock';
