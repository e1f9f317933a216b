/** A spec as it is written into a file. */
export type SpecValue = string | number | boolean | readonly SpecValue[] | SpecObject;
export interface SpecObject {
  readonly [key: string]: SpecValue;
}

/** The order in which a reader wants a VM told: what it is, what it starts from, what is in it, how it is run. */
const order = [
  'name',
  'x-description',
  'arch',
  'release',
  'cpu',
  'cpu_pin',
  'mem',
  'numa',
  'bootrom',
  'varfile',
  'loader',
  'fwcfg',
  'fw_cfg_files',
  'tpm',
  'uuid',
  'smbios',
  'hostbridge',
  'lpc_slot',
  'com1',
  'com2',
  'com3',
  'com4',
  'emulations',
  'graphic',
  'keyboard',
  'utc_clock',
  'yield_on_hlt',
  'yield_on_pause',
  'generate_acpi',
  'wire_guest_mem',
  'force_msi',
  'disable_mptable_gen',
  'x2apic',
  'strict_io',
  'ignore_unknown_msrs',
  'guest_mem_in_core',
  'power_off_destroy_vm',
  'monitor',
  'gdb',
  'config',
  'extra_options',
  'reboot_on',
  'hooks',
];

const rank = (key: string): number => {
  const at = order.indexOf(key);
  return at === -1 ? order.length : at;
};

/** The same spec with its fields in that order. */
export const inReadingOrder = (spec: SpecObject): SpecObject =>
  Object.fromEntries(Object.entries(spec).sort(([a], [b]) => rank(a) - rank(b)));

export const isObject = (value: unknown): value is SpecObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The object without the value at a path; what the path does not lead to is no matter. */
export function without(object: SpecObject, [key, ...rest]: readonly string[]): SpecObject {
  if (key === undefined) return object;
  return Object.fromEntries(
    Object.entries(object).flatMap(([name, value]): (readonly [string, SpecValue])[] => {
      if (name !== key) return [[name, value]];
      if (rest.length === 0) return [];
      return [[name, withoutBelow(value, rest)]];
    }),
  );
}

function withoutBelow(value: SpecValue, path: readonly string[]): SpecValue {
  const [index, ...rest] = path;
  if (Array.isArray(value)) {
    return (value as readonly SpecValue[]).map((item, at) =>
      String(at) === index && rest.length > 0 ? withoutBelow(item, rest) : item,
    );
  }
  return isObject(value) ? without(value, path) : value;
}
