import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { stringify } from 'yaml';
import { readSpec } from '../../src/spec/read.js';
import { maxDepth, toValue, type SourceNode } from '../../src/spec/source-tree.js';
import { parseUcl } from '../../src/spec/ucl.js';
import { loadSpecText } from '../../src/machine/load-spec.js';
import type { Machine } from '../../src/machine/machine.js';
import { validSpec, validTargets } from '../support/arbitraries.js';
import {
  codesAt,
  machineOf,
  minimal,
  planOf,
  problemsOf,
  specOf,
  told,
  withDevices,
  type SpecObject,
} from '../support/specs.js';
import { chooseFrom, inUclRange, uclText } from '../support/ucl-text.js';
import { runs } from '../support/runs.js';

const ucl = { format: 'ucl' } as const;
const vm = 'name: vm0\ncpu: 1\nmem: 1G\n';

/** What is wrong with a small VM that says this too. */
const problemsWith = async (text: string): Promise<readonly string[]> =>
  (await problemsOf(`${vm}${text}`, ucl)).map(told);

describe('a spec in UCL', () => {
  test('is the VM of its JSON', async () => {
    await fc.assert(
      fc.asyncProperty(
        validSpec,
        fc.array(fc.nat(999), { minLength: 40, maxLength: 40 }),
        fc.constantFrom(...validTargets),
        async (spec, numbers, target) => {
          const { targets, ...base } = inUclRange(spec) as SpecObject;
          const sections = Object.entries(targets as object).map(([name, value]) => ({ [name]: value as object }));
          const style = { choose: chooseFrom(numbers), sections: ['emulations', 'targets'] };
          const text = uclText({ ...base, targets: sections }, style);
          const [json, same] = [await specOf(spec), await specOf(text, ucl)];
          expect(same.targets).toEqual(json.targets);
          expect(withoutPlaces(machineOf(same, target))).toEqual(withoutPlaces(machineOf(json, target)));
        },
      ),
      { numRuns: runs(150) },
    );
  });

  test.each<[what: string, text: string, plain: SpecObject]>([
    ['a size', 'name: vm0; cpu: 1; mem: 512M', { ...minimal, mem: 536_870_912 }],
    ['a size with B', 'name: vm0; cpu: 1; mem: 512mb', { ...minimal, mem: 536_870_912 }],
    ['a size that uclcmd knows nothing of', 'name: vm0; cpu: 1; mem: 1T', { ...minimal, mem: 2 ** 40 }],
    ['a size in bytes', 'name: vm0; cpu: 1; mem: 512000000', { ...minimal, mem: 512_000_000 }],
    ['a size in hex', 'name: vm0; cpu: 1; mem: 0x20000000', { ...minimal, mem: 536_870_912 }],
    ['a time', `${vm}stop_timeout: 1.5min`, { ...minimal, stop_timeout: 90 }],
    ['a time in seconds', `${vm}stop_timeout: 90`, { ...minimal, stop_timeout: 90 }],
    ['a switch', `${vm}x2apic: on\nutc_clock = No`, { ...minimal, x2apic: true, utc_clock: false }],
    ['a name of digits, each of which it keeps', 'name: 007; cpu: 1; mem: 1G', { ...minimal, name: '007' }],
    ['a number before a comment, which is text', 'name: vm0; cpu: 2 /* two */; mem: 1G', { ...minimal, cpu: 2 }],
    ['nothing', `${vm}com1:\ncom2: null\n`, minimal],
    ['one section for a list', `${vm}emulations { device: virtio-rnd }`, withDevices({ device: 'virtio-rnd' })],
    [
      'sections for a list',
      `${vm}emulations { device: virtio-rnd }\nemulations { device: virtio-blk; path: a }`,
      withDevices({ device: 'virtio-rnd' }, { device: 'virtio-blk', path: 'a' }),
    ],
    [
      'one port, and ports given again',
      `${vm}emulations [{ device: virtio-console, ports: /a }, { device: virtio-console, ports: /b, ports: /c }]`,
      withDevices({ device: 'virtio-console', ports: ['/a'] }, { device: 'virtio-console', ports: ['/b', '/c'] }),
    ],
    ["a key of the user's own given again", `${vm}x-mine: 1\nx-mine: 2`, minimal],
    ['a variable, as it is written', `${vm}com1: /dev/\${A}`, { ...minimal, com1: '/dev/${A}' }],
    ['a byte order mark', `\ufeff${vm}`, minimal],
  ])('may have %s', async (_what, text, plain) => {
    expect(withoutPlaces(await planOf(text, 'default', {}, ucl))).toEqual(withoutPlaces(await planOf(plain)));
  });

  test.each<[what: string, spec: Readonly<Record<string, unknown>>]>([
    ['a wrong type', { name: 'vm0', cpu: 'two', mem: '1G' }],
    ['a missing field', { name: 'vm0', mem: '1G' }],
    ['an unknown field', { name: 'vm0', cpu: 1, mem: '1G', emulatons: [] }],
    ['wrong devices', { ...minimal, emulations: [{ device: 'virtio-blk' }, { device: 'floppy' }] }],
    ['a wrong target', { ...minimal, targets: { a: { next_target: 'b', inherits: 'a' } } }],
    ['wrong values', { ...minimal, mem: '1.5G', emulations: [{ device: 'nvme', path: 'a', slot: 32 }] }],
    ['a wrong machine', { ...minimal, mem: '5000', com1: 'stdio', com2: 'stdio' }],
    ['no object', { ...minimal, graphic: [], hooks: 5, targets: 'x' }],
    ['text for a switch', { ...minimal, utc_clock: 'no', x2apic: 'perhaps' }],
  ])('has the same problems as JSON and YAML: %s', async (_what, spec) => {
    const json = codesAt(await problemsOf(spec));
    expect(json.length).toBeGreaterThan(0);
    expect(codesAt(await problemsOf(stringify(spec), { format: 'yaml' }))).toEqual(json);
    for (const numbers of [[0], [1], [2], [3], [5, 7, 11, 2]]) {
      expect(codesAt(await problemsOf(uclText(spec, { choose: chooseFrom(numbers) }), ucl))).toEqual(json);
    }
  });

  test('has the line and column of each problem, and what it is about', async () => {
    const text = `# vm
name: vm0; cpu: 1
emulations { device: virtio-blk, pth: disk.img }
targets install { mem: 5K }
targets rescue {
  emulations { device: nvme }
}
`;
    expect((await problemsOf(text, ucl)).map((problem) => [told(problem), problem.subject])).toEqual([
      ['2:1 /mem required: mem is required: guest memory [add e.g. "mem": "512M"]', undefined],
      [
        '3:12 /emulations/path required: path is required: the disk image [add e.g. "path": "disk.img"]',
        'emulations virtio-blk',
      ],
      ['3:34 /emulations/pth unknown-field: "pth" is not a field here [did you mean "path"?]', 'emulations virtio-blk'],
      [expect.stringMatching(/^4:24 \/targets\/0\/install\/mem memory-size: 5120 bytes/), 'target install'],
      [expect.stringMatching(/^6:14 \/targets\/1\/rescue\/emulations\/path required/), 'target rescue emulations nvme'],
    ]);
  });

  test.each<[text: string, problem: RegExp]>([
    ['keyboard: no', /^4:11 \/keyboard wrong-type: keyboard must be text, got no \[put it in double quotes\]$/],
    ['uuid: 1e5', /^4:7 \/uuid wrong-type: uuid must be text, got 1e5 \[put it in double quotes\]$/],
    ['utc_clock: "no"', /^4:12 \/utc_clock wrong-type: .* true or false, got "no" \[write false, without quotes\]$/],
    ['graphic { password: off }', /^4:21 \/graphic\/password wrong-type: .*got "\*\*\*" \[put it in double quotes\]$/],
    ['stop_timeout: 1w', /^4:15 \/stop_timeout wrong-text: "1w" is not seconds, or text with a unit/],
  ])('says what %j is taken for', async (text, problem) => {
    expect((await problemsWith(text))[0]).toMatch(problem);
  });

  test('nested too deep is refused as in JSON', async () => {
    const text = '['.repeat(maxDepth + 1);
    expect((await problemsOf(text, ucl)).map(told)).toEqual((await problemsOf(text)).map(told));
  });

  test('that is a list is not a spec', async () => {
    expect((await problemsOf('[1, 2]', ucl)).map(told)).toEqual((await problemsOf('[1, 2]')).map(told));
  });

  test('that says nothing lacks what a spec must say', async () => {
    expect(codesAt(await problemsOf('# later\n', ucl))).toEqual(codesAt(await problemsOf('{}')));
  });
});

const withoutPlaces = ({ requirements, ...machine }: Machine) => ({
  ...machine,
  requirements: requirements.map(({ need, subject }) => ({ need, subject: subject.replace(/\[\d+\]/, '') })),
});

describe('a key given again', () => {
  test.each<[what: string, text: string, problem: string]>([
    ['for a number', 'x2apic: on\ncpu: 4', '5:1 /cpu given-twice: cpu is given twice [keep one of them]'],
    [
      'with nothing each time',
      'uuid: null\nuuid: null',
      '5:1 /uuid given-twice: uuid is given twice [keep one of them]',
    ],
    ['three times', 'cpu: 2; cpu: 3', '4:1 /cpu given-twice: cpu is given 3 times [keep one of them]'],
    [
      'for a section',
      'graphic { port: 5900 }\n\n  graphic { port: 5901 }',
      '6:3 /graphic given-twice: graphic is given twice [keep one of them]',
    ],
    [
      'below a section',
      'restart {\n  max: 1\n  "max": 2\n}',
      '6:3 /restart/max given-twice: max is given twice [keep one of them]',
    ],
    [
      'in a device',
      'emulations [{ device: virtio-blk, path: a, path: b }]',
      '4:44 /emulations/0/path given-twice: path is given twice [keep one of them]',
    ],
    [
      'for the model of a device',
      'emulations { device: virtio-rnd, device: virtio-rnd }',
      '4:34 /emulations/device given-twice: device is given twice [keep one of them]',
    ],
    [
      'in a target',
      'targets a { cpu: 1 }\ntargets b { cpu: 1; cpu: 2 }',
      '5:21 /targets/1/b/cpu given-twice: cpu is given twice [keep one of them]',
    ],
    [
      'for text that may be a list of words, which would be other words',
      'hooks { post_start: /bin/a\n post_start: /bin/b }',
      '5:2 /hooks/post_start given-twice: post_start is given twice [keep one of them, or write one list: [a, b]]',
    ],
    [
      'for nothing, then for something',
      'com1:\ncom1: stdio',
      '5:1 /com1 given-twice: com1 is given twice [keep one of them]',
    ],
    [
      'for a target in one section',
      'targets {\n a { mem: 2G }\n a { mem: 3G }\n}',
      '6:2 /targets/a given-twice: a is given twice [keep one of them]',
    ],
    [
      'for a target by two sections',
      'targets a { mem: 2G }\ntargets a { mem: 3G }',
      '5:11 /targets/1/a target-twice: the target "a" is given twice [join the two]',
    ],
  ])('%s is told once, at its second place', async (_what, text, problem) => {
    expect(await problemsWith(text)).toEqual([problem]);
  });

  test('does not hide what else is wrong', async () => {
    const text = 'cpu: 2\nkeybord: de\nemulations { device: nvme; path: a; path: b; sectorsize: 3 }';
    expect(await problemsWith(text)).toEqual([
      expect.stringMatching(/^4:1 \/cpu given-twice/),
      expect.stringMatching(/^5:1 \/keybord unknown-field/),
      expect.stringMatching(/^6:37 \/emulations\/path given-twice/),
      expect.stringMatching(/^6:58 \/emulations\/sectorsize sector-size/),
    ]);
  });
});

describe('the tree of a UCL text', () => {
  const everyNode = (node: SourceNode): readonly SourceNode[] => [
    node,
    ...(node.kind === 'sequence' ? node.items.flatMap(everyNode) : []),
    ...(node.kind === 'mapping' ? node.entries.flatMap(({ value }) => everyNode(value)) : []),
  ];

  test('has for each value the pointer that leads to it in the output of uclcmd', () => {
    const parsed = parseUcl('a: 1\ns x { b: [c] }\ns y { b: d, b: e }\n"f/g": { h: 2 }');
    if (!parsed.ok) throw new Error('refused');
    const value = toValue(parsed.root);
    const pointers = everyNode(parsed.root).map(({ pointer }) => pointer);
    expect(new Set(pointers).size).toBe(pointers.length);
    expect(pointers).toContain('/s/1/y/b/0');
    for (const node of everyNode(parsed.root)) expect(at(value, node.pointer)).toEqual(toValue(node));
  });

  test('keeps how a number or a boolean is written, where the value does not tell', () => {
    const parsed = parseUcl('a: [1, 0x10, 010, 1.50, yes, true, text, 9007199254740993]');
    if (!parsed.ok) throw new Error('refused');
    const written = everyNode(parsed.root).flatMap((node) => (node.kind === 'scalar' ? [node.written] : []));
    const digits = '9007199254740993';
    expect(written).toEqual([undefined, '0x10', '010', '1.50', 'yes', undefined, undefined, digits]);
  });

  /** The value that a pointer leads to. */
  function at(value: unknown, pointer: string): unknown {
    const steps = pointer.split('/').slice(1);
    return steps.reduce<unknown>(
      (container, step) => (container as Readonly<Record<string, unknown>>)[step.replaceAll('~1', '/')],
      value,
    );
  }
});

describe('what may be a password is in no message about broken UCL', () => {
  test.each([
    'graphic { password: "geheim',
    'graphic { password "geheim" x }',
    "password 'geheim\ngeheim' x",
    "password: 'x\ngeheim",
    'password = geheim\\qgeheim',
    'password geheim\\q',
    '"password": <<EOD\ngeheim\n',
    'graphic {\n  password:\n    "geheim" "geheim"\n}',
    'password: geheim } x',
  ])('%j', async (text) => {
    const [problem, more] = await problemsOf(text, ucl);
    expect(problem?.code).toBe('syntax');
    expect(more).toBeUndefined();
    expect(JSON.stringify(problem)).not.toContain('geheim');
  });

  test.each([
    ["password: 'x\ny'\na: \\q", 'a backslash before "q" means nothing'],
    ['password: <<EOD\nx\nEOD\na: \\q', 'a backslash before "q" means nothing'],
    ['password x\na: \\q', 'a backslash before "q" means nothing'],
  ])('but what stands behind it is told: %j', async (text, message) => {
    expect(await problemsOf(text, ucl)).toMatchObject([{ message, excerpt: ['a: \\q', '   ^'] }]);
  });
});

describe('UCL that is taken for JSON', () => {
  const atFirst = 'if this is UCL or YAML, say so: --input-format ucl, or yaml';

  test.each<[text: string, fix: string | undefined]>([
    ['name: vm0\ncpu: 1\n', atFirst],
    ['name = vm0;', atFirst],
    ['\n# a VM\n# of mine\nname vm0\n', atFirst],
    ['targets install {', atFirst],
    ['{ name: vm0 }', 'write "name"; if this is UCL, say so: --input-format ucl'],
    ['{ "name": "vm0", cpu = 1 }', 'write "cpu"; if this is UCL, say so: --input-format ucl'],
    ['{ "name": vm0 }', 'write "vm0"'],
    ['{ "name": vm0 x }', 'write "vm0"'],
    ['# a VM\n{}', 'take it out, use a key that begins with "x-", or write the spec in YAML'],
    ['{ "a": 1, }', 'take the comma out'],
    ['<html lang="en">', undefined],
  ])('says what to do: %j', async (text, fix) => {
    expect((await problemsOf(text)).map((problem) => problem.fix)).toEqual([fix]);
  });
});

describe('one VM in three formats', () => {
  const folder = fileURLToPath(new URL('../../examples/formats/', import.meta.url));
  const load = async (file: string) => {
    const loaded = await loadSpecText(readSpec(path.join(folder, file), { workingDirectory: folder }));
    if (!loaded.ok) throw new Error(loaded.problems.map(told).join('\n'));
    return loaded.value;
  };

  test.each(['default', 'install', 'rescue'])('is one machine: target %s', async (target) => {
    const [json, yaml, conf] = await Promise.all(['web.json', 'web.yaml', 'web.conf'].map(load));
    if (json === undefined || yaml === undefined || conf === undefined) throw new Error('no spec');
    expect([yaml.targets, conf.targets]).toEqual([json.targets, json.targets]);
    const machine = machineOf(json, target);
    expect(machineOf(yaml, target).argv).toEqual(machine.argv);
    expect(machineOf(conf, target).argv).toEqual(machine.argv);
    expect(withoutPlaces(machineOf(yaml, target))).toEqual(withoutPlaces(machine));
    expect(withoutPlaces(machineOf(conf, target))).toEqual(withoutPlaces(machine));
  });

  test('is one machine in the document', async () => {
    const page = readFileSync(new URL('../../docs/writing-specs.md', import.meta.url), 'utf8');
    const [, json = ''] = /```json\n(\{[^`]*)```/.exec(page) ?? [];
    const [, text = ''] = /```ucl\n([^`]*)```/.exec(page) ?? [];
    for (const target of ['default', 'install']) {
      expect(withoutPlaces(await planOf(text, target, {}, ucl))).toEqual(withoutPlaces(await planOf(json, target)));
    }
  });
});
