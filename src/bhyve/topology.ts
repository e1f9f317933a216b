import { scanInts, strtol, strtoul, toInt } from './c-numbers.js';
import type { Config } from './config-tree.js';
import { type Output, exitError, fail } from './outcome.js';
import { type Release, cSyntaxOf } from './releases.js';

/** Most host CPUs that a cpuset_t of the base system has room for. */
const hostCpus = 1024;
const uint16Max = 65_535;
/** The buffer for `vcpu.N.cpuset` has 16 bytes: a longer name is cut. */
const cpusetVariable = (vcpu: number): string => `vcpu.${vcpu}.cpuset`.slice(0, 15);

const topologyWords = ['cpus', 'sockets', 'cores', 'threads'] as const;

/** `-c`: sets what is named and leaves the rest. @returns false where a word is unknown */
export function parseTopology(text: string, config: Config): boolean {
  if (text === '') {
    for (const word of ['sockets', 'cores', 'threads', 'cpus']) config.set(word, '1');
    return true;
  }
  for (const word of text.split(',')) {
    const name = topologyWords.find((known) => word.startsWith(`${known}=`));
    if (name !== undefined) config.set(name, word.slice(name.length + 1));
    else if (word.includes('=')) return false;
    else config.set('cpus', word);
  }
  return true;
}

/** `-p`. @returns false, after a message, where it cannot be read */
export function parsePinning(text: string, config: Config, output: Output, release: Release): boolean {
  if (release === 16) {
    const [vcpu, lastVcpu, cpu, lastCpu] = scanInts(text, ['', '-', ':', '-']);
    if (vcpu !== undefined && lastVcpu !== undefined && cpu !== undefined && lastCpu !== undefined) {
      return pinRange(text, { vcpu, lastVcpu, cpu, lastCpu }, config, output);
    }
  }
  const [vcpu, cpu] = scanInts(text, ['', ':']);
  if (vcpu !== undefined && cpu !== undefined) return pin(vcpu, cpu, config, output);
  output.stderr.push(`invalid format: ${text}`);
  return false;
}

function pinRange(
  text: string,
  range: { readonly vcpu: number; readonly lastVcpu: number; readonly cpu: number; readonly lastCpu: number },
  config: Config,
  output: Output,
): boolean {
  const { vcpu, lastVcpu, cpu, lastCpu } = range;
  if (vcpu > lastVcpu || cpu > lastCpu) {
    output.stderr.push(`invalid range (must be ascending): ${text}`);
    return false;
  }
  if (lastVcpu - vcpu !== lastCpu - cpu) {
    output.stderr.push(`range sizes do not match: ${text}`);
    return false;
  }
  for (let offset = 0; offset <= lastVcpu - vcpu; offset += 1) {
    if (!pin(vcpu + offset, cpu + offset, config, output)) return false;
  }
  return true;
}

function pin(vcpu: number, cpu: number, config: Config, output: Output): boolean {
  if (vcpu < 0) {
    output.stderr.push(`invalid vcpu '${vcpu}'`);
    return false;
  }
  if (cpu < 0 || cpu >= hostCpus) {
    output.stderr.push(outsideRange(cpu));
    return false;
  }
  const variable = cpusetVariable(vcpu);
  const before = config.get(variable);
  config.set(variable, before === undefined ? String(cpu) : `${before},${cpu}`);
  return true;
}

const outsideRange = (cpu: number): string => `hostcpu '${cpu}' outside valid range from 0 to ${hostCpus - 1}`;

/** An integer in C syntax that is the whole text and lies in a range; else bhyve ends. */
export function parseWholeInt(
  name: string,
  text: string,
  { min, max, release }: { readonly min: number; readonly max: number; readonly release: Release },
  output: Output,
): number {
  const { value, end, isOutOfRange } = strtol(text, cSyntaxOf(release));
  if (end === 0 || end !== text.length || isOutOfRange || value < BigInt(min) || value > BigInt(max)) {
    fail(output, exitError, `Invalid value for ${name}: '${text}'`);
  }
  return Number(value);
}

/** How many vCPUs the VM gets; ends bhyve where the parts do not fit together. `calc_topology` in bhyverun.c */
export function countVcpus(config: Config, output: Output, release: Release): number {
  const read = (name: string): number | undefined => {
    const text = config.get(name);
    return text === undefined ? undefined : parseWholeInt(name, text, { min: 1, max: uint16Max, release }, output);
  };
  const cpus = read('cpus');
  const cores = read('cores') ?? 1;
  const threads = read('threads') ?? 1;
  // Alone, a number of CPUs is a number of sockets. So `-c 4,cores=2` is eight CPUs, and refused.
  const sockets = read('sockets') ?? cpus ?? 1;
  const product = BigInt(sockets) * BigInt(cores) * BigInt(threads);
  if (product > BigInt(uint16Max)) fail(output, exitError, `Computed number of vCPUs too high: ${product}`);
  if (cpus !== undefined && BigInt(cpus) !== product) {
    const topology = `${sockets} sockets, ${cores} cores, ${threads} threads`;
    fail(output, exitError, `Topology (${topology}) does not match ${cpus} vCPUs`);
  }
  return Number(product);
}

/** Ends bhyve where the host CPUs of a vCPU cannot be read. */
export function checkPinning(vcpus: number, config: Config, output: Output, release: Release): void {
  for (let vcpu = 0; vcpu < vcpus; vcpu += 1) {
    const text = config.get(cpusetVariable(vcpu));
    if (text !== undefined) checkCpuSet(vcpu, text, output, release);
  }
}

/**
 * A list of numbers and ascending ranges, `0-3,8`; ends bhyve where it is none.
 * @param owner the number that messages name: a vCPU, or a NUMA domain that they call one
 */
export function checkCpuSet(owner: number, text: string, output: Output, release: Release): void {
  const invalid = (): never => fail(output, exitError, `invalid cpuset for vcpu ${owner}: '${text}'`);
  let start: number | undefined;
  let rest = text;
  for (;;) {
    const { value, end } = strtoul(rest, cSyntaxOf(release));
    if (end === 0) invalid();
    const cpu = toInt(value);
    if (cpu < 0 || cpu >= hostCpus) fail(output, exitError, outsideRange(cpu));
    const separator = rest.charAt(end);
    if (separator === '-') {
      if (start !== undefined) invalid();
      start = cpu;
    } else if (separator === ',' || separator === '') {
      if (start !== undefined && start > cpu) fail(output, exitError, `Invalid hostcpu range ${start}-${cpu}`);
      start = undefined;
    } else {
      invalid();
    }
    if (separator === '') return;
    rest = rest.slice(end + 1);
  }
}
