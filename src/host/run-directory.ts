import {
  chmodSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { codeOf } from '../base/error-code.js';
import { takeLock, whoHolds, type Lock } from './lock.js';

/** A process: its pid and when it was started, in the system's words. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly start?: string;
}

/** What a run tells about itself in `state.json`, for the next one and for people. */
export interface RunState {
  readonly version: 1;
  readonly name: string;
  readonly supervisor: number;
  /** ISO 8601. */
  readonly since: string;
  readonly target?: string;
  readonly boot?: number;
  /** The running bhyve. */
  readonly bhyve?: ProcessIdentity;
  /** The loader that runs before it. */
  readonly loader?: ProcessIdentity;
}

/** The folder of one running VM. Mode 0700; made and locked by its supervisor, removed when it is done. */
export interface RunDirectory {
  readonly path: string;
  /** What the last run of this name left, if it did not end by itself. */
  readonly leftState: RunState | undefined;
  file(name: string): string;
  /** Mode 0600, whole or not at all. */
  write(name: string, content: string): void;
  remove(name: string): void;
  saveState(state: RunState): void;
  /** Removes what a run puts here, lets go of the lock; a file that must stay (a ledger) keeps the folder. */
  release(): Promise<void>;
  /** Lets go of the lock and leaves everything as it was found. */
  abandon(): Promise<void>;
}

/** Somebody else runs the VM. */
export interface HeldRunDirectory {
  readonly heldBy: string;
}

const lockFile = 'lock';
const stateFile = 'state.json';

const temporaryName = (name: string): string => `.${name}.new`;
const isTemporary = (name: string): boolean => /^\..+\.new$/.test(name);

/** @throws Error with a system call's code where the folder cannot be made or is not ours */
export async function openRunDirectory(base: string, name: string): Promise<RunDirectory | HeldRunDirectory> {
  const folder = path.join(base, name);
  for (;;) {
    mkdirSync(base, { recursive: true, mode: 0o755 });
    refuseForeignBase(base);
    makePrivateFolder(folder);
    try {
      const lock = await takeLock(path.join(folder, lockFile));
      return 'heldBy' in lock ? lock : opened(folder, lock);
    } catch (error) {
      // A run that ends removes the folder between our two calls.
      if (codeOf(error) !== 'ENOENT') throw error;
    }
  }
}

/** What is known of a VM name: who runs it, or what a run that did not end by itself has left. */
export type NameHolder = HeldRunDirectory | { readonly leftState: RunState | undefined };

/**
 * Looks who runs a VM name, and makes, takes and changes nothing for it.
 * @throws the error of the system call where that cannot be known
 */
export function whoRuns(base: string, name: string): NameHolder {
  const folder = path.join(base, name);
  if (lstatSync(folder, { throwIfNoEntry: false }) === undefined) return { leftState: undefined };
  refuseForeignBase(base);
  const heldBy = whoHolds(path.join(folder, lockFile));
  return heldBy === undefined ? { leftState: readState(path.join(folder, stateFile)) } : { heldBy };
}

/** In a folder where anybody may make files, such as /tmp, only what we or root made is to be trusted. */
function refuseForeignBase(base: string): void {
  const isOpenToAll = (statSync(path.dirname(path.resolve(base))).mode & 0o002) !== 0;
  const { uid } = lstatSync(base);
  if (!isOpenToAll || uid === 0 || uid === process.getuid?.()) return;
  throw Object.assign(new Error(`${base} belongs to another user`), { code: 'EPERM' });
}

function makePrivateFolder(folder: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
  }
  const stats = lstatSync(folder);
  const uid = process.getuid?.();
  if (!stats.isDirectory() || (uid !== undefined && stats.uid !== uid)) {
    throw Object.assign(new Error(`${folder} is not a directory of this user`), { code: 'EPERM' });
  }
  if ((stats.mode & 0o777) !== 0o700) chmodSync(folder, 0o700);
}

function opened(folder: string, lock: Lock): RunDirectory {
  const file = (name: string): string => path.join(folder, name);
  const remove = (name: string): void => {
    rmSync(file(name), { force: true });
  };
  const write = (name: string, content: string): void => {
    const temporary = file(temporaryName(name));
    rmSync(temporary, { force: true });
    writeFileSync(temporary, content, { mode: 0o600, flag: 'wx' });
    renameSync(temporary, file(name));
  };
  return {
    path: folder,
    leftState: readState(file(stateFile)),
    file,
    write,
    remove,
    saveState: (state) => {
      write(stateFile, `${JSON.stringify(state)}\n`);
      lock.write(`process ${state.supervisor} since ${state.since}\n`);
    },
    abandon: () => lock.release(),
    async release() {
      remove(stateFile);
      // A run that was killed while it wrote a file has left the half of it.
      readdirSync(folder).filter(isTemporary).forEach(remove);
      await lock.release();
      try {
        rmdirSync(folder);
      } catch (error) {
        if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(codeOf(error))) throw error;
      }
    },
  };
}

/** A file that is cut, empty or from another version says nothing; it never keeps a VM from starting. */
function readState(file: string): RunState | undefined {
  try {
    const value: unknown = JSON.parse(readFileSync(file, 'utf8'));
    return isState(value) ? value : undefined;
  } catch {
    return undefined;
  }
}

function isState(value: unknown): value is RunState {
  if (typeof value !== 'object' || value === null) return false;
  const { version, supervisor, bhyve, loader } = value as Partial<Record<keyof RunState, unknown>>;
  return version === 1 && typeof supervisor === 'number' && [bhyve, loader].every(isIdentity);
}

const isIdentity = (value: unknown): boolean =>
  value === undefined ||
  (typeof value === 'object' && value !== null && 'pid' in value && typeof value.pid === 'number');
