import type { AnyDeviceModel } from '../devices/device.js';
import { flag, nameText, slotSchema, type JsonSchema } from '../devices/json-schema.js';
import { deviceModels } from '../devices/registry.js';
import { fields } from '../fields/registry.js';
import { object, targetName } from '../fields/schemas.js';
import type { Definitions } from './schema-walk.js';

const commonFields: Readonly<Record<string, JsonSchema>> = {
  id: nameText('Your name for this device: a target replaces or removes it by this name.', {
    takesDigits: true,
    examples: ['disk0'],
  }),
  slot: slotSchema,
  fix: flag('Fix the host for this device without asking, e.g. create a missing tap.'),
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

const targetFields = Object.fromEntries(
  fields.flatMap(({ name, schema, inTarget, isRootOnly }) =>
    isRootOnly === true ? [] : [[name, inTarget ?? schema] as const],
  ),
);

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
        ...targetFields,
      },
    }),
});

/** The schema of a spec, with the annotations that the loader works by; published-schema.ts makes the one for others. */
export const vmSchema: JsonSchema & { readonly $defs: Definitions } = {
  ...object({
    title: 'vmrun VM spec',
    description: 'A bhyve virtual machine, as vmrun runs it.',
    properties: Object.fromEntries(fields.map(({ name, schema }) => [name, schema])),
    required: fields.flatMap(({ name, isRequired }) => (isRequired === true ? [name] : [])),
  }),
  $defs: definitions,
};

/** Fields of the spec that a target cannot say, for the hint at such a try. */
export const rootOnlyFields: readonly string[] = fields.flatMap(({ name, isRootOnly }) =>
  isRootOnly === true ? [name] : [],
);
