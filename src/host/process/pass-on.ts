import type { Readable, Writable } from 'node:stream';

interface HandedOn {
  readonly closed: Promise<void>;
  readonly close: () => void;
}

/** Hands the bytes of a stream on as they come. */
export function handOn(stream: Readable, onBytes: (bytes: Uint8Array) => void): HandedOn {
  stream.on('data', onBytes);
  const closed = new Promise<void>((resolve) => stream.once('close', resolve));
  return { closed, close: () => stream.destroy() };
}

/** A child that ends without reading all of it, or any, does no harm. */
export function feed(stream: Writable, text: string): void {
  stream.on('error', () => undefined);
  stream.end(text);
}

interface Gate {
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
