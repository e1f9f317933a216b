import { writeSync } from 'node:fs';
import { codeOf } from '../base/error-code.js';

/** Words for people are not worth more than this, all of them together; the product is waited for. */
let patienceMs = 1000;
const pauseMs = 5;

/**
 * Writes text to a descriptor, all of it. A reader that has gone away is no failure of ours: what it does not want to
 * read is dropped, and so are words for people that find no room on their disk: a VM must not end for them. A full
 * pipe of somebody who set it non-blocking is waited for; for the sake of such words not for long.
 * @throws the error of the system call where the product cannot be written
 */
export function writeText(descriptor: 1 | 2, text: string): void {
  let bytes = Buffer.from(text);
  while (bytes.length > 0) {
    try {
      bytes = bytes.subarray(writeSync(descriptor, bytes));
    } catch (error) {
      const code = codeOf(error);
      if (code === 'EAGAIN' && (descriptor === 1 || patienceMs > 0)) {
        if (descriptor === 2) patienceMs -= pauseMs;
        waitABit();
        continue;
      }
      if (descriptor === 2 || code === 'EPIPE' || code === 'EIO' || code === 'EBADF') return;
      throw error;
    }
  }
}

/** Blocks this thread without burning it: there is nothing else to do until the pipe has room. */
const waitABit = (): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, pauseMs);
};
