import { randomBytes } from 'node:crypto';
import type { Clock } from '../host/clock.js';
import type { ManagerEvent, ManagerEventBody, ManagerEvents } from './manager-events.js';

/** Events that are kept for a reader that comes later. */
export const keptEvents = 10_000;
/** Those that may wait for a reader who does not say how many. */
const defaultBound = 1000;

export interface EventRing extends ManagerEvents {
  readonly tell: (body: ManagerEventBody) => void;
  /** No event follows: readers get what waits for them, and then the end. */
  readonly end: () => void;
}

type Subscription = ReturnType<ManagerEvents['subscribe']>;

/** The newest events, and their readers. An event is one object, whoever reads it. */
export function eventRing(clock: Clock): EventRing {
  const epoch = randomBytes(6).toString('hex');
  /** A ring: event number n is at n modulo its size. */
  const kept: ManagerEvent[] = [];
  const readers = new Set<() => void>();
  let last = 0;
  let isOver = false;

  const idOf = (number: number): string => `${epoch}-${number}`;
  const oldest = (): number => Math.max(1, last - keptEvents + 1);

  /** @returns undefined where it is not of this manager, or not kept any more */
  function numberAfter(id: string): number | undefined {
    const [, of, digits] = /^([^-]+)-(\d{1,15})$/.exec(id) ?? [];
    const number = Number(digits);
    return of === epoch && number <= last && number + 1 >= oldest() ? number : undefined;
  }

  const gap = (number: number, count?: number): ManagerEvent => ({
    id: idOf(number),
    time: clock.now().toISOString(),
    kind: 'gap',
    ...(count === undefined ? {} : { count }),
  });

  const subscribe: ManagerEvents['subscribe'] = ({ after, fromFirst = false, vm, bound = defaultBound } = {}) => {
    if (!(Number.isInteger(bound) && bound >= 1)) {
      throw new RangeError(`bound is ${bound}, and has to be a whole number from 1 on`);
    }
    const known = after !== undefined ? numberAfter(after) : !fromFirst ? last : oldest() === 1 ? 0 : undefined;
    /** The number of the last event that it had. */
    let had = known ?? oldest() - 1;
    let isGapDue = known === undefined;
    /** What is kept was there before the reader came, and is not its fault. */
    const replayedTo = last;
    let isLeft = false;
    const waiting: ((result: IteratorResult<ManagerEvent>) => void)[] = [];

    const isWanted = (event: ManagerEvent | undefined): event is ManagerEvent =>
      event !== undefined && (vm === undefined || isAbout(event, vm));

    /** Of what is kept no more, nobody knows whom it was about. */
    function missedBefore(first: number): number {
      let count = Math.max(0, Math.min(first, oldest()) - had - 1);
      for (let at = Math.max(had + 1, oldest()); at < first; at += 1) if (isWanted(kept[at % keptEvents])) count += 1;
      return count;
    }

    /** @returns undefined where there is nothing yet */
    function take(): IteratorResult<ManagerEvent> | undefined {
      if (isLeft) return { done: true, value: undefined };
      if (isGapDue) {
        isGapDue = false;
        return { done: false, value: gap(had) };
      }
      const first = Math.max(oldest(), had < replayedTo ? 0 : last - bound + 1);
      if (had + 1 < first) {
        const count = missedBefore(first);
        had = first - 1;
        if (count > 0) return { done: false, value: gap(had, count) };
      }
      while (had < last) {
        had += 1;
        const event = kept[had % keptEvents];
        if (isWanted(event)) return { done: false, value: event };
      }
      return isOver ? { done: true, value: undefined } : undefined;
    }

    const wake = (): void => {
      while (waiting.length > 0) {
        const result = take();
        if (result === undefined) return;
        waiting.shift()?.(result);
      }
    };
    readers.add(wake);
    const leave = (): Promise<IteratorResult<ManagerEvent>> => {
      isLeft = true;
      readers.delete(wake);
      wake();
      return Promise.resolve({ done: true, value: undefined });
    };
    const subscription: Subscription = {
      after: known === undefined ? undefined : idOf(known),
      next: () => {
        const result = waiting.length === 0 ? take() : undefined;
        return result === undefined ? new Promise((resolve) => waiting.push(resolve)) : Promise.resolve(result);
      },
      return: leave,
      [Symbol.asyncIterator]: () => subscription,
    };
    return subscription;
  };

  return {
    subscribe,
    tell(body) {
      if (isOver) return;
      last += 1;
      kept[last % keptEvents] = { id: idOf(last), time: clock.now().toISOString(), ...body };
      for (const wake of readers) wake();
    },
    end() {
      isOver = true;
      for (const wake of readers) wake();
    },
  };
}

const isAbout = (event: ManagerEvent, vm: string): boolean => event.kind === 'gap' || event.vm === vm;
