import { describe, expect, test } from '@jest/globals';
import { loadSpecText, loadSpecValue } from '../../src/machine/load-spec.js';
import { mostKeyCharacters } from '../../src/spec/long-keys.js';

const base = { name: 'vm', cpu: 1, mem: '64M' };
const problemsOf = async (value: unknown) => {
  const loaded = await loadSpecValue({ name: 'a request', value, resolveFile: (file) => file });
  return loaded.ok ? [] : loaded.problems;
};

describe('a key that nobody can read', () => {
  test('is one problem, however much is wrong below it, and no problem repeats it', async () => {
    const emulations = Array.from({ length: 400 }, () => 5);
    const problems = await problemsOf({ ...base, targets: { ['k'.repeat(4_000_000)]: { emulations } } });
    expect(problems).toMatchObject([
      { code: 'long-key', place: { file: 'a request', pointer: '/targets' }, fix: 'write a shorter one' },
    ]);
    expect(problems[0]?.message).toMatch(/^the key "k+\.\.\.k+" has 4000007 characters with those .* may be 1024$/);
    expect(JSON.stringify(problems).length).toBeLessThan(1000);
  });

  test('is told at its place in a file', async () => {
    const text = `{ "name": "vm", "cpu": 1, "mem": "64M",\n  "${'k'.repeat(2000)}": 1 }`;
    const loaded = await loadSpecText({ name: 'vm.json', text, format: 'json', resolveFile: (file) => file });
    expect(loaded.ok ? [] : loaded.problems).toMatchObject([
      { code: 'long-key', place: { line: 2, column: 3, pointer: '' } },
    ]);
  });

  test.each<[what: string, keys: readonly number[], isTold: boolean]>([
    ['one as long as may be', [mostKeyCharacters - 'config'.length], false],
    ['one longer by a character', [mostKeyCharacters - 'config'.length + 1], true],
    ['several that are as long together', [500, mostKeyCharacters - 'config'.length - 500], false],
    ['several that are longer together', [500, mostKeyCharacters - 'config'.length - 499], true],
  ])('is counted with those that it stands below: %s', async (_what, keys, isTold) => {
    const config = keys.reduceRight<unknown>((below, length) => ({ ['k'.repeat(length)]: below }), 5);
    const codes = (await problemsOf({ ...base, cpu: true, config })).map(({ code }) => code);
    expect(codes.includes('long-key')).toBe(isTold);
    expect(codes.includes('wrong-type')).toBe(!isTold);
  });
});
