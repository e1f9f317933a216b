import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { linesOf } from '../../src/spec/locate.js';
import { parseUcl } from '../../src/ucl/parse-ucl.js';
import type { UclScalar, UclValue } from '../../src/ucl/ucl-tree.js';
import { chooseFrom, inUclRange, uclText } from '../support/ucl-text.js';
import { expectLinear } from '../support/growth.js';
import { runs } from '../support/runs.js';
import { anyCharacter } from '../support/unicode.js';

const limits = {
  maxDepth: 64,
  tooDeep: (offset: number) => ({ message: 'too deep', offset }),
  maxValues: 1000,
  tooMany: (_most: number, offset: number) => ({ message: 'too many', offset }),
};
const parse = (text: string) => parseUcl(text, limits);

/** As `uclcmd get -c -f FILE .` prints it: the values of a key that is given again are an array. */
function toJson(value: UclValue): unknown {
  switch (value.kind) {
    case 'scalar':
      return value.value;
    case 'array':
      return value.items.map(toJson);
    case 'object':
      return Object.fromEntries(
        value.entries.map(({ key, given }) => {
          const values = given.map((each) => toJson(each.value));
          return [key, values.length === 1 ? values[0] : values];
        }),
      );
  }
}

const scalarsOf = (value: UclValue): readonly UclScalar[] => {
  switch (value.kind) {
    case 'scalar':
      return [value];
    case 'array':
      return value.items.flatMap(scalarsOf);
    case 'object':
      return value.entries.flatMap(({ given }) => given.flatMap((each) => scalarsOf(each.value)));
  }
};

/** @throws Error that names the problem */
function read(text: string): unknown {
  const parsed = parse(text);
  if (!parsed.ok) throw new Error(`${parsed.problem.message}\n${text}`);
  return toJson(parsed.root);
}

/** `LINE:COLUMN message [fix]`, both from 1, or what was read. */
function refusal(text: string): string {
  const parsed = parse(text);
  if (parsed.ok) return `read: ${JSON.stringify(toJson(parsed.root))}`;
  const { message, offset, fix } = parsed.problem;
  const { line, column } = linesOf(text).at(offset);
  return `${line}:${column} ${message}${fix === undefined ? '' : ` [${fix}]`}`;
}

interface Vector {
  readonly ucl: string;
  readonly json?: unknown;
  readonly error?: string;
}

const vectors = JSON.parse(
  readFileSync(new URL('../vectors/ucl-vectors.json', import.meta.url), 'utf8'),
) as readonly Vector[];

const size =
  'a size keeps its text: bhyve means powers of 1024 by K, M and G, uclcmd powers of 1000 unless a B follows';
const time = 'a time keeps its text: the field that it is given to reads the unit';
const macro = 'a macro is refused';

/** Where vmrun means something else than uclcmd does, and why. */
const deviations = new Map<string, { readonly reason: string; readonly json?: unknown; readonly refused?: string }>([
  ...['512M', '512m', '512MB', '512mb', '1G', '1Gb', '4k', '4kb', '1.5G'].map(
    (mem) => [`mem: ${mem}\n`, { reason: size, json: { mem } }] as const,
  ),
  ...['10s', '10ms', '5min', '2h', '1d', '1w', '1y', '10.5s'].map(
    (t) => [`t: ${t}\n`, { reason: time, json: { t } }] as const,
  ),
  ...vectors
    .filter(({ ucl }) => ucl.startsWith('name: freebsd-test'))
    .map(({ ucl, json }) => [ucl, { reason: size, json: { ...(json as object), mem: '512M' } }] as const),
  ['.priority 5\na: 1\n', { reason: macro, refused: '1:1 .priority is a macro, and macros are not run here' }],
  [
    '.include "/nonexistent"\na: 1\n',
    { reason: macro, refused: '1:1 .include is a macro, and macros are not run here' },
  ],
]);

/** Where libucl says that it found an error, counting columns from 1; undefined where it does not say. */
function placeOf(error: string): RegExp {
  const [, line, column] = /line: (\d+), column: (\d+)/.exec(error) ?? [];
  if (line !== undefined) return new RegExp(`^${line}:${Number(column) + 1} `);
  const brace = /(?:unmatched open brace at|with \{ at line) (\d+)/.exec(error)?.[1];
  return brace === undefined ? /^\d+:\d+ / : new RegExp(`^${brace}:\\d+ `);
}

describe('UCL is read as uclcmd reads it', () => {
  const same = vectors.filter(({ ucl }) => !deviations.has(ucl));

  test.each(same.flatMap(({ ucl, json }) => (json === undefined ? [] : [[ucl, json] as const])))('%j', (ucl, json) => {
    expect(read(ucl)).toEqual(json);
  });

  test.each(same.flatMap(({ ucl, error }) => (error === undefined ? [] : [[ucl, error] as const])))(
    '%j is refused at the same place',
    (ucl, error) => {
      expect(refusal(ucl)).toMatch(placeOf(error));
      expect(refusal(ucl)).toMatch(/\[.+\]$/);
    },
  );

  test.each([...deviations].map(([ucl, { reason, ...deviation }]) => [ucl, reason, deviation] as const))(
    '%j: but %s',
    (ucl, _reason, { json, refused }) => {
      expect(vectors.map((vector) => vector.ucl)).toContain(ucl);
      if (refused === undefined) expect(read(ucl)).toEqual(json);
      else expect(refusal(ucl)).toContain(refused);
    },
  );
});

describe('UCL', () => {
  test.each<[what: string, text: string, value: unknown]>([
    [
      'hex and negative numbers',
      'a: 0xfF; b: -0x10; c: -12; d: 1.5e-3; e: 5.',
      { a: 255, b: -16, c: -12, d: 0.0015, e: 5 },
    ],
    [
      'what only begins like a number',
      'a: .5; b: 0x; c: 1e; d: --1; e: 1.2.3; f: -',
      {
        ...{ a: '.5', b: '0x', c: '1e', d: '--1', e: '1.2.3', f: '-' },
      },
    ],
    ['nothing behind a separator, before the next key', 'empty:\nb: 1\n', { empty: null, b: 1 }],
    ['nothing behind a separator, before a quoted key', 'empty: # none\n"b": 1\n', { empty: null, b: 1 }],
    ['nothing at the end of an object', 'a {\n  empty:\n}', { a: { empty: null } }],
    ['an object below its key', 's:\n{\n  x: 1\n}\nt =\n\n[1]', { s: { x: 1 }, t: [1] }],
    ['a string below its key', 'a:\n  "x y"\nb:\n<<EOD\nz\nEOD\n', { a: 'x y', b: 'z' }],
    ['single quotes with backslashes', "a: 'C:\\vm\\'s \\\nlong'", { a: "C:\\vm's long" }],
    ['single quotes over lines', "a: 'x\ny'", { a: 'x\ny' }],
    ['escapes without quotes', 'a: b\\;c\\,d \\"e\\u00e9', { a: 'b;c,d "eé' }],
    [
      'brackets in text',
      'a: x{y}[z] w; b: ${V}/d; c: [f[0], {d: g{h}}]',
      {
        a: 'x{y}[z] w',
        b: '${V}/d',
        c: ['f[0]', { d: 'g{h}' }],
      },
    ],
    [
      'a heredoc with blanks, quotes and what looks like its end',
      'a: <<END\n  "x"\nENDING\n END\n\nEND;\nb: 1',
      {
        a: '  "x"\nENDING\n END\n',
        b: 1,
      },
    ],
    ['a heredoc that ends with the text', 'a: <<E\nx\nE', { a: 'x' }],
    ['a heredoc of DOS', 'a: <<EOD\r\nx\r\ny\r\nEOD\r\nb: 1\r\n', { a: 'x\r\ny', b: 1 }],
    ['text that only looks like a heredoc', 'a: <<eod\nb: <<\n', { a: '<<eod', b: '<<' }],
    [
      'an array over lines without commas',
      'a [\n  1\n  two words\n  { b: 1 }\n  { c: 2 }\n]',
      {
        a: [1, 'two words', { b: 1 }, { c: 2 }],
      },
    ],
    ['comments in every place', '/**/a /**/:/**/[/**/1/**/,#\n2]/**/#', { a: ['1', 2] }],
    ['a section without blanks', 's{x:1}t "n"{y=2}', { s: { x: 1 }, t: { n: { y: 2 } } }],
    ['a named section with a separator', 's name: { x: 1 }\nt a = [1]', { s: { name: { x: 1 } }, t: { a: [1] } }],
    ['a named list', 's name [1, 2]', { s: { name: [1, 2] } }],
    ['a bracket at the end of text', 's: name {\nt = x [', { s: 'name {', t: 'x [' }],
    ['a quoted name of a section', 's "a b" { x: 1 }', { s: { 'a b': { x: 1 } } }],
    ['keys of one section given again', 's { x: 1; x: 2 }\ns { y: 1 }', { s: [{ x: [1, 2] }, { y: 1 }] }],
    [
      'a key like a property of every object',
      '__proto__ { a: 1 }\nconstructor: 1',
      JSON.parse('{"__proto__":{"a":1},"constructor":1}'),
    ],
    ['braces around all, and separators behind', '# c\n{ a: 1 };\n,# end', { a: 1 }],
    [
      'JSON with comments and trailing commas',
      '{ # so\n "a": [1, 2,], /* b */ "c": {"d": null,},\n}',
      { a: [1, 2], c: { d: null } },
    ],
    ['separators in a row', 'a: 1;;, b: [1,,2];', { a: 1, b: [1, 2] }],
    ['numbers with zeros in front', `a: ${'0'.repeat(30)}7`, { a: 7 }],
    ['an integer of 64 bits', 'a: -9223372036854775807', { a: -(2 ** 63) }],
  ])('has %s', (_what, text, value) => {
    expect(read(text)).toEqual(value);
  });

  test.each<[text: string, told: string]>([
    ['a: [1\n}', '2:1 this } closes nothing [add the ] that closes the array before it]'],
    ['a: { b: 1 ]', '1:11 this ] closes nothing [add the } that closes the object before it]'],
    ['a: "x" b: 1', '1:8 "," or a new line is expected, found "b"'],
    ['a: ["x" "y"]', '1:9 "," or a new line is expected, found "\\""'],
    ['{ a: 1 } b: 2', '1:10 there is more text after the last bracket [a file holds one object; take the rest out]'],
    ['[1] 2', '1:5 there is more text after the last bracket [a file holds one object; take the rest out]'],
    ['a: 1\n/* x /* y */', '2:1 this comment has no end [add the */ that closes it]'],
    ['path: /dev/*', '1:11 this comment has no end [add the */ that closes it]'],
    ['a := 1', '1:4 a second separator after "a" [put a value that begins so in double quotes]'],
    ['host: ::1', '1:7 a second separator after "host" [put a value that begins so in double quotes]'],
    ['a$b: 1', '1:2 "$b" cannot be part of a key [put the key in double quotes]'],
    [
      'cpu\nmem: 1',
      '1:4 "cpu" has no value on its line [write KEY: VALUE; a { that opens a section stands on the line of its name]',
    ],
    [
      '{ a }',
      '1:4 "a" has no value on its line [write KEY: VALUE; a { that opens a section stands on the line of its name]',
    ],
    ['{ a: }', '1:6 a value for "a" is expected, found "}" [write "" for empty text, or null for nothing]'],
    ['a: [,]', '1:5 a value is expected, found "," [write "" for empty text, or null for nothing]'],
    ['- a: 1', '1:1 a key is expected, found "-" [put it in double quotes if it is one; a list is [ ... ]]'],
    ['a: C:\\vm', '1:6 a backslash before "vm" means nothing [write \\\\ for a backslash]'],
    ['a: "\\x"', '1:5 a backslash before "x" means nothing [write \\\\ for a backslash]'],
    ['a: "\\u12"', '1:5 \\u needs four hex digits, found "12\\""'],
    ['a: "\t"', '1:5 a control character (U+0009) in a string [write \\u0009]'],
    ['a: "x', '1:4 this string has no end [add a " where it ends]'],
    ["a: 'x\n", "1:4 this string has no end [add a ' where it ends]"],
    ['a: <<EOD\nx\n', '1:4 this text has no end [add a line that is EOD and nothing else]'],
    ['a: x\0', '1:5 a NUL byte; is this a binary file?'],
    ['\0', '1:1 a NUL byte; is this a binary file?'],
    ['a: "\\ud800"', '1:4 half of a surrogate pair in a string [write both halves, or the character itself]'],
    ['a: 1e999', '1:4 "1e999" is too large for a number in UCL [put it in double quotes]'],
    ['a: 0x8000000000000000', '1:4 "0x8000000000000000" is too large for a number in UCL [put it in double quotes]'],
    [
      '.inherit "x"',
      '1:1 .inherit is a macro, and macros are not run here [take it out and repeat what is to be inherited]',
    ],
    [
      'a {\n  .load(key=b) "c"\n}',
      '2:3 .load is a macro, and macros are not run here [name that file in the field that wants it, or write what it says here]',
    ],
    [
      '.mine x',
      '1:1 .mine is a macro, and macros are not run here [take it out, or expand it first: uclcmd get -c -f vm.conf . | vmrun -c-]',
    ],
  ])('%j is refused', (text, told) => {
    expect(refusal(text)).toBe(told);
  });

  test('is nested as deep as the limit says, by brackets and by names', () => {
    const nested = (open: string, depth: number, close: string): string => open.repeat(depth) + close.repeat(depth);
    expect(refusal(nested('[', 64, ']'))).toMatch(/^read/);
    expect(refusal(nested('[', 65, ']'))).toBe('1:65 too deep');
    expect(refusal(nested('a {', 63, '}'))).toMatch(/^read/);
    expect(refusal(nested('a {', 64, '}'))).toBe('1:192 too deep');
    expect(refusal(`${'a '.repeat(63)}{}`)).toMatch(/^read/);
    expect(refusal(`${'a '.repeat(64)}{}`)).toBe('1:129 too deep');
  });

  test.each<[what: string, make: (size: number) => string]>([
    ['brackets', (size) => '['.repeat(size)],
    ['sections', (size) => 'a {'.repeat(size / 3)],
    ['names', (size) => 'a '.repeat(size / 2)],
    ['names and a bracket', (size) => `${'a '.repeat(size / 2)}{`],
    ['blanks', (size) => `a${' '.repeat(size / 2)}b${' '.repeat(size / 2)}`],
    ['quotes', (size) => '"a" '.repeat(size / 4)],
    ['a quote', (size) => `a "${'x\\"'.repeat(size / 3)}`],
    ['comments', (size) => '/*'.repeat(size / 2)],
    ['digits', (size) => `a: ${'9'.repeat(size)}`],
    ['heredocs', (size) => `a: <<A\n${'<<A\n'.repeat(size / 4)}`],
    ['empty lines behind keys', (size) => 'a:\n\n'.repeat(size / 4)],
    ['one key', (size) => 'a: 1\n'.repeat(size / 5)],
    ['backslashes', (size) => `a: ${'\\;'.repeat(size / 2)}`],
    ['opened brackets in text', (size) => `a: x${'{'.repeat(size)}`],
  ])('the time to read %s, or to refuse them, grows as the text does', (_what, make) => {
    expectLinear(2 ** 14, make, parse);
  });
});

const jsonValue = fc.jsonValue({ maxDepth: 5 }).map(inUclRange);
const wrapped = jsonValue.map((value): unknown => (typeof value === 'object' && value !== null ? value : { value }));
const drawn = fc.array(fc.nat(999), { minLength: 40, maxLength: 40 });

describe('any JSON value', () => {
  test('is read from its JSON', () => {
    fc.assert(
      fc.property(wrapped, fc.nat(3), (value, indent) => {
        expect(read(JSON.stringify(value, undefined, indent))).toEqual(value);
      }),
      { numRuns: 500 },
    );
  });

  test('is read from any of its spellings in UCL', () => {
    fc.assert(
      fc.property(wrapped, drawn, (value, numbers) => {
        expect(read(uclText(value, { choose: chooseFrom(numbers) }))).toEqual(value);
      }),
      { numRuns: 1000 },
    );
  });

  test('is found where it says that it stands', () => {
    fc.assert(
      fc.property(wrapped, drawn, (value, numbers) => {
        const text = uclText(value, { choose: chooseFrom(numbers) });
        const parsed = parse(text);
        if (!parsed.ok) throw new Error(text);
        for (const scalar of scalarsOf(parsed.root)) {
          const written = text.slice(scalar.start, scalar.end);
          expect(written).toBe(written.trim());
          expect(read(`x: ${written}\n`)).toEqual({ x: scalar.value });
        }
      }),
      { numRuns: 500 },
    );
  });

  test('has its keys where it says that they stand', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.nat()), drawn, (value, numbers) => {
        const text = uclText(value, { choose: chooseFrom(numbers) });
        const parsed = parse(text);
        if (!parsed.ok || parsed.root.kind !== 'object') throw new Error(text);
        for (const { key, given } of parsed.root.entries) {
          expect(read(`${text.slice(given[0].keyStart, given[0].keyEnd)}: 1`)).toEqual({ [key]: 1 });
        }
      }),
    );
  });
});

describe('whatever the text, there is a result', () => {
  const inside = (text: string): void => {
    const parsed = parse(text);
    if (parsed.ok) return;
    expect(parsed.problem.message).not.toBe('');
    expect(parsed.problem.offset).toBeGreaterThanOrEqual(0);
    expect(parsed.problem.offset).toBeLessThanOrEqual(text.length);
  };

  test('for garbage', () => {
    const piece = fc.oneof(
      fc.constantFrom(...Array.from('{}[]:=,;#"\'\\/*<.$\n\r\t \0-0x')),
      fc.constantFrom(
        '/*',
        '*/',
        '<<EOD\n',
        'EOD\n',
        '<<',
        'a',
        'key',
        '.include',
        '"a"',
        '\\u',
        'null',
        'yes',
        '512M',
      ),
      fc.constantFrom('\ud800', '\u00e9', '\u2028', '\ufeff', '1', '1e', '-'),
      fc.string({ unit: anyCharacter, maxLength: 5 }),
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 40 }), (pieces) => {
        inside(pieces.join(''));
      }),
      { numRuns: runs(5000) },
    );
  });

  test('for every beginning of every vector', () => {
    for (const { ucl } of vectors) for (let end = 0; end <= ucl.length; end += 1) inside(ucl.slice(0, end));
  });
});
