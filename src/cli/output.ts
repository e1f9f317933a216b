import { writeSync } from 'node:fs';

/**
 * Writes text to a descriptor, all of it. A reader that has gone away is no failure of ours: what it does not want to
 * read is dropped. A full pipe of somebody who set it non-blocking is waited for.
 */
export function writeText(descriptor: 1 | 2, text: string): void {
  let bytes = Buffer.from(text);
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(descriptor, bytes));
    } catch (error) {
      const code = typeof error === 'object' && error !== null && 'code' in error ? error.code : undefined;
      if (code === 'EPIPE' || code === 'EIO' || code === 'EBADF') return;
      if (code !== 'EAGAIN') throw error;
      waitABit();
    }
  }
}

/** Blocks this thread for some milliseconds without burning it: there is nothing else to do until the pipe has room. */
const waitABit = (): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 5);
};
