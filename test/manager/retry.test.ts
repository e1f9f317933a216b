import { expect, test } from '@jest/globals';
import type { Problem } from '../../src/base/problem.js';
import { operationBook, type OngoingOperation } from '../../src/manager/operation-book.js';
import { replacedBy } from '../../src/manager/refusals.js';
import { retrying, type Retry } from '../../src/manager/retry.js';
import { until } from '../e2e/support/place.js';
import { steppedClock, type SteppedClock } from '../support/stepped-clock.js';

const none = (): never => {
  throw new Error('there is one');
};
const problems: readonly Problem[] = [{ code: 'orphan', severity: 'error', message: 'a loader runs' }];

interface Trying {
  readonly retry: Retry;
  readonly clock: SteppedClock;
  readonly start: OngoingOperation;
  readonly over: AbortController;
  /** The operations of the attempts, in turn. */
  readonly launched: readonly (OngoingOperation | undefined)[];
  /** Waits for so many attempts. */
  readonly attempts: (count: number) => Promise<void>;
}

function trying(): Trying {
  const clock = steppedClock();
  const over = new AbortController();
  const launched: (OngoingOperation | undefined)[] = [];
  const nothing = (): undefined => undefined;
  const records = {
    keep: nothing,
    keepSoon: nothing,
    drop: nothing,
    read: nothing,
    file: () => '',
    names: () => [],
    end: nothing,
  };
  const book = operationBook(records, { clock, onChange: nothing, onDamaged: nothing });
  return {
    retry: retrying({ clock, over: over.signal, launch: (ongoing) => launched.push(ongoing) }),
    ...{ clock, over, launched },
    start: book.begin({ kind: 'start', vm: 'web', by: 'test' }),
    attempts: (count) => until(() => launched.length === count),
  };
}

test('is tried again, later each time, and told after a minute; the attempts go on', async () => {
  const { retry, clock, start, launched, attempts } = trying();
  let attempt = 0;
  let ongoing: OngoingOperation | undefined = start;
  const passed: number[] = [];
  while (passed.reduce((sum, ms) => sum + ms, 0) < 70_000) {
    retry.plan(ongoing, problems);
    attempt += 1;
    // The first is shorter than what the stepped clock steps.
    const pauseMs = clock.asleep()[0] ?? 100;
    if (pauseMs > 100) await clock.pass(pauseMs);
    passed.push(pauseMs);
    await attempts(attempt);
    ongoing = launched.at(-1);
    expect(start.isOver()).toBe(ongoing === undefined);
  }
  expect(passed.slice(0, 8)).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000]);
  expect(start.current()).toMatchObject({ state: 'failed', problems });
});

test('is a first attempt again once nothing was in the way', async () => {
  const { retry, clock, start, attempts } = trying();
  retry.plan(start, problems);
  await attempts(1);
  retry.plan(start, problems);
  await clock.pass(200);
  await attempts(2);
  retry.reset();
  retry.plan(start, problems);
  await attempts(3);
});

test('that is called off is none, and says why', () => {
  const { retry, start, launched } = trying();
  retry.plan(start, problems);
  expect(retry.isPending()).toBe(true);
  retry.callOff(replacedBy('stop'));
  expect(retry.isPending()).toBe(false);
  expect(start.current()).toMatchObject({ state: 'interrupted', problems: [{ code: 'replaced' }] });
  expect(launched).toEqual([]);
});

test('is given up when the manager ends', async () => {
  const { retry, start, over, launched } = trying();
  retry.plan(start, problems);
  over.abort();
  await until(() => start.isOver());
  expect(start.current()).toMatchObject({ state: 'interrupted', problems: [{ code: 'ending' }] });
  expect(launched).toEqual([]);
});

test('has one operation for all who ask for it', () => {
  const { retry, start } = trying();
  retry.plan(start, problems);
  expect(retry.join(none)).toBe(start);
  retry.callOff(replacedBy('stop'));
  retry.plan(undefined, problems);
  expect(retry.join(() => start)).toBe(start);
  expect(retry.operation()).toBe(start);
});
