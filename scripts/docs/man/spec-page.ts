import type { JsonSchema } from '../../../src/devices/json-schema.js';
import { deviceModels } from '../../../src/devices/registry.js';
import type { AnyDeviceModel } from '../../../src/devices/device.js';
import { vmSchema } from '../../../src/spec/schema.js';
import { chapters, fieldsBelow, limits, rootFields } from '../spec-document.js';
import { defaultWords, limitWords, nestedFields, typeWords, type NestedField } from '../schema-words.js';
import {
  list,
  literal,
  manualPage,
  paragraphs,
  prose,
  references,
  section,
  subsection,
  type Item,
  type Lines,
} from './mdoc.js';

/** What the documents in Markdown say, as plain text. */
const plain = (markdown: string): string => markdown.replaceAll(/[`*]/g, '').replaceAll('\\<', '<');

/** `integer or object, required; 1 to 65535`. */
function traits({ schema, isRequired }: Pick<NestedField, 'schema' | 'isRequired'>): string {
  const byDefault = plain(defaultWords(schema, isRequired));
  const type =
    plain(typeWords(schema)) + (byDefault === '' ? '' : isRequired ? ', required' : `, default ${byDefault}`);
  return [type, plain(limitWords(schema))].filter((words) => words !== '').join('; ');
}

const fieldItem = (field: NestedField): Item => ({
  head: `Va ${field.path}`,
  body: [...prose((field.schema.description ?? '').replace(/(?<![.!?])$/, '.')), ...prose(`(${traits(field)})`)],
});

const rootItems = (name: string): readonly Item[] => {
  const schema: JsonSchema = rootFields[name] ?? {};
  const isRequired = vmSchema.required?.includes(name) === true;
  return [{ path: name, schema, isRequired }, ...fieldsBelow(name)].map(fieldItem);
};

/** What every device may say besides its own fields. */
function commonFields(): readonly NestedField[] {
  const [first] = deviceModels;
  const { properties = {} } = vmSchema.$defs[first?.model ?? ''] ?? {};
  return Object.entries(properties)
    .filter(([name]) => name !== 'device' && !(name in (first?.schema.properties ?? {})))
    .map(([path, schema]) => ({ path, schema, isRequired: false }));
}

const deviceTraits = ({ isSingle, isAmd64Only }: AnyDeviceModel): string =>
  [...(isSingle === true ? ['A VM has at most one.'] : []), ...(isAmd64Only === true ? ['Not on arm64.'] : [])].join(
    ' ',
  );

function devicePart(model: AnyDeviceModel): Lines {
  const { properties, required = [] } = model.schema;
  const fields = nestedFields({ properties, required }, '');
  return subsection(
    model.model,
    prose(`${model.description} ${deviceTraits(model)}`),
    fields.length === 0 ? prose('It has no fields of its own.') : list(fields.map(fieldItem)),
  );
}

export function specPage(): string {
  return manualPage(
    'vmrun.json',
    5,
    'a virtual machine for vmrun',
    section(
      'DESCRIPTION',
      paragraphs(...description.map(prose)),
      literal(['{ "name": "freebsd", "cpu": 2, "mem": "1G" }']),
      ['.Pp'],
      prose(rules),
      ['.Pp'],
      prose(limits.replaceAll(/\s+/g, ' ')),
    ),
    section('TARGETS', paragraphs(...targets.map(prose)), literal(targetExample.split('\n'))),
    section(
      'ROOT FIELDS',
      prose(
        'In parentheses are the type of a value, its default, and what it must be. Where no default is given, that of bhyve holds or there is none.',
      ),
      ...chapters.map(([title, fields]) =>
        subsection(title, list(fields.filter((name) => name in rootFields).flatMap(rootItems))),
      ),
    ),
    section(
      'DEVICES',
      prose('An item of `emulations` names its model by `device`. These are the fields of every device:'),
      list(commonFields().map(fieldItem)),
      ...deviceModels.map(devicePart),
    ),
    section(
      'EXAMPLES',
      prose(
        'A spec in YAML. By its first line an editor that asks the YAML language server completes and checks it, once `vmrun schema > vm.schema.json` has put the schema beside it; in JSON a root field `$schema` does the same.',
      ),
      literal(yamlExample.split('\n')),
    ),
    section('SEE ALSO', references(['nmdm', 4], ['bhyve_config', 5], ['bhyve', 8], ['vmrun', 8])),
    section(
      'BUGS',
      prose(
        'uclcmd(1) makes 512000000 of an unquoted `512M`: quote it, or write `512MB`. vmrun itself reads `mem: 512M` in a UCL file as 512 MiB.',
      ),
    ),
  );
}

const description = [
  'A spec says what machine vmrun(8) is to run. It is YAML where the name of the file ends in .yaml or .yml, UCL where it ends in .conf or .ucl, and otherwise JSON. UCL that uses macros goes through uclcmd(1), `uclcmd get -c -f vm.conf . | vmrun -c-`; what uclcmd writes differently from people is understood. Three fields are enough:',
];

const rules =
  'A field that is not here is an error, with the name that may have been meant; keys that begin with `x-` are your own and ignored. null means not set. Where a list is meant, one item may stand alone. A relative file name starts at the folder of the spec. All mistakes are reported at once, with line and column; `vmrun check` reports them without running anything.';

const targets = [
  'A target is a named variant of the machine. What is booted is the base, which is the spec without its targets, merged with one target, afresh each time.',
  'A field of the target replaces that of the base as a whole. Its `emulations` are added; a device with the `id` of an earlier one replaces it in its place, and `{ "id": "cd0", "remove": true }` takes it away. `inherits` builds upon another target. A loader takes the boot ROM away, and the other way round. The target `default` is the base by itself, unless a target has that name. After an exit, `next_target` of the machine that ran names the target of the next boot; without it, the same target boots again.',
];

const targetExample = `{
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
      "emulations": [
        { "id": "disk0", "device": "virtio-blk", "path": "disk.img",
          "ro": true }
      ]
    }
  }
}`;

const yamlExample = `# yaml-language-server: $schema=vm.schema.json
name: freebsd
cpu: 2
mem: 1G
com1: stdio
emulations:
  - { device: virtio-blk, path: disk.img }
  - { device: virtio-net, name: tap0, fix: true }
targets:
  install:
    emulations:
      - { device: ahci-cd, path: install.iso }
    next_target: default`;
