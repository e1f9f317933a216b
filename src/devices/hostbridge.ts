import { defineDevice, optional, type AnyDeviceModel, type Release, type Variable } from './device.js';
import type { JsonSchema } from './json-schema.js';

interface Hostbridge {
  readonly model?: 'hostbridge' | 'amd_hostbridge';
  readonly vendor?: number | string;
  readonly devid?: number | string;
}

/** Ids of the host bridge that `amd_hostbridge` shows: bhyve(8). */
const amdIds = { vendor: 0x1022, devid: 0x7432 };

const formatId = (id: number | string | undefined): string | undefined =>
  id === undefined ? undefined : `0x${Number(id).toString(16).padStart(4, '0')}`;

function idVariables({ model, vendor, devid }: Hostbridge, release: Release): readonly Variable[] {
  const ids = model === 'amd_hostbridge' ? amdIds : undefined;
  return [
    ...optional(release === 14 ? 'vendor' : 'pcireg.vendor', formatId(vendor ?? ids?.vendor)),
    ...optional(release === 14 ? 'devid' : 'pcireg.device', formatId(devid ?? ids?.devid)),
  ];
}

const idSchema = (description: string, example: string): JsonSchema => ({
  type: ['integer', 'string'],
  description: `${description}: an integer, or text such as "${example}". Default: that of the model.`,
  minimum: 0,
  maximum: 0xffff,
  pattern: '^0[xX][0-9a-fA-F]{1,4}$',
  patternErrorMessage: `a 16-bit number in hex such as "${example}"`,
  examples: [example],
});

/** A host bridge among the devices, beside the machine's own: bhyve(8), `hostbridge`. */
export const hostbridge = defineDevice<Hostbridge>({
  model: 'hostbridge',
  description: 'One more bridge between the CPU and the PCI bus. The root field hostbridge is the usual one.',
  schema: {
    properties: {
      model: {
        type: 'string',
        enum: ['hostbridge', 'amd_hostbridge'],
        description: "Whose ids it shows: bhyve's own, or those of an AMD bridge.",
        default: 'hostbridge',
      },
      vendor: idSchema('PCI vendor id', '0x1022'),
      devid: idSchema('PCI device id', '0x7432'),
    },
  },
  example: {},
  label: ({ model }) => (model === 'amd_hostbridge' ? model : undefined),
  variables: (fields, { release }) => idVariables(fields, release),
  // From release 15 on the ids have a dot in their names, which -s refuses.
  words: (fields, { release }) => (idVariables(fields, release).length === 0 ? [] : undefined),
});

/** The bridge of a machine: said by the root field `hostbridge`, not among the devices. */
export const hostbridges: Readonly<Record<'hostbridge' | 'amd_hostbridge', AnyDeviceModel>> = {
  hostbridge,
  amd_hostbridge: {
    ...hostbridge,
    model: 'amd_hostbridge',
    emulation: 'hostbridge',
    variables: (_fields, { release }) => idVariables({ model: 'amd_hostbridge' }, release),
    words: () => [],
  },
};
