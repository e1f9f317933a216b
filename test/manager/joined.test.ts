import { expect, test } from '@jest/globals';
import { joined } from '../../src/manager/joined.js';

/** Work that ends when it is told to. */
function held() {
  const begun: { readonly done: (value: number) => void; readonly failed: (error: Error) => void }[] = [];
  const ask = joined(
    () =>
      new Promise<number>((resolve, reject) => {
        begun.push({ done: resolve, failed: reject });
      }),
  );
  const settled = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  return { begun, ask, settled };
}

test('who asks while one waits for its turn gets that one; what goes on has seen too little', async () => {
  const { begun, ask, settled } = held();
  const first = ask();
  await settled();
  const rest = [ask(), ask(), ask()];
  await settled();
  expect(begun).toHaveLength(1);
  begun[0]?.done(1);
  expect(await first).toBe(1);
  await settled();
  expect(begun).toHaveLength(2);
  begun[1]?.done(2);
  expect(await Promise.all(rest)).toEqual([2, 2, 2]);
  await settled();
  expect(begun).toHaveLength(2);
});

test('one that fails fails for those who have asked for it, and for nobody else', async () => {
  const { begun, ask, settled } = held();
  const first = ask();
  await settled();
  const second = ask();
  begun[0]?.failed(new Error('no such folder'));
  await expect(first).rejects.toThrow('no such folder');
  await settled();
  begun[1]?.done(2);
  expect(await second).toBe(2);
});
