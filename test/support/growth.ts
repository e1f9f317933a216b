import { expect } from '@jest/globals';

const factor = 8;
const runs = 3;

/** Processor time, in milliseconds: what else the machine does is not in it. The least of some runs. */
function costMs<T>(input: T, read: (input: T) => unknown): number {
  let least = Infinity;
  for (let run = 0; run < runs; run += 1) {
    const before = process.cpuUsage();
    read(input);
    const { user, system } = process.cpuUsage(before);
    least = Math.min(least, (user + system) / 1000);
  }
  return least;
}

/**
 * What is eight times as large may cost eight times as much, and some more for the machine's caches; not sixty-four
 * times, as it would where the work grows with the square. No verdict on how fast the machine is.
 * @param size of the small input, which should cost some milliseconds: less cannot be measured
 */
export function expectLinear<T>(size: number, make: (size: number) => T, read: (input: T) => unknown): void {
  const small = costMs(make(size), read);
  const large = costMs(make(size * factor), read);
  const least = 2;
  expect(large / Math.max(small, least)).toBeLessThan(factor * 3);
}
