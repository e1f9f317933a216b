import { formatMemorySize, pageBytes } from '../../base/memory-size.js';
import { present, type Configured, type ReadField, type SpecObject } from './reader.js';

/** The first thing in a spec: what bhyve makes of `-c`, spelt out. */
export const readCpu: ReadField = (configured) => {
  const topology = configured.topology ?? namedTopology(configured);
  const { sockets, cores, threads } = topology;
  const parts = Object.entries(topology).filter(([, count]) => count !== 1);
  return {
    value: sockets * cores === 1 ? threads : Object.fromEntries(parts),
    variables: present(configured, ['cpus', 'sockets', 'cores', 'threads']),
  };
};

/** What bhyve would refuse, as near as a spec comes to it. */
function namedTopology({ variables }: Configured): {
  readonly sockets: number;
  readonly cores: number;
  readonly threads: number;
} {
  const number = (key: string): number | undefined => {
    const text = variables.get(key) ?? '';
    return /^[1-9]\d{0,4}$/.test(text) ? Number(text) : undefined;
  };
  return {
    sockets: number('sockets') ?? number('cpus') ?? 1,
    cores: number('cores') ?? 1,
    threads: number('threads') ?? 1,
  };
}

/** bhyve's default, for a size that it would refuse. */
const usualMemoryBytes = 256n * 2n ** 20n;

/** Whole pages: vmrun takes no other size. */
export const readMem: ReadField = (configured) => {
  const bytes = configured.memoryBytes ?? usualMemoryBytes;
  const pages = (bytes + BigInt(pageBytes) - 1n) / BigInt(pageBytes);
  const size = formatMemorySize(Number(pages * BigInt(pageBytes)));
  return { value: /\D$/.test(size) ? size : Number(size), variables: present(configured, ['memory.size']) };
};

export const readCpuPin: ReadField = ({ variables }) => {
  const pins = [...variables].flatMap(([key, value]) => {
    const [, vcpu] = /^vcpu\.(0|[1-9]\d{0,4})\.cpuset$/.exec(key) ?? [];
    return vcpu === undefined ? [] : [{ key, vcpu, value }];
  });
  if (pins.length === 0) return undefined;
  pins.sort((a, b) => Number(a.vcpu) - Number(b.vcpu));
  return {
    value: Object.fromEntries(pins.map(({ vcpu, value }) => [vcpu, value])),
    variables: pins.map(({ key }) => key),
  };
};

export const readNuma: ReadField = (configured) => {
  const { domains, readSize } = configured;
  const read = domains.map((domain): SpecObject | undefined => {
    const bytes = readSize(domain.get('size') ?? '');
    const cpus = domain.get('cpus');
    const policy = domain.get('domain_policy');
    if (bytes === undefined || cpus === undefined) return undefined;
    return { mem: formatMemorySize(Number(bytes)), cpus, ...(policy === undefined ? {} : { policy }) };
  });
  const known = read.filter((domain) => domain !== undefined);
  if (known.length === 0 || known.length < domains.length) return undefined;
  const keys = known.flatMap((_, id) => ['size', 'cpus', 'domain_policy'].map((key) => `domains.${id}.${key}`));
  return { value: known, variables: present(configured, keys) };
};

/** A passthru device wires the memory by itself. */
export const readWiring: ReadField = (configured) => {
  const { variables, models, readBoolean } = configured;
  const isWired = readBoolean(variables.get('memory.wired') ?? 'false');
  if (isWired === undefined) return undefined;
  const isNeeded = models.has('passthru');
  return { ...(isWired && !isNeeded ? { value: true } : {}), variables: present(configured, ['memory.wired']) };
};
