import { mostProblems } from '../../src/base/problem.js';
import { chapters as titles } from '../../src/fields/field.js';
import { inOrderOf } from '../../src/fields/registry.js';
import { vmSchema } from '../../src/spec/schema.js';
import { maxLexemes } from '../../src/spec/yaml.js';
import { maxSpecBytes, maxValues } from '../../src/spec/source-tree.js';
import { mostKeyCharacters } from '../../src/spec/long-keys.js';
import { maxMachinesBytes, maxTargets } from '../../src/spec/target-limits.js';
import { anchor, code, codeBlock, members, page, prose, table } from './markdown.js';
import {
  defaultWords,
  examplesOf,
  fieldHead,
  fieldRow,
  limitWords,
  nestedFields,
  typeWords,
  type NestedField,
} from './schema-words.js';
import { specExamples } from './spec-examples.js';

export const rootFields = vmSchema.properties ?? {};
const targetFields = vmSchema.$defs.target?.properties ?? {};

/** The root fields in the order of the document. */
export const chapters: readonly (readonly [title: string, fields: readonly string[]])[] = titles.map((title) => [
  title,
  inOrderOf('document').flatMap(({ name, chapter }) => (chapter === title ? [name] : [])),
]);

/** Values of a root field. */
export const fieldExamples = (name: string): readonly unknown[] =>
  specExamples[name] ?? examplesOf(rootFields[name] ?? {});

/** The fields below a root field. Those of a target that are root fields too are not said again. */
export function fieldsBelow(name: string): readonly NestedField[] {
  if (name !== 'targets') return nestedFields(rootFields[name] ?? {}, name);
  return Object.entries(targetFields)
    .filter(([field, part]) => rootFields[field] !== part)
    .map(([field, part]) => ({ path: `targets.NAME.${field}`, schema: part, isRequired: false }));
}

/** Examples of one line stand together. */
const exampleBlocks = (examples: readonly string[]): readonly string[] =>
  examples.every((text) => !text.includes('\n'))
    ? [codeBlock('json', examples)]
    : examples.map((text) => codeBlock('json', [text]));

function section(name: string): readonly string[] {
  const schema = rootFields[name] ?? {};
  const isRequired = vmSchema.required?.includes(name) === true;
  const nested = fieldsBelow(name);
  const said = [
    typeWords(schema),
    defaultWords(schema, isRequired),
    limitWords(schema),
    name in targetFields ? 'yes' : 'no',
  ];
  return [
    `### ${name}`,
    prose(schema.description ?? ''),
    table(['type', 'default', 'limits', 'in a target'], [said]),
    nested.length === 0 ? '' : table(fieldHead, nested.map(fieldRow)),
    ...exampleBlocks(fieldExamples(name).map((example) => members({ [name]: example }).join('\n'))),
  ];
}

const links = (fields: readonly string[]): string =>
  fields.map((field) => `[${code(field)}](${anchor(field)})`).join(', ');

export function specDocument(): string {
  return page([
    '<!-- Written by npm run build from src/spec and scripts/docs. Do not edit. -->',
    '# The spec, field by field',
    introduction,
    chapters.map(([title, fields]) => `- [${title}](${anchor(title)}): ${links(fields)}`).join('\n'),
    rules,
    targets,
    ...chapters.flatMap(([title, fields]) => [`## ${title}`, ...fields.flatMap(section)]),
  ]);
}

const introduction = `\
A spec is a JSON, YAML or UCL file that says what machine bhyve is to run. Three fields are enough:

\`\`\`json
{ "name": "freebsd", "cpu": 2, "mem": "1G" }
\`\`\`

The fields of devices are in [devices.md](devices.md). [bhyve.md](bhyve.md) goes the other way: from an option or variable
of bhyve to the field that says it.`;

const number = (value: number): string => value.toLocaleString('en');

/** What a spec may have at most. */
export const limits = `A spec has at most ${maxSpecBytes / 1024 / 1024} MiB, ${number(maxValues)} values and ${number(maxTargets)} targets; in YAML,
  ${number(maxLexemes)} words, marks and lines. A key has at most ${number(mostKeyCharacters)} characters, together with those that it stands below.
  The machines of all targets, each with what it has of the base and of other targets, come to at most ${maxMachinesBytes / 1024 / 1024} MiB.
  The first ${mostProblems} problems of a file are listed, and how many more there are.`;

const rules = `\
## Reading the tables

- A field that is not here is an error. Keys that begin with \`x-\` are yours and ignored. \`null\` means not set.
- Text has at least one character and no control characters.
- A file name is relative to the folder of the spec; on standard input, to the working directory. Where bhyve makes a serial
  number of it, its command has the full path, so that the guest is the same wherever vmrun is started.
- Where a list is meant, one item may stand alone. NAME is a name of your own.
- In UCL a size is text that bhyve's powers of 1024 apply to (\`mem: 512M\` is 512 MiB; uclcmd would have made it
  512000000), a list may be sections of one name, and macros such as \`.include\` are refused.
- A field that says \`in a target: yes\` may stand in a target too.
- ${limits}
- Where no default is given, bhyve's own holds or there is none; the text says so where it matters.`;

const targets = `\
## Targets and merging

A target is a named variant of the machine: \`vmrun -t install\` boots the target \`install\`. A boot's machine is the base,
which is the spec without its targets, merged with one target, afresh each time.

- A field of the target replaces that of the base as a whole: \`"cpu": 4\` replaces a topology, \`graphic\` all of \`graphic\`.
- The target's \`emulations\` are added to those of the base. A device with the \`id\` of an earlier one replaces it in its
  place; \`{ "id": "cd0", "remove": true }\` takes it away.
- \`"inherits": "other"\` builds upon another target instead of the base alone.
- \`loader\` takes \`bootrom\` and \`varfile\` of what it builds upon away, and the other way round: a guest starts one way.
- \`default\` is the base by itself, unless a target has that name.
- \`next_target\` of the machine that ran names the next boot's target; without it the same target boots again.
- \`on_give_up\` of the machine that ran names the target that is booted once when \`restart.max\` of that machine is reached.

\`\`\`json
{
  "name": "freebsd",
  "cpu": 2,
  "mem": "1G",
  "emulations": [
    { "id": "disk0", "device": "virtio-blk", "path": "disk.img" },
    { "device": "virtio-net", "name": "tap0" }
  ],
  "targets": {
    "install": {
      "mem": "4G",
      "emulations": [{ "device": "ahci-cd", "path": "install.iso" }],
      "next_target": "default"
    },
    "rescue": {
      "inherits": "install",
      "emulations": [{ "id": "disk0", "device": "virtio-blk", "path": "disk.img", "ro": true }]
    }
  }
}
\`\`\``;
