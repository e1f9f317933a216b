import { describe, expect, test } from '@jest/globals';
import { machineGraph } from '../../src/graph/machine-graph.js';
import { explain } from '../../src/machine/explain.js';
import { loadSpecText } from '../../src/machine/load-spec.js';
import { compareWithLock, lockIdentity } from '../../src/machine/lock-identity.js';
import { plan } from '../../src/machine/plan.js';
import { parseSpec, type Spec } from '../../src/spec/parse-spec.js';
import { explainShape } from '../../src/spec/explain-shape.js';
import { parseJson } from '../../src/spec/json.js';
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
    ['made again', (spec: Spec) => lockIdentity(spec, { identity: valueOf(lockIdentity(spec)).identity })],
    [
      'compared',
      (spec: Spec) =>
        compareWithLock(spec, spec.targets, { identity: valueOf(lockIdentity(spec)).identity, file: 'vm.lock.json' }),
    ],
  ])('a lock of many targets, %s', async (_what, work: (spec: Spec) => unknown) => {
    expectLinear(100, await specs(targets, 100), work);
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

describe('of values beyond what a spec needs', () => {
  const wrong = (count: number) => ({ ...head, emulations: many(count, () => 1) });

  test('the first one too many ends the reading', async () => {
    const parsed = await parseSpec(input(wrong(400_000)));
    expect(parsed.problems).toMatchObject([
      { code: 'syntax', message: 'there are more than 400,000 values', place: { line: 1 } },
    ]);
  });

  test('those below the keys of its owner are not counted, and read for their mistakes alone', async () => {
    const own = { ...head, 'x-own': many(400_001, () => 1) };
    expect((await loadSpecText(input(own))).ok).toBe(true);
    const broken = JSON.stringify(own).replace(/1\]\}$/, '{"a": 1, "a": 2}]}');
    const parsed = await parseSpec({ ...input(own), text: broken });
    expect(parsed.problems).toMatchObject([{ code: 'syntax', message: '"a" is given twice in this object' }]);
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

  test('warnings are counted as well', async () => {
    const config = Object.fromEntries(many(300, (index) => [`no.such${index}`, 'x']));
    const warned = await loadSpecText(input({ ...head, config }));
    expect(warned.ok && warned.warnings.map(({ severity }) => severity)).toEqual(many(101, () => 'warning'));
    expect(warned.ok && warned.warnings.at(-1)).toMatchObject({ standsFor: 200 });
  });
});
