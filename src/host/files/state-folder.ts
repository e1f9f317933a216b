import { lstatSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { readBoundedText } from '../../base/bounded-file.js';
import { codeOf } from '../../base/error-code.js';
import { ProblemsError } from '../../base/problem.js';
import { describeSystemError, systemError } from '../errno.js';
import { takeLock, type Lock, type LockResult } from './lock.js';
import { makePrivateFolder } from './private-folder.js';
import { isUnfinished, removePrivateFile, replacePrivateFile } from './replace-file.js';

/** What a program keeps from one start to the next: JSON files of mode 0600 in a folder of mode 0700, locked. */
export interface StateFolder {
  /** Absolute. */
  readonly path: string;
  /** The names of the files of a folder in it, without their ending `.json`, sorted. */
  readonly names: (folder: string) => readonly string[];
  /**
   * What a file holds, without its version; `damaged` where it is no record of ours.
   * @param name with its folder, without `.json`: `vms/web`
   * @throws ProblemsError `cannot-create` where a newer program has written it
   */
  readonly read: (name: string) => Readonly<Record<string, unknown>> | 'damaged' | undefined;
  /** Replaces it whole; it is on the disk then. @throws the error of the system call; the old one is there then, as `replacePrivateFile` has it */
  readonly write: (name: string, record: object) => void;
  /** @throws the error of the system call */
  readonly remove: (name: string) => void;
  /** Of a text that is no record: a spec. `name` with its ending. @throws the error of the system call */
  readonly writeText: (name: string, text: string) => void;
  /** Where such a text is. */
  readonly file: (name: string) => string;
  /** Removes such a text. @throws the error of the system call */
  readonly removeText: (name: string) => void;
  /** Lets go of the lock. */
  readonly release: () => void;
}

/** The version that this program writes and reads. */
const version = 1;
const lockFile = 'lock';
/** Far more than any record has. */
const mostBytes = 16 * 1024 * 1024;

/**
 * Opens a state folder for this process alone, and makes it where there is none.
 * @param folders those in it
 * @param holder what others are told who want it too: `process 123 since …`
 * @throws ProblemsError `in-use` where another process has it, `cannot-create` where there can be none, or where it is that
 * of a newer program
 */
export async function openStateFolder(
  folder: string,
  { folders, holder }: { readonly folders: readonly string[]; readonly holder: string },
): Promise<StateFolder> {
  const lock = await locked(folder, folders, holder);
  const state = opened(folder, lock);
  try {
    for (const each of ['', ...folders]) for (const name of state.names(each)) state.read(path.join(each, name));
    return state;
  } catch (error) {
    lock.leave();
    throw error;
  }
}

async function locked(folder: string, folders: readonly string[], holder: string): Promise<Lock> {
  let lock: LockResult | undefined;
  try {
    makePrivateFolder(path.dirname(folder), folder);
    for (const each of folders) makePrivateFolder(folder, path.join(folder, each));
    lock = await takeLock(path.join(folder, lockFile));
    if (!('heldBy' in lock)) lock.write(`${holder}\n`);
  } catch (error) {
    if (lock !== undefined && !('heldBy' in lock)) lock.leave();
    throw refusal('cannot-create', folder, {
      code: 'state-folder',
      message: `the state folder cannot be used: ${describeSystemError(systemError(error))}`,
      fix: 'give it to the user who runs the manager, with room on its disk, or name another',
    });
  }
  if (!('heldBy' in lock)) return lock;
  throw refusal('in-use', folder, {
    code: 'state-in-use',
    message: `another manager uses this state folder: ${lock.heldBy === '' ? 'it has not said who it is' : lock.heldBy}`,
    fix: 'stop that one first, or name another state folder',
  });
}

function opened(folder: string, lock: Lock): StateFolder {
  const file = (name: string): string => path.join(folder, name);
  const recordFile = (name: string): string => file(`${name}.json`);
  return {
    path: folder,
    file,
    names: (within) =>
      filesIn(file(within))
        .filter((name) => name.endsWith('.json') && !isUnfinished(name))
        .map((name) => name.slice(0, -'.json'.length))
        .sort(),
    read: (name) => readRecord(recordFile(name)),
    write: (name, record) => {
      replacePrivateFile(recordFile(name), `${JSON.stringify({ version, ...record })}\n`);
    },
    remove: (name) => {
      removePrivateFile(recordFile(name));
    },
    writeText: (name, text) => {
      replacePrivateFile(file(name), text);
    },
    removeText: (name) => {
      removePrivateFile(file(name));
    },
    release: () => {
      try {
        lock.release();
      } catch {
        // The lock is gone all the same, and a file that cannot be removed means nothing.
      }
    },
  };
}

function filesIn(folder: string): readonly string[] {
  return readdirSync(folder, { withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map(({ name }) => name);
}

function readRecord(file: string): Readonly<Record<string, unknown>> | 'damaged' | undefined {
  let text: string | undefined;
  try {
    if (lstatSync(file, { throwIfNoEntry: false }) === undefined) return undefined;
    text = readBoundedText(file, { most: mostBytes, isRegular: true });
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw refusal('cannot-create', file, {
      code: 'state-folder',
      message: `this file of the state folder cannot be read: ${describeSystemError(systemError(error))}`,
      fix: 'let the user who runs the manager read it',
    });
  }
  const value = parsed(text ?? '');
  if (!isRecord(value)) return 'damaged';
  const { version: written, ...record } = value;
  if (typeof written !== 'number' || written < 1) return 'damaged';
  if (written <= version) return record;
  throw refusal('cannot-create', file, {
    code: 'newer-state',
    message: `this file is of version ${written}, and this vmrun knows version ${version}: a newer one has written it`,
    fix: 'run that newer vmrun, or name another state folder; nothing was changed',
  });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isRecord = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const refusal = (
  kind: ProblemsError['kind'],
  source: string,
  problem: { readonly code: string; readonly message: string; readonly fix: string },
): ProblemsError => new ProblemsError(kind, source, [{ ...problem, severity: 'error' }]);
