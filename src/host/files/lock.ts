import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  lstatSync,
  openSync,
  rmdirSync,
  unlinkSync,
  writeSync,
  type BigIntStats,
} from 'node:fs';
import { readBoundedText } from '../../base/bounded-file.js';
import { codeOf } from '../../base/error-code.js';
import { openLocked } from './flock.js';
import { refuseOtherNames } from './trust.js';

/** A lock of a file that the kernel holds for this process and drops when it dies, however it dies. */
export interface Lock {
  readonly path: string;
  /** Replaces the content of the file, for people and tools that look who has it. */
  readonly write: (content: string) => void;
  /** For a child to inherit: the kernel then holds the lock for as long as one of us lives. */
  readonly descriptor: number;
  /** The file that is locked is still the one of that path. */
  readonly isInPlace: () => boolean;
  /** Removes the file and lets go. */
  readonly release: () => void;
  /** Lets go, and leaves the file: a child that has inherited the lock goes on holding it. */
  readonly leave: () => void;
}

export type LockResult = Lock | { readonly heldBy: string };

/** Somebody who only looks shares the lock for a moment. */
const lookMs = 10;
const maxLooks = 100;

/**
 * Takes the lock of a file, which is made with mode 0600 if it is not there. A symbolic link or anything else that is
 * no regular file is refused.
 * @returns the lock, or what the holder wrote into the file
 * @throws the error of the system call where the file cannot be made, or nobody knows who holds its lock
 */
export async function takeLock(file: string): Promise<LockResult> {
  for (let looks = 0; ;) {
    const descriptor = openOurs(file);
    if (descriptor === undefined) {
      looks += 1;
      const heldBy = whoHolds(file);
      if (heldBy !== undefined) return { heldBy };
      if (looks > maxLooks) return { heldBy: '' };
      await new Promise((resolve) => setTimeout(resolve, lookMs));
      continue;
    }
    // The former holder may have removed the file between our open and our lock.
    let isHeld = false;
    try {
      isHeld = isThere(file, identityOf(descriptor));
    } finally {
      if (!isHeld) closeSync(descriptor);
    }
    if (isHeld) return held(file, descriptor);
  }
}

/**
 * Goes on holding the lock of a path whose file somebody has removed, or replaced by a file that nobody has locked. What
 * nobody can lock, a folder say, is removed.
 * @returns undefined where that cannot be: the lock that we have is the only one
 * @throws where another process holds the lock by now, or the file cannot be made
 */
export function retakeLock(lock: Lock): Lock | undefined {
  if (lock.isInPlace()) return lock;
  const { path: file } = lock;
  if (!removeStrange(file)) return undefined;
  const descriptor = openOurs(file);
  if (descriptor === undefined) {
    throw Object.assign(new Error(`${file} was replaced, and another process holds its lock`), { code: 'EBUSY' });
  }
  lock.leave();
  return held(file, descriptor);
}

/** @returns undefined where somebody else holds its lock. @throws `EMLINK` where it has another name, too: it is emptied */
function openOurs(file: string): number | undefined {
  refuseStrangeFile(file);
  const descriptor = openLocked(file, constants.O_RDWR | constants.O_CREAT, 'exclusive');
  if (descriptor === undefined) return undefined;
  try {
    refuseOtherNames(file, fstatSync(descriptor));
    return descriptor;
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function refuseStrangeFile(file: string): void {
  const stats = lstatSync(file, { throwIfNoEntry: false });
  if (stats === undefined || stats.isFile()) return;
  const what = stats.isSymbolicLink() ? 'a symbolic link' : stats.isDirectory() ? 'a directory' : 'not a regular file';
  throw Object.assign(new Error(`${file} is ${what}`), { code: 'EFTYPE' });
}

/** What `openOurs` would refuse. @returns false where that cannot be removed */
function removeStrange(file: string): boolean {
  try {
    const stats = lstatSync(file, { throwIfNoEntry: false });
    if (stats === undefined || (stats.isFile() && stats.nlink === 1)) return true;
    if (stats.isDirectory()) rmdirSync(file);
    else unlinkSync(file);
    return true;
  } catch {
    return false;
  }
}

/**
 * Who holds the lock of a file, for somebody who only looks: no file is made, and a free lock is shared for as long as
 * that call takes.
 * @returns what the holder wrote into the file, or undefined where nobody holds it
 * @throws the error of the system call where that cannot be known
 */
export function whoHolds(file: string): string | undefined {
  try {
    if (lstatSync(file, { throwIfNoEntry: false })?.isFile() !== true) return undefined;
    const descriptor = openLocked(file, constants.O_RDONLY, 'shared');
    if (descriptor === undefined) return contentOf(file);
    closeSync(descriptor);
    return undefined;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error))) return undefined;
    throw error;
  }
}

/**
 * Opens the file of a lock, and takes no part in the lock, for somebody who wants to know what the holder writes last: it is
 * removed when that lets go.
 * @returns reads it, once; '' where it could not be opened
 */
export function lastWordsOf(file: string): { readonly read: () => string; readonly close: () => void } {
  try {
    const descriptor = openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    return {
      read: () => contentOf(descriptor),
      close: () => {
        closeSync(descriptor);
      },
    };
  } catch {
    return { read: () => '', close: () => undefined };
  }
}

function held(file: string, descriptor: number): Lock {
  const leave = (): void => {
    closeSync(descriptor);
  };
  const ours = identityOf(descriptor);
  const isInPlace = (): boolean => isThere(file, ours);
  let written: string | undefined;
  return {
    path: file,
    descriptor,
    isInPlace,
    write(content) {
      // Whoever reads it between the two calls finds nothing.
      if (content === written) return;
      written = undefined;
      ftruncateSync(descriptor, 0);
      writeSync(descriptor, content, 0);
      written = content;
    },
    leave,
    release() {
      try {
        if (isInPlace()) unlinkSync(file);
      } finally {
        leave();
      }
    },
  };
}

/** What the kernel calls a file: it stays that as long as it is open. */
type FileIdentity = Pick<BigIntStats, 'dev' | 'ino'>;

const identityOf = (descriptor: number): FileIdentity => fstatSync(descriptor, { bigint: true });

/** @throws the error of the system call where that cannot be known */
function isThere(file: string, { dev, ino }: FileIdentity): boolean {
  try {
    const there = lstatSync(file, { bigint: true });
    return there.ino === ino && there.dev === dev;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR', 'ELOOP'].includes(codeOf(error))) return false;
    throw error;
  }
}

/** Of what names the holder of a lock: a line. */
const longestHolder = 64 * 1024;

function contentOf(file: string | number): string {
  try {
    return readBoundedText(file, { most: longestHolder, isRegular: true })?.trim() ?? '';
  } catch {
    return '';
  }
}
