import { randomBytes } from 'node:crypto';
import { closeSync, constants, existsSync, fstatSync, ftruncateSync, openSync, unlinkSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { readBoundedText } from '../../base/bounded-file.js';
import { codeOf } from '../../base/error-code.js';
import { errorWords } from '../../base/error-words.js';
import { followFile, type FollowedFile, type FollowOptions } from './follow-file.js';
import type { PrivateFolder } from '../files/private-folder.js';
import { isPassing } from './start-error.js';

/** What a child writes to one of its outputs: to a file, so that it never waits for us, and loses nothing when we are killed. */
export interface OutputFile extends FollowedFile {
  /** For the child: it is opened for appending. */
  readonly descriptor: number;
}

export interface OutputOptions extends Pick<FollowOptions, 'onText' | 'onGap' | 'clock'> {
  /** Words may be lost, or may come late, and why. */
  readonly onTrouble: (error: string) => void;
}

/** Where the file is kept, with what was told of it. */
type OutputFolder = Pick<PrivateFolder, 'file' | 'create' | 'reopen' | 'remove'>;

/** The file that says how much of another was told. */
export const toldName = (name: string): string => `${name}.told`;

/**
 * Makes a file for the output of a child that is about to be started. Where the folder has no room for it, it is one
 * without a name elsewhere: then the words are lost if we are killed, and that is told.
 * @returns undefined where there is no room anywhere
 * @throws the error of the system call where this process lacks descriptors or memory: it may come back
 */
export function makeOutput(folder: OutputFolder, name: string, options: OutputOptions): OutputFile | undefined {
  const { onTrouble } = options;
  const errors: string[] = [];
  const attempt = (make: () => OutputFile): OutputFile | undefined => {
    try {
      return make();
    } catch (error) {
      if (isShort(codeOf(error))) throw error;
      errors.push(errorWords(error));
      return undefined;
    }
  };
  const inFolder = (): OutputFile => {
    // A child that says nothing has no note, and an unlink(2) that fails makes an error, at every boot.
    if (existsSync(folder.file(toldName(name)))) folder.remove(toldName(name));
    folder.remove(name);
    const descriptor = withRoom(folder.create(name, 'append'));
    return following(descriptor, folder.file(name), options, noteIn(folder, name, onTrouble));
  };
  const elsewhere = (): OutputFile => {
    const file = `${tmpdir()}/vmrun-${randomBytes(12).toString('hex')}`;
    const flags = constants.O_RDWR | constants.O_APPEND | constants.O_CREAT | constants.O_EXCL;
    const descriptor = openSync(file, flags, 0o600);
    try {
      return following(withRoom(descriptor), file, options);
    } finally {
      unlinkSync(file);
    }
  };
  const output = attempt(inFolder) ?? attempt(elsewhere);
  if (errors[0] !== undefined) onTrouble(errors[0]);
  return output;
}

/**
 * Goes on reading the output of a child that another supervisor has started, or that has ended, from where that one has
 * stopped: one that is killed between telling a text and noting that has it told twice.
 * @throws the error of the system call where there is no such file, or none of ours
 */
export function adoptOutput(folder: OutputFolder, name: string, options: OutputOptions): OutputFile {
  const descriptor = folder.reopen(name, 'append');
  const from = Math.min(toldIn(folder, name), fstatSync(descriptor).size);
  return following(descriptor, folder.file(name), { ...options, from }, noteIn(folder, name, options.onTrouble));
}

const isShort = (code: string): boolean => isPassing(code) && !['ENOSPC', 'EDQUOT'].includes(code);

/** Of a new file. A file system that is full is found out here: a write of the child's that fails is seen by nobody. */
function withRoom(descriptor: number): number {
  try {
    tryRoom(descriptor, 0);
    return descriptor;
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

function tryRoom(descriptor: number, size = fstatSync(descriptor).size): void {
  writeSync(descriptor, '\n');
  ftruncateSync(descriptor, size);
}

interface Note {
  readonly write: (offset: number) => void;
  readonly close: () => void;
}

/** What a file has to the left of a number, so that each takes the place of the one before. */
const digits = 16;

/** How much was told, for the next supervisor; a child that says nothing has none. */
function noteIn(folder: OutputFolder, name: string, onTrouble: (error: string) => void): Note {
  let descriptor: number | undefined;
  return {
    write(offset) {
      try {
        descriptor ??= openNote(folder, toldName(name));
        writeSync(descriptor, `${String(offset).padStart(digits)}\n`, 0);
      } catch (error) {
        onTrouble(errorWords(error));
      }
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

function following(
  descriptor: number,
  path: string,
  options: OutputOptions & Pick<FollowOptions, 'from'>,
  note?: Note,
): OutputFile {
  const followed = followFile(descriptor, path, { ...options, ...(note && { onTold: note.write }) });
  let ending: Promise<void> | undefined;
  async function end(): Promise<void> {
    try {
      // Where there is none, what it said last may not be there.
      tryRoom(descriptor);
    } catch (error) {
      options.onTrouble(errorWords(error));
    }
    await followed.end();
    note?.close();
  }
  return { ...followed, descriptor, end: () => (ending ??= end()) };
}
