/** What a reader of a guest's console gets. */
export type ConsoleOutput =
  /** What the guest has written. */
  | { readonly kind: 'output'; readonly bytes: Uint8Array }
  /** In the place of so many bytes that the reader was too slow for. */
  | { readonly kind: 'lost'; readonly count: number };

/** How a reader of a console is treated. */
export interface ConsoleSubscribeOptions {
  /** How many bytes may wait for the reader; when there are more, the oldest are dropped. Default: 262144. */
  readonly bound?: number;
  /** Begin with the last that was written, at most 64 KiB. Default: true. */
  readonly recent?: boolean;
}

/** The output of a console for one reader, who takes nothing from the others. */
export type ConsoleSubscription = AsyncIterableIterator<ConsoleOutput>;

export interface ConsoleReader {
  /** Takes what was written, which nobody changes from then on. */
  readonly push: (bytes: Uint8Array) => void;
  /** Nothing follows: who reads gets what waits, and then the end. */
  readonly end: () => void;
  readonly subscription: ConsoleSubscription;
}

export const defaultBound = 256 * 1024;

/** What a guest writes byte by byte is gathered in pieces of this size. */
const pieceBytes = 4096;

/** Bytes that wait, at most so many. */
function byteQueue(bound: number) {
  let whole: Uint8Array[] = [];
  let piece = new Uint8Array();
  let used = 0;
  let length = 0;

  function finishPiece(): void {
    if (used > 0) whole.push(piece.subarray(0, used));
    [piece, used] = [new Uint8Array(), 0];
  }

  return {
    /** @returns how many of the oldest were dropped */
    push(bytes: Uint8Array): number {
      if (used + bytes.length > piece.length) {
        finishPiece();
        if (bytes.length < pieceBytes) piece = new Uint8Array(pieceBytes);
      }
      if (bytes.length >= pieceBytes) whole.push(bytes);
      else {
        piece.set(bytes, used);
        used += bytes.length;
      }
      length += bytes.length;
      let dropped = 0;
      while (length > bound) {
        if (whole.length === 0) finishPiece();
        const [first = new Uint8Array()] = whole;
        const excess = Math.min(length - bound, first.length);
        if (excess === first.length) whole.shift();
        else whole[0] = first.subarray(excess);
        length -= excess;
        dropped += excess;
      }
      return dropped;
    },
    /** All of it; undefined where there is nothing. */
    take(): Uint8Array | undefined {
      if (length === 0) return undefined;
      finishPiece();
      const [only] = whole;
      const bytes = whole.length === 1 && only !== undefined ? only : Buffer.concat(whole);
      [whole, length] = [[], 0];
      return bytes;
    },
  };
}

/** Between a console and one reader of it, who never makes the console wait. */
export function consoleReader(bound: number, onLeave: () => void): ConsoleReader {
  let queue = byteQueue(bound);
  let lost = 0;
  let isOver = false;
  const waiting: ((result: IteratorResult<ConsoleOutput, undefined>) => void)[] = [];

  /** @returns undefined where there is nothing yet */
  function take(): IteratorResult<ConsoleOutput, undefined> | undefined {
    if (lost > 0) {
      const count = lost;
      lost = 0;
      return { done: false, value: { kind: 'lost', count } };
    }
    const bytes = queue.take();
    if (bytes !== undefined) return { done: false, value: { kind: 'output', bytes } };
    return isOver ? { done: true, value: undefined } : undefined;
  }

  function wake(): void {
    while (waiting.length > 0) {
      const result = take();
      if (result === undefined) return;
      waiting.shift()?.(result);
    }
  }

  return {
    push(bytes) {
      if (isOver) return;
      lost += queue.push(bytes);
      wake();
    },
    end() {
      isOver = true;
      wake();
    },
    subscription: {
      next: () => {
        const result = waiting.length === 0 ? take() : undefined;
        return result === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(result);
      },
      return: () => {
        [queue, lost, isOver] = [byteQueue(bound), 0, true];
        onLeave();
        wake();
        return Promise.resolve({ done: true, value: undefined });
      },
      [Symbol.asyncIterator]() {
        return this;
      },
    },
  };
}
