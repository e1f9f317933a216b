import { expect, test } from '@jest/globals';
import { eventStream, type EventStream, type RunEvent } from '../../src/supervisor/events.js';

const event = (boot: number): RunEvent => ({
  time: '2026-01-01T00:00:00.000Z',
  monotonicMs: boot,
  kind: 'reboot',
  boot,
  target: 'default',
  reason: 'reboot',
  delayMs: 0,
});

async function numbers(stream: EventStream): Promise<readonly number[]> {
  const read: number[] = [];
  for await (const { monotonicMs } of stream) read.push(monotonicMs);
  return read;
}

const upTo = (end: number, start = 1): readonly number[] =>
  Array.from({ length: end - start + 1 }, (_, index) => start + index);
const pushAll = (stream: EventStream, boots: readonly number[]): void => {
  for (const boot of boots) stream.push(event(boot));
};

test('events come in order, those of one moment too', async () => {
  const stream = eventStream();
  const read = numbers(stream);
  pushAll(stream, [1, 2, 3]);
  await Promise.resolve();
  pushAll(stream, [4]);
  await new Promise(setImmediate);
  pushAll(stream, [5, 6]);
  stream.end();
  expect(await read).toEqual([1, 2, 3, 4, 5, 6]);
});

test('a reader that comes when all is over gets everything, and an end', async () => {
  const stream = eventStream();
  pushAll(stream, [1, 2, 3]);
  stream.end();
  expect(await numbers(stream)).toEqual([1, 2, 3]);
});

test('a stream that ends without an event ends its reader', async () => {
  const stream = eventStream();
  const read = numbers(stream);
  stream.end();
  expect(await read).toEqual([]);
});

test('without a reader the latest thousand are kept', async () => {
  const stream = eventStream();
  pushAll(stream, upTo(2500));
  stream.end();
  expect(await numbers(stream)).toEqual(upTo(2500, 1501));
});

test('a slow reader loses nothing', async () => {
  const stream = eventStream();
  const read: number[] = [];
  const reading = (async () => {
    for await (const { monotonicMs } of stream) {
      read.push(monotonicMs);
      await new Promise(setImmediate);
    }
  })();
  await new Promise(setImmediate);
  pushAll(stream, upTo(3000));
  stream.end();
  await reading;
  expect(read).toEqual(upTo(3000));
});

test('events do not pile up again when the reader has gone', async () => {
  const stream = eventStream();
  pushAll(stream, [1, 2]);
  for await (const _first of stream) break;
  pushAll(stream, upTo(2500));
  stream.end();
  expect((await numbers(stream)).length).toBeLessThanOrEqual(1000);
});
