import { closeSync, constants, fsyncSync, openSync, renameSync, unlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { codeOf } from '../../base/error-code.js';

/**
 * Writes a file that only we read again, mode 0600, whole or not at all. What is written is on disk when this returns,
 * under its name: a power cut finds the old content before that, the new one after it. The folder belongs to us alone, and
 * two processes never write in it at the same time.
 * @throws the error of the system call; the old content is still there, unless it was the folder that could not be synced
 */
export function replacePrivateFile(file: string, content: string | Uint8Array): void {
  const fresh = temporaryOf(file);
  inFolder(file, () => {
    try {
      writeFresh(fresh, content);
      renameSync(fresh, file);
    } catch (error) {
      removeIfThere(fresh);
      throw error;
    }
  });
}

/** Removes such a file, if it is there; after a power cut it stays removed. @throws the error of the system call */
export function removePrivateFile(file: string): void {
  inFolder(file, () => {
    removeIfThere(file);
  });
}

/** A name of what was being written when its process was killed: it may be removed, and is no file of anybody's. */
export const isUnfinished = (name: string): boolean => /^\..+\.new$/.test(name);

/** Always the same for a file, so that what a crash has left is written over, not kept. */
const temporaryOf = (file: string): string => path.join(path.dirname(file), `.${path.basename(file)}.new`);

function writeFresh(fresh: string, content: string | Uint8Array): void {
  removeIfThere(fresh);
  const descriptor = openSync(fresh, 'wx', 0o600);
  try {
    writeFileSync(descriptor, content);
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

function removeIfThere(file: string): void {
  try {
    unlinkSync(file);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}

/** A name is in its folder, which is written by itself. It is opened before: what cannot be synced is not begun. */
function inFolder(file: string, change: () => void): void {
  const descriptor = openSync(path.dirname(file), constants.O_RDONLY | constants.O_DIRECTORY);
  try {
    change();
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
