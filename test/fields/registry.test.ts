import { describe, expect, test } from '@jest/globals';
import { fieldExamples } from '../../scripts/docs/spec-document.js';
import { releases, type Platform } from '../../src/devices/device.js';
import type { JsonSchema } from '../../src/devices/json-schema.js';
import { flagVariable } from '../../src/fields/field.js';
import { fieldReaders } from '../../src/fields/readers/registry.js';
import { fields, inOrderOf, type AnyField } from '../../src/fields/registry.js';
import { importedCommand } from '../import/support.js';
import { simulateMachine } from '../support/simulated.js';
import { codesAt, minimal, planOf, problemsOf } from '../support/specs.js';

const named = fields.map((field) => [field.name, field] as const);

/** Every schema below one, each with the path to it. */
const everySchema = (schema: JsonSchema, path: string): readonly (readonly [string, JsonSchema])[] => [
  [path, schema],
  ...Object.entries(schema.properties ?? {}).flatMap(([key, part]) => everySchema(part, `${path}.${key}`)),
];

/** What a field needs beside it, to have its effect. */
const needs: Readonly<Record<string, object>> = {
  cpu_pin: { cpu: 2 },
  numa: { cpu: 4, mem: '4G' },
  fw_cfg_files: { fwcfg: 'qemu' },
  tpm: { fwcfg: 'qemu' },
};

const specWith = ({ name }: AnyField, value: unknown, more: object = {}) => ({
  ...minimal,
  ...needs[name],
  ...more,
  [name]: value,
});

/** A value that is not the field's default; of a field that is no flag, its first example. */
const valueOf = ({ name, flag, schema }: AnyField): unknown =>
  flag === undefined ? fieldExamples(name)[0] : schema.default !== true;

describe('every root field', () => {
  test('has a name of its own', () => {
    expect(new Set(fields.map(({ name }) => name)).size).toBe(fields.length);
  });

  test.each(['command', 'written', 'document'] as const)('stands once in the order of %s', (order) => {
    expect(
      inOrderOf(order)
        .map(({ name }) => name)
        .sort(),
    ).toEqual(fields.map(({ name }) => name).sort());
  });

  test.each(named)('%s says what it is, and what is below it', (name, { schema }) => {
    for (const [path, { description, pattern, patternErrorMessage }] of everySchema(schema, name)) {
      expect([path, description]).toEqual([path, expect.stringMatching(/^\S.{8,}/)]);
      if (pattern !== undefined) expect([path, patternErrorMessage]).toEqual([path, expect.any(String)]);
    }
  });
});

const pcOnly = named.filter(([, { pcOnly: why }]) => why !== undefined);
const since = named.filter(([, field]) => field.since !== undefined);
const behindLpc = named.filter(([, { isBehindLpc }]) => isBehindLpc === true);
const flags = named.filter(([, { flag }]) => flag !== undefined);

describe('a field that not every bhyve has', () => {
  test('is there to be looked at', () => {
    expect(Math.min(pcOnly.length, since.length, behindLpc.length)).toBeGreaterThan(1);
  });

  test.each(pcOnly)('%s is refused on arm64', async (name, field) => {
    const codes = codesAt(await problemsOf(specWith(field, valueOf(field), { arch: 'arm64', release: 16 })));
    expect(codes).toContain(`arch /${name}`);
  });

  test.each(since)('%s is refused before its release, and taken from it on', async (name, field) => {
    for (const release of releases) {
      const codes = codesAt(await problemsOf(specWith(field, valueOf(field), { release })));
      expect([release, codes.includes(`release /${name}`)]).toEqual([release, release < (field.since?.release ?? 0)]);
    }
  });

  test.each(behindLpc)('%s is missed where there is no LPC bridge', async (name, field) => {
    const problems = await problemsOf(specWith(field, valueOf(field), { lpc_slot: 'none' }));
    const told = problems.find(({ code }) => code === 'lpc-needed');
    expect(told?.message).toMatch(new RegExp(`the guest has no .*\\b${name}\\b`));
  });
});

describe('a flag', () => {
  const cases = flags.flatMap(([name, field]) =>
    releases.flatMap((release) =>
      field.since === undefined || release >= field.since.release ? [[name, release, field] as const] : [],
    ),
  );

  test.each(cases)('%s is said to bhyve of %i by its option, and by its variable', async (name, release, field) => {
    const { flag } = field;
    if (flag === undefined) throw new Error(`${name} is not a flag`);
    const platform: Platform = { release, arch: 'amd64' };
    const key = flagVariable(flag, platform);
    const machineWith = (value: boolean) => planOf(specWith(field, value), 'default', platform);
    const [on, off] = [await machineWith(true), await machineWith(false)];
    expect([on.argv.includes(flag.option), off.argv.includes(flag.option)]).toEqual([true, false]);
    expect(simulateMachine(on).config.get(key)).toBe(String(flag.value));
    expect(simulateMachine(off).config.get(key)).not.toBe(String(flag.value));
  });

  test.each(cases)('%s is told from the command line of bhyve %i', async (name, release, field) => {
    const platform: Platform = { release, arch: 'amd64' };
    const value = valueOf(field);
    const { argv } = await planOf(specWith(field, value), 'default', platform);
    const { spec } = await importedCommand(argv, platform);
    expect(spec[name]).toBe(value);
  });
});

test.each(fieldReaders.filter(([name]) => !flags.some(([flag]) => flag === name)))(
  '%s is told from what it makes of a command line',
  async (name) => {
    const field = fields.find((each) => each.name === name);
    const platform: Platform = { release: 15, arch: 'amd64' };
    if (field === undefined) throw new Error(`${name} is not a field`);
    const spec = name === 'wire_guest_mem' ? { ...minimal, [name]: true } : specWith(field, valueOf(field));
    const machine = await planOf(spec, 'default', platform);
    const read = await importedCommand(machine.argv, platform);
    const again = await planOf(read.spec, 'default', platform);
    expect(Object.keys(read.spec)).toContain(name === 'bootrom' ? 'name' : name);
    expect(again.argv).toEqual(machine.argv);
  },
);
