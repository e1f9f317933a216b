import { child } from '../base/json-pointer.js';
import type { Platform, Variable } from '../devices/device.js';
import type { VmSpec } from '../spec/vm-spec.js';
import type { Setting } from './argv.js';

const set = (key: string, value: string): readonly Variable[] => [{ key, value }];

/**
 * The flags, each with the option that says it. What is false is bhyve's own default and is not said; bhyve of arm64
 * has no option for what only a PC has.
 */
export function flagSettings(
  vm: VmSpec,
  { release, arch }: Platform,
  machine: { isWired: boolean; hasMpTable: boolean },
): readonly Setting[] {
  const isPc = arch === 'amd64';
  const flags: readonly (readonly [boolean, string, keyof VmSpec, readonly Variable[]])[] = [
    [isPc && vm.generate_acpi, '-A', 'generate_acpi', set('acpi_tables', 'true')],
    [isPc && vm.yield_on_hlt, '-H', 'yield_on_hlt', set('x86.vmexit_on_hlt', 'true')],
    [isPc && vm.utc_clock, '-u', 'utc_clock', set('rtc.use_localtime', 'false')],
    [machine.isWired, '-S', 'wire_guest_mem', set('memory.wired', 'true')],
    [vm.force_msi, '-W', 'force_msi', set(release === 16 ? 'virtio.msix' : 'virtio_msix', 'false')],
    [isPc && !machine.hasMpTable, '-Y', 'disable_mptable_gen', set('x86.mptable', 'false')],
    [vm.yield_on_pause, '-P', 'yield_on_pause', set('x86.vmexit_on_pause', 'true')],
    [vm.x2apic, '-x', 'x2apic', set('x86.x2apic', 'true')],
    [vm.strict_io, '-e', 'strict_io', set('x86.strictio', 'true')],
    [vm.ignore_unknown_msrs, '-w', 'ignore_unknown_msrs', set('x86.strictmsr', 'false')],
    [vm.guest_mem_in_core, '-C', 'guest_mem_in_core', set('memory.guest_in_core', 'true')],
    [vm.power_off_destroy_vm, '-D', 'power_off_destroy_vm', set('destroy_on_poweroff', 'true')],
    [vm.monitor, '-M', 'monitor', set('monitor.enabled', 'true')],
  ];
  const settings = flags.flatMap(([isSet, option, field, variables]) =>
    isSet ? [{ variables, option: [option], pointers: [`/${field}`] }] : [],
  );
  // From release 15 on, bhyve makes the tables unless told not to, and no option tells it.
  return vm.generate_acpi || !isPc
    ? settings
    : [{ variables: set('acpi_tables', 'false'), pointers: ['/generate_acpi'] }, ...settings];
}

/** Strings of the guest's SMBIOS tables, by bhyve's own names: bhyve_config(5). */
export const smbiosSettings = ({ smbios = {} }: VmSpec): readonly Setting[] =>
  Object.entries(smbios).flatMap(([structure, strings]) =>
    Object.entries(strings).map(([name, value]) => ({
      variables: set(`${structure}.${name}`, value),
      pointers: [child(child('/smbios', structure), name)],
    })),
  );

export const keyboardSettings = ({ keyboard }: VmSpec): readonly Setting[] =>
  keyboard === undefined
    ? []
    : [{ variables: set('keyboard.layout', keyboard), option: ['-K', keyboard], pointers: ['/keyboard'] }];

export const uuidSettings = (uuid: string | undefined): readonly Setting[] =>
  uuid === undefined ? [] : [{ variables: set('uuid', uuid), option: ['-U', uuid], pointers: ['/uuid'] }];
