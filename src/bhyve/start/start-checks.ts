import type { ConfigNode } from '../config-node.js';
import { openConfig } from '../config-tree.js';
import { checkDomainCpus, checkDomainMemory } from '../numa.js';
import { BhyveExit, type Output, emptyOutput, exitError } from '../outcome.js';
import { type Failure, failure } from '../parse.js';
import type { Platform } from '../releases.js';
import { checkPinning, countVcpus } from '../topology.js';
import type { Trace } from '../trace.js';
import { checkCreation, checkMemory } from './creation.js';
import { checkControlSocket, checkDebugServer, finishPlatform, startPlatform, startVcpu } from './machine-checks.js';
import type { ConsoleSocket, StartContext, StartedDevice } from './start-context.js';
import { startDevices } from './start-devices.js';
import { startTpm } from './tpm.js';

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
  /** How bhyve fails when the guest powers off, where it does: a variable that is read only then is wrong. */
  readonly failsAtPowerOff?: Failure;
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

/**
 * Makes the checks of bhyve's start that look at the configuration only. What needs the host (files, devices,
 * interfaces, sockets) is taken to succeed.
 * @param tree of a parsed command line; it is not changed
 */
export function checkStart(tree: ConfigNode, options: StartOptions): StartCheck {
  const output = options.trace?.output ?? emptyOutput();
  const started = attempt(output, () => start(tree, options, output));
  if (started.kind === 'failed') return started;
  const later = emptyOutput();
  const poweredOff = attempt(later, () => openConfig(tree, later, options.trace).bool('destroy_on_poweroff', false));
  const machine = poweredOff.kind === 'failed' ? { ...started.value, failsAtPowerOff: poweredOff } : started.value;
  return { kind: 'started', machine, warnings: output.stderr, stdout: output.stdout };
}

function attempt<T>(output: Output, act: () => T): { readonly kind: 'done'; readonly value: T } | Failure {
  try {
    return { kind: 'done', value: act() };
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
  const { release, arch, maxcpu } = options;
  const vcpus = countVcpus(config, output, release);
  checkPinning(vcpus, config, output, release);
  const memoryBytes = checkMemory(config, options, output);
  const isMonitored = release === 16 && config.bool('monitor.enabled', false);
  checkCreation(name, config, options, options.loaded === true, output);
  if (maxcpu !== undefined && vcpus > maxcpu) {
    output.stderr.push(`${vcpus} vCPUs requested but only ${maxcpu} available`);
    throw new BhyveExit(exitError);
  }
  const isHeard = arch === 'amd64' && startVcpu(config, output);
  const domainBytes = release === 14 ? memoryBytes : checkDomainMemory(memoryBytes, config, output, release);
  config.bool('memory.wired', false);
  config.bool('memory.guest_in_core', false);
  if (release !== 14) checkDomainCpus(config, output, release);
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
  // The others read the same, which makes a difference only where something is said.
  for (let vcpu = 1; isHeard && vcpu < vcpus; vcpu += 1) startVcpu(config, output);
  finishPlatform(context, hasAcpi);
  const restarts = isMonitored && !config.bool('monitor.no_reboot', false);
  if (release === 16) checkControlSocket(name, config, output);
  return {
    name,
    vcpus,
    memoryBytes: domainBytes,
    devices: context.devices,
    sockets: context.sockets,
    hasStdioConsole: context.stdioHolder !== undefined,
    hasPowerButton: arch === 'amd64' && hasAcpi,
    monitor: { isEnabled: isMonitored, restarts },
  };
}
