import { existsSync, lstatSync, rmdirSync } from 'node:fs';
import path from 'node:path';
import { codeOf } from '../../base/error-code.js';
import { errorWords } from '../../base/error-words.js';
import { visibleLines } from '../../base/visible.js';
import { runDirectoryOf } from './run-base.js';
import type { Survivor } from '../process/spawn-options.js';
import { clearEnd, readEnd } from '../process/end-file.js';
import { isFifo, makeFifos } from './fifo.js';
import { retakeLock, takeLock, whoHolds, type Lock } from '../files/lock.js';
import { adoptOutput, makeOutput, toldName, type OutputFile, type OutputOptions } from '../process/output-file.js';
import { makePrivateFolder, privateFolder } from '../files/private-folder.js';
import {
  consoleInFile,
  consoleOutFile,
  consoleSocketFile,
  endFile,
  endTag,
  holderWords,
  isSigned,
  keptSpecFile,
  lifeLineFile,
  noteFile,
  noteWords,
  outputFiles,
  readNote,
  runLockFile,
  stateFile,
  stopFile,
  vmLockFile,
  type Note,
} from './run-files.js';
import { readState, type RunState, type StateDraft } from './run-state.js';
import type { ProcessEnd } from '../process/staying-shell.js';
import { endOfStatus } from '../process/staying-shell.js';
import type { RunTool } from '../process/tools.js';

/**
 * The folder of one running VM. Mode 0700; made and locked by its supervisor, removed when it is done. Where somebody
 * removes it meanwhile, it and its locks are made anew with the next file.
 */
export interface RunDirectory {
  readonly path: string;
  /** What the last run of this name left, if it did not end by itself. */
  readonly leftState: RunState | undefined;
  readonly file: (name: string) => string;
  /** Mode 0600, whole or not at all. */
  readonly write: (name: string, content: string) => void;
  /** Removes what was written, but for some. @throws the first failure */
  readonly removeWritten: (except: ReadonlySet<string>) => void;
  /** All that can be removed; what cannot is tried again at the end. @throws the first failure */
  readonly remove: (...names: readonly string[]) => void;
  readonly saveState: (state: StateDraft) => void;
  /**
   * Takes the second lock, which every bhyve and loader of this VM inherits: as long as one of them lives, the kernel
   * gives it to nobody else.
   * @returns false where one lives that another supervisor has started
   */
  readonly takeVm: () => Promise<boolean>;
  /** Somebody lives who has inherited that lock from another supervisor. */
  readonly isVmHeld: () => boolean;
  /**
   * Makes room for what the next child is to tell: removes the note and the end of the one before, and makes the FIFO of
   * its life line where there is none. @throws where that cannot be
   */
  readonly clearNote: (run: RunTool) => Promise<void>;
  /** For the next child: how it is found should we be killed. Needs `takeVm`. */
  readonly survivor: (note: Omit<Note, 'pid'>) => Survivor;
  /** What the child that was started last has written; undefined where there is none, or it is only about to. */
  readonly readNote: () => Note | undefined;
  /** How that one has ended; undefined where its shell has not said it. */
  readonly readEnd: (note: Pick<Note, 'role' | 'boot'>) => KnownEnd | undefined;
  /** For what the next child writes: `makeOutput`. */
  readonly makeOutput: (stream: keyof typeof outputFiles, options: OutputOptions) => OutputFile | undefined;
  /** Of a child that another supervisor has started: `adoptOutput`. @throws where there is none */
  readonly adoptOutput: (stream: keyof typeof outputFiles, options: OutputOptions) => OutputFile;
  /**
   * Removes what a run puts here, lets go of the locks; a file that must stay (a ledger) keeps the folder.
   * @returns what could not be removed, and why; undefined where all is gone
   */
  readonly release: () => string | undefined;
  /** Lets go of the locks and leaves everything as it was found. */
  readonly abandon: () => void;
}

/** How what ran the VM has ended. */
export interface KnownEnd {
  readonly end: ProcessEnd;
  /** When: of the clock that tells dates. */
  readonly atMs: number;
}

/** How what a note tells of has ended; undefined where its shell has not said it. */
export function endIn(file: string, note: Pick<Note, 'role' | 'boot'>): KnownEnd | undefined {
  const written = readEnd(file, endTag(note));
  return written === undefined ? undefined : { end: endOfStatus(written.status), atMs: written.atMs };
}

/** Somebody else runs the VM. */
export interface HeldRunDirectory {
  readonly heldBy: string;
}

/** A holder says who it is as soon as it has the lock. */
const wordsWaitMs = 500;
const pollMs = 10;
/** Runs that end just now may remove the folder under our hands so many times. */
const maxVanishings = 1000;

/**
 * @param holder what others read who want the folder too
 * @throws Error with a system call's code where the folder cannot be made or is not ours
 */
export async function openRunDirectory(
  base: string,
  name: string,
  holder = '',
): Promise<RunDirectory | HeldRunDirectory> {
  const folder = runDirectoryOf(base, name);
  let waitedMs = 0;
  for (let vanishings = 0; ;) {
    let isMade = false;
    try {
      makePrivateFolder(base, folder);
      isMade = true;
      const lock = await takeLock(path.join(folder, runLockFile));
      if (!('heldBy' in lock)) return opened(base, folder, signed(lock, holder));
      if (isSigned(lock.heldBy) || waitedMs >= wordsWaitMs) return lock;
      await new Promise((resolve) => setTimeout(resolve, pollMs));
      waitedMs += pollMs;
    } catch (error) {
      // A run that ends removes the folder between two of our calls: between mkdir(2), which found it, and a look at it, too.
      vanishings += 1;
      if (['ENOENT', 'EEXIST'].includes(codeOf(error)) && vanishings <= maxVanishings && existsSync(base)) continue;
      if (isMade) removeEmpty(folder);
      throw error;
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

function opened(base: string, folder: string, firstLock: Lock): RunDirectory {
  const files = privateFolder(base, folder);
  const { file } = files;
  let lock = firstLock;
  const written = new Set<string>();
  let vmLock: Lock | undefined;
  /**
   * With its locks: a bhyve that runs holds the one that was removed, and the state tells of it.
   * @returns that whose place something else has taken that cannot be removed
   */
  const ensure = (): Lock | undefined => {
    files.ensure();
    const retaken = retakeLock(lock);
    lock = retaken ?? lock;
    const vmRetaken = vmLock === undefined ? undefined : retakeLock(vmLock);
    vmLock = vmRetaken ?? vmLock;
    return retaken === undefined ? lock : vmRetaken === undefined ? vmLock : undefined;
  };
  /** The one that is there, as a rule: on a full disk none could be made. */
  const openEndFile = (): number => {
    try {
      return files.reopen(endFile, 'anywhere');
    } catch {
      return files.create(endFile, 'anywhere');
    }
  };
  return {
    path: folder,
    leftState: readState(file(stateFile)),
    file,
    write(name, content) {
      ensure();
      files.write(name, content);
      written.add(name);
    },
    removeWritten(except) {
      const names = [...written].filter((name) => !except.has(name));
      if (names.length === 0) return;
      files.remove(...names);
      for (const name of names) written.delete(name);
    },
    remove: files.remove,
    saveState: (state) => {
      const displaced = ensure();
      files.write(stateFile, `${visibleLines(JSON.stringify(state))}\n`);
      lock.write(`${holderWords(state.supervisor, state.since, state)}\n`);
      // It holds, since nobody can lock what is there; but nobody sees it either.
      if (displaced !== undefined) throw new Error(`what is in the place of ${displaced.path} cannot be removed`);
    },
    async takeVm() {
      if (vmLock !== undefined) return true;
      const taken = await takeLock(file(vmLockFile));
      if ('heldBy' in taken) return false;
      vmLock = taken;
      return true;
    },
    isVmHeld: () => vmLock === undefined && whoHolds(file(vmLockFile)) !== undefined,
    async clearNote(run) {
      ensure();
      files.remove(noteFile);
      if (!isFifo(file(lifeLineFile))) {
        files.remove(lifeLineFile);
        await makeFifos([file(lifeLineFile)], run);
      }
      clearEnd(openEndFile());
    },
    survivor: (note) => {
      const isOurs = files.condition() === 'ours';
      return {
        noteFile: isOurs && isMissing(file(noteFile)) ? file(noteFile) : '/dev/null',
        note: noteWords(note),
        lock: vmLock?.descriptor,
        endFile: isOurs ? file(endFile) : undefined,
        tag: endTag(note),
        lifeLine: isOurs ? file(lifeLineFile) : undefined,
      };
    },
    readNote: () => readNote(file(noteFile)),
    readEnd: (note) => endIn(file(endFile), note),
    makeOutput: (stream, options) => makeOutput(files, outputFiles[stream], options),
    adoptOutput: (stream, options) => adoptOutput(files, outputFiles[stream], options),
    abandon() {
      const attempt = attempts();
      attempt(() => vmLock?.leave());
      attempt(() => {
        lock.release();
      });
      if (files.condition() === 'ours') removeEmpty(folder);
      vmLock = undefined;
    },
    release() {
      const attempt = attempts();
      attempt(() => {
        files.remove(stateFile, noteFile, endFile, lifeLineFile, ...outputNames, ...written);
        files.remove(consoleInFile, consoleOutFile, consoleSocketFile, stopFile, keptSpecFile);
      });
      attempt(files.empty);
      attempt(() => vmLock?.release());
      attempt(() => {
        lock.release();
      });
      vmLock = undefined;
      if (files.condition() === 'ours') {
        attempt(() => {
          removeFolder(folder);
        });
      }
      return attempt.first();
    },
  };
}

const outputNames = Object.values(outputFiles).flatMap((name) => [name, toldName(name)]);

/** What could not be removed is left alone. */
function isMissing(file: string): boolean {
  try {
    return lstatSync(file, { throwIfNoEntry: false }) === undefined;
  } catch {
    return false;
  }
}

/** Makes several attempts, whatever becomes of each. */
function attempts() {
  let first: string | undefined;
  const attempt = (act: () => void): void => {
    try {
      act();
    } catch (error) {
      first ??= errorWords(error);
    }
  };
  return Object.assign(attempt, { first: () => first });
}

/** A folder that was made for nothing. Whoever is about to use it makes it anew. */
function removeEmpty(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // It is not ours, or not empty.
  }
}

/** One that something is left in stays. */
function removeFolder(folder: string): void {
  try {
    rmdirSync(folder);
  } catch (error) {
    if (!['ENOTEMPTY', 'EEXIST', 'ENOENT'].includes(codeOf(error))) throw error;
  }
}
