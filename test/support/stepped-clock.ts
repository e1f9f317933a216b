import { systemClock, type Clock } from '../../src/host/clock.js';
import { systemHost, type Host } from '../../src/host/host.js';
import { until } from '../e2e/support/place.js';

/** Polls and drains, which are over as soon as the thing that they wait for is there, pass in real time. */
const shortestMs = 200;

/**
 * Time that stands still until a test lets it pass. So a pause is exactly as long as it was asked for, however slow the
 * machine is, and what would wait for too long never ends.
 */
export interface SteppedClock extends Clock {
  /** How long each of the sleeps has to go, shortest first. */
  readonly asleep: () => readonly number[];
  /** Moves the time. Who has slept long enough wakes. */
  readonly advance: (ms: number) => void;
  /** Waits until a sleep has exactly that long to go, and lets that time pass. */
  readonly pass: (ms: number) => Promise<void>;
}

interface Sleeper {
  readonly dueMs: number;
  readonly wake: () => void;
}

export function steppedClock(): SteppedClock {
  let nowMs = 0;
  const sleepers = new Set<Sleeper>();
  const asleep = (): readonly number[] => [...sleepers].map(({ dueMs }) => dueMs - nowMs).sort((a, b) => a - b);
  const advance = (ms: number): void => {
    nowMs += ms;
    for (const { dueMs, wake } of sleepers) if (dueMs <= nowMs) wake();
  };
  return {
    now: () => systemClock.now(),
    monotonicMs: () => nowMs,
    sleep: (ms, signal) => {
      if (ms < shortestMs) return systemClock.sleep(ms, signal);
      return new Promise((resolve) => {
        const wake = (): void => {
          sleepers.delete(sleeper);
          signal?.removeEventListener('abort', wake);
          resolve();
        };
        const sleeper = { dueMs: nowMs + ms, wake };
        sleepers.add(sleeper);
        signal?.addEventListener('abort', wake);
        if (signal?.aborted === true) wake();
      });
    },
    asleep,
    advance,
    pass: async (ms) => {
      await until(() => asleep().includes(ms));
      advance(ms);
    },
  };
}

export const steppedHost = (clock: Clock, host: Host = systemHost()): Host => ({ ...host, clock });
