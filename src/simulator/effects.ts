import { readFileSync, writeSync } from 'node:fs';
import { codeOf } from '../base/error-code.js';

export function readFile(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}

/** Signals alone do not keep Node.js running. */
export function stayAlive(): void {
  setInterval(() => undefined, 2 ** 30);
}

export function writeLines(fd: 1 | 2, lines: readonly string[]): void {
  if (lines.length > 0) write(fd, lines.map((line) => `${line}\n`).join(''));
}

/** How often a full pipe is tried again, a millisecond apart, before its reader is taken to be stuck. */
const patience = 2000;
const clock = new Int32Array(new SharedArrayBuffer(4));

/** Writes now, since process.exit would drop what is still queued. A reader that has gone is no error. */
export function write(fd: 1 | 2, text: string): void {
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
