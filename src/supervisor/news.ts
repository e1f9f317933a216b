import { abort } from '../host/abort.js';
import type { Clock } from '../host/clock.js';

/** Tells news, and is never made to tell more of them than somebody can read. */
interface Teller<T> {
  readonly tell: (news: T) => void;
  /** Something waits to be told. */
  readonly isBehind: () => boolean;
  /** What waits to be told, now. */
  readonly tellWaiting: () => void;
  /** What waits is told no more. */
  readonly forget: () => void;
  /** Nothing is told any more. */
  readonly end: () => void;
}

/** How often something is told, on and on. */
const pauseMs = 1000;

/**
 * Tells at once, while there are few: so many together, and one more for each second that has passed since. Of those that
 * come faster the last is told when its time has come.
 * @param tell gets how many before it were not told
 */
export function teller<T>(
  clock: Pick<Clock, 'monotonicMs' | 'sleep'>,
  together: number,
  tell: (news: T, untold: number) => void,
): Teller<T> {
  const over = new AbortController();
  /** All that were told are paid for then, at a second each. */
  let paidMs = -Infinity;
  let waiting: { readonly news: T } | undefined;
  let untold = 0;
  let isAsleep = false;

  function tellWaiting(): void {
    if (waiting === undefined) return;
    const [{ news }, missing] = [waiting, untold];
    [waiting, untold] = [undefined, 0];
    const nowMs = clock.monotonicMs();
    paidMs = Math.min(Math.max(nowMs, paidMs) + pauseMs, nowMs + together * pauseMs);
    tell(news, missing);
  }

  async function tellInTime(): Promise<void> {
    isAsleep = true;
    while (waiting !== undefined) {
      const restMs = paidMs - (together - 1) * pauseMs - clock.monotonicMs();
      if (restMs <= 0) tellWaiting();
      else await clock.sleep(restMs, over.signal);
    }
    isAsleep = false;
  }

  return {
    tell(news) {
      if (over.signal.aborted) return;
      if (waiting !== undefined) untold += 1;
      waiting = { news };
      if (!isAsleep) void tellInTime();
    },
    isBehind: () => waiting !== undefined,
    tellWaiting,
    forget() {
      [waiting, untold] = [undefined, 0];
    },
    end() {
      waiting = undefined;
      abort(over);
    },
  };
}
