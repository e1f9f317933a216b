import { formatAddress, maxBus, maxFunction, maxSlot, type PciAddress } from '../../base/pci-address.js';
import { type Config, type ConfigNode, openConfig } from '../config-tree.js';
import { checkDomainCpus, checkDomainMemory } from '../numa.js';
import {
  BhyveExit,
  type Output,
  crash,
  emptyOutput,
  errnoText,
  exitBadOption,
  exitError,
  exitOsError,
  exitUsage,
  fail,
  warn,
} from '../outcome.js';
import { type Failure, failure } from '../parse.js';
import { findModel, pciVariable } from '../pci.js';
import { type Platform, traitsOf } from '../releases.js';
import { parseMemorySize } from '../sizes.js';
import { checkPinning, countVcpus } from '../topology.js';
import type { Trace } from '../trace.js';
import { checkDevice } from './device-checks.js';
import { isNumericPort } from './numeric-address.js';
import { openSerial } from './serial.js';
import type { ConsoleSocket, StartContext, StartedDevice } from './start-context.js';

/** What a host, or somebody who plays one, decides about a start. */
export interface StartOptions extends Platform {
  /** A loader has made the VM, so no boot ROM is needed. */
  readonly loaded?: boolean;
  /** Most vCPUs that the host allows; absent: any number. */
  readonly maxcpu?: number;
  readonly trace?: Trace;
}

/** A VM that has passed all checks and is about to run. */
export interface Machine {
  readonly name: string;
  readonly vcpus: number;
  readonly memoryBytes: bigint;
  /** In the order in which they started: bus, slot, function. */
  readonly devices: readonly StartedDevice[];
  /** To be bound in this order. */
  readonly sockets: readonly ConsoleSocket[];
  /** The guest's serial console is bhyve's own stdin and stdout. */
  readonly hasStdioConsole: boolean;
  /** SIGTERM is a power button: the guest has ACPI, and so has the platform. */
  readonly hasPowerButton: boolean;
  /** `-M` of release 16, and whether it starts the guest again. */
  readonly monitor: { readonly isEnabled: boolean; readonly restarts: boolean };
}

/** Whether bhyve goes on to run the guest. */
export type StartCheck =
  | {
      readonly kind: 'started';
      readonly machine: Machine;
      readonly warnings: readonly string[];
      readonly stdout: readonly string[];
    }
  | Failure;

/** Longest VM name, in bytes, and longest path of a UNIX socket, which 16 makes of rundir and name. */
const maxNameBytes = 229;
const maxSocketPathBytes = 103;

const byteLength = (text: string): number => new TextEncoder().encode(text).length;

/**
 * Makes the checks of bhyve's start that look at the configuration only. What needs the host (files, devices,
 * interfaces, sockets) is taken to succeed.
 * @param tree of a parsed command line; it is not changed
 */
export function checkStart(tree: ConfigNode, options: StartOptions): StartCheck {
  const output = options.trace?.output ?? emptyOutput();
  try {
    const machine = start(tree, options, output);
    return { kind: 'started', machine, warnings: output.stderr, stdout: output.stdout };
  } catch (error) {
    if (error instanceof BhyveExit) return failure(error, output);
    throw error;
  }
}

/**
 * What bhyve checks between its options and the first instruction of the guest, in bhyve's order.
 * @throws BhyveExit at the first check that fails
 */
function start(root: ConfigNode, options: StartOptions, output: Output): Machine {
  const config = openConfig(root, output, options.trace);
  const name = config.get('name') ?? '';
  const vcpus = countVcpus(config, output);
  checkPinning(vcpus, config, output);
  const memoryBytes = checkMemory(config, options, output);
  const isMonitored = options.release === 16 && config.bool('monitor.enabled', false);
  checkCreation(name, config, options, output);
  const domainBytes =
    options.release === 14 ? memoryBytes : checkDomainMemory(memoryBytes, config, output, options.release);
  config.bool('memory.wired', false);
  config.bool('memory.guest_in_core', false);
  if (options.release !== 14) checkDomainCpus(config, output);
  if (options.maxcpu !== undefined && vcpus > options.maxcpu) {
    output.stderr.push(`${vcpus} vCPUs requested but only ${options.maxcpu} available`);
    throw new BhyveExit(exitError);
  }
  const context: StartContext = {
    config,
    output,
    platform: options,
    bootDevices: new Map(),
    tapDevices: new Set(),
    sockets: [],
    devices: [],
    hasFurtherBus: false,
    hasLpc: false,
    hasFramebuffer: false,
    hasXhci: false,
    stdioHolder: undefined,
  };
  startPlatform(context);
  startDevices(context);
  startTpm(context);
  const hasAcpi = config.bool('acpi_tables', false);
  checkDebugServer(config, output);
  finishPlatform(context, hasAcpi);
  const restarts = isMonitored && !config.bool('monitor.no_reboot', false);
  if (options.release === 16) checkControlSocket(name, config, output);
  return {
    name,
    vcpus,
    memoryBytes: domainBytes,
    devices: context.devices,
    sockets: context.sockets,
    hasStdioConsole: context.stdioHolder !== undefined,
    hasPowerButton: options.arch === 'amd64' && hasAcpi,
    monitor: { isEnabled: isMonitored, restarts },
  };
}

function checkMemory(config: Config, { release }: Platform, output: Output): bigint {
  const text = config.get('memory.size') ?? '';
  return parseMemorySize(text, release) ?? fail(output, exitBadOption, `invalid memsize '${text}'`);
}

/** Makes /dev/vmm/NAME, or opens the one that a loader has made. */
function checkCreation(name: string, config: Config, options: StartOptions, output: Output): void {
  const traits = traitsOf(options);
  // arm64 asks for its boot ROM later, and then always.
  const hasBootrom = options.arch === 'arm64' || config.get(traits.bootromVariable) !== undefined;
  const isNamed = name !== '' && byteLength(name) <= maxNameBytes;
  if (options.release === 14) {
    if (!isNamed) {
      output.stderr.push(`vm_create: ${errnoText.invalid}`);
      throw new BhyveExit(exitError);
    }
    if (!hasBootrom && options.loaded !== true) {
      output.stderr.push('virtual machine cannot be booted');
      throw new BhyveExit(exitError);
    }
    return;
  }
  if (!isNamed) fail(output, exitError, `vm_openf: ${errnoText.invalid}`);
  if (!hasBootrom && options.loaded !== true) fail(output, exitError, 'no bootrom was configured');
}

function startPlatform(context: StartContext): void {
  const { config, output, platform } = context;
  if (platform.arch === 'amd64') {
    for (const variable of ['x86.vmexit_on_hlt', 'x86.vmexit_on_pause', 'x86.x2apic']) config.bool(variable, false);
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

function startDevices(context: StartContext): void {
  const { config, output, platform } = context;
  for (let bus = 0; bus <= maxBus; bus += 1) {
    if (config.find(`pci.${bus}`) === undefined) continue;
    if (bus > 0) context.hasFurtherBus = true;
    for (let slot = 0; slot <= maxSlot; slot += 1) {
      for (let func = 0; func <= maxFunction; func += 1) {
        const address = { bus, slot, func };
        const node = config.find(pciVariable(address));
        if (node !== undefined && !startDevice(address, node, context)) {
          output.stderr.push(`${traitsOf(platform).deviceErrorLine}: ${errnoText.invalid}`);
          throw new BhyveExit(exitError);
        }
      }
    }
    // Read when the first BAR of the bus gets its address.
    config.bool('pci.enable_bars', true);
  }
}

function startDevice(address: PciAddress, node: ConfigNode, context: StartContext): boolean {
  const { config, output, platform } = context;
  const refuse = (message: string): false => {
    output.stderr.push(`pci slot ${formatAddress(address)}: ${message}`);
    return false;
  };
  const name = config.getFrom(node, 'device');
  if (name === undefined) return refuse('missing "device" value');
  const model = findModel(name, platform.arch);
  if (model === undefined) return refuse(`unknown device "${name}"`);
  if (model.alias !== undefined) return refuse(`legacy device "${name}", use "${model.alias}" instead`);
  if (!checkDevice(model.name, address, node, context)) return false;
  context.devices.push({ address, model: model.name });
  return true;
}

const tpmTypes = ['passthru', 'swtpm'];
/** EINVAL, which the message gives as a number. */
const invalidNumber = 22;

/** Whether there is an lpc device does not matter here, although a guest finds no TPM without one. */
function startTpm({ config, output }: StartContext): void {
  const node = config.find('tpm');
  if (node === undefined) return;
  const refuse = (message: string): never => {
    warn(output, message);
    warn(output, `init_tpm: unable to create a TPM device (${invalidNumber})`);
    output.stderr.push('Failed to init TPM device');
    throw new BhyveExit(exitError);
  };
  // bhyve asserts that `-l tpm` has set these two; `-o tpm.path=…` alone aborts it.
  const version = config.getFrom(node, 'version') ?? crash('SIGABRT');
  if (version !== '2.0') refuse(`tpm_device_create: unsupported tpm version ${version}`);
  const type = config.getFrom(node, 'type') ?? crash('SIGABRT');
  if (!tpmTypes.includes(type)) refuse(`TPM emulation "${type}" not found`);
  if (config.getFrom(node, 'path') === undefined) refuse(`tpm_${type}_init: no socket or device path specified`);
  const intf = config.getFrom(node, 'intf') ?? 'crb';
  if (intf !== 'crb') refuse(`TPM interface "${intf}" not found`);
  const ppi = config.getFrom(node, 'ppi') ?? 'qemu';
  if (ppi !== 'qemu') refuse(`TPM PPI "${ppi}" not found`);
}

function checkDebugServer(config: Config, output: Output): void {
  const port = config.get('gdb.port');
  if (port === undefined) return;
  config.bool('gdb.wait', false);
  config.get('gdb.address');
  if (!isNumericPort(port)) fail(output, exitUsage, 'gdb address resolution: Service was not recognized');
}

/** Tables for the guest. */
function finishPlatform({ config, output, platform, hasFurtherBus }: StartContext, hasAcpi: boolean): void {
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

/** uuid_from_string(3): empty is the nil UUID, and the variant must be one of three. */
const isUuid = (text: string): boolean =>
  text === '' || /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-789a-d][0-9a-f]{3}-[0-9a-f]{12}$/i.test(text);

/** The socket for bhyvectl, which 16 always makes. */
function checkControlSocket(name: string, config: Config, output: Output): void {
  if (byteLength(`${config.get('rundir') ?? ''}/${name}`) <= maxSocketPathBytes) return;
  output.stderr.push('error setting socket path');
  fail(output, exitOsError, 'Failed to start IPC thread');
}
