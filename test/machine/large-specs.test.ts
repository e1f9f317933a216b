import { describe, expect, test } from '@jest/globals';
import { machineGraph } from '../../src/graph/machine-graph.js';
import { explain } from '../../src/machine/explain.js';
import { loadSpecText } from '../../src/machine/load-spec.js';
import type { Identity } from '../../src/machine/identity.js';
import { compareWithLock, lockIdentity } from '../../src/machine/lock-identity.js';
import { plan } from '../../src/machine/plan.js';
import { parseSpec, type Spec } from '../../src/spec/parse-spec.js';
import { explainShape } from '../../src/spec/explain-shape.js';
import { parseJson } from '../../src/spec/json.js';
import { parseUcl } from '../../src/spec/ucl.js';
import { targetMerger } from '../../src/spec/merge.js';
import { targetsOf } from '../../src/spec/targets.js';
import type { Result } from '../../src/base/result.js';
import { table } from '../../src/cli/columns.js';
import { expectLinear } from '../support/growth.js';

const head = { name: 'vm', cpu: 1, mem: '1G' };
const disk = (index: number) => ({ device: 'virtio-blk', path: `/vm/disk${index}.img` });
const many = <T>(count: number, make: (index: number) => T): readonly T[] =>
  Array.from({ length: count }, (_, index) => make(index));
const devices = (count: number) => ({ ...head, emulations: many(count, disk) });
const targets = (count: number) => ({
  ...head,
  targets: Object.fromEntries(many(count, (index) => [`t${index}`, { emulations: [disk(index)] }])),
});

const input = (spec: object) =>
  ({ name: 'vm.json', text: JSON.stringify(spec), format: 'json', resolveFile: (file: string) => file }) as const;

function valueOf<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(JSON.stringify(result.problems[0]));
  return result.value;
}

/** Specs by their size, loaded before anything is measured. */
async function specs(make: (count: number) => object, size: number): Promise<(count: number) => Spec> {
  const load = async (count: number) => [count, valueOf(await loadSpecText(input(make(count))))] as const;
  const loaded = new Map([await load(size), await load(8 * size)]);
  return (count) => {
    const spec = loaded.get(count);
    if (spec === undefined) throw new Error(`no spec of ${count}`);
    return spec;
  };
}

describe('takes a time that grows as the spec does', () => {
  test('the graph of a machine with many devices', async () => {
    const make = await specs(devices, 800);
    expectLinear(
      800,
      (count) => valueOf(plan(make(count), 'default')),
      (machine) => machineGraph(machine),
    );
  });

  test('what explains a command with many devices', async () => {
    expectLinear(800, await specs(devices, 800), (spec) => valueOf(explain(spec, 'default')));
  });

  test('a lock of many devices', async () => {
    expectLinear(500, await specs(devices, 500), (spec) => valueOf(lockIdentity(spec)));
  });

  test.each([
    ['made', (spec: Spec) => lockIdentity(spec)],
    ['made again', (spec: Spec, identity: Identity) => lockIdentity(spec, { identity })],
    [
      'compared',
      (spec: Spec, identity: Identity) => compareWithLock(spec, spec.targets, { identity, file: 'vm.lock.json' }),
    ],
  ])('a lock of many targets, %s', async (_what, work: (spec: Spec, identity: Identity) => unknown) => {
    const make = await specs(targets, 50);
    expectLinear(
      50,
      (count) => {
        const spec = make(count);
        return { spec, identity: valueOf(lockIdentity(spec)).identity };
      },
      ({ spec, identity }) => work(spec, identity),
    );
  });

  test.each<[what: string, make: (count: number) => object]>([
    ['unknown fields', (count) => ({ ...head, ...Object.fromEntries(many(count, (index) => [`u${index}`, 1])) })],
    [
      'devices with faults',
      (count) => ({ ...head, emulations: many(count, () => ({ device: 'virtio-blk', pth: 'x' })) }),
    ],
  ])('the check of many %s', (_what, make) => {
    expectLinear(
      3000,
      (count) => {
        const parsed = parseJson(JSON.stringify(make(count)));
        if (!parsed.ok) throw new Error('no JSON');
        return parsed.root;
      },
      (root) => explainShape(root),
    );
  });

  test('a table of many rows', () => {
    expectLinear(
      2000,
      (count) => many(count, (index) => [`0:${index}:0`, 'virtio-blk', `/vm/disk${index}.img`]),
      (rows) => table(rows, { elastic: [2], indent: '  ', width: 80 }),
    );
  });
});

describe('of texts that no person writes', () => {
  test('pins of a hundred thousand CPUs are planned or refused, and nothing is thrown', async () => {
    const cpu_pin = { 0: `0${',1'.repeat(200_000)}` };
    const loaded = await loadSpecText(input({ ...head, cpu_pin }));
    expect(plan(valueOf(loaded), 'default').ok).toBe(true);
  });

  test('a variable with a million dots in its name is refused for its length', async () => {
    const loaded = await loadSpecText(input({ ...head, config: { [`a${'.a'.repeat(1_000_000)}`]: '1' } }));
    expect(loaded.ok ? [] : loaded.problems).toMatchObject([
      { code: 'long-key', message: expect.stringContaining('has 2000007 characters') },
    ]);
  });

  test('blanks within a text of UCL', () => {
    expectLinear(
      20_000,
      (count) => `a x${' '.repeat(count)}y\n`.repeat(4),
      (text) => parseUcl(text),
    );
  });
});

describe('of values beyond what a spec needs', () => {
  const wrong = (count: number) => ({ ...head, emulations: many(count, () => 1) });

  test('the first one too many ends the reading', async () => {
    const parsed = await parseSpec(input(wrong(100_000)));
    expect(parsed.problems).toMatchObject([
      { code: 'syntax', message: 'there are more than 100,000 values', place: { line: 1 } },
    ]);
  });

  test.each<[what: string, text: string]>([
    ['a list', `x [${'1,'.repeat(100_001)}]`],
    ['sections', 'a { b: 1 }\n'.repeat(50_001)],
  ])('%s in UCL too', async (_what, text) => {
    const parsed = await parseSpec({ ...input({}), format: 'ucl', text });
    expect(parsed.problems).toMatchObject([{ code: 'syntax', message: 'there are more than 100,000 values' }]);
  });

  test.each<[what: string, text: string]>([
    ['a list', `x: [${'1,'.repeat(400_000)}]`],
    ['lines', '- 1\n'.repeat(200_000)],
    ['empty lines', `x: 1${'\n'.repeat(400_000)}`],
    ['lines of one text', `x: |\n${'  a\n'.repeat(400_000)}`],
    ['lines of one quoted text', `x: "${'a\n '.repeat(400_000)}"`],
  ])('%s in YAML are counted as words, since its package takes memory for each', async (_what, text) => {
    const parsed = await parseSpec({ ...input({}), format: 'yaml', text });
    expect(parsed.problems).toMatchObject([
      { code: 'syntax', message: 'there are more than 400,000 words, marks and lines' },
    ]);
  });

  test.each<[what: string, text: string]>([
    ['brackets', `x: ${'['.repeat(300_000)}`],
    ['braces', `x: ${'{a: '.repeat(300_000)}`],
    ['dashes', '- '.repeat(300_000)],
    ['keys', '? '.repeat(300_000)],
  ])('%s of YAML that are nested end the reading at the first too deep', async (_what, text) => {
    const parsed = await parseSpec({ ...input({}), format: 'yaml', text });
    expect(parsed.problems).toMatchObject([{ code: 'syntax', message: 'nested more than 64 levels deep' }]);
    expect(parsed.problems[0]?.place?.column).toBeLessThan(300);
  });

  test('those below the keys of its owner are not counted, and read for their mistakes alone', async () => {
    const own = { ...head, 'x-own': many(100_001, () => 1) };
    expect((await loadSpecText(input(own))).ok).toBe(true);
    const broken = JSON.stringify(own).replace(/1\]\}$/, '{"a": 1, "a": 2}]}');
    const parsed = await parseSpec({ ...input(own), text: broken });
    expect(parsed.problems).toMatchObject([{ code: 'syntax', message: '"a" is given twice in this object' }]);
  });
});

describe('of targets that are more than their file is long', () => {
  const shared = (devicesInBase: number, count: number) => ({
    ...devices(devicesInBase),
    targets: Object.fromEntries(many(count, (index) => [`t${index}`, {}])),
  });

  test('a large base for each of many is refused', async () => {
    const parsed = await parseSpec(input(shared(1000, 1000)));
    expect(parsed.problems).toMatchObject([
      {
        code: 'too-large',
        message: 'the machines of all targets together come to more than 8 MiB',
        place: { pointer: '/targets' },
      },
    ]);
  });

  test('so are devices that each target adds to those of the one before it', async () => {
    const line = many(2000, (index): readonly [string, object] => [
      `t${index}`,
      { emulations: [disk(index)], ...(index === 0 ? {} : { inherits: `t${index - 1}` }) },
    ]);
    const parsed = await parseSpec(input({ ...head, targets: Object.fromEntries(line) }));
    expect(parsed.problems).toMatchObject([{ code: 'too-large' }]);
  });

  test('and more targets than ten thousand', async () => {
    const parsed = await parseSpec(input(shared(1, 10_001)));
    expect(parsed.problems).toMatchObject([
      { code: 'too-large', message: 'a spec has at most 10,000 targets, this has 10001' },
    ]);
  });

  test('a long line of heirs is read once', () => {
    expectLinear(
      500,
      (count) => {
        const line = many(count, (index): readonly [string, object] => [
          `t${index}`,
          index === 0 ? {} : { inherits: `t${index - 1}` },
        ]);
        const parsed = parseJson(JSON.stringify({ ...head, targets: Object.fromEntries(line) }));
        if (!parsed.ok || parsed.root.kind !== 'mapping') throw new Error('no JSON');
        return parsed.root;
      },
      (root) => {
        const targetsHere = targetsOf(root);
        const merge = targetMerger(root, targetsHere);
        for (const name of [...targetsHere.keys()].reverse()) merge(name);
      },
    );
  });

  test('a loop of thousands is told in one short line', async () => {
    const loop = many(5000, (index): readonly [string, object] => [
      `t${index}`,
      { inherits: `t${(index + 1) % 5000}` },
    ]);
    const parsed = await parseSpec(input({ ...head, targets: Object.fromEntries(loop) }));
    expect(parsed.problems[0]?.message).toBe(
      `${many(10, (index) => `"t${index}"`).join(' inherits ')} inherits ... inherits "t0": a loop`,
    );
  });
});

describe('of thousands of problems', () => {
  test('the first hundred are told, and how many more there are', async () => {
    const parsed = await parseSpec(input({ ...head, emulations: many(5000, () => ({ device: 'floppy' })) }));
    expect(parsed.problems).toHaveLength(101);
    expect(parsed.problems.at(-1)).toMatchObject({
      code: 'more-problems',
      severity: 'error',
      message: '4900 more problems are not listed',
      standsFor: 4900,
    });
  });

  test('warnings take what room the errors leave', async () => {
    const config = Object.fromEntries(many(300, (index) => [`no.such${index}`, 'x']));
    const targets = Object.fromEntries(many(60, (index) => [`t${index}`, { mem: 'much' }]));
    const loaded = await loadSpecText(input({ ...head, config, targets }));
    const problems = loaded.ok ? [] : loaded.problems;
    expect(problems).toHaveLength(101);
    expect(problems.filter(({ severity }) => severity === 'error')).toHaveLength(60);
    expect(problems.at(-1)).toMatchObject({ severity: 'warning', message: '260 more warnings are not listed' });
  });

  test('warnings are counted as well', async () => {
    const config = Object.fromEntries(many(300, (index) => [`no.such${index}`, 'x']));
    const warned = await loadSpecText(input({ ...head, config }));
    expect(warned.ok && warned.warnings.map(({ severity }) => severity)).toEqual(many(101, () => 'warning'));
    expect(warned.ok && warned.warnings.at(-1)).toMatchObject({ standsFor: 200 });
  });
});
