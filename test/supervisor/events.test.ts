import { describe, expect, test } from '@jest/globals';
import { eventStream, type EventStream, type Subscription } from '../../src/supervisor/event-stream.js';
import type { RunEvent } from '../../src/supervisor/events.js';

const event = (boot: number): RunEvent => ({
  time: '2026-01-01T00:00:00.000Z',
  monotonicMs: boot,
  kind: 'reboot',
  boot,
  target: 'default',
  reason: 'reboot',
  delayMs: 0,
});

/** The number of each event; of those that were lost, how many. */
const told = (read: RunEvent): number | string =>
  read.kind === 'lost' ? `${read.count} lost` : 'boot' in read ? read.boot : NaN;

async function next(reader: Subscription): Promise<number | string | undefined> {
  const { value } = await reader.next();
  return value && told(value);
}

async function rest(reader: Subscription): Promise<readonly (number | string)[]> {
  const read: (number | string)[] = [];
  for await (const each of reader) read.push(told(each));
  return read;
}

const upTo = (end: number, start = 1): readonly number[] =>
  Array.from({ length: end - start + 1 }, (_, index) => start + index);
const pushAll = (stream: EventStream, boots: readonly number[]): void => {
  for (const boot of boots) stream.push(event(boot));
};

describe('a reader of events', () => {
  test('gets them in order, those of one moment too', async () => {
    const stream = eventStream();
    const read = rest(stream.subscribe());
    pushAll(stream, [1, 2, 3]);
    await Promise.resolve();
    pushAll(stream, [4]);
    await new Promise(setImmediate);
    pushAll(stream, [5, 6]);
    stream.end();
    expect(await read).toEqual([1, 2, 3, 4, 5, 6]);
  });

  test('that comes when all is over gets everything, and an end', async () => {
    const stream = eventStream();
    pushAll(stream, [1, 2, 3]);
    stream.end();
    expect(await rest(stream.subscribe())).toEqual([1, 2, 3]);
  });

  test('gets an end where there is no event', async () => {
    const stream = eventStream();
    const read = rest(stream.subscribe());
    stream.end();
    expect(await read).toEqual([]);
  });

  test('that comes late gets the latest thousand, and how many came before', async () => {
    const stream = eventStream();
    pushAll(stream, upTo(2500));
    const late = stream.subscribe();
    expect([await next(late), await next(late)]).toEqual(['1500 lost', 1501]);
    pushAll(stream, [2501]);
    stream.end();
    expect(await rest(late)).toEqual(upTo(2501, 1502));
    expect(await rest(stream.subscribe())).toEqual(['1501 lost', ...upTo(2501, 1502)]);
    expect(await rest(stream.subscribe({ bound: 2 }))).toEqual(['2499 lost', 2500, 2501]);
  });

  test('takes nothing from another, whenever each comes and reads', async () => {
    const stream = eventStream();
    const eager = rest(stream.subscribe());
    const slow = stream.subscribe();
    pushAll(stream, [1, 2]);
    const late = rest(stream.subscribe());
    await new Promise(setImmediate);
    expect(await next(slow)).toBe(1);
    pushAll(stream, [3, 4]);
    stream.end();
    expect(await eager).toEqual([1, 2, 3, 4]);
    expect(await late).toEqual([1, 2, 3, 4]);
    expect(await rest(slow)).toEqual([2, 3, 4]);
  });

  test('that is too slow loses the oldest, and is told where and how many', async () => {
    const stream = eventStream();
    const slow = stream.subscribe({ bound: 3 });
    const other = rest(stream.subscribe());
    pushAll(stream, upTo(4));
    expect([await next(slow), await next(slow)]).toEqual(['1 lost', 2]);
    pushAll(stream, upTo(10, 5));
    expect([await next(slow), await next(slow)]).toEqual(['5 lost', 8]);
    pushAll(stream, [11]);
    stream.end();
    expect(await rest(slow)).toEqual([9, 10, 11]);
    expect(await other).toEqual(upTo(11));
  });

  test('dates what it lost by the last of it', async () => {
    const stream = eventStream();
    const slow = stream.subscribe({ bound: 1 });
    pushAll(stream, upTo(5));
    const { value } = await slow.next();
    expect(value).toEqual({ time: '2026-01-01T00:00:00.000Z', monotonicMs: 4, kind: 'lost', count: 4 });
  });

  test('that is slow but not too slow loses nothing', async () => {
    const stream = eventStream();
    const reader = stream.subscribe({ bound: 3000 });
    const read: (number | string)[] = [];
    const reading = (async () => {
      for await (const each of reader) {
        read.push(told(each));
        await new Promise(setImmediate);
      }
    })();
    await new Promise(setImmediate);
    pushAll(stream, upTo(3000));
    stream.end();
    await reading;
    expect(read).toEqual(upTo(3000));
  });

  test('that leaves has an end, also where it waits, and the others go on', async () => {
    const stream = eventStream();
    const [leaver, waiter, other] = [stream.subscribe(), stream.subscribe(), stream.subscribe()];
    pushAll(stream, [1, 2]);
    for await (const _first of leaver) break;
    expect(await leaver.next()).toEqual({ done: true, value: undefined });
    await waiter.next();
    await waiter.next();
    const pending = waiter.next();
    await waiter.return();
    expect(await pending).toEqual({ done: true, value: undefined });
    pushAll(stream, [3]);
    stream.end();
    expect(await rest(waiter)).toEqual([]);
    expect(await rest(other)).toEqual([1, 2, 3]);
  });

  test('may ask for several before there is one, and gets them in order', async () => {
    const stream = eventStream();
    const reader = stream.subscribe();
    const asked = [reader.next(), reader.next(), reader.next()];
    pushAll(stream, [1, 2]);
    stream.end();
    expect((await Promise.all(asked)).map(({ value }) => value && told(value))).toEqual([1, 2, undefined]);
  });

  test.each([0, -1, 1.5, NaN])('with a bound of %d is refused', (bound) => {
    expect(() => eventStream().subscribe({ bound })).toThrow(RangeError);
  });
});
