import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { columnsOf } from '../../src/base/columns.js';
import { parseJson } from '../../src/spec/json.js';
import { maxDepth, toValue, type SourceNode } from '../../src/spec/source-tree.js';
import { problemsOf, told } from '../support/specs.js';
import { expectLinear } from '../support/growth.js';
import { runs } from '../support/runs.js';

/** The value, or `refused`. */
const ours = (text: string): unknown => {
  const parsed = parseJson(text);
  return parsed.ok ? { value: toValue(parsed.root) } : 'refused';
};

const theirs = (text: string): unknown => {
  try {
    return { value: JSON.parse(text) as unknown };
  } catch {
    return 'refused';
  }
};

/** Text that is JSON, or nearly: broken by a piece put in, taken out or put in its place. */
const nearlyJson = fc
  .tuple(
    fc.json({ maxDepth: 4 }),
    fc.constantFrom(
      '',
      ' ',
      ',',
      ':',
      '"',
      '{',
      '}',
      '[',
      ']',
      '\\',
      '\\u00',
      '0',
      '-',
      '.',
      'e',
      'tru',
      'null',
      '\n',
      '\t',
      '\u00a0',
      '\ufeff',
      '\0',
      "'",
    ),
    fc.nat(60),
    fc.nat(2),
  )
  .map(([json, piece, at, cut]) => json.slice(0, at) + piece + json.slice(at + cut));

const hasTwin = (text: string): boolean => {
  const parsed = parseJson(text);
  return !parsed.ok && parsed.problems.some(({ message }) => message.includes('given twice'));
};

const everyNode = (node: SourceNode): readonly SourceNode[] => [
  node,
  ...(node.kind === 'sequence' ? node.items.flatMap(everyNode) : []),
  ...(node.kind === 'mapping' ? node.entries.flatMap(({ value }) => everyNode(value)) : []),
];

describe('JSON', () => {
  test('is read as JSON.parse reads it', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 6 }), fc.nat(3), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent);
        expect(ours(text)).toEqual({ value: JSON.parse(text) as unknown });
      }),
      { numRuns: 500 },
    );
  });

  test('that is nearly right is read, or refused, as JSON.parse does; but for keys given twice', () => {
    fc.assert(
      fc.property(nearlyJson, (text) => {
        fc.pre(!hasTwin(text) && !text.startsWith('\ufeff'));
        expect(ours(text)).toEqual(theirs(text));
      }),
      { numRuns: runs(3000) },
    );
  });

  test.each([
    '0',
    '-0',
    '-1.5e-3',
    '1E5',
    '1e400',
    '9007199254740993',
    '01',
    '+1',
    '.5',
    '5.',
    '1e',
    '-',
    '0x10',
    'NaN',
    'Infinity',
    'true',
    'false',
    'null',
    'True',
    'nul',
    'truefalse',
    'undefined',
    'constructor',
    '__proto__',
    'toString',
    '"\\u0041\\n\\/"',
    '"\\x41"',
    '"\\u12"',
    '"\t"',
    '""',
    "'a'",
    '[1,]',
    '[,]',
    '{"a":1,}',
    '{a:1}',
    '{"a" 1}',
    '{"a":}',
    '[] []',
    '',
    ' ',
    '\f1',
    '{"__proto__":{"a":1}}',
    '{"constructor":1}',
    '\u2028',
    '[1\u00a0]',
  ])('%j is read, or refused, as JSON.parse does', (text) => {
    expect(ours(text)).toEqual(theirs(text));
  });

  test('knows where every value stands, and by which pointer', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 5 }), fc.nat(2), (value, indent) => {
        const text = JSON.stringify(value, undefined, indent);
        const parsed = parseJson(text);
        if (!parsed.ok) throw new Error(text);
        for (const node of everyNode(parsed.root)) {
          expect(JSON.parse(text.slice(node.start, node.end))).toEqual(toValue(node));
          expect(at(JSON.parse(text), node.pointer)).toEqual(toValue(node));
        }
      }),
    );
  });

  test('knows where every key stands', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string(), fc.jsonValue({ maxDepth: 1 })), (value) => {
        const text = JSON.stringify(value, undefined, 1);
        const parsed = parseJson(text);
        if (!parsed.ok || parsed.root.kind !== 'mapping') throw new Error(text);
        for (const { key, keyStart, keyEnd } of parsed.root.entries) {
          expect(JSON.parse(text.slice(keyStart, keyEnd))).toBe(key);
        }
      }),
    );
  });

  test('keeps a number as it is written, where the value does not tell', () => {
    const parsed = parseJson('[1, 1.0, 9007199254740993, 1e3, -0]');
    if (!parsed.ok) throw new Error('refused');
    expect(
      everyNode(parsed.root)
        .slice(1)
        .map((node) => node.kind === 'scalar' && node.written),
    ).toEqual([undefined, '1.0', '9007199254740993', '1e3', '-0']);
  });

  test(`is read to a depth of ${maxDepth}, and refused beyond`, () => {
    const nested = (depth: number): string => '['.repeat(depth) + ']'.repeat(depth);
    expect(parseJson(nested(maxDepth)).ok).toBe(true);
    expect(parseJson(nested(maxDepth + 1))).toMatchObject({
      ok: false,
      problems: [{ offset: maxDepth }],
    });
  });

  test.each(['[', '{"a":'])('nested 100,000 deep (%s) is refused at once, and without exhausting the stack', (open) => {
    const parsed = parseJson(open.repeat(100_000));
    expect(parsed).toMatchObject({
      ok: false,
      problems: [{ message: 'nested more than 64 levels deep' }],
    });
    expectLinear(100_000, (depth) => open.repeat(depth), parseJson);
  });

  test('with half of a surrogate pair is refused, which JSON.parse lets through', () => {
    expect(ours('"\\ud800"')).toBe('refused');
    expect(ours('"\ud800"')).toBe('refused');
    expect(ours('"\\ud83d\\ude00"')).toEqual({ value: '😀' });
  });

  test('may begin with a byte order mark', () => {
    expect(ours('\ufeff{"a": 1}')).toEqual({ value: { a: 1 } });
  });
});

/** The value that a pointer leads to. */
function at(value: unknown, pointer: string): unknown {
  const path = pointer
    .split('/')
    .slice(1)
    .map((step) => step.replaceAll('~1', '/').replaceAll('~0', '~'));
  return path.reduce<unknown>((container, step) => (container as Readonly<Record<string, unknown>>)[step], value);
}

describe('a broken spec is told with its line and column', () => {
  test.each<[what: string, text: string, problem: string]>([
    ['a trailing comma', '{\n  "cpu": 1,\n}', '2:11  syntax: a comma before "}" [take the comma out]'],
    ['a trailing comma in a list', '[1,\n2 , ]', '2:3  syntax: a comma before "]" [take the comma out]'],
    [
      'a comment',
      '{\n  // two\n  "cpu": 2\n}',
      '2:3  syntax: JSON has no comments [take it out, use a key that begins with "x-", or write the spec in YAML]',
    ],
    [
      'what uclcmd prints with libucl 0.9.0',
      ',{"name":"web",,"emulations":[,{"device":"virtio-rnd"}]}',
      '1:1  syntax: this is what uclcmd prints with libucl 0.9.0, which puts a comma before the first item, and twice elsewhere [use a newer libucl, or give vmrun the UCL file itself: vmrun -c vm.conf]',
    ],
    [
      'a shell comment',
      '# vm\n{}',
      '1:1  syntax: JSON has no comments [take it out, use a key that begins with "x-", or write the spec in YAML]',
    ],
    ['single quotes', "{\n  'cpu': 2\n}", '2:3  syntax: JSON needs double quotes, found a single one [use "..."]'],
    [
      'an unquoted key',
      '{ cpu: 2 }',
      '1:3  syntax: a key in double quotes is expected, found "cpu" [write "cpu"; if this is UCL, say so: --input-format ucl]',
    ],
    ['an unquoted value', '{ "name":\n vm0 }', '2:2  syntax: text needs double quotes, found "vm0" [write "vm0"]'],
    ['a NUL byte', '{ "a": \0 }', '1:8  syntax: a NUL byte; is this a binary file?'],
    ['NUL in a string', '{ "a": "x\0" }', '1:10  syntax: a control character (U+0000) in a string [write \\u0000]'],
    [
      'an unterminated string',
      '{\n "name": "vm0\n}',
      '2:10  syntax: this string does not end on its line [add a ", or write \\n]',
    ],
    [
      'a string that the text ends in',
      '{ "name": "vm0',
      '1:11  syntax: this string has no end [add a " where it ends]',
    ],
    ['an unterminated object', '{\n "a": { "b": 1', '2:7  syntax: this object has no end [add the } that closes it]'],
    ['an unterminated list', '{ "a": [ 1, 2', '1:8  syntax: this array has no end [add the ] that closes it]'],
    [
      'a key given twice',
      '{\n  "cpu": 1,\n  "mem": "1G",\n  "cpu": 2\n}',
      '4:3  syntax: "cpu" is given twice in this object [keep one of the two]',
    ],
    ['a missing comma', '{\n "cpu": 1\n "mem": 2\n}', '2:10  syntax: there is no comma after this value [add a comma]'],
    ['a missing colon', '{ "cpu" 1 }', '1:8  syntax: there is no colon after "cpu" [add a colon]'],
    [
      'a number of C',
      '{ "cpu": 0x2 }',
      '1:10  syntax: "0x2" is not a number in JSON [put it in double quotes, or write a decimal number]',
    ],
    ['a bad escape', '{ "path": "C:\\vm" }', '1:14  syntax: \\v means nothing in JSON [write \\\\ for a backslash]'],
    [
      'more after the spec',
      '{}\n{}',
      '2:1  syntax: there is more text after the spec [a file holds one object; take the rest out]',
    ],
    ['nothing', '  ', '1:3  syntax: the text ends where a value is expected'],
    [
      'an error behind a byte order mark and CRLF',
      '\ufeff{\r\n  "cpu": ,\r\n}',
      '2:10  syntax: a value is expected, found ","',
    ],
    [
      'an error behind an emoji, which counts as two columns',
      '{ "😀": x }',
      '1:9  syntax: text needs double quotes, found "x" [write "x"]',
    ],
  ])('%s', async (_what, text, problem) => {
    expect((await problemsOf(text)).map(told)).toEqual([problem]);
  });

  test('and with an excerpt that points at it', async () => {
    const [problem] = await problemsOf('{\n\t"cpu": 1,\n\t"mem": 1G\n}');
    expect(problem?.excerpt).toEqual([' "mem": 1G', '        ^']);
  });

  test.each<[what: string, before: string, columns: number]>([
    ['a tab', '\t"x-a": ', 8],
    ['a control character', '"x-\u0085": ', 12],
    ['what has no width', '"x-\u200b\u202e": ', 18],
    ['signs of two columns', '"x-漢字": ', 10],
    ['a picture', '"x-😀": ', 8],
    ['a sign in two parts', '"x-e\u0301": ', 7],
    ['half of a pair that was cut', `"x-${'😀'.repeat(40)}": `, 35],
    ['controls without end', `"x-${'\u0085'.repeat(200)}": `, 33],
  ])('and with a caret below the place as a terminal shows it, behind %s', async (_what, before, columns) => {
    const [problem] = await problemsOf(`{\n${before}oops }`);
    const [line = '', caret = ''] = problem?.excerpt ?? [];
    expect(caret).toBe(`${' '.repeat(columns)}^`);
    expect(line).toMatch(/ oops }$/);
    expect(columnsOf(line.slice(0, line.indexOf('oops')))).toBe(columns);
    expect(columnsOf(line)).toBeLessThanOrEqual(72);
  });

  test('and with an excerpt that fits a terminal, however long the line', async () => {
    const [problem] = await problemsOf(`{ "x-list": [${'1, '.repeat(500)}oops] }`);
    const [line = '', caret = ''] = problem?.excerpt ?? [];
    expect(line.length).toBeLessThanOrEqual(80);
    expect(line.slice(caret.indexOf('^'))).toMatch(/^oops\]/);
  });
});
