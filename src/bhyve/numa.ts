import type { Config } from './config-tree.js';
import { BhyveExit, type Output, exitBadOption, exitError, fail, warn } from './outcome.js';
import { toInt, strtol } from './c-numbers.js';
import type { Release } from './releases.js';
import { parseMemorySize } from './sizes.js';
import { checkCpuSet, parseWholeInt } from './topology.js';

/** Only domains 0 to 7 are looked at, and only up to the first gap. */
const maxDomains = 8;
const domainWords = ['size', 'domain_policy', 'cpus'] as const;

/** `-n`. Words that are not known are dropped, so the `3` in `cpus=2,3` is. @returns false where it cannot be used */
export function parseDomain(text: string, config: Config, output: Output, release: Release): boolean {
  if (text === '') return false;
  let id: number | undefined;
  const values = new Map<string, string>();
  for (const word of text.split(',')) {
    const name = domainWords.find((known) => word.startsWith(`${known}=`));
    if (word.startsWith('id=')) id = parseWholeInt('id', word.slice(3), { min: 0, max: 255, release }, output);
    else if (name !== undefined) values.set(name, word.slice(name.length + 1));
  }
  if (id === undefined) {
    output.stderr.push(`Missing NUMA domain ID in '${text}'`);
    return false;
  }
  // Looked for, then made, so that whatever is wrong on the way to it is said twice.
  const node = config.find(`domains.${id}`) ?? config.create(`domains.${id}`);
  for (const name of domainWords) {
    const value = values.get(name);
    if (value !== undefined) config.setIn(node, name, value);
  }
  return true;
}

/**
 * Memory of the NUMA domains; ends bhyve where one is wrong. Where every domain has a size, `memory.size` is not
 * used at all; where one has none, it is spread evenly over them.
 * @returns bytes that the VM gets
 */
export function checkDomainMemory(memoryBytes: bigint, config: Config, output: Output, release: Release): bigint {
  const sizes: (bigint | undefined)[] = [];
  for (let id = 0; id < maxDomains; id += 1) {
    const node = config.find(`domains.${id}`);
    if (node === undefined) break;
    const size = config.getFrom(node, 'size');
    const bytes = size === undefined ? undefined : parseMemorySize(size, release);
    if (size !== undefined && bytes === undefined) {
      fail(output, exitBadOption, `invalid memsize for domain ${id}: '${size}'`);
    }
    sizes.push(bytes);
    const policy = config.getFrom(node, 'domain_policy');
    if (policy !== undefined && !isDomainPolicy(policy)) {
      fail(output, exitBadOption, `failed to parse domain policy '${policy}'`);
    }
  }
  if (sizes.length === 0) return memoryBytes;
  const known = sizes.filter((bytes) => bytes !== undefined);
  if (known.length === sizes.length) return known.reduce((sum, bytes) => sum + bytes, 0n);
  warn(
    output,
    'At least one domain memory size was not specified, distributing total VM memory size across all domains',
  );
  return memoryBytes;
}

/** vCPUs of the NUMA domains, looked at after their memory. */
export function checkDomainCpus(config: Config, output: Output, release: Release): void {
  for (let id = 0; id < maxDomains; id += 1) {
    const node = config.find(`domains.${id}`);
    if (node === undefined) break;
    const cpus = config.getFrom(node, 'cpus');
    if (cpus === undefined) {
      output.stderr.push(`Missing CPU set for domain ${id}`);
      throw new BhyveExit(exitError);
    }
    checkCpuSet(id, cpus, output, release);
  }
}

/** Some are the beginning of another word, but none of another name. */
const policies = ['round-robin', 'rr', 'first-touch', 'ft', 'prefer', 'interleave', 'il'];

/**
 * domainset_parselist of libutil: nothing, `all`, a policy, a list of domains, or `policy:list`. `policy:all` is
 * refused, and so is a policy with anything but a colon behind it.
 */
function isDomainPolicy(text: string): boolean {
  const lower = text.toLowerCase();
  if (lower === '' || lower === 'all') return true;
  const policy = policies.find((name) => lower.startsWith(name));
  if (policy === undefined) return isDomainList(text);
  const rest = text.slice(policy.length);
  return rest === '' || (rest.startsWith(':') && isDomainList(rest.slice(1)));
}

const maxDomainNumber = 255;

/**
 * Numbers and ranges between commas. It is read loosely: a comma needs no number on either side, a range may go
 * backwards, and a number is an int, which wraps round.
 */
const isDomainList = (text: string): boolean =>
  text
    .split(',')
    .filter((word) => word !== '')
    .every(
      (word) =>
        /^\d+(-\d+)?$/.test(word) &&
        word.split('-').every((number) => toInt(strtol(number, 10).value) <= maxDomainNumber),
    );
