import { constants, closeSync, openSync, lstatSync, renameSync, unlinkSync, writeSync } from 'node:fs';
import { readBoundedText } from '../../base/bounded-file.js';
import { stopFile } from './run-files.js';
import { isProcess } from '../process/signal-process.js';

const { O_WRONLY, O_CREAT, O_EXCL, O_NOFOLLOW } = constants;

/**
 * Leaves word in a run directory how long the guest has, for a supervisor that is about to get SIGTERM, which itself says
 * nothing. Where that cannot be, nobody hears of it: who waits for the end of the stop hurries it with a second signal.
 * @returns takes it back
 */
export function leaveStopNote(folder: string, timeoutMs: number): () => void {
  const file = `${folder}/${stopFile}`;
  const temporary = `${folder}/.${stopFile}.new`;
  try {
    // A file of ours in somebody else's run directory would be in the way of the next run.
    if (lstatSync(folder).uid !== process.getuid?.()) return () => undefined;
    remove(temporary);
    const descriptor = openSync(temporary, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW, 0o600);
    try {
      writeSync(descriptor, `process ${process.pid} gives it ${Math.round(timeoutMs)} ms\n`);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, file);
  } catch {
    remove(temporary);
    return () => undefined;
  }
  return () => {
    remove(file);
  };
}

/** Takes the word that somebody has left who waits for the end of the stop. @returns undefined where nobody has */
export function takeStopNote(folder: string): number | undefined {
  const file = `${folder}/${stopFile}`;
  try {
    const text = readBoundedText(file, { most: 100, isRegular: true }) ?? '';
    remove(file);
    const [, pid, timeoutMs] = /^process ([1-9]\d{0,9}) gives it (\d{1,15}) ms\n$/.exec(text) ?? [];
    return pid !== undefined && isProcess(Number(pid)) ? Number(timeoutMs) : undefined;
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
