import {
  accessSync,
  chmodSync,
  constants,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  statSync,
  unlinkSync,
  writeFileSync,
} from 'node:fs';
import path from 'node:path';
import { types } from 'node:util';
import { codeOf } from '../base/error-code.js';
import type { Survivor } from './child.js';
import { takeLock, whoHolds, type Lock } from './lock.js';
import { readState, type RunState, type StateDraft } from './run-state.js';
import { isProcess } from './signal-process.js';

/** What runs the VM: a bhyve, or the loader before it. */
export interface Note {
  readonly role: 'bhyve' | 'loader';
  readonly pid: number;
  readonly boot: number;
  readonly target: string;
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
  saveState(state: StateDraft): void;
  /**
   * Takes the second lock, which every bhyve and loader of this VM inherits: as long as one of them lives, the kernel
   * gives it to nobody else.
   * @returns false where one lives that another supervisor has started
   */
  takeVm(): Promise<boolean>;
  /** Somebody lives who has inherited that lock from another supervisor. */
  isVmHeld(): boolean;
  /** For the next child: how it is found should we be killed. Needs `takeVm`. */
  survivor(note: Omit<Note, 'pid'>): Survivor;
  /** What the child that was started last has written; undefined where there is none, or it is only about to. */
  readNote(): Note | undefined;
  /**
   * Removes what a run puts here, lets go of the locks; a file that must stay (a ledger) keeps the folder.
   * @returns what could not be removed, and why; undefined where all is gone
   */
  release(): string | undefined;
  /** Lets go of the locks and leaves everything as it was found. */
  abandon(): void;
}

/** Somebody else runs the VM. */
export interface HeldRunDirectory {
  readonly heldBy: string;
}

/** Locked by the supervisor as long as it lives. */
export const runLockFile = 'lock';
/** Locked by what runs the VM. */
export const vmLockFile = 'vm.lock';
const noteFile = 'vm.pid';
const stateFile = 'state.json';

const temporaryName = (name: string): string => `.${name}.new`;
const isTemporary = (name: string): boolean => /^\..+\.new$/.test(name);

/** Who supervises, as the lock file has it for others to read. */
export const holderWords = (supervisor: number, since: string): string => `process ${supervisor} since ${since}`;

/** @returns undefined where the holder is no supervisor, or has not yet said who it is: the words are a dead one's */
export function supervisorIn(heldBy: string): number | undefined {
  const [, pid] = /^process (\d+) since /.exec(heldBy) ?? [];
  return pid !== undefined && isProcess(Number(pid)) ? Number(pid) : undefined;
}

function isSigned(heldBy: string): boolean {
  const [, pid] = /^process (\d+)/.exec(heldBy) ?? [];
  return pid === undefined ? heldBy !== '' : isProcess(Number(pid));
}

/** A holder says who it is as soon as it has the lock. */
const wordsWaitMs = 500;
const pollMs = 10;

/**
 * @param holder what others read who want the folder too
 * @throws Error with a system call's code where the folder cannot be made or is not ours
 */
export async function openRunDirectory(
  base: string,
  name: string,
  holder = '',
): Promise<RunDirectory | HeldRunDirectory> {
  const folder = path.join(base, name);
  for (let waitedMs = 0; ;) {
    mkdirSync(base, { recursive: true, mode: 0o755 });
    refuseForeignBase(base);
    makePrivateFolder(folder);
    try {
      const lock = await takeLock(path.join(folder, runLockFile));
      if (!('heldBy' in lock)) return opened(folder, signed(lock, holder));
      if (isSigned(lock.heldBy) || waitedMs >= wordsWaitMs) return lock;
      await new Promise((resolve) => setTimeout(resolve, pollMs));
      waitedMs += pollMs;
    } catch (error) {
      // A run that ends removes the folder between our two calls.
      if (codeOf(error) !== 'ENOENT') throw error;
    }
  }
}

/** A disk that is full keeps nobody from running a VM. */
function signed(lock: Lock, holder: string): Lock {
  try {
    lock.write(holder === '' ? '' : `${holder}\n`);
  } catch {
    // It is written once more with the state.
  }
  return lock;
}

/** What is known of a VM name: who runs it, or what a run that did not end by itself has left. */
export type NameHolder = (HeldRunDirectory | { readonly heldBy?: never }) & {
  readonly state: RunState | undefined;
  /** A bhyve or loader lives that was started by it; told where nobody supervises. */
  readonly hasOrphan: boolean;
  readonly note: Note | undefined;
  /** Locked by the supervisor, and by what runs the VM. */
  readonly lock: string;
  readonly vmLock: string;
};

/**
 * Looks who runs a VM name, and makes, takes and changes nothing for it. What vanishes meanwhile, as the run directory
 * does at the end of a run, is gone.
 * @throws the error of the system call where that cannot be known
 */
export function whoRuns(base: string, name: string): NameHolder {
  try {
    return holderOf(base, name);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return nobody(path.join(base, name));
    throw error;
  }
}

const locksIn = (folder: string) => ({ lock: path.join(folder, runLockFile), vmLock: path.join(folder, vmLockFile) });

const nobody = (folder: string): NameHolder => ({
  state: undefined,
  hasOrphan: false,
  note: undefined,
  ...locksIn(folder),
});

function holderOf(base: string, name: string): NameHolder {
  const folder = path.join(base, name);
  if (lstatSync(folder, { throwIfNoEntry: false }) === undefined) return nobody(folder);
  refuseForeignBase(base);
  // Of another user's folder nothing is known, not even that nobody holds it.
  accessSync(folder, constants.R_OK | constants.X_OK);
  const locks = locksIn(folder);
  const holder = (): string | undefined => whoHolds(locks.lock);
  const heldBefore = holder();
  const hasOrphan = heldBefore === undefined && whoHolds(locks.vmLock) !== undefined;
  // A run may have begun between the two looks.
  const heldBy = hasOrphan ? holder() : heldBefore;
  const state = readState(path.join(folder, stateFile));
  const note = readNote(path.join(folder, noteFile));
  const known = { state, note, ...locks };
  return heldBy === undefined ? { ...known, hasOrphan } : { ...known, heldBy, hasOrphan: false };
}

/** The names that have a run directory, sorted; whether anybody runs them `whoRuns` tells. */
export function knownNames(base: string): readonly string[] {
  try {
    const folders = readdirSync(base, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    return folders.map(({ name }) => name).sort();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
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

/** write(2) does not say which file; the code stays. */
function unwritable(file: string, cause: unknown): unknown {
  if (!types.isNativeError(cause)) return cause;
  const message = `${file} cannot be written: ${cause.message}`;
  return Object.assign(new Error(message, { cause }), { code: codeOf(cause), syscall: 'write' });
}

/** rmSync would look at the file twice before it removes it, and this is in the way of every boot. */
function removeFile(file: string): void {
  try {
    unlinkSync(file);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}

/** A file of our own making, never one that is there: a run that was killed may have left the half of one. */
function makeFile(file: string, content: string): void {
  const options = { mode: 0o600, flag: 'wx' } as const;
  try {
    writeFileSync(file, content, options);
  } catch (error) {
    if (codeOf(error) !== 'EEXIST') throw error;
    removeFile(file);
    writeFileSync(file, content, options);
  }
}

function opened(folder: string, lock: Lock): RunDirectory {
  // So often that path.join would be worth optimizing to V8, whose compiler takes megabytes.
  const file = (name: string): string => `${folder}/${name}`;
  const remove = (name: string): void => {
    removeFile(file(name));
  };
  const write = (name: string, content: string): void => {
    const temporary = file(temporaryName(name));
    try {
      makeFile(temporary, content);
      renameSync(temporary, file(name));
    } catch (error) {
      throw unwritable(file(name), error);
    }
  };
  let vmLock: Lock | undefined;
  const letGoOfVm = (): void => {
    const held = vmLock;
    vmLock = undefined;
    held?.release();
  };
  return {
    path: folder,
    leftState: readState(file(stateFile)),
    file,
    write,
    remove,
    saveState: (state) => {
      write(stateFile, `${JSON.stringify(state)}\n`);
      lock.write(`${holderWords(state.supervisor, state.since)}\n`);
    },
    async takeVm() {
      if (vmLock !== undefined) return true;
      const taken = await takeLock(file(vmLockFile));
      if ('heldBy' in taken) return false;
      vmLock = taken;
      return true;
    },
    isVmHeld: () => vmLock === undefined && whoHolds(file(vmLockFile)) !== undefined,
    survivor({ role, boot, target }) {
      remove(noteFile);
      return { noteFile: file(noteFile), note: `${role} % ${boot} ${target}`, lock: vmLock?.descriptor };
    },
    readNote: () => readNote(file(noteFile)),
    abandon() {
      const held = vmLock;
      vmLock = undefined;
      held?.leave();
      lock.release();
    },
    release() {
      const failures: string[] = [];
      const attempt = (act: () => void): void => {
        try {
          act();
        } catch (error) {
          failures.push(error instanceof Error ? error.message : String(error));
        }
      };
      for (const name of [stateFile, noteFile]) {
        attempt(() => {
          remove(name);
        });
      }
      // A run that was killed while it wrote a file has left the half of it.
      attempt(() => {
        readdirSync(folder).filter(isTemporary).forEach(remove);
      });
      attempt(letGoOfVm);
      attempt(lock.release);
      attempt(() => {
        removeFolder(folder);
      });
      return failures.length === 0 ? undefined : failures.join('; ');
    },
  };
}

/** One that something is left in stays. */
function removeFolder(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(codeOf(error))) throw error;
  }
}

/** Its words are ours, but a full disk may have cut them. */
function readNote(file: string): Note | undefined {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch {
    return undefined;
  }
  const [, role, pid, boot, target] = /^(bhyve|loader) ([1-9]\d*) ([1-9]\d*) (.+)\n$/.exec(text) ?? [];
  if ((role !== 'bhyve' && role !== 'loader') || target === undefined) return undefined;
  return { role, pid: Number(pid), boot: Number(boot), target };
}
