import type { RunEvent } from './events.js';

/** How a reader of events is treated. */
export interface SubscribeOptions {
  /**
   * How many events may wait for the reader. When there are more, the oldest are dropped, and `lost` in their place says
   * how many. Default: 1000.
   */
  readonly bound?: number;
}

/** The events of a run for one reader, who takes nothing from the others. */
export interface Subscription extends AsyncIterableIterator<RunEvent> {
  /** The next event, once there is one; done after the last, `stop`. */
  readonly next: () => Promise<IteratorResult<RunEvent, undefined>>;
  /** Lets go of what waits; a loop that is left calls it. Who waits for the next event gets the end. */
  readonly return: () => Promise<IteratorResult<RunEvent, undefined>>;
  /** The same, for `await using`. */
  readonly [Symbol.asyncDispose]: () => Promise<void>;
  /** Itself: to be read once. */
  readonly [Symbol.asyncIterator]: () => Subscription;
}

export interface EventStream {
  readonly push: (event: RunEvent) => void;
  readonly end: () => void;
  /** @throws RangeError where the bound is no whole number from 1 on */
  readonly subscribe: (options?: SubscribeOptions) => Subscription;
}

/** Events kept for a reader that comes later, and those that wait for one if it does not say how many. */
const keptEvents = 1000;

/** An event in the list of all readers: each holds on to the last that it has, and so to what follows. */
interface Link {
  /** How many came before. */
  readonly number: number;
  /** Absent of the one before the first. */
  readonly event: RunEvent | undefined;
  next?: Link;
}

interface Reader {
  readonly dropTo: (first: number) => void;
  readonly wake: () => void;
  readonly bound: number;
}

/**
 * The events of a run for any number of readers. There is one list of them, as long as the slowest reader's bound; each
 * begins with the first event that is kept.
 */
export function eventStream(): EventStream {
  let last: Link = { number: 0, event: undefined };
  let oldest = last;
  let isOver = false;
  const readers = new Set<Reader>();

  function subscribe({ bound = keptEvents }: SubscribeOptions = {}): Subscription {
    if (!(bound >= 1 && (Number.isInteger(bound) || bound === Infinity))) {
      throw new RangeError(`bound is ${bound}, and has to be a whole number from 1 on`);
    }
    let had = oldest;
    let lost: { readonly count: number; readonly latest: RunEvent | undefined } = {
      count: oldest.number,
      latest: oldest.event,
    };
    let isLeft = false;
    const waiting: ((result: IteratorResult<RunEvent, undefined>) => void)[] = [];

    /** @returns undefined where there is nothing yet */
    function take(): IteratorResult<RunEvent, undefined> | undefined {
      if (isLeft) return { done: true, value: undefined };
      const { count, latest } = lost;
      if (latest !== undefined) {
        lost = { count: 0, latest: undefined };
        const { time, monotonicMs } = latest;
        return { done: false, value: { time, monotonicMs, kind: 'lost', count } };
      }
      const { event } = had.next ?? {};
      if (had.next !== undefined && event !== undefined) {
        had = had.next;
        return { done: false, value: event };
      }
      return isOver ? { done: true, value: undefined } : undefined;
    }

    const reader: Reader = {
      bound,
      dropTo: (number) => {
        while (had.number < number && had.next !== undefined) {
          had = had.next;
          lost = { count: lost.count + 1, latest: had.event };
        }
      },
      wake: () => {
        while (waiting.length > 0) {
          const result = take();
          if (result === undefined) return;
          waiting.shift()?.(result);
        }
      },
    };
    reader.dropTo(last.number - bound);
    readers.add(reader);

    const leave = (): void => {
      isLeft = true;
      readers.delete(reader);
      had = { number: 0, event: undefined };
      reader.wake();
    };
    const subscription: Subscription = {
      next: () => {
        const result = waiting.length === 0 ? take() : undefined;
        return result === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(result);
      },
      return: () => {
        leave();
        return Promise.resolve({ done: true, value: undefined });
      },
      [Symbol.asyncDispose]: () => {
        leave();
        return Promise.resolve();
      },
      [Symbol.asyncIterator]: () => subscription,
    };
    return subscription;
  }

  return {
    push(event) {
      const link: Link = { number: last.number + 1, event };
      last.next = link;
      last = link;
      if (oldest.next !== undefined && last.number - oldest.number > keptEvents) oldest = oldest.next;
      for (const { bound, dropTo, wake } of readers) {
        wake();
        dropTo(last.number - bound);
      }
    },
    end() {
      isOver = true;
      for (const { wake } of readers) wake();
    },
    subscribe,
  };
}
