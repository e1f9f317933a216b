import { durationPattern, maxDurationSeconds } from '../base/duration.js';
import { architectures, releases, type AnyDeviceModel } from '../devices/device.js';
import { defaultVncPort, frameBufferFields } from '../devices/fbuf.js';
import {
  file,
  flag,
  integer,
  printable,
  printableMessage,
  slotSchema,
  text,
  type JsonSchema,
} from '../devices/json-schema.js';
import { deviceModels } from '../devices/registry.js';
import { entryOf, type SourceNode } from './source-tree.js';
import { rebootReasons } from './vm-spec.js';

export const schemaId = 'urn:vmrun:schema:vm';
export const defaultBootrom = '/usr/local/share/uefi-firmware/BHYVE_UEFI.fd';

/** Keys that begin so are the user's own and ignored. */
export const ownKeys = '^x-';

const object = (schema: JsonSchema): JsonSchema => ({
  type: 'object',
  additionalProperties: false,
  ...schema,
  patternProperties: { [ownKeys]: true },
});

const duration = (description: string, byDefault: string | number): JsonSchema => ({
  type: ['number', 'string'],
  description: `${description} Seconds, or text with a unit: ms, s, min, h.`,
  minimum: 0,
  maximum: maxDurationSeconds,
  pattern: durationPattern,
  patternErrorMessage: 'seconds, or text with a unit such as "90s", "5min" or "500ms"',
  default: byDefault,
});

const commandSchema = (description: string): JsonSchema => ({
  type: ['string', 'array'],
  description: `${description} A list of words, or one text that is split like a shell does; no shell is started.`,
  minLength: 1,
  minItems: 1,
  items: text('One word of the command.', { takesDigits: true }),
  examples: [['/usr/local/bin/up.sh', '--now']],
});

const console = (number: number): JsonSchema =>
  text(`Serial port ${number}: "stdio", a tty such as /dev/nmdm0A, or "tcp=address:port".`, {
    examples: ['stdio', '/dev/nmdm0A'],
  });

const targetName = (description: string): JsonSchema =>
  text(description, { takesDigits: true, examples: ['default', 'install'] });

const uuidSchema: JsonSchema = {
  type: 'string',
  description: 'UUID of the guest; by default bhyve makes one from host and VM name.',
  // uuid_from_string(3) knows three variants; bhyve ends without a word at another.
  pattern: '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){2}-[0-9a-dA-D][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$',
  patternErrorMessage: 'a UUID such as "5a34b1cc-7d4f-11ee-8d3c-b42e991b0a01"',
};

/** Root fields that a target may say too. */
const machineFields: Readonly<Record<string, JsonSchema>> = {
  cpu: {
    ...object({
      properties: {
        sockets: integer('CPU packages.', 1, 65535, { default: 1 }),
        cores: integer('Cores in each package.', 1, 65535, { default: 1 }),
        threads: integer('Threads of each core.', 1, 65535, { default: 1 }),
      },
    }),
    type: ['integer', 'object'],
    description: 'Virtual CPUs: a number n is one socket with one core of n threads; or the whole topology.',
    minimum: 1,
    maximum: 65535,
    examples: [2, { sockets: 1, cores: 4, threads: 2 }],
  },
  mem: {
    type: ['string', 'integer'],
    description:
      'Guest memory: digits and a unit K, M, G or T (powers of 1024), or an integer number of bytes. A multiple of 4096 bytes.',
    pattern: '^\\d{1,30}[KkMmGgTt][Bb]?$',
    patternErrorMessage: 'digits and one of K, M, G, T, e.g. "512M" or "4G", or an integer number of bytes',
    minimum: 0,
    examples: ['512M', '4G', 536870912],
  },
  bootrom: file('Boot ROM (firmware) image.', { default: defaultBootrom }),
  varfile: file('Variables of the firmware, written by the guest: a copy for each VM.'),
  hostbridge: {
    type: 'string',
    enum: ['hostbridge', 'amd_hostbridge'],
    description: 'Model of the host bridge.',
    default: 'hostbridge',
  },
  lpc_slot: { ...slotSchema, description: 'Slot of the LPC bridge on bus 0. Default: 0:31:0, which Windows wants.' },
  com1: console(1),
  com2: console(2),
  com3: console(3),
  com4: console(4),
  gdb: {
    type: ['string', 'integer'],
    description: 'GDB stub: a port, "address:port", or the same after a "w" to wait for the debugger.',
    pattern: '^w?([^\\s,\\u0000-\\u001f\\u007f]{1,200}:)?\\d{1,5}$',
    patternErrorMessage: 'a port, "address:port", or the same after a "w", e.g. "w127.0.0.1:1234"',
    minimum: 1,
    maximum: 65535,
    examples: ['w127.0.0.1:1234', 1234],
  },
  uuid: uuidSchema,
  graphic: object({
    description: 'A screen for VNC clients, and an xhci controller with a tablet.',
    properties: {
      ...frameBufferFields,
      xhci_table: flag('Add an xhci controller with a tablet, for a pointer that follows the client’s.', true),
    },
    examples: [{ host: '127.0.0.1', port: defaultVncPort, width: 1024, height: 768 }],
  }),
  utc_clock: flag('The RTC keeps UTC (-u); false: local time.', true),
  yield_on_hlt: flag('Give up the host CPU while the guest is idle (-H).', true),
  generate_acpi: flag('Generate ACPI tables (-A).', true),
  wire_guest_mem: {
    type: 'boolean',
    description: 'Wire guest memory (-S). Default: true where a passthru device needs it, else false.',
  },
  force_msi: flag('Make virtio devices use MSI instead of MSI-X interrupts (-W).'),
  disable_mptable_gen: flag('Do not generate an MP table (-Y).'),
  power_off_destroy_vm: flag('Destroy the VM when the guest powers off (-D).'),
  yield_on_pause: flag('Give up the host CPU when the guest executes PAUSE (-P).'),
  x2apic: flag('Put the guest’s local APIC into x2APIC mode (-x).'),
  strict_io: flag('End the VM when the guest touches an I/O port that nothing emulates (-e).'),
  ignore_unknown_msrs: flag('Ignore model specific registers that bhyve does not emulate (-w); many guests need it.'),
  guest_mem_in_core: flag('Put guest memory into core dumps of bhyve (-C).'),
  keyboard: {
    type: 'string',
    description: 'Keyboard layout for VNC clients: a file name in /usr/share/bhyve/kbdlayout (-K).',
    pattern: '^[A-Za-z0-9][A-Za-z0-9._-]{0,63}$',
    patternErrorMessage: 'the name of a keyboard layout, e.g. "de_noacc"',
    examples: ['de_noacc'],
  },
  extra_options: {
    type: ['string', 'array'],
    description:
      'More options for bhyve, put before the VM name: one text that is split like a shell does, or a list of words.',
    pattern: printable,
    patternErrorMessage: printableMessage,
    minItems: 1,
    items: text('One word of the command.', { takesDigits: true }),
    examples: ['-o system.serial_number=42', ['-o', 'system.serial_number=42']],
  },
  next_target: {
    type: ['string', 'object'],
    description:
      'Target of the next boot: a name, or names by the reason of the exit. "default" is the spec without a target, unless a target has that name. Without it the same target boots again.',
    pattern: '^[^\\u0000-\\u001f\\u007f]+$',
    patternErrorMessage: 'the name of a target, e.g. "default"',
    takesDigits: true,
    properties: Object.fromEntries(
      rebootReasons.map((reason) => [reason, targetName(`Target of the boot that follows ${reason}.`)]),
    ),
    additionalProperties: false,
    patternProperties: { [ownKeys]: true },
    minProperties: 1,
    examples: ['default', { reboot: 'default', error: 'rescue' }],
  },
  reboot_on: {
    type: 'array',
    description: 'Reasons, or exit statuses of bhyve, after which the VM boots again.',
    items: {
      type: ['string', 'integer'],
      enum: [...rebootReasons, 0, 1, 2, 3, 4],
    },
    maxItems: 16,
    default: ['reboot'],
    examples: [['reboot', 'triple_fault']],
  },
  restart: {
    ...object({
      properties: {
        max: integer('Give up after this many reboots within the window. Default: no limit.', 0, 1_000_000),
        window: duration('The window for max.', '60s'),
        delay: duration(
          'Pause before a reboot that follows a boot of less than 10 seconds; doubles each time.',
          '100ms',
        ),
        max_delay: duration('The longest pause.', '10s'),
      },
    }),
    description: 'Limits for reboots that follow too quickly.',
    default: {},
  },
  stop_timeout: duration('How long the guest may take to power off before it is ended by force.', 60),
  hooks: {
    ...object({ properties: { post_start: commandSchema('Run when bhyve has started.') } }),
    description: 'Programs that vmrun runs.',
  },
  post_start_script: text('Run when bhyve has started; hooks.post_start says the same.', {
    examples: ['/usr/local/bin/up.sh'],
  }),
};

const nameSchema: JsonSchema = {
  type: 'string',
  description: 'Name of the VM: 1 to 229 bytes, without "/", "%", blanks and control characters.',
  // A leading dash would be an option of every tool that is given the name; "." and ".." are no names in a folder.
  pattern: '^(?!\\.{1,2}$)[^\\s/%\\u0000-\\u001f\\u007f-][^\\s/%\\u0000-\\u001f\\u007f]{0,228}$',
  patternErrorMessage:
    'a VM name: at most 229 bytes without "/", "%", blanks and control characters, and no dash in front; not "." or ".."',
  takesDigits: true,
  examples: ['freebsd'],
};

const commonFields: Readonly<Record<string, JsonSchema>> = {
  id: text('Your name for this device: a target replaces or removes it by this name.', {
    takesDigits: true,
    examples: ['disk0'],
  }),
  slot: slotSchema,
  fix: flag('Mend the host for this device without asking, e.g. create a missing tap.'),
};

const deviceSchema = ({ model, description, schema, example }: AnyDeviceModel): JsonSchema =>
  object({
    title: model,
    description,
    properties: { device: { const: model, description }, ...commonFields, ...schema.properties },
    required: ['device', ...(schema.required ?? [])],
    examples: [{ device: model, ...example }],
  });

const definitionRef = (name: string): JsonSchema => ({ $ref: `#/$defs/${name}` });

const deviceDefs: Readonly<Record<string, JsonSchema>> = {
  ...Object.fromEntries(deviceModels.map((model) => [model.model, deviceSchema(model)])),
  device: {
    type: 'object',
    description: 'A device on the guest’s PCI bus.',
    required: ['device'],
    discriminator: { propertyName: 'device' },
    oneOf: deviceModels.map(({ model }) => definitionRef(model)),
  },
  removal: object({
    description: 'Takes away the device with this id.',
    properties: { id: { ...text('Name of the device to remove.'), takesDigits: true }, remove: { const: true } },
    required: ['id', 'remove'],
  }),
  target: object({
    description: 'What is different in this target. Fields replace those of the base; devices are added.',
    properties: {
      inherits: targetName('Another target that this one builds upon.'),
      ...machineFields,
      emulations: {
        type: 'array',
        description:
          'Devices to add. One with the id of an earlier device replaces it; {"id", "remove": true} removes it.',
        items: {
          if: { type: 'object', required: ['remove'] },
          then: definitionRef('removal'),
          else: definitionRef('device'),
        },
      },
    },
  }),
};

/** The schema of a spec, with the annotations that the loader works by. `publishedSchema` is the one for others. */
export const vmSchema: JsonSchema & { readonly $defs: Readonly<Record<string, JsonSchema>> } = {
  ...object({
    title: 'vmrun VM spec',
    description: 'A bhyve virtual machine, as vmrun runs it.',
    properties: {
      $schema: { type: 'string', description: 'The schema for editors; vmrun ignores it.' },
      name: nameSchema,
      arch: {
        type: 'string',
        enum: architectures,
        description:
          'Architecture of host and guest, which the command is written for. Default: the host’s, else amd64.',
      },
      release: {
        type: 'integer',
        enum: releases,
        description: 'FreeBSD release that the command is written for. Default: the host’s, else 15.',
      },
      ...machineFields,
      emulations: {
        type: 'array',
        description: 'The devices, in order.',
        items: definitionRef('device'),
        default: [],
      },
      targets: {
        type: 'object',
        description: 'Named variants of this machine: vmrun -t NAME boots one.',
        additionalProperties: definitionRef('target'),
        patternProperties: { [ownKeys]: true },
        default: {},
      },
    },
    required: ['name', 'cpu', 'mem'],
  }),
  $defs: deviceDefs,
};

/** Fields of the spec that a target cannot say, for the hint at such a try. */
export const rootOnlyFields: readonly string[] = ['name', 'arch', 'release', 'targets', '$schema'];

/** Follows `$ref`, `discriminator` and `if` to the schema that speaks about a value. */
export function schemaFor(schema: JsonSchema, node: SourceNode | undefined): JsonSchema {
  const entry = (key: string) => (node === undefined ? undefined : entryOf(node, key));
  if (schema.$ref !== undefined) {
    return schemaFor(vmSchema.$defs[schema.$ref.replace('#/$defs/', '')] ?? {}, node);
  }
  if (schema.if !== undefined) {
    const holds = schema.if.required?.every((key) => entry(key) !== undefined) ?? false;
    return schemaFor((holds ? schema.then : schema.else) ?? {}, node);
  }
  if (schema.discriminator !== undefined) {
    const tag = entry(schema.discriminator.propertyName)?.value;
    const named = tag?.kind === 'scalar' && typeof tag.value === 'string' ? vmSchema.$defs[tag.value] : undefined;
    return named?.title === undefined ? schema : named;
  }
  return schema;
}

/** The schema of a property, by its name or by the pattern of a map. */
export const propertySchema = (schema: JsonSchema, key: string): JsonSchema | undefined => {
  const named = Object.hasOwn(schema.properties ?? {}, key) ? schema.properties?.[key] : undefined;
  if (named !== undefined || key.startsWith('x-')) return named;
  return schema.additionalProperties === false ? undefined : schema.additionalProperties;
};

/**
 * The same schema with every part that stands in it more than once written once, below `$defs`: a third of the size,
 * for readers, and for the code that is compiled from it.
 */
export function sharedSchema(): JsonSchema & { readonly $defs: Readonly<Record<string, JsonSchema>> } {
  const uses = new Map<JsonSchema, number>();
  const walk = (schema: JsonSchema): void => {
    uses.set(schema, (uses.get(schema) ?? 0) + 1);
    if (uses.get(schema) === 1) for (const [, part] of partsOf(schema)) walk(part);
  };
  const roots = [vmSchema, ...Object.values(vmSchema.$defs)];
  roots.forEach(walk);
  const names = new Map<JsonSchema, string>();
  const taken = new Set(Object.keys(vmSchema.$defs));
  const $defs: Record<string, JsonSchema> = {};
  const share = (schema: JsonSchema, key: string): JsonSchema => {
    if ((uses.get(schema) ?? 0) < 2 || schema.$ref !== undefined) return rewrite(schema);
    let name = names.get(schema);
    if (name === undefined) {
      name = key;
      for (let number = 2; taken.has(name); number += 1) name = `${key}${number}`;
      taken.add(name);
      names.set(schema, name);
      $defs[name] = rewrite(schema);
    }
    return definitionRef(name);
  };
  const rewrite = (schema: JsonSchema): JsonSchema => ({
    ...schema,
    ...(schema.properties === undefined
      ? {}
      : {
          properties: Object.fromEntries(
            Object.entries(schema.properties).map(([key, part]) => [key, share(part, key)]),
          ),
        }),
    ...(schema.items === undefined ? {} : { items: rewrite(schema.items) }),
  });
  for (const [name, schema] of Object.entries(vmSchema.$defs)) $defs[name] = rewrite(schema);
  const root = rewrite(vmSchema);
  return { ...root, $defs };
}

/** The schemas right below a schema that may be shared, with the key they have there. */
const partsOf = ({ properties = {}, items }: JsonSchema): readonly (readonly [string, JsonSchema])[] => [
  ...Object.entries(properties),
  ...(items === undefined ? [] : [['item', items] as const]),
];

const internalKeywords = new Set(['isFile', 'takesDigits', 'isSecret']);

/**
 * The schema as it is published: plain JSON Schema 2020-12, which also lets through what the loader mends (an integer
 * for text of digits, digits for an integer, one item for an array of one, null for nothing).
 */
export function publishedSchema(): object {
  const { $defs, ...root } = sharedSchema();
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: schemaId,
    ...publish(root),
    $defs: Object.fromEntries(
      // What `sharedSchema` has added are properties.
      Object.entries($defs).map(([name, schema]) => [
        name,
        name in vmSchema.$defs ? publish(schema) : tolerant(schema),
      ]),
    ),
  };
}

function publish(schema: JsonSchema): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(schema) as [string, unknown][]) {
    if (!internalKeywords.has(key) && key !== 'discriminator') out[key] = value;
  }
  const { properties, items, additionalProperties, oneOf, then, else: otherwise } = schema;
  if (properties !== undefined) out.properties = mapValues(properties, (value) => tolerant(value));
  if (items !== undefined) out.items = withDigits(items);
  if (typeof additionalProperties === 'object') out.additionalProperties = tolerant(additionalProperties);
  if (oneOf !== undefined) out.oneOf = oneOf.map(publish);
  if (then !== undefined) out.then = publish(then);
  if (otherwise !== undefined) out.else = publish(otherwise);
  return out;
}

/** An item as files may spell it; unlike a property it cannot be null. */
const withDigits = (schema: JsonSchema): Record<string, unknown> =>
  schema.takesDigits === true ? { ...publish(schema), type: [schema.type ?? [], 'integer'].flat() } : publish(schema);

const mapValues = <A, B>(record: Readonly<Record<string, A>>, change: (value: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));

const isTargets = ({ additionalProperties }: JsonSchema): boolean =>
  typeof additionalProperties === 'object' && additionalProperties.$ref === '#/$defs/target';

/** A property as files may spell it: what `canonical.ts` takes for what is meant. */
function tolerant(schema: JsonSchema): Record<string, unknown> {
  const out = publish(schema);
  const types = [schema.type ?? []].flat();
  if (types.length === 0) return out;
  if (isTargets(schema)) {
    const section = { type: 'object', additionalProperties: publish(definitionRef('target')) };
    return withAlternatives(out, [{ type: 'array', items: section }]);
  }
  if (types.includes('array') && !types.includes('string') && schema.items !== undefined) {
    return withAlternatives(out, [publish(schema.items)]);
  }
  const takesText = types.includes('integer') && !types.includes('string');
  const takesInteger = schema.takesDigits === true && !types.includes('integer');
  return {
    ...out,
    type: [...types, ...(takesText ? ['string'] : []), ...(takesInteger ? ['integer'] : []), 'null'],
    ...(takesText ? { pattern: '^-?\\d+$', patternErrorMessage: 'an integer' } : {}),
    ...(schema.enum === undefined
      ? {}
      : { enum: [...schema.enum, ...(takesText ? schema.enum.map(String) : []), null] }),
  };
}

const withAlternatives = (
  { description, default: byDefault, examples, ...strict }: Record<string, unknown>,
  also: readonly Record<string, unknown>[],
): Record<string, unknown> => ({
  ...(description === undefined ? {} : { description }),
  ...(byDefault === undefined ? {} : { default: byDefault }),
  ...(examples === undefined ? {} : { examples }),
  anyOf: [strict, ...also, { type: 'null' }],
});
