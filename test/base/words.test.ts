import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { isIP } from '../../src/base/ip-address.js';
import { child, steps } from '../../src/base/json-pointer.js';
import { nearestName } from '../../src/base/nearest-name.js';
import { inOrder, ProblemsError, type Problem } from '../../src/base/problem.js';
import { count, listWords, shown } from '../../src/base/text.js';

describe('the nearest name', () => {
  const fields = ['name', 'cpu', 'mem', 'emulations', 'graphic', 'next_target', 'xhci_table', 'path', 'ports'];

  test.each([
    ['nmae', 'name'],
    ['emulatons', 'emulations'],
    ['graphics', 'graphic'],
    ['xhci_tablet', 'xhci_table'],
    ['NAME', 'name'],
    ['memm', 'mem'],
    ['port', 'ports'],
    ['next-target', 'next_target'],
  ])('of %s is %s', (word, name) => {
    expect(nearestName(word, fields)).toBe(name);
  });

  test.each(['colour', 'x', '', 'disk', 'targetnext'])('%j has none', (word) => {
    expect(nearestName(word, fields)).toBeUndefined();
  });

  test('is not looked for where the word is not a slip, since comparing takes the product of the lengths', () => {
    expect(nearestName('a'.repeat(41), ['a'.repeat(40)])).toBeUndefined();
    expect(nearestName('a'.repeat(40), ['a'.repeat(39)])).toBe('a'.repeat(39));
  });

  test('is that of the first thousand', () => {
    const names = Array.from({ length: 1000 }, (_, index) => `name${index}`);
    expect(nearestName('instal', [...names, 'install'])).toBeUndefined();
    expect(nearestName('instal', ['install', ...names])).toBe('install');
  });

  test('is the nearest of several, and the first of equals', () => {
    expect(nearestName('com5', ['com1', 'com2'])).toBe('com1');
    expect(nearestName('b', ['a'])).toBeUndefined();
    expect(nearestName('cb', ['cd'])).toBe('cd');
    expect(nearestName('installl', ['instal', 'install'])).toBe('install');
  });

  test('of a name is the name itself', () => {
    fc.assert(
      fc.property(fc.uniqueArray(fc.string({ minLength: 1 }).map((word) => word.toLowerCase())), (names) => {
        for (const name of names) expect(nearestName(name, names)).toBe(name);
      }),
    );
  });
});

describe('a numeric address', () => {
  test.each(['127.0.0.1', '0.0.0.0', '255.255.255.255', '::', '::1', 'fe80::1%em0', '2001:db8::a', '::ffff:1.2.3.4'])(
    '%s is one',
    (text) => {
      expect(isIP(text)).toBe(true);
    },
  );

  test.each([
    '',
    'localhost',
    '256.0.0.1',
    '1.2.3',
    '1.2.3.4.5',
    '01.2.3.4',
    '1.2.3.08',
    '[::1]',
    ':',
    ':::',
    '1:2',
    'g::1',
  ])('%j is none', (text) => {
    expect(isIP(text)).toBe(false);
  });

  test.each(['::1]/x', '::1]:80', '::1/', '::1?', 'fe80::1%', '::1 '])('%j does not pass for one', (text) => {
    expect(isIP(text)).toBe(false);
  });
});

describe('a JSON Pointer', () => {
  test('leads through any keys', () => {
    fc.assert(
      fc.property(fc.array(fc.string({ unit: fc.constantFrom('~', '/', '0', '1', 'a', '') })), (keys) => {
        expect(steps(keys.reduce<string>(child, ''))).toEqual(keys);
      }),
    );
  });

  test('escapes as RFC 6901 does', () => {
    expect(child(child('', 'a/b'), 'm~n')).toBe('/a~1b/m~0n');
  });
});

describe('words for people', () => {
  test.each<[words: readonly string[], text: string]>([
    [[], ''],
    [['a'], 'a'],
    [['a', 'b'], 'a and b'],
    [['a', 'b', 'c'], 'a, b and c'],
  ])('%j are listed as %j', (words, text) => {
    expect(listWords(words)).toBe(text);
  });

  test('a count has its plural', () => {
    expect([0, 1, 2].map((number) => count(number, 'problem'))).toEqual(['0 problems', '1 problem', '2 problems']);
  });

  test('long text is cut in the middle and control characters are escaped', () => {
    expect(shown('a\nb')).toBe('"a\\nb"');
    expect(shown(`${'x'.repeat(100)}end`)).toMatch(/^"x{39}\.{3}x{11}end"$/);
    expect(shown('x'.repeat(1000)).length).toBeLessThanOrEqual(60);
  });
});

describe('problems', () => {
  const at = (line: number, column: number, message: string): Problem => ({
    code: 'c',
    severity: 'error',
    message,
    place: { file: 'vm.json', line, column, pointer: '' },
  });

  test('are told in the order of the file, what has no place first, each once', () => {
    const placeless: Problem = { code: 'c', severity: 'error', message: 'd' };
    const problems = [at(2, 1, 'a'), at(1, 9, 'b'), at(1, 2, 'c'), at(2, 1, 'a'), placeless];
    expect(inOrder(problems).map(({ message }) => message)).toEqual(['d', 'c', 'b', 'a']);
  });

  test('an error names its source and every problem', () => {
    const error = new ProblemsError('spec', 'vm.json', [at(1, 1, 'a'), at(2, 1, 'b')]);
    expect(error).toMatchObject({ name: 'ProblemsError', message: 'vm.json: a; b', kind: 'spec' });
  });
});
