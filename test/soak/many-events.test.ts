import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { expect, test } from '@jest/globals';
import { eventStream } from '../../src/supervisor/event-stream.js';

const events = 1_000_000;
const perTurn = 500;
const mebibyte = 1024 * 1024;

setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const heapBytes = (): number => {
  collect();
  collect();
  return process.memoryUsage().heapUsed;
};

test('a million events beside a reader that has stopped cost no memory, and another reader none of them', async () => {
  const stream = eventStream();
  const stopped = stream.subscribe({ bound: 100 });
  const seen = { events: 0, isInOrder: true };
  const reading = (async () => {
    for await (const event of stream.subscribe()) {
      seen.events += 1;
      seen.isInOrder &&= event.kind === 'degraded' && event.error === `number ${seen.events}`;
    }
  })();
  const looks: number[] = [];
  for (let number = 1; number <= events; number += 1) {
    const time = new Date().toISOString();
    stream.push({ time, monotonicMs: number, kind: 'degraded', part: 'log', error: `number ${number}` });
    if (number % perTurn !== 0) continue;
    for await (const _event of stream.subscribe()) break;
    await new Promise(setImmediate);
    if (number % (events / 10) === 0) looks.push(heapBytes());
  }
  stream.end();
  await reading;
  expect(seen).toEqual({ events, isInOrder: true });
  const lost = await stopped.next();
  expect(lost.value).toMatchObject({ kind: 'lost', count: events - 100 });
  const rest: unknown[] = [];
  for await (const event of stopped) rest.push(event);
  expect(rest).toHaveLength(100);
  const [early = NaN, ...later] = looks;
  expect(later).toHaveLength(9);
  // What is garbage is not kept alive by the reader that stopped, at any time.
  for (const look of later) expect(look - early).toBeLessThan(2 * mebibyte);
}, 120_000);
