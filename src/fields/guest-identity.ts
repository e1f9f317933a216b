import { child } from '../base/json-pointer.js';
import { text, type JsonSchema } from '../devices/json-schema.js';
import { defineField, settingOf } from './field.js';
import { object } from './schemas.js';

export interface GuestIdentityFields {
  readonly uuid?: string;
  readonly smbios?: Readonly<Record<string, Readonly<Record<string, string>>>>;
}

const uuidSchema: JsonSchema = {
  type: 'string',
  description: 'UUID of the guest; by default bhyve makes one from host and VM name.',
  // uuid_from_string(3) knows three variants; bhyve ends without a word at another.
  pattern: '^[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){2}-[0-9a-dA-D][0-9a-fA-F]{3}-[0-9a-fA-F]{12}$',
  patternErrorMessage: 'a UUID such as "5a34b1cc-7d4f-11ee-8d3c-b42e991b0a01"',
};

/** Names as bhyve_config(5) has them. */
const smbiosStrings = {
  bios: ['vendor', 'version', 'release_date'],
  system: ['family_name', 'manufacturer', 'product_name', 'serial_number', 'sku', 'version'],
  board: ['manufacturer', 'product_name', 'version', 'serial_number', 'asset_tag', 'location'],
  chassis: ['manufacturer', 'version', 'serial_number', 'asset_tag', 'sku'],
} as const;

const smbiosSchema: JsonSchema = object({
  description: 'Texts of the SMBIOS tables that the guest sees.',
  properties: Object.fromEntries(
    Object.entries(smbiosStrings).map(([structure, names]) => [
      structure,
      object({
        description: `Texts about the ${structure === 'bios' ? 'firmware' : structure}.`,
        properties: Object.fromEntries(
          names.map((name) => [
            name,
            text(`The ${name.replace('_', ' ')} of the ${structure === 'bios' ? 'firmware' : structure}.`, {
              takesDigits: true,
            }),
          ]),
        ),
      }),
    ]),
  ),
  examples: [{ system: { serial_number: '42' } }],
});

/** The UUID that a machine is told: the spec's, in a field or by a variable, else that of a lock file. */
export const uuidOf = (
  { uuid, config = {} }: GuestIdentityFields & { readonly config?: object },
  kept: string | undefined,
): string | undefined => uuid ?? (Object.hasOwn(config, 'uuid') ? undefined : kept);

export const uuid = defineField<GuestIdentityFields & { readonly config?: object }>({
  name: 'uuid',
  chapter: 'What the guest finds',
  after: { written: 'tpm' },
  isIdleOnArm: true,
  schema: uuidSchema,
  stage: 'machine',
  settings({ vm, keptUuid }) {
    const said = uuidOf(vm, keptUuid);
    if (said === undefined) return [];
    const setting = settingOf('uuid', ['-U', said], 'uuid', said);
    return [vm.uuid === undefined ? { ...setting, because: 'lock' } : setting];
  },
});

export const smbios = defineField<GuestIdentityFields>({
  name: 'smbios',
  chapter: 'What the guest finds',
  after: { command: 'gdb', written: 'uuid', document: 'uuid' },
  isIdleOnArm: true,
  schema: smbiosSchema,
  stage: 'machine',
  /** By bhyve's own names: bhyve_config(5). */
  settings: ({ vm }) =>
    Object.entries(vm.smbios ?? {}).flatMap(([structure, strings]) =>
      Object.entries(strings).map(([name, value]) => ({
        variables: [{ key: `${structure}.${name}`, value }],
        pointers: [child(child('/smbios', structure), name)],
      })),
    ),
});
