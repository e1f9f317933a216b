import { execFileSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { quoteCommand, quoteWord, shellMarks, splitWords } from '../../src/base/shell.js';

const awkward = [
  ...['', ' ', 'a b', "it's", "''", '"', 'a"b', '\\', '\\\\', 'a\\', '$HOME', '$(echo no)', '`echo no`', '*', '~', '!'],
  ...[
    'a;b',
    'a&b',
    'a|b',
    '<in',
    '>out',
    '(x)',
    '{a,b}',
    '[a]',
    '#no',
    'a#b',
    '-n',
    '--',
    'a=b',
    'line\nbreak',
    'tab\t',
  ],
  ...['é', '漢字', '😀', '\u00a0', '%s', '0:4:0,virtio-blk,/disk.img', '\r', '?', '^', "'\\''"],
];

/** What a real shell makes of a command line. */
const shellSplits = (words: string): readonly string[] =>
  execFileSync(words.includes("$'") ? 'bash' : 'sh', ['-c', `printf '%s\\0' ${words}`], { encoding: 'utf8' })
    .split('\0')
    .slice(0, -1);

const words = fc.array(
  fc.oneof(
    fc.constantFrom(...awkward),
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: fc.constantFrom("'", '"', '\\', ' ', 'a', '\n', '$', '`') }),
  ),
);

describe('quoting words for a shell', () => {
  test('a POSIX shell gets every awkward word as it was', () => {
    expect(shellSplits(quoteCommand(awkward))).toEqual(awkward);
  });

  test('a POSIX shell gets any words as they were', () => {
    fc.assert(
      fc.property(words, (list) => {
        const clean = list.map((word) => word.replaceAll('\0', ''));
        fc.pre(clean.length > 0);
        expect(shellSplits(quoteCommand(clean))).toEqual(clean);
      }),
      { numRuns: 50 },
    );
  });

  test('is undone by splitting', () => {
    fc.assert(
      fc.property(words, (list) => {
        const clean = list.map((word) => word.replaceAll('\0', ''));
        expect(splitWords(quoteCommand(clean))).toEqual(clean);
      }),
    );
  });

  test.each([
    ['bhyve', 'bhyve'],
    ['0:4:0,virtio-blk,/vm/disk.img', '0:4:0,virtio-blk,/vm/disk.img'],
    ['path=/a_b%c', 'path=/a_b%c'],
    ['a b', "'a b'"],
    ["it's", "'it'\\''s'"],
    ['', "''"],
    ["\u001b[2J it's \u202e\\n\n", "$'\\033[2J it\\'s \\342\\200\\256\\\\n\\012'"],
  ])('%j is printed as %s', (word, quoted) => {
    expect(quoteWord(word)).toBe(quoted);
  });
});

describe('splitting words as a shell does', () => {
  test.each<[text: string, words: readonly string[]]>([
    ['', []],
    ['  \t ', []],
    ['-w -o system.serial_number=42', ['-w', '-o', 'system.serial_number=42']],
    ['  a   b  ', ['a', 'b']],
    ["'a b' c", ['a b', 'c']],
    ['"a b" c', ['a b', 'c']],
    ["a'b c'd", ['ab cd']],
    ['""', ['']],
    ["a '' b", ['a', '', 'b']],
    ['a\\ b', ['a b']],
    ['"a\\"b"', ['a"b']],
    ['"a\\b"', ['a\\b']],
    ['"\\\\ \\$ \\`"', ['\\ $ `']],
    ["'a\\b'", ['a\\b']],
    ['$HOME *', ['$HOME', '*']],
    ['a\u00a0b', ['a\u00a0b']],
  ])('%j becomes %j', (text, expected) => {
    expect(splitWords(text)).toEqual(expected);
  });

  test.each([
    ["$'a\\nb' $'' x$'\\''y"],
    ["$'\\a\\b\\e\\f\\r\\t\\v\\\\\\\"' $'\\cA\\c?'"],
    ["$'\\303\\251' $'\\xc3\\xa9' $'\\u00e9\\U0001f600' $'\\60\\7x'"],
    ["\"$'a\\n'\" \\$'b\\n' '$'c"],
    ['a\u00a0b \u2003c'],
    ['"a\\b" \'c\\d\' e\\f "\\\\" "\\""'],
    ['a\rb "c\td"'],
    ["''\"\"'' x''y"],
  ])('a real shell splits %j the same way', (text) => {
    expect(splitWords(text)).toEqual(shellSplits(text));
  });

  test('what stands in dollar-single quotes is not a mark of a shell', () => {
    expect(shellMarks("$'a\\'|b' $'*' | cat")).toEqual(['|']);
  });

  test.each([
    ["a 'b c", 'the quote at character 3 has no end'],
    ['"a', 'the quote at character 1 has no end'],
    ['"a\\"', 'the quote at character 1 has no end'],
    ["a $'b\\'", 'the quote at character 3 has no end'],
    ["$'\\q'", 'the quote at character 1 has a backslash before what it cannot stand for'],
    ["$'\\0'", 'the quote at character 1 has a backslash before what it cannot stand for'],
    ["$'\\777'", 'the quote at character 1 has a backslash before what it cannot stand for'],
    ["$'\\u00'", 'the quote at character 1 has a backslash before what it cannot stand for'],
    ["$'\\ud800'", 'the quote at character 1 has a backslash before what it cannot stand for'],
    ["$'\\xff'", 'the quote at character 1 holds bytes that are not UTF-8'],
    ['a\\', 'a backslash at the end quotes nothing'],
  ])('%j is refused', (text, error) => {
    expect(splitWords(text)).toEqual({ error });
  });
});
