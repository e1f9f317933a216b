import {
  chmodSync,
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  renameSync,
  rmdirSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import { types } from 'node:util';
import { readBounded } from '../../base/bounded-file.js';
import { codeOf } from '../../base/error-code.js';
import { errorReason } from '../../base/error-words.js';
import { makeFolders } from './make-folders.js';
import { trustedPath } from './trust.js';

/** A folder of ours that nobody else may look into, and the files that we put there. */
export interface PrivateFolder {
  readonly path: string;
  readonly file: (name: string) => string;
  /** `replaced`: something else has its name by now, a link perhaps. Nothing is read, written or removed there. */
  readonly condition: () => 'ours' | 'gone' | 'replaced';
  /** Makes it anew where somebody has removed it. @throws where it was replaced */
  readonly ensure: () => void;
  /**
   * Mode 0600, whole or not at all; nothing to do where the file has that content and cannot be written. Needs `ensure`
   * right before.
   */
  readonly write: (name: string, content: string) => void;
  /**
   * A new empty file of mode 0600, in place of what has its name.
   * @returns a descriptor, for reading and writing; for `append`, at its end alone
   */
  readonly create: (name: string, how: 'append' | 'anywhere') => number;
  /** The same of a file that an earlier run has made. @throws where it is none of ours */
  readonly reopen: (name: string, how: 'append' | 'anywhere') => number;
  /** All that can be removed; what cannot is tried again by `empty`. @throws the first failure */
  readonly remove: (...names: readonly string[]) => void;
  /** The same for what was not removed before, and for what a crash has left of a file that was being written. */
  readonly empty: () => void;
}

/**
 * Makes a folder for this user alone, with those above it.
 * @throws Error with a system call's code where that cannot be, or what has its name is not ours
 */
export function makePrivateFolder(base: string, folder: string): void {
  // Before as well: nothing is made where others may lead us.
  refuseForeignBase(base);
  makeFolders(base, 0o755);
  refuseForeignBase(base);
  makeFolder(folder, 0o700);
  const stats = lstatSync(folder);
  const uid = process.getuid?.();
  if (!stats.isDirectory() || (uid !== undefined && stats.uid !== uid)) {
    throw Object.assign(new Error(`${folder} is not a directory of this user`), { code: 'EPERM' });
  }
  if ((stats.mode & 0o777) !== 0o700) chmodSync(folder, 0o700);
  refuseForeignEntries(folder, uid);
}

/**
 * In a folder that others could write to before, what they have left may name processes that are to be ended, and
 * interfaces that are to be destroyed; and who has made a lock file may hold its lock for ever.
 * @throws `EPERM`
 */
function refuseForeignEntries(folder: string, uid: number | undefined): void {
  for (const name of readdirSync(folder)) {
    const file = `${folder}/${name}`;
    const owner = lstatSync(file, { throwIfNoEntry: false })?.uid;
    if (owner === undefined || owner === uid) continue;
    throw Object.assign(new Error(`${file} belongs to user ${owner}: remove it`), { code: 'EPERM' });
  }
}

/**
 * Where others can write in a folder or above it, they could put links in the way of all that is made and removed.
 * @throws `EPERM`
 */
export function refuseForeignBase(base: string): void {
  trustedPath(base);
}

function makeFolder(folder: string, mode: number): void {
  try {
    mkdirSync(folder, { mode });
  } catch (error) {
    // What has its name may be there by right, and is looked at, or found out by the next call.
    if (lstatSync(folder, { throwIfNoEntry: false }) === undefined) throw error;
  }
}

const temporaryName = (name: string): string => `.${name}.new`;
const isTemporary = (name: string): boolean => /^\..+\.new$/.test(name);

/** A folder that `makePrivateFolder` has made. */
export function privateFolder(base: string, folder: string): PrivateFolder {
  // So often that path.join would be worth optimizing to V8, whose compiler takes megabytes.
  const file = (name: string): string => `${folder}/${name}`;
  const unremoved = new Set<string>();
  let inode = inodeOf(folder);

  function condition(): ReturnType<PrivateFolder['condition']> {
    const now = inodeOf(folder);
    if (now === undefined) return 'gone';
    return now === inode ? 'ours' : 'replaced';
  }

  function ensure(): void {
    const now = condition();
    if (now === 'replaced') throw replaced(folder);
    if (now === 'ours') return;
    makePrivateFolder(base, folder);
    inode = inodeOf(folder);
  }

  function remove(...names: readonly string[]): void {
    const now = condition();
    if (now === 'replaced') throw replaced(folder);
    const failures = names.flatMap((name) => {
      try {
        if (now === 'ours') removeEntry(file(name));
        unremoved.delete(name);
        return [];
      } catch (error) {
        unremoved.add(name);
        return [error];
      }
    });
    if (failures.length > 0) throw failures[0];
  }

  return {
    path: folder,
    file,
    condition,
    ensure,
    write(name, content) {
      try {
        replaceEntry(file(temporaryName(name)), file(name), content);
      } catch (error) {
        if (!holds(file(name), content)) throw unwritable(file(name), error);
      }
    },
    create(name, how) {
      ensure();
      return createEntry(file(name), how);
    },
    reopen(name, how) {
      if (condition() === 'replaced') throw replaced(folder);
      return reopenEntry(file(name), how);
    },
    remove,
    empty() {
      const left = condition() === 'ours' ? readdirSync(folder).filter(isTemporary) : [];
      remove(...left, ...unremoved);
    },
  };
}

/** What the kernel calls a folder; undefined where there is none, and no other name leads to it. Never throws. */
function inodeOf(folder: string): string | undefined {
  try {
    const stats = lstatSync(folder, { bigint: true });
    return `${stats.dev}:${stats.ino}:${stats.isDirectory() ? 'folder' : 'other'}`;
  } catch (error) {
    const code = codeOf(error);
    return code === 'ENOENT' || code === 'ENOTDIR' ? undefined : code;
  }
}

/** One that cannot be looked at may have been replaced. */
function replaced(folder: string): unknown {
  try {
    lstatSync(folder);
  } catch (error) {
    return error;
  }
  return Object.assign(new Error(`${folder} is no longer the folder that this run made`), { code: 'ESTALE' });
}

/** write(2) does not say which file; the code stays. */
function unwritable(file: string, cause: unknown): unknown {
  if (!types.isNativeError(cause)) return cause;
  const message = `${file} cannot be written: ${errorReason(cause)}`;
  return Object.assign(new Error(message, { cause }), { code: codeOf(cause), syscall: 'write' });
}

/**
 * A file, or an empty folder that stands where a file of ours should be. rmSync would look at the file twice before it
 * removes it, and this is in the way of every boot.
 */
function removeEntry(file: string): void {
  try {
    unlinkSync(file);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return;
    if (lstatSync(file, { throwIfNoEntry: false })?.isDirectory() !== true) throw error;
    rmdirSync(file);
  }
}

/** Through a file of our own making, never one that is there: a run that was killed may have left the half of one. */
function replaceEntry(temporary: string, file: string, content: string): void {
  const options = { mode: 0o600, flag: 'wx' } as const;
  try {
    writeFileSync(temporary, content, options);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    removeEntry(temporary);
    writeFileSync(temporary, content, options);
  }
  try {
    renameSync(temporary, file);
  } catch {
    removeEntry(file);
    renameSync(temporary, file);
  }
}

const { O_RDWR, O_CREAT, O_EXCL, O_APPEND, O_NOFOLLOW, O_NONBLOCK } = constants;
const opening = { append: O_RDWR | O_NOFOLLOW | O_APPEND, anywhere: O_RDWR | O_NOFOLLOW } as const;

function createEntry(file: string, how: keyof typeof opening): number {
  const flags = opening[how] | O_CREAT | O_EXCL;
  try {
    return openSync(file, flags, 0o600);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    removeEntry(file);
    return openSync(file, flags, 0o600);
  }
}

function reopenEntry(file: string, how: keyof typeof opening): number {
  // A FIFO that has its name would make us wait.
  const descriptor = openSync(file, opening[how] | O_NONBLOCK);
  const stats = fstatSync(descriptor);
  const uid = process.getuid?.();
  if (stats.isFile() && stats.nlink === 1 && (uid === undefined || stats.uid === uid)) return descriptor;
  closeSync(descriptor);
  throw Object.assign(new Error(`${file} is not a file of this user alone`), { code: 'EPERM' });
}

/** Never reads more than that. */
function holds(file: string, content: string): boolean {
  const wanted = Buffer.from(content);
  try {
    return readBounded(file, { most: wanted.length, isRegular: true })?.equals(wanted) === true;
  } catch {
    return false;
  }
}
