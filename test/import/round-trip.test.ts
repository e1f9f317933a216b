import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { deviceExamples } from '../../scripts/docs/device-examples.js';
import { quoteCommand } from '../../src/base/shell.js';
import { readOptions } from '../../src/bhyve/getopt.js';
import { traitsOf } from '../../src/bhyve/releases.js';
import type { Machine } from '../../src/machine/machine.js';
import { parseOptionsOf, platformOf, titleOf, vectors, type Vector } from '../simulator/vectors.js';
import { secretOfFiles, simulate, simulateMachine, sorted } from '../support/simulated.js';
import { minimal, planOf } from '../support/specs.js';
import { wholeMachine } from '../support/whole-machines.js';
import { differencesOf, imported, importedCommand, machineOf, spelt, type Difference } from './support.js';
import { runs } from '../support/runs.js';

/** What bhyve is told to do is told again by the spec that is imported, whatever it is. */

const accepted = vectors.filter(({ dump }) => dump !== undefined);

/** Where the configuration is written otherwise by the spec, by the words that a vector has. */
const otherwise: readonly {
  readonly words: string;
  readonly reason: string;
  readonly differences: readonly Difference[];
}[] = [
  {
    words: 'config.dump=1',
    reason: 'a spec is of a VM to be run; printing its configuration is vmrun --dry-run --format config',
    differences: [{ variable: 'config.dump', original: '1', spec: undefined }],
  },
  {
    words: 'numavm',
    reason: 'bhyve takes the sum of the domains and not this default of its own; a spec says the sum',
    differences: [{ variable: 'memory.size', original: String(256 * 2 ** 20), spec: String(8 * 2 ** 30) }],
  },
  {
    words: '-a -A -C -D',
    reason: 'it is false anyway',
    differences: [{ variable: 'x86.x2apic', original: 'false', spec: undefined }],
  },
  {
    words: 'disk=/vm/%(name).img',
    reason: 'the variable serves to be referred to, and a spec has no references',
    differences: [{ variable: 'disk', original: '/vm/vm.img', spec: undefined }],
  },
  {
    words: 'lpc.bootrom=/fw/OLD.fd',
    reason: 'bhyve has copied them to their new names',
    differences: [
      { variable: 'lpc.bootrom', original: '/fw/OLD.fd', spec: undefined },
      { variable: 'lpc.bootvars', original: '/vm/OLD.fd', spec: undefined },
    ],
  },
  {
    words: 'rfb=127.0.0.1:5901',
    reason: 'the two names are one to bhyve',
    differences: [
      { variable: 'pci.0.29.0.rfb', original: '127.0.0.1:5901', spec: undefined },
      { variable: 'pci.0.29.0.tcp', original: undefined, spec: '127.0.0.1:5901' },
    ],
  },
];

const expectedDifferences = ({ argv }: Vector): readonly Difference[] =>
  otherwise.filter(({ words }) => argv.join(' ').includes(words)).flatMap(({ differences }) => differences);

/** As bhyve reads a command line, started as far as its configuration goes. */
const configOf = (vector: Vector): ReadonlyMap<string, string> => {
  const { readFile, ...platform } = parseOptionsOf(vector);
  const files = { ...vector.files };
  expect(readFile('none')).toBeUndefined();
  return spelt(simulate(vector.argv, { ...platform, files }).config, platform);
};

/** What no configuration shows: `-f`, and whatever breaks it. */
function untraced({ argv }: Pick<Vector, 'argv'>, vector: Vector): readonly string[] {
  const { optionLetters } = traitsOf(platformOf(vector));
  return [...readOptions(argv, optionLetters)].flatMap((event) =>
    event.kind === 'option' && event.letter === 'f' ? [event.argument.replace(/^name=/, '')] : [],
  );
}

describe('an imported command line gives bhyve the same configuration', () => {
  test.each(accepted.map((vector) => [titleOf(vector), vector] as const))('%s', async (_title, vector) => {
    const platform = platformOf(vector);
    const readFile = (file: string) => vector.files?.[file];
    const { spec, problems } = await importedCommand(vector.argv, platform, { readFile });
    expect(problems).toEqual([]);
    const machine = await machineOf(spec, platform);
    const ours = spelt(simulateMachine(machine).config, platform);
    expect(differencesOf(configOf(vector), ours)).toEqual(expectedDifferences(vector));
    expect(untraced(machine, vector)).toEqual(untraced(vector, vector));
    // What vmrun makes of it is imported as the very same spec.
    const again = await importedMachine(machine);
    expect(again.spec).toEqual(spec);
  });

  test('in as many words as listed, and every list entry is of a vector', () => {
    for (const { words } of otherwise) {
      expect([words, accepted.filter(({ argv }) => argv.join(' ').includes(words)).length]).toEqual([words, 1]);
    }
    expect(accepted.length).toBeGreaterThanOrEqual(50);
  });
});

/** The command that vmrun would run, with its loader before it and its private file beside it. */
const importedMachine = ({ argv, loader, privateConfig, release, arch }: Machine): ReturnType<typeof imported> =>
  imported([...(loader === undefined ? [] : [commandOf(loader)]), quoteCommand(['bhyve', ...argv])].join('\n'), {
    format: 'bhyve',
    host: { release, arch },
    readFile: (file) =>
      file === privateConfig?.path
        ? contentOf(privateConfig)
        : loader?.files.find((each) => each.path === file)?.content,
  });

const commandOf = ({ argv, input }: NonNullable<Machine['loader']>): string =>
  input === undefined ? quoteCommand(argv) : `${quoteCommand(argv)} << 'END'\n${input}END`;

/** The private file as it is when bhyve starts. */
const contentOf = ({ content, fromFiles }: NonNullable<Machine['privateConfig']>): string =>
  content + fromFiles.map(({ key }) => `${key}=${secretOfFiles}\n`).join('');

/** What a variable is that nobody sets: saying it changes nothing, and an imported spec does not. */
const whenUnset: readonly string[] = [
  'pci.enable_bars=true',
  'acpi_tables_in_memory=true',
  'x86.x2apic=false',
  'rtc.use_localtime=true',
  'gdb.wait=false',
];

const configOfMachine = (machine: Machine) =>
  sorted(simulateMachine(machine).config).filter((entry) => !whenUnset.includes(entry.join('=')));

describe('the command of an example of bhyve(8) is imported as the example', () => {
  const folder = fileURLToPath(new URL('../../examples/bhyve-man/', import.meta.url));

  test.each(readdirSync(folder))('%s', async (file) => {
    const example = readFileSync(path.join(folder, file), 'utf8');
    const machine = await planOf(example);
    const { spec, notes } = await importedMachine(machine);
    const ours = await machineOf(spec, machine);
    expect(configOfMachine(ours)).toEqual(configOfMachine(machine));
    expect(ours.loader).toEqual(machine.loader);
    expect(notes.filter((note) => !/ (relative|lpc): /.test(note))).toEqual([]);
    expect(spec).not.toHaveProperty('config');
    expect(spec).not.toHaveProperty('extra_options');
  });
});

describe('a device of every model is imported as it was', () => {
  const examples = Object.entries(deviceExamples).flatMap(([model, list]) =>
    list.map((example) => [`${model}: ${example.title ?? 'all its fields'}`, model, example] as const),
  );

  test.each(examples)('%s', async (_title, model, { fields, needs, hostCard }) => {
    const machine = await planOf({ ...minimal, emulations: [{ device: model, ...fields }], ...needs }, 'default', {
      ...(hostCard === undefined ? {} : { hostCards: new Map([['/emulations/0', hostCard]]) }),
    });
    const { spec, problems } = await importedMachine(machine);
    expect(problems).toEqual([]);
    const ours = await machineOf(spec, machine);
    expect(configOfMachine(ours)).toEqual(configOfMachine(machine));
    expect(ours.devices.map((device) => [device.model, device.address])).toEqual(
      machine.devices.map((device) => [sameModel(device.model, fields), device.address]),
    );
    expect(spec).not.toHaveProperty('config');
    expect(spec).not.toHaveProperty('extra_options');
  });

  /** `raw` is told by what bhyve makes of its words. */
  const sameModel = (model: string, fields: object): string =>
    model === 'raw' && 'value' in fields ? String(fields.value).split(',', 1).join() : model;
});

test('the command of any spec is imported as a spec that gives bhyve the same', async () => {
  await fc.assert(
    fc.asyncProperty(wholeMachine, async (original) => {
      const machine = await planOf(original);
      const { spec, problems, notes } = await importedMachine(machine);
      expect(problems).toEqual([]);
      expect(notes.filter((note) => note.includes('different: '))).toEqual([]);
      const ours = await machineOf(spec, machine);
      expect(configOfMachine(ours)).toEqual(configOfMachine(machine));
    }),
    { numRuns: runs(400) },
  );
}, 300_000);
