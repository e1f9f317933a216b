import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { toValue } from '../../src/spec/source-tree.js';
import { parseYaml } from '../../src/spec/yaml.js';
import { codesAt, planOf, problemsOf, shapeProblemsOf, told } from '../support/specs.js';
import { expectLinear } from '../support/growth.js';
import { runs } from '../support/runs.js';

const yaml = { format: 'yaml' } as const;

const read = (text: string): unknown => {
  const parsed = parseYaml(text);
  if (!parsed.ok) throw new Error(parsed.problems.map(({ message }) => message).join('\n'));
  return toValue(parsed.root);
};

describe('YAML', () => {
  test.each<[text: string, value: unknown]>([
    ['no', 'no'],
    ['yes', 'yes'],
    ['on', 'on'],
    ['true', true],
    ['~', null],
    ['', null],
    ['# only a comment', null],
    ['0x10', 16],
    ['1e3', 1000],
    ['58:9c:fc:00:00:01', '58:9c:fc:00:00:01'],
    ['0:4:0', '0:4:0'],
    ['2001-01-01', '2001-01-01'],
    ['512M', '512M'],
    ['"a\\tb"', 'a\tb'],
    ["'it''s'", "it's"],
    ['|\n  two\n  lines\n', 'two\nlines\n'],
    ['{ 1: a, true: b, "x y": c }', { 1: 'a', true: 'b', 'x y': 'c' }],
    ['a: &x { b: 1 }\nc: *x', { a: { b: 1 }, c: { b: 1 } }],
    ['a: &x [1]\nb: &x [2]\nc: *x', { a: [1], b: [2], c: [2] }],
    ['__proto__: { a: 1 }', JSON.parse('{"__proto__":{"a":1}}')],
    ['--- {a: 1}\n...\n', { a: 1 }],
    ['<<: {a: 1}', { '<<': { a: 1 } }],
    ['%YAML 1.1\n---\na: no\nb: 010', { a: 'no', b: 10 }],
    ['NO', 'NO'],
    ['off', 'off'],
    ['True', true],
    ['0o17', 15],
    ['1_000', '1_000'],
    ['190:20:30', '190:20:30'],
    ['a: &x { b: &y [1] }\nc: *x\nd: *y', { a: { b: [1] }, c: { b: [1] }, d: [1] }],
  ])('%j is read', (text, value) => {
    expect(read(text)).toEqual(value);
  });

  test('gives back any JSON value that was written as YAML', () => {
    fc.assert(
      fc.property(fc.jsonValue({ maxDepth: 4 }), (value) => {
        const plain = JSON.parse(JSON.stringify(value)) as unknown;
        expect(read(stringify(plain))).toEqual(plain);
      }),
    );
  });

  test('that makes no sense is refused, and never throws', () => {
    const piece = fc.constantFrom(
      'a',
      ': ',
      '- ',
      '\n',
      '  ',
      '? ',
      '&x',
      '*x',
      '!t ',
      '{',
      '}',
      '[',
      ']',
      ',',
      '"',
      "'",
      '|',
      '>',
      '#',
      '%',
      '---',
      '...',
      '<<',
      '\t',
      '0x',
      '~',
      '\0',
      '\ud800',
    );
    fc.assert(
      fc.property(fc.array(piece, { maxLength: 30 }), (pieces) => {
        const parsed = parseYaml(pieces.join(''));
        if (!parsed.ok) expect(parsed.problems.length).toBeGreaterThan(0);
      }),
      { numRuns: runs(2000) },
    );
  });

  test.each<[what: string, text: string, problem: string | RegExp]>([
    ['a key given twice', 'cpu: 1\nmem: 1G\ncpu: 2\n', '3:1  syntax: this key is given twice [keep one of the two]'],
    ['a second document', 'cpu: 1\n---\ncpu: 2\n', /^2:1 {2}syntax: a second document begins here/],
    ['a tag', 'a: 1\ncpu: !!binary AA==\n', /^2:15 {2}syntax: the tag .* is not for specs/],
    ["a tag of the user's", 'cpu: !mine 2\n', /^1:6 {2}syntax: .*!mine/],
    [
      "a tag of YAML's own",
      'name: !!str 5\n',
      '1:13  syntax: the tag !!str is not for specs [take the tag out, and put the text in quotes]',
    ],
    ['a tag at a list', 'emulations: !!seq []\n', '1:19  syntax: the tag !!seq is not for specs [take the tag out]'],
    [
      'a tag at a key',
      '!!str cpu: 2\n',
      '1:7  syntax: the tag !!str is not for specs [take the tag out, and put the text in quotes]',
    ],
    ['a tag that says nothing', 'cpu: ! 2\n', '1:8  syntax: the tag ! is not for specs [take the tag out]'],
    [
      'a key given twice in two spellings',
      '1: a\n"1": b\n',
      '2:1  syntax: this key is given twice [keep one of the two]',
    ],
    [
      'a key given twice, once as a boolean',
      'a: { true: b, "true": c }\n',
      '1:15  syntax: this key is given twice [keep one of the two]',
    ],
    [
      'a key given twice, once in single quotes',
      "cpu: 1\n'cpu': 2\n",
      '2:1  syntax: this key is given twice [keep one of the two]',
    ],
    ['a key that is an alias', 'x-a: &a cpu\n*a : 2\n', /^2:1 {2}syntax: a key must be text/],
    [
      'two documents that are alike',
      '---\ncpu: 1\n---\ncpu: 1\n',
      /^3:\d {2}syntax: a second document begins here|^4:1 {2}syntax: a second/,
    ],
    ['an anchor that is not there', 'cpu: *nobody\n', /^1:6 {2}syntax: .*nobody/],
    ['a key that is a list', '? [a]\n: 1\n', /^1:3 {2}syntax: a key must be text/],
    ['a tab for a blank', 'a:\n\tb: 1\n', /^2:1 {2}syntax: /],
    ['an unterminated string', 'a: "b\n', /^\d:\d {2}syntax: /],
    ['an alias to itself', 'a: &a [*a]\n', /^1:\d {2}syntax: (nested more than 64 levels deep|.*a)/],
  ])('%s is refused at its place', async (_what, text, problem) => {
    const [first] = (await problemsOf(text, yaml)).map(told);
    if (typeof problem === 'string') expect(first).toBe(problem);
    else expect(first).toMatch(problem);
  });

  test('with thousands of aliases is read in a time that grows as they do', () => {
    const make = (count: number): string => {
      const targets = Array.from({ length: count }, (_, index) => `  t${index}: { emulations: *media }\n`).join('');
      return `x-media: &media [{ device: ahci-cd, path: a.iso }]\ntargets:\n${targets}`;
    };
    expectLinear(100, make, (text) => {
      expect(parseYaml(text).ok).toBe(true);
    });
  });

  test('has an alias stand for the last anchor of that name before it', () => {
    expect(read('a: &x [&y 1]\nb: &y 2\nc: *x\nd: *y\ne: &y 3\nf: *y')).toEqual({
      a: [1],
      b: 2,
      c: [1],
      d: 2,
      e: 3,
      f: 3,
    });
  });

  test('whose aliases blow up is refused at once', () => {
    const bomb = [
      'a0: &a0 [x, x, x, x, x, x, x, x, x, x]',
      ...Array.from({ length: 12 }, (_, level) => `a${level + 1}: &a${level + 1} [${`*a${level}, `.repeat(10)}]`),
    ].join('\n');
    expect(parseYaml(bomb)).toMatchObject({
      ok: false,
      problems: [{ message: 'aliases make this document too large' }],
    });
  });

  test.each(['[', '{a: ', '- ', '&a ['])(
    'nested 100,000 deep (%s) is refused once, at the level that is too deep, and not by exhausting the stack',
    (open) => {
      const parsed = parseYaml(open.repeat(100_000));
      expect(parsed).toMatchObject({ ok: false, problems: [{ message: 'nested more than 64 levels deep' }] });
      const [problem] = parsed.ok ? [] : parsed.problems;
      expect(problem?.offset).toBeGreaterThan(60);
      expect(problem?.offset).toBeLessThan(70 * open.length);
    },
  );

  test('is as large as it may be without a word about aliases, where it has none', () => {
    const parsed = parseYaml(`list:\n${'- 1\n'.repeat(79_000)}`);
    expect(parsed.ok).toBe(true);
  });

  test('with thousands of keys in one map is read in a time that grows as they do', () => {
    const make = (count: number): string => Array.from({ length: count }, (_, index) => `k${index}: 1\n`).join('');
    expectLinear(1000, make, (text) => {
      expect(parseYaml(text).ok).toBe(true);
    });
  });

  test.each<[what: string, spec: Readonly<Record<string, unknown>>]>([
    ['a wrong type', { name: 'vm0', cpu: 'two', mem: '1G' }],
    ['a missing field', { name: 'vm0', mem: '1G' }],
    ['an unknown field', { name: 'vm0', cpu: 1, mem: '1G', emulatons: [] }],
    [
      'a wrong device',
      { name: 'vm0', cpu: 1, mem: '1G', emulations: [{ device: 'virtio-blk' }, { device: 'floppy' }] },
    ],
    ['a wrong target', { name: 'vm0', cpu: 1, mem: '1G', targets: { a: { next_target: 'b', inherits: 'a' } } }],
    ['a wrong value', { name: 'vm0', cpu: 1, mem: '1.5G', emulations: [{ device: 'nvme', path: 'a', slot: 32 }] }],
    ['a wrong machine', { name: 'vm0', cpu: 1, mem: '5000', com1: 'stdio', com2: 'stdio' }],
    ['no object', { name: 'vm0', cpu: 1, mem: '1G', graphic: [], hooks: 5, targets: 'x' }],
  ])('has the same problems as JSON: %s', async (_what, spec) => {
    const [json, same] = [await problemsOf(spec), await problemsOf(stringify(spec), yaml)];
    expect(json.length).toBeGreaterThan(0);
    expect(codesAt(same)).toEqual(codesAt(json));
  });

  test.each<[text: string, problem: string]>([
    ['no', '4:12 /utc_clock wrong-type: utc_clock must be true or false, got "no" [write false]'],
    ['Yes', '4:12 /utc_clock wrong-type: utc_clock must be true or false, got "Yes" [write true]'],
    ['"true"', '4:12 /utc_clock wrong-type: utc_clock must be true or false, got "true" [write true, without quotes]'],
    ['maybe', '4:12 /utc_clock wrong-type: utc_clock must be true or false, got "maybe" [write true or false]'],
    ["'off'", '4:12 /utc_clock wrong-type: utc_clock must be true or false, got "off" [write false, without quotes]'],
  ])('takes %s for text, and says what a boolean is where one is wanted', async (word, problem) => {
    const spec = `name: vm0\ncpu: 1\nmem: 1G\nutc_clock: ${word}\n`;
    expect((await problemsOf(spec, yaml)).map(told)).toEqual([problem]);
  });

  test('has the line and column of each problem', async () => {
    const text = 'name: vm0\ncpu: 1\nmem: 1G\nemulations:\n  - device: virtio-blk\n    pth: disk.img\n';
    expect((await shapeProblemsOf(text, yaml)).map(told)).toEqual([
      '5:5 /emulations/0/path required: path is required: the disk image [add e.g. "path": "disk.img"]',
      '6:5 /emulations/0/pth unknown-field: "pth" is not a field here [did you mean "path"?]',
    ]);
  });

  test('takes the devices of an anchor for those of each target that names it', async () => {
    const text = `
name: vm0
cpu: 1
mem: 1G
x-media: &media
  - { id: cd, device: ahci-cd, path: a.iso }
targets:
  a: { emulations: *media }
  b: { emulations: *media }
`;
    const machine = await planOf(text, 'b', {}, yaml);
    expect(machine.devices.map(({ model }) => model)).toEqual(['hostbridge', 'ahci-cd', 'lpc']);
  });

  test.each([
    ['.inf', /stop_timeout must be a number or text, got \.inf/],
    ['.nan', /got \.nan/],
  ])('has no number %s', async (number, words) => {
    const [problem] = await problemsOf(`name: vm0\ncpu: 1\nmem: 1G\nstop_timeout: ${number}\n`, yaml);
    expect(problem?.message).toMatch(words);
  });
});

test.each<[title: string, text: string, message: string, fix: string]>([
  [
    'a field of a list that is indented too little',
    'emulations:\n  - device: virtio-blk\n   path: a.img\n',
    'this line stands in a list, and has neither a dash nor the indentation of what follows a dash',
    'the same indentation',
  ],
  ['a tab', 'emulations:\n\t- device: virtio-blk\n', 'a tab stands in the indentation', 'indent with blanks'],
  [
    'a list among fields',
    'targets:\n  install:\n    next_target: a\n  - rescue\n',
    'a list begins here, where another field was expected',
    'the same indentation',
  ],
  ['a quote that is left open', 'name: "web\ncpu: 2\n', 'this quote has none at its end', 'add a "'],
  ['a bracket that is left open', 'cpu: { cores: 2\n', 'this { is not closed', 'add the }'],
])('a mistake of YAML is told with what to do: %s', (_title, text, message, fix) => {
  expect(parseYaml(text)).toMatchObject({
    ok: false,
    problems: expect.arrayContaining([
      expect.objectContaining({ message: expect.stringContaining(message), fix: expect.stringContaining(fix) }),
    ]),
  });
});

test.each<[what: string, text: string]>([
  ['escapes that there are not in one text', `name: "${'\\q'.repeat(5000)}"\n`],
  ['brackets that nothing has opened', `name: a\n${'}'.repeat(5000)}`],
  ['directives', `${'%a b\n'.repeat(5000)}--- a\n`],
  ['commas between nothing', `[a, ${','.repeat(5000)}]`],
])('of a text that is full of mistakes the first hundred are told, and all are counted: %s', async (_what, text) => {
  const parsed = parseYaml(text);
  if (parsed.ok) throw new Error('it was read');
  expect(parsed.problems.length).toBeLessThanOrEqual(100);
  expect(parsed.problems.length + (parsed.omitted ?? 0)).toBeGreaterThanOrEqual(5000);
  expect((await problemsOf(text, yaml)).length).toBeLessThanOrEqual(101);
});
