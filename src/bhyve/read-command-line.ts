import { addAll } from '../base/long-lists.js';
import type { Config } from './config-tree.js';
import type { ReadFile } from './files.js';
import { parseFwCfgItem } from './fwcfg.js';
import { readOptions } from './getopt.js';
import { lpcDevices, parseLpcDevice } from './lpc.js';
import { parseDomain } from './numa.js';
import { BhyveExit, type Output, errnoText, exitBadOption, exitError, exitUsage, fail, warn } from './outcome.js';
import { modelsOf, parseSlot } from './pci.js';
import { type Platform, traitsOf } from './releases.js';
import type { Trace } from './trace.js';
import { parsePinning, parseTopology } from './topology.js';

/** What the options are read into, and with. */
interface OptionContext {
  readonly config: Config;
  readonly output: Output;
  readonly platform: Platform;
  readonly readFile: ReadFile;
  readonly trace?: Trace | undefined;
}

/** Options that set one variable to one value; undefined sets nothing, for the sake of old command lines. */
const flags = (
  platform: Platform,
): Readonly<Record<string, readonly [variable: string, value: string] | undefined>> => ({
  a: ['x86.x2apic', 'false'],
  A: platform.release === 14 ? ['acpi_tables', 'true'] : undefined,
  C: ['memory.guest_in_core', 'true'],
  D: ['destroy_on_poweroff', 'true'],
  e: ['x86.strictio', 'true'],
  H: ['x86.vmexit_on_hlt', 'true'],
  I: undefined,
  M: ['monitor.enabled', 'true'],
  N: ['monitor.no_reboot', 'true'],
  P: ['x86.vmexit_on_pause', 'true'],
  S: ['memory.wired', 'true'],
  u: ['rtc.use_localtime', 'false'],
  W: [traitsOf(platform).msixVariable, 'false'],
  w: ['x86.strictmsr', 'false'],
  x: ['x86.x2apic', 'true'],
  Y: ['x86.mptable', 'false'],
});

/** Options whose argument is the value of one variable. */
const plainValues: Readonly<Record<string, string>> = { K: 'keyboard.layout', m: 'memory.size', U: 'uuid' };

/**
 * Reads all options, strictly left to right, into the configuration.
 * @returns the operands
 * @throws BhyveExit where bhyve ends: a wrong option (64, or 4), the usage text (0 or 1), a list (0)
 */
export function readCommandLine(argv: readonly string[], context: OptionContext): readonly string[] {
  for (const event of readOptions(argv, traitsOf(context.platform).optionLetters)) {
    switch (event.kind) {
      case 'option':
        context.trace?.option?.(event);
        applyOption(event.letter, event.argument, context);
        break;
      case 'error':
        context.trace?.option?.({ letter: event.letter, argument: '', index: event.index });
        warn(context.output, event.message);
        showUsage(context, exitUsage);
        break;
      case 'operands':
        context.trace?.option?.(undefined);
        return event.operands;
    }
  }
  return [];
}

function applyOption(letter: string, argument: string, context: OptionContext): void {
  const { config, output, platform } = context;
  const known = flags(platform);
  if (letter in known) {
    const flag = known[letter];
    if (flag !== undefined) config.set(...flag);
    return;
  }
  const variable = plainValues[letter];
  if (variable !== undefined) {
    config.set(variable, argument);
    return;
  }
  const require = (isFine: boolean, what: string): void => {
    if (!isFine) fail(output, exitBadOption, `invalid ${what} '${argument}'`);
  };
  switch (letter) {
    case 'c':
      require(parseTopology(argument, config), 'cpu topology');
      break;
    case 'f': {
      // arm64 lists the option and does not know it.
      if (platform.arch === 'arm64') showUsage(context, exitUsage);
      require(parseFwCfgItem(argument, context.readFile, output), 'fwcfg item');
      break;
    }
    case 'G':
      setDebugServer(argument, config);
      break;
    case 'h':
      showUsage(context, 0);
      break;
    case 'k':
      readConfigFile(argument, context);
      break;
    case 'l':
      if (isHelp(argument)) list(lpcDevices, output);
      require(parseLpcDevice(argument, config, output, platform), 'lpc device configuration');
      break;
    case 'n':
      require(parseDomain(argument, config, output, platform.release), 'NUMA configuration');
      if (platform.release === 16 && !config.bool('acpi_tables', true)) {
        fail(output, exitBadOption, 'NUMA emulation requires ACPI');
      }
      break;
    case 'o':
      require(setVariable(argument, config), 'configuration option');
      break;
    case 'p':
      require(parsePinning(argument, config, output, platform.release), 'vcpu pinning configuration');
      break;
    case 's':
      if (isHelp(argument)) {
        list(
          modelsOf(platform.arch).map(({ name }) => name),
          output,
        );
      }
      if (!parseSlot(argument, config, output, platform)) throw new BhyveExit(exitError);
      break;
    default:
      throw new Error(`option ${letter} is listed for getopt and has no code`);
  }
}

/** bhyve compares as many letters as it got: `h`, `he`, `hel` and nothing at all are `help` too. */
const isHelp = (argument: string): boolean => 'help'.startsWith(argument);

function list(names: readonly string[], output: Output): never {
  addAll(output.stdout, names);
  throw new BhyveExit(0);
}

/** `-G [w][ADDRESS:]PORT`: the last colon splits, so the brackets of an IPv6 address stay in the value. */
function setDebugServer(text: string, config: Config): void {
  if (text.startsWith('w')) config.set('gdb.wait', 'true');
  const rest = text.startsWith('w') ? text.slice(1) : text;
  const colon = rest.lastIndexOf(':');
  if (colon !== -1) config.set('gdb.address', rest.slice(0, colon));
  config.set('gdb.port', rest.slice(colon + 1));
}

/** `variable=value`, split at the first `=`. @returns false where there is none, or nothing behind it */
function setVariable(text: string, config: Config): boolean {
  const equals = text.indexOf('=');
  if (equals === -1 || equals === text.length - 1) return false;
  config.set(text.slice(0, equals), text.slice(equals + 1));
  return true;
}

/**
 * `-k`: a comment begins with `#` in the first column, an empty line is skipped, and blanks are never trimmed. What
 * opens and cannot be read, as a folder, is a file without lines.
 */
function readConfigFile(path: string, { config, output, readFile }: OptionContext): void {
  const content = readFile(path) ?? { isOpened: false, error: errnoText.missing };
  if (typeof content === 'object' && !content.isOpened) {
    fail(output, exitError, `Failed to open configuration file ${path}: ${content.error}`);
  }
  const text = typeof content === 'object' ? '' : content;
  const lines = text.split('\n');
  if (lines.at(-1) === '') lines.pop(); // what follows the last newline is no line
  for (const [index, line] of lines.entries()) {
    if (line === '' || line.startsWith('#')) continue;
    const [option = ''] = line.split('\0'); // a C string ends there
    if (!setVariable(option, config)) {
      fail(output, exitError, `${path} line ${index + 1}: invalid config option '${option}'`);
    }
  }
}

/** Prints the usage text on stderr and ends. The first line is bhyve's own, the rest is said in other words. */
export function showUsage({ output, platform }: Pick<OptionContext, 'output' | 'platform'>, status: number): never {
  const { optionLetters, usageFlags } = traitsOf(platform);
  output.stderr.push(`Usage: bhyve [-${usageFlags}]`, '             [option argument ...] vmname');
  for (const [letter, words] of Object.entries(summary)) {
    if (optionLetters.includes(letter)) output.stderr.push(`       -${letter} ${words}`);
  }
  throw new BhyveExit(status);
}

const summary: Readonly<Record<string, string>> = {
  a: 'keep the local APIC in xAPIC mode (obsolete)',
  A: 'make ACPI tables (since 15 they always are)',
  C: 'put guest memory into core dumps',
  c: '[[cpus=]n][,sockets=n][,cores=n][,threads=n]: virtual CPUs',
  D: 'destroy the VM when the guest powers off',
  e: 'end on access to an I/O port that nothing answers',
  f: '[name=]name,(string|file)=value: item for the firmware',
  G: '[w][address:]port: debug server, w waits for a debugger',
  H: 'give the host CPU away while the guest is idle',
  h: 'this text',
  k: 'file: read variables from a file',
  K: 'layout: keyboard of the console',
  l: 'device[,configuration]: device on the LPC bus, help lists them',
  M: 'monitor the VM: start it again when the guest reboots',
  m: 'size: guest memory',
  N: 'do not start it again (with -M)',
  n: 'id=n[,size=size][,cpus=list][,domain_policy=policy]: NUMA domain',
  o: 'variable=value: set a variable of the configuration',
  P: 'give the host CPU away when the guest spins on PAUSE',
  p: 'vcpu:hostcpu: pin a virtual CPU',
  S: 'wire guest memory',
  s: 'slot,device[,configuration]: PCI device, help lists them',
  U: 'uuid: what the guest sees as system UUID',
  u: 'keep the clock in UTC',
  W: 'use MSI instead of MSI-X for virtio devices',
  w: 'ignore access to unknown MSRs',
  x: 'put the local APIC in x2APIC mode',
  Y: 'make no MP table',
};
