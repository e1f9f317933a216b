import { closeSync, fstatSync, ftruncateSync, readSync } from 'node:fs';
import { errorWords } from '../../base/error-words.js';
import { abort } from '../abort.js';
import type { Clock } from '../clock.js';
import { watchFile } from './watch-file.js';

/** A file that a program adds text to, read as it grows. */
export interface FollowedFile {
  /** From now on what is written is told. */
  readonly start: () => void;
  /** The last of what was written, at most 8 KiB; at the end it is whole lines. */
  readonly tail: () => string;
  /** Tells what was written until now, the line that was only begun too, and closes the file. */
  readonly end: () => Promise<void>;
}

export interface FollowOptions {
  /** Where the text begins that nobody was told of. Default: at the start. */
  readonly from?: number;
  /** Gets whole lines; a line longer than 64 KiB in pieces. */
  readonly onText: (text: string) => void;
  /** Where the next text begins, after each. */
  readonly onTold?: (offset: number) => void;
  /** Something that was written here was not read: so many bytes or more; undefined where nobody knows. */
  readonly onGap: (bytes: number | undefined) => void;
  readonly onTrouble: (error: string) => void;
  readonly clock: Clock;
}

/** The longest piece of a line, and what is read at once. */
const pieceBytes = 64 * 1024;
const tailBytes = 8 * 1024;
/** What is told before others get their turn. */
const turnBytes = 256 * 1024;
/** A file that is larger is cut as soon as nobody writes to it for a moment, since that loses nothing. */
const restBytes = 1024 * 1024;
const quietMs = 100;
/** A file that is larger is cut while it is written to, and what could not be read in time is lost, but for the last of it. */
const mostBytes = 16 * 1024 * 1024;
const lastBytes = 1024 * 1024;

/** For all files of this process. */
let scratch: Buffer | undefined;

/** How far a file was told. */
interface Progress {
  readonly descriptor: number;
  readonly options: FollowOptions;
  told: number;
  /** The tail of what was cut away. */
  cutTail: string;
}

const sizeOf = ({ descriptor }: Progress): number => fstatSync(descriptor).size;

function tell(progress: Progress, text: string, bytes: number): void {
  const { onText, onTold } = progress.options;
  progress.told += bytes;
  onText(text);
  onTold?.(progress.told);
}

/** What comes next, as long as it is not used for anything else. */
function nextPiece({ descriptor, told }: Progress): Buffer {
  scratch ??= Buffer.allocUnsafeSlow(pieceBytes);
  return scratch.subarray(0, readSync(descriptor, scratch, 0, pieceBytes, told));
}

/** @returns the bytes of the lines that were told; 0: there is none, at most its beginning */
function tellPiece(progress: Progress): number {
  const got = nextPiece(progress);
  const bytes = got.lastIndexOf(newline) + 1 || (got.length < pieceBytes ? 0 : wholeCharacters(got));
  if (bytes > 0) tell(progress, got.toString('utf8', 0, bytes), bytes);
  return bytes;
}

/** @returns false where there is more */
function tellAtMost(progress: Progress, bytes: number): boolean {
  for (let left = bytes; left > 0;) {
    const piece = tellPiece(progress);
    if (piece === 0) return true;
    left -= piece;
  }
  return false;
}

/** What there is of a line that is only begun, before it is cut away. */
function tellBegun(progress: Progress): void {
  const got = nextPiece(progress);
  if (got.length > 0) tell(progress, got.toString(), got.length);
}

/** Leaves out what is too much to be told, up to the beginning of a line. */
function skipTo(progress: Progress, place: number): void {
  const { descriptor, options } = progress;
  const head = Buffer.alloc(pieceBytes);
  const line = head.subarray(0, readSync(descriptor, head, 0, pieceBytes, place - 1)).indexOf(newline);
  const bytes = place + Math.max(0, line) - progress.told;
  progress.told += bytes;
  options.onGap(bytes);
  options.onTold?.(progress.told);
}

function readTail(progress: Progress): string {
  const size = sizeOf(progress);
  const start = Math.max(0, size - tailBytes);
  const bytes = Buffer.alloc(size - start);
  const got = bytes.subarray(0, readSync(progress.descriptor, bytes, 0, bytes.length, start));
  if (start > 0) return got.toString('utf8', continuationBytes(got));
  return (progress.cutTail + got.toString()).slice(-tailBytes);
}

/** @returns bytes that were not told, as of right before */
function cut(progress: Progress): number {
  progress.cutTail = readTail(progress);
  const lost = sizeOf(progress) - progress.told;
  ftruncateSync(progress.descriptor);
  progress.told = 0;
  progress.options.onTold?.(progress.told);
  return lost;
}

/** @returns the size, after which somebody else may have cut the file */
function sizeAfterCut(progress: Progress): number {
  const size = sizeOf(progress);
  if (size < progress.told) {
    progress.told = 0;
    progress.options.onGap(undefined);
  }
  return size;
}

/** Tells a turn's worth of what is there. @returns false where there is more */
function catchUp(progress: Progress): boolean {
  const size = sizeAfterCut(progress);
  if (size <= mostBytes) return tellAtMost(progress, turnBytes);
  if (size - progress.told > lastBytes) skipTo(progress, size - lastBytes);
  tellAtMost(progress, 2 * lastBytes);
  tellBegun(progress);
  progress.options.onGap(cut(progress));
  return true;
}

async function tellRest(progress: Progress): Promise<void> {
  // What others write to it from now on, who have inherited it, is not the program's.
  const last = sizeAfterCut(progress);
  if (last - progress.told > mostBytes) skipTo(progress, last - lastBytes);
  while (progress.told < last && !tellAtMost(progress, turnBytes))
    await new Promise((resolve) => setImmediate(resolve));
  if (progress.told >= last) return;
  const rest = Buffer.alloc(last - progress.told);
  const bytes = readSync(progress.descriptor, rest, 0, rest.length, progress.told);
  if (bytes > 0) tell(progress, `${rest.toString('utf8', 0, bytes)}\n`, bytes);
}

/**
 * Reads what is added to a file with O_APPEND, and never makes its writer wait. What was not told is in the file, not in
 * memory. A file that grows is cut once it was read; a writer with O_APPEND goes on at its new end. Between the last
 * look at the size and the cut lie some microseconds, and what is written in them is lost: so that is done while
 * nothing is written, if it can be, and else it is told as a gap, with what is known to be lost.
 * @param descriptor of the file, for reading and writing; it is closed at the end
 * @param path of the file, which it may lose meanwhile
 */
export function followFile(descriptor: number, path: string, options: FollowOptions): FollowedFile {
  const { onTrouble, clock } = options;
  const progress: Progress = { descriptor, options, told: options.from ?? 0, cutTail: '' };
  let lastTail: string | undefined;
  let turn: NodeJS.Immediate | undefined;
  let isStarted = false;
  let ending: Promise<void> | undefined;
  /** There while it waits for quiet. */
  let waiting: AbortController | undefined;

  function look(): void {
    if (!catchUp(progress)) lookSoon();
    else if (progress.told > restBytes && waiting === undefined) void cutWhenQuiet();
  }

  /** At a line that is only begun it waits for the rest of that, which brings the next look. */
  async function cutWhenQuiet(): Promise<void> {
    waiting = new AbortController();
    const { signal } = waiting;
    for (let before = -1; before !== progress.told && !signal.aborted;) {
      before = progress.told;
      await clock.sleep(quietMs, signal);
    }
    waiting = undefined;
    if (signal.aborted) return;
    trying(() => {
      if (progress.told > restBytes && sizeOf(progress) === progress.told) cut(progress);
    });
  }

  /** Not at once: a watch may miss what is written while it is told of what was (kqueue(2), as libuv has it). */
  function lookSoon(): void {
    if (!isStarted || ending !== undefined) return;
    turn ??= setImmediate(() => {
      turn = undefined;
      trying(look);
    });
  }

  function trying(act: () => void): void {
    try {
      act();
    } catch (error) {
      onTrouble(errorWords(error));
    }
  }

  async function end(): Promise<void> {
    clearImmediate(turn);
    stopWatching();
    if (waiting !== undefined) abort(waiting);
    try {
      await tellRest(progress);
    } catch (error) {
      onTrouble(errorWords(error));
    }
    trying(() => {
      lastTail = readTail(progress);
    });
    lastTail ??= progress.cutTail;
    if (lastTail !== '' && !lastTail.endsWith('\n')) lastTail = `${lastTail}\n`.slice(-tailBytes);
    closeSync(descriptor);
  }

  const stopWatching = watchFile(path, { onChange: lookSoon, onBlind: onTrouble, clock });
  return {
    start: () => {
      isStarted = true;
      lookSoon();
    },
    tail: () => lastTail ?? readTail(progress),
    end: () => (ending ??= end()),
  };
}

const newline = 0x0a;

const isContinuation = (byte: number | undefined): boolean => byte !== undefined && (byte & 0xc0) === 0x80;

/** Of the character whose beginning is not there. */
function continuationBytes(bytes: Uint8Array): number {
  let count = 0;
  while (count < 3 && isContinuation(bytes[count])) count += 1;
  return count;
}

/** The bytes up to a character whose end is not there; all, where the last is none of UTF-8. */
function wholeCharacters(bytes: Uint8Array): number {
  for (let back = 1; back <= 4; back += 1) {
    const byte = bytes.at(-back) ?? 0;
    if (isContinuation(byte)) continue;
    const length = byte >= 0xf0 ? 4 : byte >= 0xe0 ? 3 : byte >= 0xc0 ? 2 : 1;
    return length > back ? bytes.length - back : bytes.length;
  }
  return bytes.length;
}
