import { describe, expect, test } from '@jest/globals';
import { deviceExamples, type DeviceExample } from '../../scripts/docs/device-examples.js';
import { nestedFields } from '../../scripts/docs/schema-words.js';
import { deviceModels, modelNamed } from '../../src/devices/registry.js';
import { deviceArguments } from '../../src/machine/argv.js';
import type { Machine, PlannedDevice } from '../../src/machine/machine.js';
import { pathsIn } from '../support/paths.js';
import { expectedConfig, refusal, simulateMachine, sorted } from '../support/simulated.js';
import { machineOf, problemsOf, specOf, withDevices } from '../support/specs.js';

const examples = Object.entries(deviceExamples).flatMap(([model, list]) =>
  list.map(
    (example) => [`${model}${example.title === undefined ? '' : `: ${example.title}`}`, model, example] as const,
  ),
);

const specWith = (model: string, { fields, needs }: DeviceExample) => ({
  ...withDevices({ device: model, ...fields }),
  ...needs,
});

async function planned(model: string, example: DeviceExample): Promise<readonly [Machine, PlannedDevice]> {
  const { hostCard } = example;
  const machine = machineOf(
    await specOf(specWith(model, example)),
    'default',
    hostCard === undefined ? {} : { hostCards: new Map([['/emulations/0', hostCard]]) },
  );
  const device = machine.devices.find(({ address }) => address.slot === 1);
  if (device === undefined) throw new Error(`${model} is not in slot 1`);
  return [withSecrets(machine), device];
}

/** What stands in the files of secrets when bhyve starts. */
function withSecrets(machine: Machine): Machine {
  const { privateConfig, variables } = machine;
  if (privateConfig === undefined) return machine;
  const fromFiles = new Map(privateConfig.fromFiles.map(({ key }) => [key, 'fromfile']));
  const lines = [...fromFiles].map(([key, value]) => `${key}=${value}\n`);
  return {
    ...machine,
    variables: variables.map((variable) => ({ ...variable, value: fromFiles.get(variable.key) ?? variable.value })),
    privateConfig: { ...privateConfig, content: privateConfig.content + lines.join('') },
  };
}

/** The same machine with its device spelt otherwise. */
function respelt(machine: Machine, device: PlannedDevice, words: readonly string[]): Machine {
  const written = deviceArguments(device);
  const at = machine.argv.findIndex((_, index) => written.every((word, n) => machine.argv[index + n] === word));
  expect(at).toBeGreaterThanOrEqual(0);
  return { ...machine, argv: machine.argv.toSpliced(at, written.length, ...words) };
}

describe('the full examples of the documents', () => {
  test('are there for every device model', () => {
    expect(Object.keys(deviceExamples).sort()).toEqual(deviceModels.map(({ model }) => model).sort());
    for (const list of Object.values(deviceExamples)) expect(list.length).toBeGreaterThan(0);
  });

  test.each(deviceModels.map(({ model }) => [model]))('of %s say every field that it has', (model) => {
    const said = new Set((deviceExamples[model] ?? []).flatMap(({ fields }) => pathsIn(fields, '')));
    const { properties } = modelNamed(model).schema;
    const missing = nestedFields({ properties }, '').filter(({ path }) => !said.has(path));
    expect(missing.map(({ path }) => path)).toEqual([]);
  });

  test.each(examples)('%s: is valid, without a warning', async (_title, model, example) => {
    expect(await problemsOf(specWith(model, example))).toEqual([]);
  });

  test.each(examples)('%s: is what bhyve reads, and starts', async (_title, model, example) => {
    const [machine] = await planned(model, example);
    expect(machine.release).toBe(example.needs?.release ?? 15);
    const { config, start, warnings } = simulateMachine(machine);
    expect(warnings).toEqual([]);
    expect(refusal(start)).toBe('');
    if (modelNamed(model).isOpaque !== true) expect(sorted(config)).toEqual(sorted(expectedConfig(machine)));
  });

  test.each(examples)('%s: is the same by -s and by -o', async (_title, model, example) => {
    const [machine, device] = await planned(model, example);
    if (modelNamed(model).isOpaque === true) return;
    const long = deviceArguments({ ...device, words: undefined });
    expect(long.filter((_, index) => index % 2 === 0)).toEqual(Array.from({ length: long.length / 2 }, () => '-o'));
    const { config, start } = simulateMachine(respelt(machine, device, long));
    expect(refusal(start)).toBe('');
    expect(sorted(config)).toEqual(sorted(simulateMachine(machine).config));
    if (device.words !== undefined) expect(deviceArguments(device)[0]).toBe('-s');
  });
});
