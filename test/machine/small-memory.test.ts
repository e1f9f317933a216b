import { expect, test } from '@jest/globals';
import { minimal, problemsOf, told } from '../support/specs.js';

test.each<[mem: string | number, said: readonly string[]]>([
  ['64K', ['no guest starts with 64K of memory [use e.g. "512M"]']],
  [4096, ['4096 is a number of bytes, and no guest starts with 4K of memory [use "4096M" if it is to be MiB]']],
  ['1M', []],
  [1_048_576, []],
])('memory of %j is told where it is surely a mistake', async (mem, said) => {
  const problems = await problemsOf({ ...minimal, mem });
  expect(problems.map((problem) => told(problem).replace(/^.*memory-small: /, ''))).toEqual(said);
  expect(problems.every(({ severity }) => severity === 'warning')).toBe(true);
});
