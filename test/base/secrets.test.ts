import { describe, expect, test } from '@jest/globals';
import { secretPlaces } from '../../src/base/secret-places.js';
import {
  namesSecret,
  secretsIn,
  valuesAsSecrets,
  withoutGivenSecrets,
  withoutQuotations,
} from '../../src/base/secrets.js';
import { expectLinear } from '../support/growth.js';

/** The text with what may be a secret starred. */
const masked = (text: string): string => secretsIn(text).excerpt(0, text.length);

describe('a secret may stand', () => {
  test.each([
    ['in the quotes behind its key', '{"password": "abc", "port": 1}', '{"password": "***", "port": 1}'],
    ['on the rest of a line without quotes', 'password: abc # x\nport: 1', 'password: *** * *\nport: 1'],
    ['behind a broken key', '{"passw}ord": "abc"}', '{"pas******** ******'],
    ['behind a key without a letter', 'pasword=abc', 'pasword=***'],
    ['on the next line where its own has none', 'password:\n  abc\nport: 1', 'password:\n  ***\nport: 1'],
    ['on the next lines of a block', 'password: |\n  abc\n  def\nport: 1', 'password: *\n  ***\n  ***\nport: 1'],
    ['in a here document', 'password <<EOD\nabc\nEOD\nport 1', 'password *****\n***\nEOD\nport 1'],
    ['up to the end of a quote', "password: 'abc\ndef'\nport: 1", 'password: ****\n****\nport: 1'],
    ['behind quotes that do not match', '"password": "abc" def",\n"port": 1', '"password": ***** *****\n******* *'],
    ['in words for bhyve', '-s 9,fbuf,password=abc,wait', '-s 9,fbuf,password=********'],
    ['but not below a comment', '# the password of VNC\nport: 1', '# the password ** ***\nport: 1'],
    ['in an attribute', '<graphics passwd="abc" port="1">', '<graphics passwd="***" port="1">'],
  ])('%s', (_title, text, starred) => {
    expect(masked(text)).toBe(starred);
  });

  test.each([
    '"device": "passthru"',
    'pci-passthrough: 1',
    'password_file: vnc.txt',
    '-s 4,passthru,2/0/0',
    'keyboard: de',
  ])('not in %s', (text) => {
    expect(masked(text)).toBe(text);
  });
});

describe('a sentence', () => {
  const { star } = secretsIn('{"password": "Tr0ub4dor&3", "name": "web"}', () => new Set(['width']));

  test.each([
    ['"Tr0ub4dor" is wrong', '"***" is wrong'],
    ['found Tr0ub4dor&3 here', 'found *** here'],
    ['found "Tr0ub..." here', 'found "***..." here'],
    ['"web" is not a field', '"web" is not a field'],
    ['"pasword" is not a field', '"pasword" is not a field'],
    ['there is "fbuf,pasword=x"', 'there is "fbuf,pasword=***"'],
    ['"what is long...is cut" there', '"what is long...***" there'],
  ])('%s', (sentence, starred) => {
    expect(star(sentence)).toBe(starred);
  });

  test('keeps the words of vmrun', () => {
    const secrets = secretsIn('password: the width\n', () => new Set(['width']));
    expect(secrets.star('"width" is what "the" must be')).toBe('"width" is what "***" must be');
  });

  test('finds what a shell, JSON or XML writes otherwise', () => {
    expect(secretsIn('password=ab\\cd\\ef').star('"abcdef"')).toBe('"***"');
    expect(secretsIn('password\\\nabcdef').star('"passwordabcdef"')).toBe('"***"');
    expect(secretsIn('{"password": "ab\\u0063def" x').star('"abcdef"')).toBe('"***"');
    expect(secretsIn('<g passwd="ab&#99;def">').star('"abcdef"')).toBe('"***"');
  });

  test('has no quotation where there is too much to look through', () => {
    expect(secretsIn(`password: ${'a b c '.repeat(20_000)}`).star('"a" is "x"')).toBe('"***" is "***"');
  });

  test('hides each value of a list of variables', () => {
    expect(valuesAsSecrets('a.b=value1\nc=value2').star('a.b is "value1" or value2')).toBe('a.b is "***" or ***');
  });
});

test('words for bhyve are shown without what is given as a secret', () => {
  expect(withoutGivenSecrets('9,fbuf,password=abc,wait')).toBe('9,fbuf,password=***,wait');
  expect(withoutGivenSecrets('pci.0.9.0.password=a=b')).toBe('pci.0.9.0.password=***');
  expect(withoutGivenSecrets('/vm/password.img')).toBe('/vm/password.img');
});

test('of a file that is not to be shown, a sentence keeps the signs that were expected', () => {
  expect(withoutQuotations('"," or "}" is expected, found "root:x"')).toBe('"," or "}" is expected, found "***"');
});

test.each([
  ['password', true],
  ['vnc_password', true],
  ['x-token', true],
  ['password_file', false],
  ['keyboard', false],
])('the key %s names a secret: %s', (key, isOne) => {
  expect(namesSecret(key)).toBe(isOne);
});

describe('the work grows with the text', () => {
  test.each<[title: string, piece: string]>([
    ['of well-formed keys on one line', '"password":"abc","x":1,'],
    ['of keys without a value', 'password:\n'],
    ['of broken quotes', 'password: "\n'],
    ['of here documents without an end', 'password <<EOD\n'],
    ['of deep lines', '    password abc\n'],
    ['of letters alone', 'aspswos'],
  ])('%s', (_title, piece) => {
    expectLinear(4_000, (size) => piece.repeat(size), secretPlaces);
  });
});
