import { expect, test } from '@jest/globals';
import { takeTurn } from '../../../src/host/process/turn.js';

test('one start alone waits for nothing', async () => {
  let hasTurned = false;
  setImmediate(() => {
    hasTurned = true;
  });
  await takeTurn();
  expect(hasTurned).toBe(false);
});

test('of several starts each waits for a turn of the event loop after the one before, in order', async () => {
  let loops = 0;
  let timer: NodeJS.Immediate;
  const count = (): void => {
    loops += 1;
    timer = setImmediate(count);
  };
  timer = setImmediate(count);
  const starts: (readonly [index: number, loop: number])[] = [];
  await Promise.all([0, 1, 2, 3].map((index) => takeTurn().then(() => starts.push([index, loops]))));
  clearImmediate(timer);
  expect(starts.map(([index]) => index)).toEqual([0, 1, 2, 3]);
  expect(new Set(starts.map(([, loop]) => loop)).size).toBe(4);
});
