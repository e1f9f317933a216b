import { quoteCommand } from '../../src/base/shell.js';
import type { AnyDeviceModel } from '../../src/devices/device.js';
import { deviceModels } from '../../src/devices/registry.js';
import { deviceArguments } from '../../src/machine/argv.js';
import { loadSpecText } from '../../src/machine/load-spec.js';
import type { Machine, PlannedDevice } from '../../src/machine/machine.js';
import { plan } from '../../src/machine/plan.js';
import { vmSchema } from '../../src/spec/schema.js';
import { deviceExamples, type DeviceExample } from './device-examples.js';
import { anchor, code, codeBlock, inlineJson, json, page, prose, table } from './markdown.js';
import { fieldHead, fieldRow, nestedFields } from './schema-words.js';

const fieldsOf = ({ schema: { properties, required = [] } }: AnyDeviceModel) =>
  nestedFields({ properties, required }, '');

/** What every device may say besides its own fields. */
function commonFields() {
  const [first] = deviceModels;
  const { properties = {} } = vmSchema.$defs[first?.model ?? ''] ?? {};
  const names = Object.keys(properties).filter(
    (name) => name === 'device' || !(name in (first?.schema.properties ?? {})),
  );
  return names.map((name) =>
    name === 'device'
      ? ['`device`', 'text', '**required**', 'one of the models below', 'The model.']
      : fieldRow({ path: name, schema: properties[name] ?? {}, isRequired: false }),
  );
}

/** The device of an example as a machine has it, with that machine. */
async function planned({ model }: AnyDeviceModel, { fields, needs, hostCard }: DeviceExample) {
  const spec = { name: 'vm0', cpu: 1, mem: '1G', ...needs, emulations: [{ device: model, ...fields }] };
  const text = {
    name: model,
    text: JSON.stringify(spec),
    format: 'json',
    resolveFile: (path: string) => path,
  } as const;
  const loaded = await loadSpecText(text);
  const machine = loaded.ok
    ? plan(loaded.value, 'default', hostCard === undefined ? {} : { hostCards: new Map([['/emulations/0', hostCard]]) })
    : loaded;
  if (!machine.ok) throw new Error(`the example of ${model}: ${JSON.stringify(machine.problems)}`);
  const device = machine.value.devices.find(({ address: { slot } }) => slot === 1);
  if (device === undefined) throw new Error(`the example of ${model} is not in slot 1`);
  return { device, machine: machine.value };
}

/** Options, each with its value on a line. */
const optionLines = (argv: readonly string[]): readonly string[] =>
  argv.flatMap((_, index) => (index % 2 === 0 ? [quoteCommand(argv.slice(index, index + 2))] : []));

function privateLines({ privateConfig }: Machine): readonly string[] {
  if (privateConfig === undefined) return [];
  const { content, fromFiles } = privateConfig;
  const lines = content.split('\n').filter((line) => line !== '');
  const fromFile = fromFiles.map(({ key, file }) => `${key}=…, with the text of ${file.path}`);
  return [`-k bhyve.conf    # a file that only its owner can read: ${[...lines, ...fromFile].join('; ')}`];
}

/** The options of a device, by `-s` and by `-o`; one of them is empty where bhyve has only the other. */
function spellings(device: PlannedDevice, machine: Machine): readonly (readonly string[])[] {
  const long = deviceArguments({ ...device, words: undefined });
  const short = device.words === undefined ? [] : deviceArguments(device);
  const spelt = [short[0] === '-s' ? short : [], long].filter((argv) => argv.length > 0);
  return spelt.map((argv) => [...optionLines(argv), ...privateLines(machine)]);
}

const needWords = ({ needs = {} }: DeviceExample): string =>
  Object.keys(needs).length === 0
    ? ''
    : `The spec says ${Object.entries(needs)
        .map(([key, value]) => code(`"${key}": ${inlineJson(value)}`))
        .join(' and ')} too.`;

async function exampleParts(model: AnyDeviceModel, example: DeviceExample): Promise<readonly string[]> {
  const { device, machine } = await planned(model, example);
  return [
    example.title === undefined ? '' : `**${example.title}**`,
    codeBlock('json', [json({ device: model.model, ...example.fields })]),
    [needWords(example), device.words === undefined ? 'bhyve’s `-s` cannot say this.' : '']
      .filter((text) => text !== '')
      .join(' '),
    ...spellings(device, machine).map((lines) => codeBlock('sh', lines)),
  ];
}

const traits = ({ isSingle, isAmd64Only }: AnyDeviceModel): string =>
  [...(isSingle === true ? ['A VM has at most one.'] : []), ...(isAmd64Only === true ? ['Not on arm64.'] : [])].join(
    ' ',
  );

async function section(model: AnyDeviceModel): Promise<readonly string[]> {
  const rows = fieldsOf(model).map(fieldRow);
  const examples = await Promise.all(
    (deviceExamples[model.model] ?? []).map((example) => exampleParts(model, example)),
  );
  return [
    `## ${model.model}`,
    [prose(model.description), traits(model)].filter((text) => text !== '').join(' '),
    rows.length === 0 ? 'It has no fields of its own.' : table(fieldHead, rows),
    ...examples.flat(),
  ];
}

export async function devicesDocument(): Promise<string> {
  const sections = await Promise.all(deviceModels.map(section));
  return page([
    '<!-- Written by npm run build from src/devices and scripts/docs. Do not edit. -->',
    '# Devices',
    introduction,
    table(
      ['device', 'what it is'],
      deviceModels.map(({ model, description }) => [`[${code(model)}](${anchor(model)})`, prose(description)]),
    ),
    '## Fields of every device',
    table(fieldHead, commonFields()),
    ...sections.flat(),
  ]);
}

const introduction = `\
The items of \`emulations\`. A device names its model by \`device\`; the rest are the fields of that model. What the words of
the tables mean is in [spec.md](spec.md#reading-the-tables).

Each device has an example with all its fields, more than anybody needs together, and what bhyve is told for it: the way
people write it, \`-s\`, and the same in variables, \`-o\`. vmrun uses \`-s\` unless a value has a comma or something else
that \`-s\` would take apart; then it uses \`-o\`. The slot is the first free one, \`0:1:0\`.`;
