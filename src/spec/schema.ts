import { vmNamePattern } from '../base/vm-name.js';
import { architectures, releases, type AnyDeviceModel } from '../devices/device.js';
import { flag, nameText, seenMessage, seenPattern, slotSchema, type JsonSchema } from '../devices/json-schema.js';
import { deviceModels } from '../devices/registry.js';
import { object, ownKeys, targetName } from './field-schemas.js';
import { machineFields } from './machine-fields.js';
import type { Definitions } from './schema-walk.js';

const nameSchema: JsonSchema = {
  type: 'string',
  description: 'Name of the VM: 1 to 229 bytes, without "/", "%", blanks and characters that cannot be seen.',
  pattern: vmNamePattern,
  patternErrorMessage:
    'a VM name: at most 229 bytes without "/", "%", blanks and characters that cannot be seen, and no dash in front; not "." or ".."',
  takesDigits: true,
  examples: ['freebsd'],
};

const commonFields: Readonly<Record<string, JsonSchema>> = {
  id: nameText('Your name for this device: a target replaces or removes it by this name.', {
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

export const definitionRef = (name: string): JsonSchema => ({ $ref: `#/$defs/${name}` });

/** Makes each schema when it is first asked for: a spec names few of the devices. */
function madeWhenAsked(makers: Readonly<Record<string, () => JsonSchema>>): Definitions {
  const definitions = {};
  for (const [name, make] of Object.entries(makers)) {
    Object.defineProperty(definitions, name, {
      enumerable: true,
      configurable: true,
      get() {
        const value = make();
        Object.defineProperty(definitions, name, { enumerable: true, value });
        return value;
      },
    });
  }
  return definitions;
}

const definitions = madeWhenAsked({
  ...Object.fromEntries(deviceModels.map((model) => [model.model, () => deviceSchema(model)])),
  device: () => ({
    type: 'object',
    description: "A device on the guest's PCI bus.",
    required: ['device'],
    discriminator: { propertyName: 'device' },
    oneOf: deviceModels.map(({ model }) => definitionRef(model)),
  }),
  removal: () =>
    object({
      description: 'Takes away the device with this id.',
      properties: { id: { ...nameText('Name of the device to remove.'), takesDigits: true }, remove: { const: true } },
      required: ['id', 'remove'],
    }),
  target: () =>
    object({
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
});

/** The schema of a spec, with the annotations that the loader works by; published-schema.ts makes the one for others. */
export const vmSchema: JsonSchema & { readonly $defs: Definitions } = {
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
          "Architecture of host and guest, which the command is written for. Default: the host's, else amd64.",
      },
      release: {
        type: 'integer',
        enum: releases,
        description: "FreeBSD release that the command is written for. Default: the host's, else 15.",
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
        propertyNames: { pattern: seenPattern, patternErrorMessage: seenMessage },
        additionalProperties: definitionRef('target'),
        patternProperties: { [ownKeys]: true },
        default: {},
      },
    },
    required: ['name', 'cpu', 'mem'],
  }),
  $defs: definitions,
};

/** Fields of the spec that a target cannot say, for the hint at such a try. */
export const rootOnlyFields: readonly string[] = ['name', 'arch', 'release', 'targets', '$schema'];
