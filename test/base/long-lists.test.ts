import { expect, test } from '@jest/globals';
import { addAll, greatest, least } from '../../src/base/long-lists.js';
import { mostProblems } from '../../src/base/problem.js';
import { foretell } from '../../src/bhyve/foretell/foretell.js';
import { expectLinear } from '../support/growth.js';
import { problemsOf } from '../support/specs.js';

const many = Array.from({ length: 500_000 }, (_, at) => at);

test('a list of half a million items is added to another, and its greatest and least are found', () => {
  const list = [-1];
  addAll(list, many);
  expect(list).toHaveLength(500_001);
  expect([greatest(many), least(many), greatest([]), least([])]).toEqual([499_999, 0, -Infinity, Infinity]);
});

test('what bhyve warns of, option by option, is foretold in a time that grows no faster than they do', () => {
  const options = {
    arch: 'amd64',
    release: 15,
    readFile: () => undefined,
    loaded: false,
    isSuspect: () => true,
  } as const;
  expectLinear(
    1000,
    (count) => [...Array.from({ length: count }, () => ['-s', '3,hostbridge,x']).flat(), 'vm'],
    (argv) => foretell(argv, options),
  );
});

test('a broken YAML file has as many problems as anybody reads', async () => {
  const problems = await problemsOf(`name: vm\n${'a: "\\q\\q\\q\\q"\n'.repeat(500)}`, { format: 'yaml' });
  expect(problems).toHaveLength(mostProblems + 1);
  expect(problems.at(-1)?.message).toMatch(/^\d+ more problems are not listed$/);
});
