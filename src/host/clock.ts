/** Time, handed in so that tests need not wait. Intervals are measured on the monotonic clock alone. */
export interface Clock {
  /** Milliseconds since some fixed moment; never goes back, whatever happens to the date. */
  monotonicMs(): number;
  /** The date, for people. */
  now(): Date;
  /** Resolves after the time, or at once when the signal is aborted; never rejects. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>;
}

/** A timer that is to run longer, 24 days, goes off at once. */
const longestTimerMs = 2 ** 31 - 1;

export const systemClock: Clock = {
  monotonicMs() {
    // `performance` would be the same, and a megabyte of Node.js that nothing else needs.
    const [seconds, nanoseconds] = process.hrtime();
    return seconds * 1000 + nanoseconds / 1e6;
  },
  now: () => new Date(),
  sleep: (ms, signal) =>
    new Promise((resolve) => {
      if (signal?.aborted === true) {
        resolve();
        return;
      }
      const done = (): void => {
        clearTimeout(timer);
        signal?.removeEventListener('abort', done);
        resolve();
      };
      const wait = (restMs: number): NodeJS.Timeout =>
        setTimeout(
          () => {
            if (restMs <= longestTimerMs) done();
            else timer = wait(restMs - longestTimerMs);
          },
          Math.min(restMs, longestTimerMs),
        );
      let timer = wait(ms);
      signal?.addEventListener('abort', done);
    }),
};
