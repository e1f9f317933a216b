import { describe, expect, test } from '@jest/globals';
import {
  deviceRows,
  lpcRows,
  nodeRow,
  optionRows,
  slotRows,
  variableRows,
  withoutNumbers,
  type Row,
} from '../scripts/docs/bhyve-coverage.js';
import { deviceExamples } from '../scripts/docs/device-examples.js';
import { releases } from '../src/devices/device.js';
import { modelNamed } from '../src/devices/registry.js';
import { bhyveVariables } from '../src/machine/config.js';
import type { Machine } from '../src/machine/machine.js';
import { lpcDevices } from '../src/bhyve/lpc.js';
import { models } from '../src/bhyve/pci.js';
import { traitsOf } from '../src/bhyve/releases.js';
import { refusal, simulateMachine } from './support/simulated.js';
import { minimal, planOf, problemsOf, told, withDevices, type SpecObject } from './support/specs.js';

const allRows = [
  ...optionRows,
  ...lpcRows,
  ...slotRows,
  ...variableRows,
  nodeRow,
  ...deviceRows.flatMap(({ rows }) => rows),
];

const titled = allRows.map((row, index) => [`${index + 1} ${row.name} ${row.device ?? ''}`.trim(), row] as const);
const withExample = titled.filter(([, { example }]) => example !== undefined);

/** The example, for a bhyve that has what the row is about. */
const specOfRow = ({ from, to, arch = 'amd64', example }: Row): SpecObject => ({
  ...minimal,
  release: from ?? to ?? 15,
  arch,
  ...example,
});

const machineOfRow = (row: Row): Promise<Machine> => planOf(specOfRow(row));

describe('every row of docs/bhyve.md', () => {
  test.each(titled)('%s names a field with an example, or says in words why there is none', (_title, row) => {
    if (row.example !== undefined) expect(row.fields.length).toBeGreaterThan(0);
    else expect(row.note).toMatch(/\.$/);
    expect(row.example === undefined).toBe(row.said === 'never');
  });

  test.each(withExample)('%s is valid, and starts', async (_title, row) => {
    const machine = await machineOfRow(row);
    expect((await problemsOf(specOfRow(row))).map(told)).toEqual([]);
    expect(refusal(simulateMachine(machine).start)).toBe('');
  });

  test.each(withExample)('%s is what bhyve reads in the command', async (_title, row) => {
    const machine = await machineOfRow(row);
    const { config } = simulateMachine(machine);
    const own = new Map(machine.variables.map(({ key, value }) => [key, value]));
    for (const [key, value] of Object.entries(row.sets ?? {})) {
      expect([key, own.get(key)]).toEqual([key, value]);
      expect([key, config.get(key)]).toEqual([key, value]);
    }
  });

  test.each(withExample.filter(([, { said, name }]) => said === 'option' && name !== 'VMNAME'))(
    '%s is an option of the command',
    async (_title, { name, device, ...row }) => {
      const { argv } = await machineOfRow({ name, ...row });
      const values = argv.filter((_, index) => argv[index - 1] === name);
      if (device === undefined) expect(argv).toContain(name);
      else expect(values.map((value) => value.split(',').slice(0, 2))).toContainEqual(expect.arrayContaining([device]));
    },
  );

  test('names a variable as its example sets it', () => {
    for (const { name, sets, said } of [...variableRows, nodeRow]) {
      if (said !== 'never') expect(Object.keys(sets ?? {}).map(withoutNumbers)).toEqual([name]);
    }
  });
});

describe('docs/bhyve.md has a row for', () => {
  const platforms = releases.flatMap((release) => [
    { release, arch: 'amd64' } as const,
    ...(release === 14 ? [] : [{ release, arch: 'arm64' } as const]),
  ]);

  test.each(platforms)('every option of bhyve, and knows where it is: $release $arch', ({ release, arch }) => {
    const letters = traitsOf({ release, arch }).optionLetters.match(/[^:]/g) ?? [];
    const held = optionRows
      .filter((row) => (row.from ?? release) <= release && (row.to ?? release) >= release)
      .filter((row) => (row.arch ?? arch) === arch)
      .flatMap(({ name }) => (/^-[a-zA-Z]$/.test(name) ? [name.charAt(1)] : []));
    // -r is of special builds. On arm64 -f is in bhyve's list, and is refused.
    const expected = letters.filter((letter) => !(arch === 'arm64' && letter === 'f'));
    expect(held.filter((letter) => letter !== 'r').sort()).toEqual(expected.sort());
  });

  test('every device of -l and -s', () => {
    const wordsOf = (rows: readonly Row[]) => new Set(rows.map(({ device }) => device));
    expect(wordsOf(lpcRows)).toEqual(new Set([...lpcDevices, 'help']));
    expect(wordsOf(slotRows)).toEqual(new Set([...models.map(({ name }) => name), 'help']));
  });

  test('every variable that vmrun knows', () => {
    expect(variableRows.map(({ name }) => name).sort()).toEqual([...bhyveVariables].sort());
  });

  const examples = Object.entries(deviceExamples)
    .filter(([model]) => modelNamed(model).isOpaque !== true)
    .flatMap(([model, list]) => list.map((example) => [model, example] as const));

  test.each(examples)('every variable of the full example of %s', async (model, { fields, needs }) => {
    const rows = deviceRows.find(({ models: own }) => own.includes(model))?.rows ?? [];
    for (const release of needs?.release === undefined ? releases : [needs.release]) {
      const { variables } = await planOf({ ...withDevices({ device: model, ...fields }), ...needs, release });
      const keys = variables.flatMap(({ key }) => (key.startsWith('pci.0.1.0.') ? [key.replace('pci.0.1.0', '')] : []));
      const names = rows.filter((row) => (row.from ?? release) <= release && (row.to ?? release) >= release);
      for (const key of keys) {
        if (key !== '.device') expect(names.map(({ name }) => name)).toContain(withoutNumbers(key).slice(1));
      }
    }
  });
});
