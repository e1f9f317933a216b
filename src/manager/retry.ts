import type { Problem } from '../base/problem.js';
import type { Clock } from '../host/clock.js';
import type { OngoingOperation } from './operation-book.js';
import { managerEnding } from './refusals.js';

/** Who waits for a start is told of the failure after `told`; it is tried again all the same. */
const retryMs = { first: 100, last: 5000, told: 60_000 } as const;

/** A start that is tried again, since what a killed manager has left is in its way; that ends by itself, a loader as a rule. */
export interface Retry {
  /** The next attempt is waited for. */
  readonly isPending: () => boolean;
  readonly operation: () => OngoingOperation | undefined;
  /** Plans the next attempt, later than the one before. @param problems of the one that has just failed */
  readonly plan: (ongoing: OngoingOperation | undefined, problems: readonly Problem[]) => void;
  /** Has an operation for whoever asks for that start meanwhile. */
  readonly join: (begin: () => OngoingOperation) => OngoingOperation;
  /** There is no next attempt. @param why for its operation */
  readonly callOff: (why: Problem) => void;
  /** Nothing is in the way any more: what comes next is a first attempt. */
  readonly reset: () => void;
}

export interface RetryOptions {
  readonly clock: Clock;
  /** Nothing is started any more. */
  readonly over: AbortSignal;
  readonly launch: (ongoing: OngoingOperation | undefined) => void;
}

export function retrying({ clock, over, launch }: RetryOptions): Retry {
  let pending: { ongoing: OngoingOperation | undefined } | undefined;
  let series: { readonly toldMs: number; readonly pauseMs: number } | undefined;

  function callOff(why: Problem): void {
    const { ongoing } = pending ?? {};
    pending = undefined;
    series = undefined;
    ongoing?.interrupted(why);
  }

  return {
    isPending: () => pending !== undefined,
    operation: () => pending?.ongoing,
    plan(ongoing, problems) {
      const { toldMs, pauseMs } = series ?? { toldMs: clock.monotonicMs() + retryMs.told, pauseMs: retryMs.first };
      series = { toldMs, pauseMs: Math.min(2 * pauseMs, retryMs.last) };
      const isTold = clock.monotonicMs() >= toldMs;
      if (isTold) ongoing?.failed(problems);
      const mine: NonNullable<typeof pending> = { ongoing: isTold ? undefined : ongoing };
      pending = mine;
      void clock.sleep(pauseMs, over).then(() => {
        if (pending !== mine) return;
        if (over.aborted) {
          callOff(managerEnding);
          return;
        }
        pending = undefined;
        launch(mine.ongoing);
      });
    },
    join(begin) {
      if (pending === undefined) return begin();
      return (pending.ongoing ??= begin());
    },
    callOff,
    reset: () => {
      series = undefined;
    },
  };
}
