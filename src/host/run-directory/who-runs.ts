import { accessSync, constants, lstatSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { codeOf } from '../../base/error-code.js';
import { isVmName } from '../../base/vm-name.js';
import { whoHolds } from '../files/lock.js';
import { refuseForeignBase } from '../files/private-folder.js';
import { runDirectoryOf } from './run-base.js';
import type { HeldRunDirectory } from './run-directory.js';
import { locksIn, noteFile, readNote, stateFile, type Note } from './run-files.js';
import { readState, type RunState } from './run-state.js';

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

const nobody = (folder: string): NameHolder => ({
  state: undefined,
  hasOrphan: false,
  note: undefined,
  ...locksIn(folder),
});

/** What vanishes while one looks is gone. */
const isGone = (error: unknown): boolean => ['ENOENT', 'ENOTDIR'].includes(codeOf(error));

/**
 * Looks who runs a VM name, and makes, takes and changes nothing for it. What vanishes meanwhile, as the run directory
 * does at the end of a run, is gone.
 * @throws the error of the system call where that cannot be known
 */
export function whoRuns(base: string, name: string): NameHolder {
  const folder = runDirectoryOf(base, name);
  try {
    return lstatSync(folder, { throwIfNoEntry: false }) === undefined ? nobody(folder) : holderOf(base, folder);
  } catch (error) {
    if (isGone(error)) return nobody(folder);
    throw error;
  }
}

/**
 * For somebody who wants to know whether a run could be written down there; a folder that is missing can be made.
 * @throws the error of the system call where it is no folder, or lets nobody in
 */
export function lookInto(base: string): void {
  try {
    accessSync(`${base}/.`);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}

function holderOf(base: string, folder: string): NameHolder {
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
  const known = { state, note: readNote(path.join(folder, noteFile)), ...locks };
  return heldBy === undefined ? { ...known, hasOrphan } : { ...known, heldBy, hasOrphan: false };
}

/** The names that have a run directory, sorted; whether anybody runs them `whoRuns` tells. */
export function knownNames(base: string): readonly string[] {
  try {
    const entries = readdirSync(base, { withFileTypes: true });
    const folders = entries.filter((entry) => entry.isDirectory() && isVmName(entry.name));
    return folders.map(({ name }) => name).sort();
  } catch (error) {
    if (isGone(error)) return [];
    throw error;
  }
}
