import { closeSync, constants, fstatSync, openSync, statSync, writeSync } from 'node:fs';
import { readBoundedText } from '../../base/bounded-file.js';

/** As long as any end, so that one can be written where the disk is full by then: these bytes are there. */
const room = 64;

/**
 * Empties the file in which the shell that waits for a program says how it ended, and keeps room in it.
 * @param descriptor of the file, which is closed
 * @throws the error of the system call
 */
export function clearEnd(descriptor: number): void {
  try {
    writeSync(descriptor, `${' '.repeat(room - 1)}\n`, 0);
  } finally {
    closeSync(descriptor);
  }
}

/** For the shell, which writes at its start. @returns undefined where that cannot be, or it is no file */
export function openEnd(file: string | undefined): number | undefined {
  if (file === undefined) return undefined;
  let descriptor: number | undefined;
  try {
    // A FIFO would make us wait for somebody who reads it.
    descriptor = openSync(file, constants.O_WRONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
    if (fstatSync(descriptor).isFile()) return descriptor;
  } catch {
    // The end is then told on the life line alone.
  }
  if (descriptor !== undefined) closeSync(descriptor);
  return undefined;
}

interface WrittenEnd {
  readonly status: number;
  /** When it was written: of the clock that tells dates. */
  readonly atMs: number;
}

/**
 * The status of a program that has ended.
 * @param tag what its shell calls it
 * @returns undefined where its shell has not written it, or not whole
 */
export function readEnd(file: string, tag: string): WrittenEnd | undefined {
  try {
    const text = readBoundedText(file, { most: 1024, isRegular: true }) ?? '';
    const [, status, whose] = /^(\d{1,3}) (.*)\n/.exec(text) ?? [];
    return status !== undefined && whose === tag ? { status: Number(status), atMs: statSync(file).mtimeMs } : undefined;
  } catch {
    return undefined;
  }
}
