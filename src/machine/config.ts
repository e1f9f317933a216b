import { child } from '../base/json-pointer.js';
import { mostHints, nearestName } from '../base/nearest-name.js';
import type { Finding } from '../base/problem.js';
import { formatAddress, isAddressError, parseAddress } from '../base/pci-address.js';
import type { Variable } from '../devices/device.js';
import type { ConfigFields } from '../fields/config.js';
import type { Machine } from './machine.js';

/** What bhyve reads besides the nodes of its devices; N is any number: bhyve_config(5). */
export const bhyveVariables: readonly string[] = [
  'acpi_tables',
  'acpi_tables_in_memory',
  'bios.release_date',
  'bios.vendor',
  'bios.version',
  'board.asset_tag',
  'board.location',
  'board.manufacturer',
  'board.product_name',
  'board.serial_number',
  'board.version',
  'bootrom',
  'bootvars',
  'chassis.asset_tag',
  'chassis.manufacturer',
  'chassis.serial_number',
  'chassis.sku',
  'chassis.version',
  'config.dump',
  'console',
  'cores',
  'cpus',
  'destroy_on_poweroff',
  'domains.N.cpus',
  'domains.N.domain_policy',
  'domains.N.size',
  'gdb.address',
  'gdb.port',
  'gdb.wait',
  'keyboard.layout',
  'lpc.bootrom',
  'lpc.bootvars',
  'lpc.com1.path',
  'lpc.com2.path',
  'lpc.com3.path',
  'lpc.com4.path',
  'lpc.fwcfg',
  'lpc.pc-testdev',
  'memory.guest_in_core',
  'memory.size',
  'memory.wired',
  'monitor.enabled',
  'monitor.no_reboot',
  'name',
  'oemstring.N',
  'pci.enable_bars',
  'rtc.use_localtime',
  'rundir',
  'sockets',
  'system.family_name',
  'system.manufacturer',
  'system.product_name',
  'system.serial_number',
  'system.sku',
  'system.version',
  'threads',
  'tpm.intf',
  'tpm.path',
  'tpm.ppi',
  'tpm.type',
  'tpm.version',
  'uuid',
  'vcpu.N.cpuset',
  'virtio.msix',
  'virtio_msix',
  'x86.mptable',
  'x86.strictio',
  'x86.strictmsr',
  'x86.verbosemsr',
  'x86.vmexit_on_hlt',
  'x86.vmexit_on_pause',
  'x86.x2apic',
];

/** Far longer than any that bhyve reads. */
const longestName = 255;

/**
 * Holds the spec's own variables against those that the machine makes of its other fields. bhyve refuses a value where
 * there is a node and the other way round, and never says that it does not know a name.
 */
export function* checkConfig(vm: ConfigFields, machine: Machine): Generator<Finding> {
  const own = Object.keys(vm.config ?? {});
  const twice = new Set(duplicates(machine.variables));
  const names = new Set(bhyveVariables);
  for (const { key } of machine.variables) if (key.length <= longestName) names.add(key);
  /** A name below each node. */
  const nodes = new Map<string, string>();
  for (const name of names) for (const node of ancestors(name)) nodes.set(node, name);
  const addresses = new Set(machine.devices.map(({ address }) => formatAddress(address)));
  let unknown = 0;
  for (const key of own) yield* findingsOf(key);

  function findingsOf(key: string): readonly Finding[] {
    const told = (code: string, message: string, fix: string, severity?: 'warning'): readonly Finding[] => [
      { code, pointer: child('/config', key), message, fix, ...(severity === undefined ? {} : { severity }) },
    ];
    if (key.length > longestName) {
      const message = `the name of a variable has at most ${longestName} characters, this has ${key.length}`;
      return told('config-name', message, 'look it up in bhyve_config(5)');
    }
    if (!/^[A-Za-z0-9_-]+(\.[A-Za-z0-9_-]+)*$/.test(key)) {
      return told(
        'config-name',
        `${JSON.stringify(key)} is not the name of a variable`,
        'use words with dots between them, e.g. "x86.verbosemsr"',
      );
    }
    if (key === 'config.dump') {
      return told(
        'config-dump',
        'with config.dump bhyve prints its configuration and ends',
        'use vmrun --dry-run --format config',
      );
    }
    if (twice.has(key) || key === 'name') {
      return told('config-twice', `${key} is what another field of this spec says already`, 'leave one of the two out');
    }
    const below = nodes.get(key);
    if (below !== undefined) {
      return told('config-node', `${key} cannot have a value: ${below} stands below it`, `use e.g. "${below}"`);
    }
    const leaf = ancestors(key).find((name) => names.has(name));
    if (leaf !== undefined) {
      return told('config-node', `nothing can stand below ${leaf}, which has a value`, 'look at the name');
    }
    const device = /^pci\.(\d+)\.(\d+)\.(\d+)\.(.+)$/.exec(key);
    if (device !== null) return checkDeviceKey(device, addresses, told);
    if (isKnown(key)) return [];
    unknown += 1;
    // Each looks at all names.
    const near = unknown > mostHints ? undefined : nearestName(key, bhyveVariables);
    return told(
      'config-unknown',
      `bhyve knows no variable ${key}, and would ignore it`,
      near === undefined ? 'look it up in bhyve_config(5)' : `did you mean "${near}"?`,
      'warning',
    );
  }
}

/** `a` and `a.b` of `a.b.c`. */
const ancestors = (key: string): readonly string[] => [...key.matchAll(/\./g)].map(({ index }) => key.slice(0, index));

function* duplicates(variables: readonly Variable[]): Generator<string> {
  const seen = new Set<string>();
  for (const { key } of variables) {
    if (seen.has(key)) yield key;
    seen.add(key);
  }
}

const knownVariables: ReadonlySet<string> = new Set(bhyveVariables);

/** Whether bhyve reads a variable outside the nodes of its devices. */
export const isKnown = (key: string): boolean => knownVariables.has(key.replace(/(?<=\.)\d+(?=\.|$)/, 'N'));

type Told = (code: string, message: string, fix: string) => readonly Finding[];

/** A device that is not there makes bhyve refuse the whole configuration; numbers with a leading zero it never sees. */
function checkDeviceKey(match: RegExpExecArray, addresses: ReadonlySet<string>, told: Told): readonly Finding[] {
  const [, bus = '', slot = '', func = '', field] = match;
  const address = parseAddress(`${bus}:${slot}:${func}`);
  const written = isAddressError(address) ? undefined : formatAddress(address);
  if (written !== `${bus}:${slot}:${func}` || !addresses.has(written)) {
    return told(
      'config-device',
      `this machine has no device at ${bus}:${slot}:${func}`,
      'look at the slots with --debug, and give the device a "slot"',
    );
  }
  return field === 'device'
    ? told('config-device', 'the model of a device is not said by config', 'use "emulations"')
    : [];
}
