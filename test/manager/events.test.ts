import { expect, test } from '@jest/globals';
import { systemClock } from '../../src/host/clock.js';
import { eventRing, keptEvents } from '../../src/manager/event-ring.js';
import type { ManagerEvent } from '../../src/manager/manager-events.js';

const number = ({ id }: ManagerEvent): number => Number(id.split('-')[1]);

/** All that waits for a reader. */
async function readAll(events: AsyncIterableIterator<ManagerEvent>): Promise<readonly ManagerEvent[]> {
  const all: ManagerEvent[] = [];
  for await (const event of events) all.push(event);
  return all;
}

const tell = ({ tell }: ReturnType<typeof eventRing>, count: number, vm = 'a'): void => {
  for (let at = 0; at < count; at += 1) tell({ kind: 'ready', vm, isReady: true });
};

test('a reader gets what comes from then on, in order, and the end', async () => {
  const ring = eventRing(systemClock);
  tell(ring, 3);
  const events = ring.subscribe();
  tell(ring, 4);
  ring.end();
  expect((await readAll(events)).map(number)).toEqual([4, 5, 6, 7]);
});

test('a reader that comes back gets all after the one that it had last', async () => {
  const ring = eventRing(systemClock);
  tell(ring, 5000);
  const events = ring.subscribe();
  tell(ring, 1);
  const { value } = (await events.next()) as { value: ManagerEvent };
  tell(ring, 4000);
  const again = ring.subscribe({ after: value.id });
  ring.end();
  const all = await readAll(again);
  expect(all).toHaveLength(4000);
  expect(all.map(({ kind }) => kind)).not.toContain('gap');
});

test.each([
  ['another manager', 'abc-3'],
  ['before what is kept', undefined],
])('a reader whose last event is of %s is told of a gap first', async (_what, after) => {
  const ring = eventRing(systemClock);
  const events = ring.subscribe();
  tell(ring, 1);
  const { value } = (await events.next()) as { value: ManagerEvent };
  tell(ring, keptEvents + 5);
  const late = ring.subscribe({ after: after ?? value.id });
  ring.end();
  const [gap, ...rest] = await readAll(late);
  expect(gap?.kind).toBe('gap');
  expect(rest).toHaveLength(keptEvents);
  expect(number(rest[0] ?? value)).toBe(7);
});

test.each([
  ['all', 5, 5, undefined],
  ['what is kept, and a gap before it', keptEvents + 3, keptEvents, 'gap'],
])('a reader from the first on gets %s', async (_what, count, events, first) => {
  const ring = eventRing(systemClock);
  tell(ring, count);
  const reader = ring.subscribe({ fromFirst: true });
  ring.end();
  const all = await readAll(reader);
  expect(all.filter(({ kind }) => kind !== 'gap')).toHaveLength(events);
  expect(all[0]?.kind === 'gap' ? 'gap' : undefined).toBe(first);
});

test('a reader that is too slow loses the oldest beyond its bound, and is told how many', async () => {
  const ring = eventRing(systemClock);
  const events = ring.subscribe({ bound: 10 });
  const quick = ring.subscribe({ bound: 100 });
  tell(ring, 30);
  ring.end();
  const all = await readAll(events);
  expect(all[0]).toMatchObject({ kind: 'gap', count: 20 });
  expect(all.slice(1).map(number)).toEqual([21, 22, 23, 24, 25, 26, 27, 28, 29, 30]);
  expect(await readAll(quick)).toHaveLength(30);
});

test('a reader of one VM that is too slow is told of what it misses of that VM, and of no gap where that is nothing', async () => {
  const ring = eventRing(systemClock);
  const [others, own] = [ring.subscribe({ vm: 'b', bound: 10 }), ring.subscribe({ vm: 'c', bound: 10 })];
  tell(ring, 5, 'c');
  tell(ring, 30);
  tell(ring, 1, 'b');
  ring.end();
  expect((await readAll(others)).map(number)).toEqual([36]);
  expect(await readAll(own)).toMatchObject([{ kind: 'gap', count: 5 }]);
});

test('a reader of one VM gets what is about it', async () => {
  const ring = eventRing(systemClock);
  const events = ring.subscribe({ vm: 'b' });
  tell(ring, 2);
  tell(ring, 1, 'b');
  tell(ring, 2);
  ring.end();
  expect((await readAll(events)).map(number)).toEqual([3]);
});

test('a reader that leaves while it waits gets the end', async () => {
  const ring = eventRing(systemClock);
  const events = ring.subscribe();
  const next = events.next();
  await events.return();
  expect((await next).done).toBe(true);
});
