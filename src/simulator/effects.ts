import { closeSync, fstatSync, openSync, writeSync } from 'node:fs';
import { Socket } from 'node:net';
import { isatty } from 'node:tty';
import { readBoundedText } from '../base/bounded-file.js';
import { codeOf } from '../base/error-code.js';
import { visible } from '../base/visible.js';
import type { FileContent } from '../bhyve/files.js';

/** bhyve reads any number; nobody who plays it has more than this. */
const maxBytes = 64 * 1024 * 1024;

/** The text of a file, or why there is none, as bhyve would find out. */
export function openFile(path: string): FileContent {
  try {
    return readBoundedText(path, { most: maxBytes }) ?? { isOpened: true, error: 'File too large' };
  } catch (error) {
    return { isOpened: codeOf(error) === 'EISDIR', error: errorText(error) };
  }
}

export function readFile(path: string): string | undefined {
  const content = openFile(path);
  return typeof content === 'string' ? content : undefined;
}

const errorTexts: Readonly<Record<string, string>> = {
  EACCES: 'Permission denied',
  EADDRINUSE: 'Address already in use',
  EISDIR: 'Is a directory',
  ELOOP: 'Too many levels of symbolic links',
  ENAMETOOLONG: 'File name too long',
  ENOENT: 'No such file or directory',
  ENOTDIR: 'Not a directory',
  EROFS: 'Read-only file system',
};

/** strerror(3) of what Node.js throws. */
export function errorText(error: unknown): string {
  const code = codeOf(error) || String(error);
  return errorTexts[code] ?? code;
}

/** Signals alone do not keep Node.js running. */
export function stayAlive(): void {
  setInterval(() => undefined, 2 ** 30);
}

/** A line each, though an argument or a file may have put anything into it. */
export function writeLines(fd: 1 | 2, lines: readonly string[]): void {
  if (lines.length > 0) write(fd, lines.map((line) => `${visible(line)}\n`).join(''));
}

/** How often a full pipe is tried again, a millisecond apart, before its reader is taken to be stuck. */
const patience = 2000;
const clock = new Int32Array(new SharedArrayBuffer(4));

/** Writes now, since process.exit would drop what is still queued. A reader that has gone is no error. */
function write(fd: 1 | 2, text: string): void {
  const bytes = Buffer.from(text);
  let written = 0;
  for (let attempts = 0; written < bytes.length && attempts < patience;) {
    try {
      written += writeSync(fd, bytes, written);
    } catch (error) {
      if (codeOf(error) !== 'EAGAIN') return;
      attempts += 1;
      Atomics.wait(clock, 0, 0, 1);
    }
  }
}

/** Keeps what it has made from being collected, and its descriptor from being closed. */
const openConsole: Socket[] = [];

/**
 * Makes a console on standard output what bhyve makes it: non-blocking, so that the guest never waits for a reader.
 * A terminal stays as it is, since that takes what is written.
 * @returns writes what fits there, and drops the rest
 */
export function consoleWriter(): (text: string) => void {
  const stats = fstatSync(1);
  if (!stats.isFIFO() && !stats.isSocket()) {
    return (text) => {
      write(1, text);
    };
  }
  openConsole.push(new Socket({ fd: 1, readable: false, writable: true }).unref());
  return writeWhatFits;
}

function writeWhatFits(text: string): void {
  const bytes = Buffer.from(text);
  try {
    for (let written = 0; written < bytes.length;) written += writeSync(1, bytes, written);
  } catch {
    // It is full, or its reader is gone.
  }
}

/**
 * Lets go of standard descriptors whose terminal has gone away. Node.js puts the settings of terminals back when it
 * exits, and aborts where that fails; it leaves alone a descriptor that leads elsewhere by then.
 */
export function dropDeadTerminals(): void {
  for (const descriptor of [0, 1, 2]) {
    try {
      if (!fstatSync(descriptor).isCharacterDevice() || isatty(descriptor)) continue;
      closeSync(descriptor);
      openSync('/dev/null', 'r+'); // gets the lowest free number
    } catch {
      // It was closed before.
    }
  }
}
