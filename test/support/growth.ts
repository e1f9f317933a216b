import { expect } from '@jest/globals';

const factor = 8;
const runs = 3;

/** Processor time, in milliseconds: what else the machine does is not in it. */
function costMs<T>(input: T, read: (input: T) => unknown): number {
  const before = process.cpuUsage();
  read(input);
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000;
}

/**
 * What is eight times as large may cost eight times as much, and some more for the machine's caches; not sixty-four
 * times, as it would where the work grows with the square. No verdict on how fast the machine is. The least of some runs
 * counts, and the large input is read again only where it has cost too much.
 * @param size of the small input, which should cost some milliseconds: less cannot be measured
 */
export function expectLinear<T>(size: number, make: (size: number) => T, read: (input: T) => unknown): void {
  const least = 2;
  const input = make(size);
  const small = Math.max(least, Math.min(...Array.from({ length: runs }, () => costMs(input, read))));
  const large = make(size * factor);
  let ratio = Infinity;
  for (let run = 0; run < runs && ratio >= factor * 3; run += 1) ratio = costMs(large, read) / small;
  expect(ratio).toBeLessThan(factor * 3);
}
