import { emptyNode } from '../bhyve/config-node.js';
import { openConfig } from '../bhyve/config-tree.js';
import { BhyveExit, emptyOutput } from '../bhyve/outcome.js';
import type { Platform } from '../bhyve/releases.js';
import { readVncServer } from '../devices/readers/fbuf.js';
import { readBoolean } from '../devices/readers/reader.js';
import { parseMemorySize } from '../bhyve/sizes.js';
import { countVcpus } from '../bhyve/topology.js';

/** Booleans of bhyve and what they are where nobody sets them: bhyve_config(5). */
const booleans: Readonly<Record<string, boolean>> = {
  acpi_tables_in_memory: true,
  destroy_on_poweroff: false,
  'gdb.wait': false,
  'memory.guest_in_core': false,
  'memory.wired': false,
  'monitor.enabled': false,
  'monitor.no_reboot': false,
  'pci.enable_bars': true,
  'rtc.use_localtime': true,
  'virtio.msix': true,
  virtio_msix: true,
  'x86.mptable': true,
  'x86.strictio': false,
  'x86.strictmsr': true,
  'x86.verbosemsr': false,
  'x86.vmexit_on_hlt': false,
  'x86.vmexit_on_pause': false,
  'x86.x2apic': false,
};

/** Booleans of devices; all are false unless set. */
const deviceBoolean = /^pci\.\d+\.\d+\.\d+\.(?:.*\.)?(?:nocache|direct|sync|ro|nodelete|wait|open)$/;

/** What a boolean is where it is not set; undefined: the variable is none, or has no default of that kind. */
export function whenUnset(key: string): boolean | undefined {
  if (Object.hasOwn(booleans, key)) return booleans[key];
  return deviceBoolean.test(key) ? false : undefined;
}

/** An old name and the new one that bhyve copies it to, unless that is set too. */
const renamed = ({ release, arch }: Platform): readonly (readonly [old: string, current: string])[] => [
  ...(arch === 'amd64' && release !== 14
    ? ([
        ['lpc.bootrom', 'bootrom'],
        ['lpc.bootvars', 'bootvars'],
      ] as const)
    : []),
  ...(release === 16
    ? ([
        ['virtio_msix', 'virtio.msix'],
        ['monitor', 'monitor.enabled'],
      ] as const)
    : []),
];

/** The old names among some variables, which say nothing any more once they were copied. */
export const outdated = (variables: ReadonlyMap<string, string>, platform: Platform): ReadonlySet<string> =>
  new Set(renamed(platform).flatMap(([old, current]) => (variables.has(old) && variables.has(current) ? [old] : [])));

/**
 * How many vCPUs come of the variables, and their topology; undefined where bhyve would refuse them.
 * @see calc_topology in bhyverun.c: a number of CPUs alone is a number of sockets
 */
export function topologyIn({
  variables,
  platform,
}: {
  readonly variables: ReadonlyMap<string, string>;
  readonly platform: Platform;
}): { readonly sockets: number; readonly cores: number; readonly threads: number } | undefined {
  const config = openConfig(emptyNode(), emptyOutput());
  for (const key of ['cpus', 'sockets', 'cores', 'threads']) {
    const value = variables.get(key);
    if (value !== undefined) config.set(key, value);
  }
  try {
    const vcpus = countVcpus(config, emptyOutput(), platform.release);
    const number = (key: string): number => Number(readCNumber(variables.get(key) ?? '1'));
    const [cores, threads] = [number('cores'), number('threads')];
    return { sockets: vcpus / cores / threads, cores, threads };
  } catch (error) {
    if (error instanceof BhyveExit) return undefined;
    throw error;
  }
}

/** A number in C syntax that bhyve has taken: `0x10` is 16, `010` is 8. */
const readCNumber = (text: string): bigint =>
  BigInt(
    text
      .trim()
      .replace(/^\+/, '')
      .replace(/^0+(?=[0-7])/, '0o'),
  );

/** NUMA domains that bhyve looks at: 0, 1, 2 … up to the first gap, below 8. */
export function domainsIn(variables: ReadonlyMap<string, string>): readonly ReadonlyMap<string, string>[] {
  const domains: ReadonlyMap<string, string>[] = [];
  for (let id = 0; id < 8; id += 1) {
    const prefix = `domains.${id}.`;
    const fields = [...variables].flatMap(([key, value]) =>
      key.startsWith(prefix) ? [[key.slice(prefix.length), value] as const] : [],
    );
    if (fields.length === 0) break;
    domains.push(new Map(fields));
  }
  return domains;
}

/** Bytes that the VM gets: those of the domains where all have a size; undefined where bhyve would refuse it. */
export function memoryBytesIn(variables: ReadonlyMap<string, string>, { release }: Platform): bigint | undefined {
  const sizes = domainsIn(variables).map((domain) => parseMemorySize(domain.get('size') ?? '', release));
  const known = sizes.filter((bytes) => bytes !== undefined);
  if (release !== 14 && sizes.length > 0 && known.length === sizes.length) {
    return known.reduce((sum, bytes) => sum + bytes, 0n);
  }
  return parseMemorySize(variables.get('memory.size') ?? '', release);
}

/** Whether a variable is the type of a network backend, and its name begins with it: net_backends.c takes it from there. */
export function isSaidByName(key: string, variables: ReadonlyMap<string, string>): boolean {
  const [, device] = /^(pci\.\d+\.\d+\.\d+)\.type$/.exec(key) ?? [];
  const [type, name] = [variables.get(key), variables.get(`${device ?? ''}.backend`)];
  return type !== undefined && name?.startsWith(type) === true;
}

/**
 * A configuration with everything that can be written in several ways written in one: numbers spelt out, booleans by
 * one word and left out where they are what they would be anyway, old names replaced. Two command lines mean the same
 * to bhyve where this is equal.
 */
export function meaningOf(variables: ReadonlyMap<string, string>, platform: Platform): ReadonlyMap<string, string> {
  const old = outdated(variables, platform);
  const meaning = new Map<string, string>();
  const framebuffers = new Set<string>();
  for (const [key, value] of variables) {
    if (old.has(key) || key === 'config.dump' || isSaidByName(key, variables)) continue;
    const [, device, field] = /^(pci\.\d+\.\d+\.\d+)\.(\w+)$/.exec(key) ?? [];
    if (field === 'device' && value === 'fbuf' && device !== undefined) framebuffers.add(device);
    const usual = whenUnset(key);
    const flag = usual === undefined && key !== 'acpi_tables' ? undefined : readBoolean(value);
    if (flag !== undefined) {
      if (flag !== usual) meaning.set(key, String(flag));
    } else if (field === 'eui64' && /^(0x[0-9a-f]+|\d+)$/i.test(value)) {
      meaning.set(key, String(readCNumber(value)));
    } else {
      meaning.set(key, value);
    }
  }
  spellNumbers(meaning, platform);
  for (const device of framebuffers) spellServer(meaning, device);
  return meaning;
}

function spellNumbers(meaning: Map<string, string>, platform: Platform): void {
  const topology = topologyIn({ variables: meaning, platform });
  if (topology !== undefined) {
    const { sockets, cores, threads } = topology;
    for (const [key, value] of Object.entries({ cpus: sockets * cores * threads, sockets, cores, threads })) {
      meaning.set(key, String(value));
    }
  }
  const memory = memoryBytesIn(meaning, platform);
  if (memory !== undefined) meaning.set('memory.size', String(memory));
  domainsIn(meaning).forEach((domain, id) => {
    const bytes = parseMemorySize(domain.get('size') ?? '', platform.release);
    if (bytes !== undefined) meaning.set(`domains.${id}.size`, String(bytes));
  });
}

/** pci_fbuf.c and rfb.c: `rfb` goes before `tcp`, and an address or a port that is missing has its default. */
function spellServer(meaning: Map<string, string>, device: string): void {
  const value = meaning.get(`${device}.rfb`) ?? meaning.get(`${device}.tcp`);
  meaning.delete(`${device}.tcp`);
  const server = value === undefined ? undefined : readVncServer(value);
  meaning.set(`${device}.rfb`, server === undefined ? (value ?? '127.0.0.1:5900') : `${server.host}:${server.port}`);
}
