import { getEventListeners } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import { aborted, anyOf } from '../../src/host/abort.js';
import { systemClock } from '../../src/host/clock.js';

const listeners = ({ signal }: AbortController): number => getEventListeners(signal, 'abort').length;

describe('a signal that is any of several', () => {
  test.each([0, 1])('is aborted when number %i of them is', (which) => {
    const sources = [new AbortController(), new AbortController()];
    const { signal } = anyOf(...sources.map((source) => source.signal));
    expect(signal.aborted).toBe(false);
    sources[which]?.abort();
    expect(signal.aborted).toBe(true);
  });

  test('is aborted from the start where one of them is', () => {
    expect(anyOf(new AbortController().signal, AbortSignal.abort()).signal.aborted).toBe(true);
  });

  test('is not aborted after its release, and none of its sources knows of it', () => {
    const sources = [new AbortController(), new AbortController()];
    const given = anyOf(...sources.map(({ signal }) => signal));
    expect(sources.map(listeners)).toEqual([1, 1]);
    given.release();
    expect(sources.map(listeners)).toEqual([0, 0]);
    for (const source of sources) source.abort();
    expect(given.signal.aborted).toBe(false);
  });
});

describe('waiting for an abort', () => {
  test.each([0, 1])('ends with that of number %i, and listens to none of them then', async (which) => {
    const sources = [new AbortController(), new AbortController()];
    const waiting = aborted(...sources.map(({ signal }) => signal));
    expect(sources.map(listeners)).toEqual([1, 1]);
    sources[which]?.abort();
    await waiting;
    expect(sources.map(listeners)).toEqual([0, 0]);
  });

  test('is over at once where one of them has been aborted', async () => {
    const other = new AbortController();
    await aborted(other.signal, AbortSignal.abort());
    expect(listeners(other)).toBe(0);
  });
});

describe('the clock', () => {
  test('sleeps no longer when it is told to wake, and listens no more', async () => {
    const woken = new AbortController();
    const sleeping = systemClock.sleep(3_600_000, woken.signal);
    expect(listeners(woken)).toBe(1);
    woken.abort();
    await sleeping;
    expect(listeners(woken)).toBe(0);
  });

  test('does not begin to sleep where it was told to wake before', async () => {
    await systemClock.sleep(3_600_000, AbortSignal.abort());
  });

  test('lets go of the signal when the time is over', async () => {
    const never = new AbortController();
    await systemClock.sleep(1, never.signal);
    expect(listeners(never)).toBe(0);
  });

  test.each([0, -5])('takes %i ms for no time', async (ms) => {
    await systemClock.sleep(ms);
  });
});
