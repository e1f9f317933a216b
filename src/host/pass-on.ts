import type { Readable, Writable } from 'node:stream';
import { lineSplitter, tailBuffer } from './tail.js';

export interface PassedOn {
  readonly tail: () => string;
  readonly closed: Promise<void>;
  readonly close: () => void;
}

const tailBytes = 8 * 1024;

/** Passes whole lines of a stream on, and keeps the last of them, at most 8 KiB. */
export function passOn(stream: Readable, onText: (text: string) => void): PassedOn {
  const tail = tailBuffer(tailBytes);
  const lines = lineSplitter((text) => {
    tail.push(text);
    onText(text);
  });
  stream.setEncoding('utf8').on('data', lines.push);
  const closed = new Promise<void>((resolve) => {
    stream.once('close', () => {
      lines.end();
      resolve();
    });
  });
  return { tail: tail.text, closed, close: () => stream.destroy() };
}

/** Hands the bytes of a stream on as they come. */
export function handOn(stream: Readable, onBytes: (bytes: Uint8Array) => void): Omit<PassedOn, 'tail'> {
  stream.on('data', onBytes);
  const closed = new Promise<void>((resolve) => stream.once('close', resolve));
  return { closed, close: () => stream.destroy() };
}

/** A child that ends without reading all of it, or any, does no harm. */
export function feed(stream: Writable, text: string): void {
  stream.on('error', () => undefined);
  stream.end(text);
}

export interface Gate {
  /** The call, which waits until the gate is open. */
  readonly behind: <T>(call: (value: T) => void) => (value: T) => void;
  readonly open: () => void;
}

/** Keeps calls back until they are due, in order. */
export function gate(): Gate {
  let waiting: (() => void)[] | undefined = [];
  return {
    behind: (call) => (value) => {
      if (waiting === undefined) call(value);
      else
        waiting.push(() => {
          call(value);
        });
    },
    open: () => {
      const due = waiting ?? [];
      waiting = undefined;
      for (const call of due) call();
    },
  };
}
