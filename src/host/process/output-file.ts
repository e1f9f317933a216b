import { randomBytes } from 'node:crypto';
import { closeSync, constants, fstatSync, ftruncateSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { readBoundedText } from '../../base/bounded-file.js';
import { codeOf } from '../../base/error-code.js';
import { followFile, type FollowedFile, type FollowOptions, type OpenFile } from './follow-file.js';
import type { PrivateFolder } from '../files/private-folder.js';
import { isPassing } from './start-error.js';
import { watchFile } from './watch-file.js';

/** What a child writes to one of its outputs: to a file, so that it never waits for us, and loses nothing when we are killed. */
export interface OutputFile extends Omit<FollowedFile, 'end'> {
  /** For the child: it is opened for appending. */
  readonly descriptor: number;
  /**
   * Tells what was written until now, and closes the file.
   * @param isFree nobody has it open any more but us: it will do for the next child
   */
  readonly end: (isFree?: boolean) => Promise<void>;
}

export interface OutputOptions extends Pick<FollowOptions, 'onText' | 'onGap' | 'clock'> {
  /** Words may be lost, or may come late, and why. */
  readonly onTrouble: (error: string) => void;
}

/** Where the file is kept, with what was told of it. */
export type OutputFolder = Pick<PrivateFolder, 'file' | 'condition' | 'create' | 'reopen' | 'remove'>;

/** The file that says how much of another was told. */
export const toldName = (name: string): string => `${name}.told`;

/** Where one child after the other writes to: one file, which stays open where the next one can have it, too. */
export interface Outputs {
  /**
   * An empty file for a child that is about to be started. Where the folder has no room for it, it is one without a name
   * elsewhere: then the words are lost if we are killed, and that is told.
   * @returns undefined where there is no room anywhere
   * @throws the error of the system call where this process lacks descriptors or memory: it may come back
   */
  readonly make: (options: OutputOptions) => OutputFile | undefined;
  /**
   * Goes on reading the output of a child that another supervisor has started, or that has ended, from where that one has
   * stopped: one that is killed between telling a text and noting that has it told twice.
   * @throws the error of the system call where there is no such file, or none of ours
   */
  readonly adopt: (options: OutputOptions) => OutputFile;
  /** When no child writes there any more. */
  readonly close: () => void;
}

export function outputsIn(folder: OutputFolder, name: string): Outputs {
  let kept: NamedFile | undefined;

  function reused(): NamedFile | undefined {
    const file = kept;
    kept = undefined;
    try {
      if (file?.isInPlace() === true) {
        file.clear();
        return file;
      }
    } catch {
      // Where there is no room, a new one will not find it either, and tells that.
    }
    file?.close();
    return undefined;
  }

  function make(options: OutputOptions): OutputFile | undefined {
    const errors: string[] = [];
    const attempt = (open: () => OutputFile): OutputFile | undefined => {
      try {
        return open();
      } catch (error) {
        if (isShort(codeOf(error))) throw error;
        errors.push(wordsOf(error));
        return undefined;
      }
    };
    const inFolder = (): OutputFile => {
      const file = reused() ?? created(folder, name, options);
      return following(file, options, () => (kept = file));
    };
    const output = attempt(inFolder) ?? attempt(() => following(withoutName(options), options));
    if (errors[0] !== undefined) options.onTrouble(errors[0]);
    return output;
  }

  return {
    make,
    adopt(options) {
      const file = named(folder, name, folder.reopen(name, 'append'), options);
      const from = Math.min(toldIn(folder, name), fstatSync(file.descriptor).size);
      return following(file, { ...options, from });
    },
    close() {
      kept?.close();
      kept = undefined;
    },
  };
}

interface Output extends OpenFile {
  /** Writes down how much was told. */
  readonly note?: (offset: number) => void;
  readonly close: () => void;
}

interface NamedFile extends Output {
  /** The next supervisor will find it. */
  readonly isInPlace: () => boolean;
  /** @throws where there is no room */
  readonly clear: () => void;
}

function created(folder: OutputFolder, name: string, options: OutputOptions): NamedFile {
  folder.remove(toldName(name));
  return named(folder, name, withRoom(folder.create(name, 'append')), options);
}

function named(
  folder: OutputFolder,
  name: string,
  descriptor: number,
  { clock }: Pick<OutputOptions, 'clock'>,
): NamedFile {
  const watch = watchFile(folder.file(name), clock);
  const note = noteIn(folder, toldName(name));
  return {
    descriptor,
    watch,
    note: note.write,
    isInPlace: () => fstatSync(descriptor).nlink === 1 && folder.condition() === 'ours',
    clear() {
      note.clear();
      try {
        writeSync(descriptor, '\n');
      } finally {
        ftruncateSync(descriptor);
      }
    },
    close() {
      watch.close();
      note.close();
      closeSync(descriptor);
    },
  };
}

function withoutName({ clock }: Pick<OutputOptions, 'clock'>): Output {
  const file = `${tmpdir()}/vmrun-${randomBytes(12).toString('hex')}`;
  const flags = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_EXCL;
  const descriptor = openSync(file, flags, 0o600);
  try {
    withRoom(descriptor);
    const watch = watchFile(file, clock);
    return {
      descriptor,
      watch,
      close() {
        watch.close();
        closeSync(descriptor);
      },
    };
  } finally {
    unlinkSync(file);
  }
}

const isShort = (code: string): boolean => isPassing(code) && !['ENOSPC', 'EDQUOT'].includes(code);

const wordsOf = (error: unknown): string => String(error).replace(/^Error: /, '');

/** A file system that is full is found out here: a write of the child's that fails is seen by nobody. */
function withRoom(descriptor: number): number {
  try {
    tryRoom(descriptor);
    return descriptor;
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function tryRoom(descriptor: number): void {
  const { size } = fstatSync(descriptor);
  writeSync(descriptor, '\n');
  ftruncateSync(descriptor, size);
}

interface Note {
  /** @throws where it cannot be written */
  readonly write: (offset: number) => void;
  /** Nothing was told yet of what is in the file next. @throws the same */
  readonly clear: () => void;
  readonly close: () => void;
}

/** What a file has to the left of a number, so that each takes the place of the one before. */
const digits = 16;

/** How much was told, for the next supervisor; a child that says nothing has none. */
function noteIn(folder: OutputFolder, name: string): Note {
  let descriptor: number | undefined;
  function write(offset: number): void {
    descriptor ??= openNote(folder, name);
    writeSync(descriptor, `${String(offset).padStart(digits)}\n`, 0);
  }
  return {
    write,
    clear() {
      if (descriptor !== undefined) write(0);
    },
    close() {
      if (descriptor !== undefined) closeSync(descriptor);
    },
  };
}

/** That of the supervisor before stays until it is written over. */
function openNote(folder: OutputFolder, name: string): number {
  try {
    return folder.reopen(name, 'anywhere');
  } catch {
    return folder.create(name, 'anywhere');
  }
}

function toldIn(folder: OutputFolder, name: string): number {
  try {
    const text = readBoundedText(folder.file(toldName(name)), { most: digits + 1, isRegular: true }) ?? '';
    const [, offset = '0'] = /^ *(\d+)\n$/.exec(text) ?? [];
    return Number(offset);
  } catch {
    // None: nothing was told.
    return 0;
  }
}

/** @param keep gets the file where the next child can have it */
function following(file: Output, options: OutputOptions & Pick<FollowOptions, 'from'>, keep?: () => void): OutputFile {
  const { descriptor } = file;
  const attempt = (act: () => void): void => {
    try {
      act();
    } catch (error) {
      options.onTrouble(wordsOf(error));
    }
  };
  const followed = followFile(file, {
    ...options,
    onTold: (offset) => {
      attempt(() => file.note?.(offset));
    },
  });
  let ending: Promise<void> | undefined;
  async function end(isFree: boolean): Promise<void> {
    // Where there is no room, what it said last may not be there.
    attempt(() => {
      tryRoom(descriptor);
    });
    await followed.end();
    if (isFree && keep !== undefined) keep();
    else file.close();
  }
  return { ...followed, descriptor, end: (isFree = false) => (ending ??= end(isFree)) };
}
