import { formatMemorySize, pageBytes } from '../base/memory-size.js';
import { traitsOf, type Platform } from '../bhyve/releases.js';
import { parseMemorySize } from '../bhyve/sizes.js';
import { bootromOf } from '../fields/firmware.js';
import { smbios as smbiosField } from '../fields/guest-identity.js';
import { fields } from '../fields/registry.js';
import type { Configuration } from './configuration.js';
import { domainsIn, memoryBytesIn, readBoolean, topologyIn, whenUnset } from './meaning.js';
import type { SpecObject, SpecValue } from './spec-object.js';

/** What a root field says, and the variables that it says it for. No value: the field's default says it. */
export interface FieldReading {
  readonly value?: SpecValue;
  readonly variables: readonly string[];
}

/**
 * How a root field is told from a configuration, and the models of the devices that the spec has; undefined: it cannot
 * say what is there.
 */
export interface RootField {
  readonly field: string;
  readonly read: (configuration: Configuration, models: ReadonlySet<string>) => FieldReading | undefined;
}

type Variables = Configuration['variables'];

const keysBelow = (variables: Variables, prefix: string): readonly string[] =>
  [...variables.keys()].filter((key) => key.startsWith(prefix));

const present = (variables: Variables, keys: readonly string[]): readonly string[] =>
  keys.filter((key) => variables.has(key));

/** A field that has one variable's text. */
const plain = (field: string, variable: string): RootField => ({
  field,
  read: ({ variables }) => {
    const value = variables.get(variable);
    return value === undefined ? undefined : { value, variables: [variable] };
  },
});

/** A flag of the spec with the value of the variable that sets it. */
interface Flag {
  readonly field: string;
  readonly variable: (platform: Platform) => string;
  readonly setBy: boolean;
  /** bhyve of arm64 takes neither the option nor the variable. */
  readonly isPcOnly?: true;
}

const flags: readonly Flag[] = [
  { field: 'utc_clock', variable: () => 'rtc.use_localtime', setBy: false, isPcOnly: true },
  { field: 'yield_on_hlt', variable: () => 'x86.vmexit_on_hlt', setBy: true, isPcOnly: true },
  { field: 'yield_on_pause', variable: () => 'x86.vmexit_on_pause', setBy: true, isPcOnly: true },
  { field: 'generate_acpi', variable: () => 'acpi_tables', setBy: true, isPcOnly: true },
  { field: 'force_msi', variable: (platform) => traitsOf(platform).msixVariable, setBy: false },
  { field: 'x2apic', variable: () => 'x86.x2apic', setBy: true, isPcOnly: true },
  { field: 'strict_io', variable: () => 'x86.strictio', setBy: true, isPcOnly: true },
  { field: 'ignore_unknown_msrs', variable: () => 'x86.strictmsr', setBy: false, isPcOnly: true },
  { field: 'guest_mem_in_core', variable: () => 'memory.guest_in_core', setBy: true },
  { field: 'power_off_destroy_vm', variable: () => 'destroy_on_poweroff', setBy: true },
  { field: 'monitor', variable: () => 'monitor.enabled', setBy: true },
];

const byName = new Map(fields.map((field) => [field.name, field]));

const flagField = ({ field, variable, setBy, isPcOnly }: Flag): RootField => ({
  field,
  read: ({ variables, platform }) => {
    if (isPcOnly === true && platform.arch === 'arm64') return undefined;
    const key = variable(platform);
    const text = variables.get(key);
    const value = text === undefined ? whenUnset(key) : readBoolean(text);
    if (value === undefined) return undefined;
    const isSet = value === setBy;
    return {
      ...(isSet === (byName.get(field)?.schema.default === true) ? {} : { value: isSet }),
      variables: present(variables, [key]),
    };
  },
});

const deviceKey = /^pci\.(\d+)\.\d+\.\d+\.device$/;

/** The first thing in a spec: what bhyve makes of `-c`, spelt out. */
const cpu: RootField = {
  field: 'cpu',
  read: (configuration) => {
    const { variables } = configuration;
    const topology = topologyIn(configuration) ?? namedTopology(variables);
    const { sockets, cores, threads } = topology;
    const parts = Object.entries(topology).filter(([, count]) => count !== 1);
    return {
      value: sockets * cores === 1 ? threads : Object.fromEntries(parts),
      variables: present(variables, ['cpus', 'sockets', 'cores', 'threads']),
    };
  },
};

/** What bhyve would refuse, as near as a spec comes to it. */
function namedTopology(variables: Variables): {
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
const mem: RootField = {
  field: 'mem',
  read: ({ variables, platform }) => {
    const bytes = memoryBytesIn(variables, platform) ?? usualMemoryBytes;
    const pages = (bytes + BigInt(pageBytes) - 1n) / BigInt(pageBytes);
    const size = formatMemorySize(Number(pages * BigInt(pageBytes)));
    return { value: /\D$/.test(size) ? size : Number(size), variables: present(variables, ['memory.size']) };
  },
};

const cpuPin: RootField = {
  field: 'cpu_pin',
  read: ({ variables }) => {
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
  },
};

const numa: RootField = {
  field: 'numa',
  read: ({ variables, platform }) => {
    const domains = domainsIn(variables);
    const read = domains.map((domain): SpecObject | undefined => {
      const bytes = parseMemorySize(domain.get('size') ?? '', platform.release);
      const cpus = domain.get('cpus');
      const policy = domain.get('domain_policy');
      if (bytes === undefined || cpus === undefined) return undefined;
      return { mem: formatMemorySize(Number(bytes)), cpus, ...(policy === undefined ? {} : { policy }) };
    });
    const known = read.filter((domain) => domain !== undefined);
    if (known.length === 0 || known.length < domains.length) return undefined;
    const keys = known.flatMap((_, id) => ['size', 'cpus', 'domain_policy'].map((key) => `domains.${id}.${key}`));
    return { value: known, variables: present(variables, keys) };
  },
};

const bootrom: RootField = {
  field: 'bootrom',
  read: ({ variables, platform }) => {
    const key = traitsOf(platform).bootromVariable;
    const value = variables.get(key);
    if (value === undefined) return undefined;
    return { ...(value === bootromOf({}, platform.arch) ? {} : { value }), variables: [key] };
  },
};

const varfile: RootField = {
  field: 'varfile',
  read: (configuration, models) => {
    const { platform } = configuration;
    if (platform.arch === 'arm64') return undefined;
    return plain('varfile', traitsOf(platform).bootvarsVariable).read(configuration, models);
  },
};

/** `bhyve` is what it is anyway. */
const fwcfg: RootField = {
  field: 'fwcfg',
  read: ({ variables }) => {
    const value = variables.get('lpc.fwcfg');
    if (value === undefined) return undefined;
    return { ...(value === 'bhyve' ? {} : { value }), variables: ['lpc.fwcfg'] };
  },
};

const fwCfgFiles: RootField = {
  field: 'fw_cfg_files',
  read: ({ items }) =>
    items.length === 0
      ? undefined
      : { value: items.map(({ option: _option, ...item }): SpecObject => item), variables: [] },
};

const tpm: RootField = {
  field: 'tpm',
  read: ({ variables }) => {
    const [type, path, version] = ['type', 'path', 'version'].map((key) => variables.get(`tpm.${key}`));
    if (type === undefined || path === undefined || version === undefined) return undefined;
    return {
      value: { type, path, ...(version === '2.0' ? {} : { version }) },
      variables: ['tpm.type', 'tpm.path', 'tpm.version'],
    };
  },
};

const smbios: RootField = {
  field: 'smbios',
  read: ({ variables }) => {
    const structures = Object.entries(smbiosField.schema.properties ?? {}).flatMap(([structure, { properties }]) => {
      const strings = Object.keys(properties ?? {}).flatMap((name) => {
        const value = variables.get(`${structure}.${name}`);
        return value === undefined ? [] : [[name, value] as const];
      });
      return strings.length === 0 ? [] : [[structure, Object.fromEntries(strings)] as const];
    });
    if (structures.length === 0) return undefined;
    return {
      value: Object.fromEntries(structures),
      variables: structures.flatMap(([structure, strings]) =>
        Object.keys(strings).map((name) => `${structure}.${name}`),
      ),
    };
  },
};

/** arm64 has one console, which is a variable of its own. */
const comPort = (number: number): RootField => ({
  field: `com${number}`,
  read: (configuration, models) => {
    if (configuration.platform.arch === 'amd64') return plain('', `lpc.com${number}.path`).read(configuration, models);
    return number === 1 ? plain('', 'console').read(configuration, models) : undefined;
  },
});

const gdb: RootField = {
  field: 'gdb',
  read: ({ variables }) => {
    const [port, address, wait] = ['port', 'address', 'wait'].map((key) => variables.get(`gdb.${key}`));
    if (port === undefined || !/^[1-9]\d{0,4}$/.test(port)) return undefined;
    const waits = wait === undefined ? false : readBoolean(wait);
    if (waits === undefined) return undefined;
    const isPlain = !waits && address === undefined;
    const server: SpecObject = {
      ...(address === undefined ? {} : { address }),
      port: Number(port),
      ...(waits ? { wait: true } : {}),
    };
    return { value: isPlain ? Number(port) : server, variables: keysBelow(variables, 'gdb.') };
  },
};

/** A passthru device wires the memory by itself. */
const wiring: RootField = {
  field: 'wire_guest_mem',
  read: ({ variables }, models) => {
    const isWired = readBoolean(variables.get('memory.wired') ?? 'false');
    if (isWired === undefined) return undefined;
    const isNeeded = models.has('passthru');
    return { ...(isWired && !isNeeded ? { value: true } : {}), variables: present(variables, ['memory.wired']) };
  },
};

/** A machine that reaches past bus 0 has no MP table anyway. */
const mpTable: RootField = {
  field: 'disable_mptable_gen',
  read: ({ variables, platform }) => {
    const hasTable = readBoolean(variables.get('x86.mptable') ?? 'true');
    if (platform.arch === 'arm64' || hasTable === undefined) return undefined;
    const isAutomatic = [...variables.keys()].some((key) => Number(deviceKey.exec(key)?.[1] ?? 0) > 0);
    return { ...(hasTable || isAutomatic ? {} : { value: true }), variables: present(variables, ['x86.mptable']) };
  },
};

/** What a spec cannot be without. */
export const requiredFields: readonly string[] = ['cpu', 'mem'];

/** Every root field but `name`, the bridges, the devices and `graphic`. */
export const rootFields: readonly RootField[] = [
  cpu,
  mem,
  cpuPin,
  numa,
  bootrom,
  varfile,
  fwcfg,
  fwCfgFiles,
  tpm,
  plain('uuid', 'uuid'),
  smbios,
  ...[1, 2, 3, 4].map(comPort),
  plain('keyboard', 'keyboard.layout'),
  ...flags.map(flagField),
  wiring,
  mpTable,
  gdb,
];
