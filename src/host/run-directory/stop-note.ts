import { constants, closeSync, openSync, lstatSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { readBoundedText } from '../../base/bounded-file.js';
import { stopFile } from './run-files.js';
import { isProcess } from '../process/signal-process.js';

const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;

/** What a SIGTERM is to mean that comes from somebody who waits for the end of the stop. */
interface StopNote {
  /** How long the guest has; absent: as long as its spec says. */
  readonly timeoutMs?: number;
}

const specTime = 'the time of its spec';

/**
 * Leaves word in a run directory how long the guest has, for a supervisor that is about to get SIGTERM, which itself says
 * nothing, and twice means "now". To be left just before the signal: another's, which comes in between, takes it for its
 * own, and the signal without a note is its echo then.
 * @returns takes it back; undefined where it cannot be left
 */
export function leaveStopNote(folder: string, { timeoutMs }: StopNote): (() => void) | undefined {
  const file = `${folder}/${stopFile}`;
  const temporary = `${folder}/.${stopFile}.new`;
  try {
    // A file of ours in somebody else's run directory would be in the way of the next run.
    if (lstatSync(folder).uid !== process.getuid?.()) return undefined;
    remove(temporary);
    const descriptor = openSync(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    try {
      const time = timeoutMs === undefined ? specTime : `${Math.round(timeoutMs)} ms`;
      writeSync(descriptor, `${beginning(process.pid)}${time}\n`);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, file);
  } catch {
    remove(temporary);
    return undefined;
  }
  return () => {
    if (textOf(file)?.startsWith(beginning(process.pid)) === true) remove(file);
  };
}

const beginning = (pid: number): string => `process ${pid} gives it `;

/** Takes the word that somebody has left who waits for the end of the stop. @returns undefined where nobody has */
export function takeStopNote(folder: string): StopNote | undefined {
  const file = `${folder}/${stopFile}`;
  const text = textOf(file);
  if (text === undefined) return undefined;
  remove(file);
  const [, pid, time] = /^process ([1-9]\d{0,9}) gives it (\d{1,15} ms|the time of its spec)\n$/.exec(text) ?? [];
  if (pid === undefined || time === undefined || !isProcess(Number(pid))) return undefined;
  return time === specTime ? {} : { timeoutMs: Number.parseInt(time, 10) };
}

function textOf(file: string): string | undefined {
  try {
    return readBoundedText(file, { most: 100, isRegular: true });
  } catch {
    return undefined;
  }
}

function remove(file: string): void {
  try {
    unlinkSync(file);
  } catch {
    // There is none, or it is not ours.
  }
}
