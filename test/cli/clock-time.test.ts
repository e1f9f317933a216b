import { expect, test } from '@jest/globals';
import { formatWhen } from '../../src/cli/clock-time.js';

const now = new Date(2026, 0, 3, 14, 4, 12);

test.each<[when: Date, words: string]>([
  [new Date(2026, 0, 3, 14, 5, 10, 300), '14:05:10, in 58 s'],
  [new Date(2026, 0, 3, 14, 4, 12, 500), '14:04:12, in 500 ms'],
  [new Date(2026, 0, 3, 23, 59, 59), '23:59:59, in 596 min'],
  [new Date(2026, 0, 4, 0, 0, 0), '2026-01-04 00:00:00, in 596 min'],
  [new Date(2026, 0, 3, 14, 4, 11), '14:04:11, in 0 ms'],
])('a moment is told by the clock of the host, and by how far it is: %s', (when, words) => {
  expect(formatWhen(when, now)).toBe(words);
});
