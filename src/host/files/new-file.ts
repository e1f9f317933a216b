import { randomBytes } from 'node:crypto';
import {
  closeSync,
  existsSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  openSync,
  readSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  type Stats,
} from 'node:fs';
import path from 'node:path';
import { trustedPath } from './trust.js';
import { refuseStrange } from '../../base/bounded-file.js';

/** There is something of this name, be it what it may. */
export const isThere = (file: string): boolean => existsSync(file);

/** Bytes that a disk image has among its first, and no text anywhere. */
const headBytes = 64 * 1024;

/** What has this name could be text: an empty file, one without NUL bytes, one that we may not read; nothing at all. */
export function isText(file: string): boolean {
  if (statSync(file, { throwIfNoEntry: false })?.isFile() !== true) return true;
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch {
    return true;
  }
  try {
    const head = Buffer.alloc(headBytes);
    return !head.subarray(0, readSync(descriptor, head)).includes(0);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Writes a file whole or not at all, where there is none.
 * @param mode less what umask(2) takes away
 * @throws the error of the system call; `EEXIST` where there is something of that name
 */
export function writeNewFile(file: string, text: string, mode = 0o644): void {
  refuseAstrayForRoot(file);
  const descriptor = openSync(file, 'wx', mode);
  try {
    writeFileSync(descriptor, text);
  } catch (error) {
    // Half of it is worse than nothing, and it is ours: nobody had a file of this name.
    rmSync(file, { force: true });
    throw error;
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Writes a file in one step, whether there is one or not: whoever reads it meanwhile finds the old text or the new one.
 * Its mode and its owner stay; a link to it stays a link.
 * @throws the error of the system call; `EFTYPE` where what has that name is no file: a device must not be replaced
 */
export function replaceFile(file: string, text: string): void {
  refuseAstrayForRoot(file);
  const old = statSync(file, { throwIfNoEntry: false });
  if (old !== undefined) refuseStrange(old);
  const goal = old === undefined ? file : realpathSync(file);
  const fresh = path.join(path.dirname(goal), `.${path.basename(goal)}.${randomBytes(6).toString('hex')}`);
  try {
    const descriptor = openSync(fresh, 'wx', 0o644);
    try {
      writeFileSync(descriptor, text);
      if (old !== undefined) beLike(descriptor, old);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(fresh, goal);
  } catch (error) {
    rmSync(fresh, { force: true });
    throw error;
  }
}

/**
 * Root makes and replaces nothing where others could have it done elsewhere. A user may, who works with others in a folder
 * of theirs: more than his own files is not at stake.
 * @throws `EPERM`
 */
function refuseAstrayForRoot(file: string): void {
  if (process.getuid?.() === 0) trustedPath(file);
}

function beLike(descriptor: number, { uid, gid, mode }: Stats): void {
  // Only root may give a file away, and only root writes one that is somebody else's by accident.
  if (process.getuid?.() === 0) fchownSync(descriptor, uid, gid);
  fchmodSync(descriptor, mode & 0o7777);
}
