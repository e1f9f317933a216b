import { closeSync, constants, fchmodSync, lstatSync, openSync, readSync } from 'node:fs';
import { codeOf } from '../../base/error-code.js';
import { errorReason } from '../../base/error-words.js';
import { takeLock } from './lock.js';
import { refuseAstray } from './trust.js';

/** A file with a pid in it, locked while this process lives, as pidfile(3) has it. */
export interface PidFile {
  readonly path: string;
  readonly write: (pid: number) => void;
  /** Empties the file: the process it named is no more. */
  readonly clear: () => void;
  readonly remove: () => void;
}

/**
 * Takes a pid file. One that a dead process left is taken over; a file that holds anything but a pid is none, and is not
 * written to.
 * @returns the file, or the pid that the process which has it wrote there
 * @throws the error of the system call where it cannot be made
 */
export async function takePidFile(path: string): Promise<PidFile | { readonly heldBy: string }> {
  refuseAstray(path);
  const found = beginningOf(path);
  if (found.length > longestPid || !/^\s*\d{0,10}\s*$/.test(found)) {
    throw Object.assign(new Error('it is there already, and holds something other than a pid'), { code: 'EFTYPE' });
  }
  const lock = await takeLock(path);
  if ('heldBy' in lock) return lock;
  try {
    // An older one may be open to others, who could hold its lock the next time.
    fchmodSync(lock.descriptor, 0o600);
    lock.write('');
  } catch (error) {
    lock.release();
    throw error;
  }
  return {
    path,
    write: (pid) => {
      named(path, () => {
        lock.write(`${pid}\n`);
      });
    },
    clear: () => {
      named(path, () => {
        lock.write('');
      });
    },
    remove: () => {
      lock.release();
    },
  };
}

/** write(2) does not say which file; the code stays. */
function named(path: string, write: () => void): void {
  try {
    write();
  } catch (cause) {
    const why = errorReason(cause);
    throw Object.assign(new Error(`${path} cannot be written: ${why}`, { cause }), { code: codeOf(cause) });
  }
}

/** With blanks and ends of lines around it. */
const longestPid = 64;

/** A byte more than a pid file may have, where it has more. What is no regular file the lock refuses. */
function beginningOf(path: string): string {
  // To open a FIFO would let go of a writer that waits, and to read from it would take what he wrote.
  if (lstatSync(path, { throwIfNoEntry: false })?.isFile() !== true) return '';
  let descriptor: number;
  try {
    descriptor = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch {
    return '';
  }
  try {
    const bytes = Buffer.alloc(longestPid + 1);
    return bytes.toString('latin1', 0, readSync(descriptor, bytes));
  } finally {
    closeSync(descriptor);
  }
}
