import { isIP, withoutBrackets } from '../base/ip-address.js';
import type { Finding } from '../base/problem.js';
import type { Platform, Requirement, Variable } from '../devices/device.js';
import type { VmSpec } from '../spec/vm-spec.js';
import type { Setting } from './argv.js';

const set = (key: string, value: string): readonly Variable[] => [{ key, value }];

/** The flags, each with the option that says it. What is false is bhyve's own default and is not said. */
export function flagSettings(
  vm: VmSpec,
  { release }: Platform,
  machine: { isWired: boolean; hasMpTable: boolean },
): readonly Setting[] {
  const flags: readonly (readonly [boolean, string, readonly Variable[]])[] = [
    [vm.generate_acpi, '-A', set('acpi_tables', 'true')],
    [vm.yield_on_hlt, '-H', set('x86.vmexit_on_hlt', 'true')],
    [vm.utc_clock, '-u', set('rtc.use_localtime', 'false')],
    [machine.isWired, '-S', set('memory.wired', 'true')],
    [vm.force_msi, '-W', set(release === 16 ? 'virtio.msix' : 'virtio_msix', 'false')],
    [!machine.hasMpTable, '-Y', set('x86.mptable', 'false')],
    [vm.yield_on_pause, '-P', set('x86.vmexit_on_pause', 'true')],
    [vm.x2apic, '-x', set('x86.x2apic', 'true')],
    [vm.strict_io, '-e', set('x86.strictio', 'true')],
    [vm.ignore_unknown_msrs, '-w', set('x86.strictmsr', 'false')],
    [vm.guest_mem_in_core, '-C', set('memory.guest_in_core', 'true')],
    [vm.power_off_destroy_vm, '-D', set('destroy_on_poweroff', 'true')],
  ];
  const settings = flags.flatMap(([isSet, option, variables]) => (isSet ? [{ variables, option: [option] }] : []));
  // From release 15 on, bhyve makes the tables unless told not to, and no option tells it.
  return vm.generate_acpi ? settings : [{ variables: set('acpi_tables', 'false') }, ...settings];
}

/** `-l bootrom,ROM,VARS`; a comma would split it, and bhyve takes a word with "=" for something else. */
export function bootromSetting({ bootrom, varfile }: VmSpec, { release }: Platform): Setting {
  const prefix = release === 14 ? 'lpc.' : '';
  const variables = [
    ...set(`${prefix}bootrom`, bootrom),
    ...(varfile === undefined ? [] : set(`${prefix}bootvars`, varfile)),
  ];
  const words = [bootrom, ...(varfile === undefined ? [] : [varfile])];
  const isSafe = !words.some((word) => /[,%]/.test(word)) && varfile?.includes('=') !== true;
  return isSafe ? { variables, option: ['-l', ['bootrom', ...words].join(',')] } : { variables };
}

export const bootromRequirements = ({ bootrom, varfile }: VmSpec): readonly Requirement[] => [
  { kind: 'file', path: bootrom, types: ['regular file'], access: 'read', pointer: '/bootrom' },
  ...(varfile === undefined
    ? []
    : [
        {
          kind: 'file' as const,
          path: varfile,
          types: ['regular file' as const],
          access: 'write' as const,
          pointer: '/varfile',
        },
      ]),
];

export const keyboardSettings = ({ keyboard }: VmSpec): readonly Setting[] =>
  keyboard === undefined ? [] : [{ variables: set('keyboard.layout', keyboard), option: ['-K', keyboard] }];

export const uuidSettings = ({ uuid }: VmSpec): readonly Setting[] =>
  uuid === undefined ? [] : [{ variables: set('uuid', uuid), option: ['-U', uuid] }];

interface Gdb {
  readonly wait: boolean;
  readonly address: string | undefined;
  readonly port: number;
}

/** `[w][address:]port`: the last colon splits. */
function readGdb(gdb: string | number): Gdb {
  const [, wait, address, port] = /^(w?)(?:(.*):)?(\d+)$/.exec(String(gdb)) ?? [];
  return { wait: wait === 'w', address, port: Number(port) };
}

export function gdbSettings({ gdb }: VmSpec): readonly Setting[] {
  if (gdb === undefined) return [];
  const { wait, address, port } = readGdb(gdb);
  const variables = [
    ...(wait ? set('gdb.wait', 'true') : []),
    ...(address === undefined ? [] : set('gdb.address', address)),
    ...set('gdb.port', String(port)),
  ];
  const server = address === undefined ? String(port) : `${address}:${port}`;
  return [{ variables, option: ['-G', `${wait ? 'w' : ''}${server}`] }];
}

export function checkGdb({ gdb }: VmSpec): readonly Finding[] {
  if (gdb === undefined) return [];
  const { port } = readGdb(gdb);
  if (port > 0 && port < 65536) return [];
  return [{ code: 'gdb-port', pointer: '/gdb', message: `a port is 1 to 65535, got ${port}` }];
}

export function gdbRequirements({ gdb }: VmSpec): readonly Requirement[] {
  if (gdb === undefined) return [];
  const { address = '127.0.0.1', port } = readGdb(gdb);
  const host = withoutBrackets(address);
  // A name is looked up by bhyve; only an address can be tried beforehand.
  return isIP(host) ? [{ kind: 'tcp-port', host, port, use: 'gdb', pointer: '/gdb' }] : [];
}
