import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { JsonSchema } from '../../src/devices/json-schema.js';
import { fits } from '../../src/spec/fits.js';
import validate from '../../src/spec/generated/validate-vm.js';
import { parseJson } from '../../src/spec/json.js';
import { vmSchema } from '../../src/spec/schema.js';
import { wholeMachine } from '../support/whole-machines.js';
import { exampleNames } from '../support/examples.js';
import { runs } from '../support/runs.js';

/** What the two say of one value: the answer of `fits`, and whether ajv's code agrees. */
function answers(value: unknown): { readonly fits: boolean; readonly ajv: boolean } {
  const text = JSON.stringify(value);
  const parsed = parseJson(text);
  if (!parsed.ok) throw new Error(text);
  return { fits: fits(vmSchema, parsed.root, vmSchema.$defs), ajv: validate(JSON.parse(text)) };
}

/** Values that are almost, or not at all, what some field wants. */
const junk: fc.Arbitrary<unknown> = fc.constantFrom<unknown>(
  ...[
    null,
    true,
    false,
    0,
    1,
    -1,
    1.5,
    31,
    32,
    65_536,
    2 ** 31,
    1e21,
    '',
    'x',
    'a\u0000b',
    '😀',
    '0:4:0',
    '4:9',
    '512M',
  ],
  ...['00:11:22:33:44:55', 'tap0', 'x-own', [], ['x'], ['reboot'], {}, { device: 'virtio-net' }, { device: 'none' }],
  ...[{ id: 'a', remove: true }, { remove: false }, { 'x-own': 1 }, { cpus: 1 }, [null], [[]], [{ device: 'nvme' }]],
);

const isList = (value: unknown): value is readonly unknown[] => Array.isArray(value);

/** Replaces, removes or adds something, somewhere in a value. */
function damage(value: unknown, at: readonly number[], key: string, replacement: unknown): unknown {
  const [first = 0, ...rest] = at;
  if (isList(value)) {
    const index = first % (value.length + 1);
    if (rest.length === 0 || index === value.length)
      return [...value.slice(0, index), replacement, ...value.slice(index + 1)];
    return value.map((item: unknown, n) => (n === index ? damage(item, rest, key, replacement) : item));
  }
  if (typeof value !== 'object' || value === null) return replacement;
  const entries = Object.entries(value);
  const index = first % (entries.length + 2);
  if (index === entries.length) return { ...value, [key]: replacement };
  if (index > entries.length) return Object.fromEntries(entries.slice(1));
  return Object.fromEntries(
    entries.map(([name, part]: [string, unknown], n) => [
      name,
      n !== index ? part : rest.length === 0 ? replacement : damage(part, rest, key, replacement),
    ]),
  );
}

test('a whole machine fits, for both', () => {
  fc.assert(
    fc.property(wholeMachine, (spec) => {
      expect(answers(spec)).toEqual({ fits: true, ajv: true });
    }),
  );
});

test('a damaged one fits where the code that ajv compiles says so, and nowhere else', () => {
  const places = fc.array(fc.nat(40), { minLength: 1, maxLength: 5 });
  const keys = fc.constantFrom('x-own', 'device', 'slot', 'remove', 'nothing', 'emulations', '__proto__', 'mem', 'id');
  const seen = { true: 0, false: 0 };
  fc.assert(
    fc.property(
      wholeMachine,
      fc.array(fc.tuple(places, keys, junk), { minLength: 1, maxLength: 2 }),
      (spec, changes) => {
        const damaged = changes.reduce<unknown>((value, [at, key, with_]) => damage(value, at, key, with_), spec);
        const said = answers(damaged);
        seen[String(said.ajv) as 'true' | 'false'] += 1;
        expect(said.fits).toBe(said.ajv);
      },
    ),
    { numRuns: runs(2000) },
  );
  // Neither answer is rare.
  expect(Math.min(seen.true, seen.false)).toBeGreaterThan(runs(100));
});

test.each(exampleNames.filter((name) => name.endsWith('.json')))('%s fits', (name) => {
  const text = readFileSync(new URL(`../../examples/${name}`, import.meta.url), 'utf8');
  expect(answers(JSON.parse(text))).toEqual({ fits: true, ajv: true });
});

/** Those that `fits` and what it uses know, and those that decide nothing. */
const known = new Set([
  ...['$ref', 'if', 'then', 'else', 'oneOf', 'discriminator', 'type', 'enum', 'const', 'pattern', 'minimum', 'maximum'],
  ...['minLength', 'maxLength', 'items', 'minItems', 'maxItems', 'properties', 'patternProperties', '$defs'],
  ...['additionalProperties', 'required', 'minProperties', 'propertyNames'],
  ...[
    'title',
    'description',
    'default',
    'examples',
    'deprecated',
    'patternErrorMessage',
    'isFile',
    'takesDigits',
    'isSecret',
  ],
]);

function keywordsIn(schema: JsonSchema): readonly string[] {
  const maps = ['properties', 'patternProperties', '$defs'];
  return Object.entries(schema).flatMap(([key, part]: [string, unknown]) => {
    const parts = maps.includes(key)
      ? Object.values(part as object)
      : ['items', 'additionalProperties', 'propertyNames', 'if', 'then', 'else'].includes(key)
        ? [part]
        : key === 'oneOf'
          ? (part as unknown[])
          : [];
    return [
      key,
      ...parts.flatMap((inner: unknown) => (typeof inner === 'object' && inner !== null ? keywordsIn(inner) : [])),
    ];
  });
}

test('the schema uses no keyword that fits does not know', () => {
  expect(keywordsIn(vmSchema).filter((key) => !known.has(key))).toEqual([]);
});
