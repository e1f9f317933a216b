import { scanHex } from '../c-numbers.js';
import type { Config } from '../config-tree.js';
import { BhyveExit, type Output, errnoText, exitError, exitOsError, exitUsage, fail, gaiText } from '../outcome.js';
import { portError } from './numeric-address.js';
import { openSerial } from './serial.js';
import type { StartContext } from './start-context.js';

/** Asked for each vCPU. */
const vcpuFlags = ['x86.vmexit_on_hlt', 'x86.vmexit_on_pause', 'x86.x2apic'];

/** The first vCPU asks what it is to do at once, the others when they start. @returns whether anything was said */
export function startVcpu(config: Config, { stderr }: Output): boolean {
  const before = stderr.length;
  for (const variable of vcpuFlags) config.bool(variable, false);
  return stderr.length > before;
}

export function startPlatform(context: StartContext): void {
  const { config, output, platform } = context;
  if (platform.arch === 'amd64') {
    config.bool('rtc.use_localtime', true);
    return;
  }
  if (config.get('bootrom') === undefined) fail(output, exitError, 'no bootrom specified');
  const console = config.get('console');
  if (console !== undefined && !openSerial(console, 'mmio uart', context)) {
    output.stderr.push(`Unable to initialize backend '${console}' for mmio uart`);
    throw new BhyveExit(exitError);
  }
}

export function checkDebugServer(config: Config, output: Output): void {
  const port = config.get('gdb.port');
  if (port === undefined) return;
  config.bool('gdb.wait', false);
  const address = config.get('gdb.address') ?? 'localhost';
  // An address in brackets is taken for a name, and nothing has such a name.
  const error = portError(port) ?? (address.startsWith('[') ? gaiText.noName : undefined);
  if (error !== undefined) fail(output, exitUsage, `gdb address resolution: ${error}`);
}

/** Tables for the guest. */
export function finishPlatform({ config, output, platform, hasFurtherBus }: StartContext, hasAcpi: boolean): void {
  if (platform.arch === 'arm64') return;
  if (config.bool('x86.mptable', true) && hasFurtherBus) {
    output.stderr.push('MPtable is incompatible with multiple PCI hierarchies.');
    output.stderr.push('MPtable generation can be disabled by passing the -Y option to bhyve(8).');
    if (platform.release === 14) output.stderr.push(`error to build the guest tables: ${errnoText.invalid}`);
    throw new BhyveExit(exitError);
  }
  const uuid = config.get('uuid');
  if (uuid !== undefined && !isUuid(uuid)) throw new BhyveExit(exitError); // without a word
  if (hasAcpi) config.bool('acpi_tables_in_memory', true);
}

const uuidLength = 36;
const uuidFields = [
  ['', 8],
  ['-', 4],
  ['-', 4],
  ['-', 2],
  ['', 2],
  ['-', 2],
  ...Array.from({ length: 5 }, () => ['', 2] as const),
] as const;
/** The field whose upper bits are the variant. */
const variantField = 3;

/**
 * uuid_from_string(3): empty is the nil UUID, and the variant must be one of three. It is read by sscanf(3), so a field
 * may be shorter or have a sign, as long as the whole has 36 characters.
 */
function isUuid(text: string): boolean {
  if (text === '') return true;
  if (byteLength(text) !== uuidLength || text.charAt(8) !== '-') return false;
  const variant = scanHex(text, uuidFields)?.[variantField];
  return variant !== undefined && (variant & 0xe0n) !== 0xe0n;
}

/** Longest path of a UNIX socket. */
const maxSocketPathBytes = 103;
const byteLength = (text: string): number => new TextEncoder().encode(text).length;

/** The socket for bhyvectl, which 16 always makes. */
export function checkControlSocket(name: string, config: Config, output: Output): void {
  const length = byteLength(`${config.get('rundir') ?? ''}/${name}`);
  if (length <= maxSocketPathBytes) return;
  output.stderr.push(`init_ipc_thread: error setting socket path (${length})`);
  fail(output, exitOsError, 'Failed to start IPC thread');
}
