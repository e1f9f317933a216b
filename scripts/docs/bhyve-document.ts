import {
  deviceRows,
  lpcRows,
  nodeRow,
  optionRows,
  slotRows,
  variableRows,
  type Row,
  type Where,
} from './bhyve-coverage.js';
import { anchor, code, inlineJson, page, table } from './markdown.js';

/** `from 15, amd64`; empty: everywhere. */
function whereWords({ from, to, arch }: Where): string {
  const release = to === undefined ? (from === undefined ? [] : [`from ${from}`]) : [`up to ${to}`];
  return [...release, ...(arch === undefined ? [] : [arch])].join(', ') || 'all';
}

const linked = (field: string, page: string, heading: string): string => `[${code(field)}](${page}${anchor(heading)})`;

/** A field of the spec, at its place in spec.md. */
const rootLinks = ({ fields }: Row): string =>
  fields.map((field) => linked(field, 'spec.md', /^[^.[]*/.exec(field)?.[0] ?? '')).join(', ');

/** Fields of a device, in devices.md; `config` stands for itself. */
const deviceLinks =
  (model = '') =>
  (row: Row): string =>
    row.fields.includes('config')
      ? rootLinks(row)
      : row.fields.map((field) => linked(field, 'devices.md', model)).join(', ');

/** What a device of `-s` is said by. */
const slotLinks = (row: Row): string =>
  row.fields
    .map((field) =>
      field.startsWith('emulations[]')
        ? linked(field, 'devices.md', row.device === 'amd_hostbridge' ? 'hostbridge' : (row.device ?? ''))
        : rootLinks({ ...row, fields: [field] }),
    )
    .join(', ');

const exampleWords = ({ example = {} }: Row): string =>
  Object.entries(example)
    .map(([key, value]) => code(`${JSON.stringify(key)}: ${inlineJson(value)}`))
    .join(', ');

const setWords = ({ sets = {} }: Row): string =>
  Object.entries(sets)
    .map(([key, value]) => code(`${key}=${value}`))
    .join(', ');

const optionName = ({ name, device, argument }: Row): string =>
  code(
    [name, [device, argument].filter((word) => word !== undefined).join(',')].filter((word) => word !== '').join(' '),
  );

const optionTable = (rows: readonly Row[]): string =>
  table(
    ['option', 'where', 'in the spec', 'example', 'its variables', 'notes'],
    rows.map((row) => [
      optionName(row),
      whereWords(row),
      rootLinks(row),
      exampleWords(row),
      setWords(row),
      row.note ?? '',
    ]),
  );

const slotTable = (rows: readonly Row[]): string =>
  table(
    ['option', 'where', 'in the spec', 'example', 'notes'],
    rows.map((row) => [optionName(row), whereWords(row), slotLinks(row), exampleWords(row), row.note ?? '']),
  );

const variableTable = (rows: readonly Row[], links = rootLinks): string =>
  table(
    ['variable', 'where', 'in the spec', 'example', 'notes'],
    rows.map((row) => [code(row.name), whereWords(row), links(row), exampleWords(row), row.note ?? '']),
  );

const deviceParts = deviceRows.flatMap(({ device, words, models, rows, note }) => [
  `### ${device}`,
  [
    words.length > 1 ? `Also ${words.slice(1).map(code).join(' and ')} of \`-s\`.` : '',
    rows.length === 0 ? 'It has no variables but `device`.' : '',
    note ?? '',
  ]
    .filter((text) => text !== '')
    .join(' '),
  rows.length === 0 ? '' : variableTable(rows, deviceLinks(models[0])),
]);

export const bhyveDocument = (): string =>
  page([
    '<!-- Written by npm run build from scripts/docs/bhyve-coverage.ts. Do not edit. -->',
    '# From bhyve to a spec',
    introduction,
    '## Options',
    optionTable(optionRows),
    '## Devices of -l',
    optionTable(lpcRows),
    '## Devices of -s',
    slots,
    slotTable(slotRows),
    '## Variables',
    variables,
    variableTable(variableRows.toSorted((a, b) => (a.name < b.name ? -1 : 1))),
    '## Variables of PCI devices',
    nodes,
    variableTable([nodeRow]),
    ...deviceParts,
  ]);

const introduction = `\
Every option of bhyve(8) and every variable of bhyve_config(5), with the field of the spec that says it and an example,
which is a part of a spec. Releases are those of FreeBSD: 14, 15, and 16 as of mid 2026; a command is written for the one
of [\`release\`](spec.md#release), or of the host. Each row is tested: its example is planned, and bhyve's own reading of
the command has the variables.

What has no field of its own is said by [\`config\`](spec.md#config), a variable by its name, or by
[\`extra_options\`](spec.md#extra_options), an option as it is. \`vmrun --dry-run\` shows the command of a spec,
\`--dry-run --format config\` the variables that bhyve makes of it.`;

const slots = `\
Their variables are [below](#variables-of-pci-devices), their fields in [devices.md](devices.md). A device that vmrun does
not know is said by [\`raw\`](devices.md#raw).`;

const variables = `\
N is any number. Where an option says the same, vmrun uses the option.`;

const nodes = `\
They stand below \`pci.BUS.SLOT.FUNCTION\`. A device of the spec without \`slot\` takes the first free one, which \`--debug\`
shows. Other variables of a device can be said by \`config\` with their whole name, such as
\`"config": { "pci.0.4.0.name": "value" }\`.`;
