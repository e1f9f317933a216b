import type { FileType, Need, Variable } from '../devices/device.js';
import { backendType } from '../devices/network.js';
import { servedConsole } from '../devices/serial.js';
import type { Machine, PlannedDevice } from '../machine/machine.js';

/** What a device, or a port of it, is connected to on the host. */
export interface Connection {
  /** The part of the device: `com1`, `port 2`, `play`; absent: the device itself. */
  readonly port?: string;
  /** What is at the other end, in a word or two: `disk`, `tap`, `host card`; absent where nobody can tell. */
  readonly kind?: string;
  readonly name: string;
  /** What else is to be said of it: `read-only`, `bridge0`. */
  readonly notes: readonly string[];
}

/** How the host sees a path or an interface that some device names. */
export interface Needs {
  /** By path: what may stand there, as the first that names it has it. */
  readonly files: ReadonlyMap<string, readonly FileType[]>;
  /** Paths where bhyve binds a socket. */
  readonly sockets: ReadonlySet<string>;
  /** The bridges of an interface. */
  readonly bridges: ReadonlyMap<string, readonly string[]>;
}

/** Looked up once for the whole machine. */
export function needsOf(needs: Iterable<Need>): Needs {
  const files = new Map<string, readonly FileType[]>();
  const sockets = new Set<string>();
  const bridges = new Map<string, string[]>();
  for (const need of needs) {
    if (need.kind === 'file' && !files.has(need.path)) files.set(need.path, need.types);
    else if (need.kind === 'free-socket') sockets.add(need.path);
    else if (need.kind === 'interface' && need.bridge !== undefined) {
      const known = bridges.get(need.name);
      if (known === undefined) bridges.set(need.name, [need.bridge]);
      else known.push(need.bridge);
    }
  }
  return { files, sockets, bridges };
}

/** What stands at a path, by what the machine asks of the host there. */
function pathKind(path: string, needs: Needs): string {
  if (needs.sockets.has(path)) return 'socket';
  const types = needs.files.get(path) ?? [];
  if (types.includes('directory')) return 'folder';
  if (types.includes('socket')) return 'socket';
  if (types.includes('block device')) return 'disk';
  if (types.includes('character device')) return 'device';
  return 'file';
}

/** What a serial port is connected to: the backends of uart_backend.c. */
export function serialConnection(backend: string, isServed: boolean, port?: string): Connection {
  const at = { ...(port === undefined ? {} : { port }), notes: [] };
  if (backend === 'stdio' && isServed) return { ...at, kind: 'served by vmrun', name: servedConsole };
  if (backend === 'stdio') return { ...at, kind: 'terminal', name: 'stdio' };
  if (backend.startsWith('tcp=')) return { ...at, kind: 'TCP', name: backend.slice('tcp='.length) };
  return { ...at, kind: backend.startsWith('/dev/nmdm') ? 'null modem' : 'device', name: backend };
}

/** What the variables of a node say, by key; secrets are not among them. */
type Node = ReadonlyMap<string, string>;

const nodeOf = (variables: readonly Variable[], prefix: string): Node =>
  new Map(
    variables
      .filter(({ key, isSecret }) => key.startsWith(prefix) && isSecret !== true)
      .map(({ key, value }) => [key.slice(prefix.length), value]),
  );

/** The numbered nodes below a node, `port.0` and so on, in order. */
function numbered(node: Node, name: string): readonly (readonly [number: string, below: Node])[] {
  const below = new Map<string, Map<string, string>>();
  for (const [key, value] of node) {
    const [, number, rest] = new RegExp(`^${name}\\.(\\d+)(?:\\.(.+))?$`).exec(key) ?? [];
    if (number === undefined) continue;
    below.set(number, (below.get(number) ?? new Map<string, string>()).set(rest ?? '', value));
  }
  return [...below];
}

const isReadOnly = (node: Node): readonly string[] => (node.get('ro') === 'true' ? ['read-only'] : []);

/** A network backend: net_backends.c. */
function networkConnection(node: Node, needs: Needs): Connection {
  const backend = node.get('backend') ?? '';
  const kind = node.get('type') ?? backendType({ name: backend });
  if (kind === 'netgraph') {
    return { kind, name: `${node.get('path') ?? ''} ${node.get('peerhook') ?? ''}`, notes: [] };
  }
  if (kind === 'slirp') {
    const forwards = node.get('hostfwd')?.split(';') ?? [];
    return { kind, name: forwards.length === 0 ? 'user network' : forwards.join(' '), notes: [] };
  }
  return { ...(kind === undefined ? {} : { kind }), name: backend, notes: needs.bridges.get(backend) ?? [] };
}

/** A VNC server; whether it wants a password is said, never which. */
function vncConnection(name: string, node: Node, hasPassword: boolean): Connection {
  const [width, height] = [node.get('w'), node.get('h')];
  return {
    kind: 'VNC',
    name,
    notes: [
      ...(width === undefined || height === undefined ? [] : [`${width}x${height}`]),
      ...(hasPassword ? ['with a password'] : []),
      ...(node.get('wait') === 'true' ? ['waits for a client'] : []),
    ],
  };
}

/**
 * What one device is connected to, read from its variables by the names that bhyve_config(5) gives them, so that a
 * model which uses the usual names needs no line here.
 */
export function connectionsOf(device: PlannedDevice, needs: Needs): readonly Connection[] {
  const { address, model, label, shortPaths } = device;
  // As the spec has them: a picture is to be read, not to be run.
  const variables = device.variables.map((one) => ({ ...one, value: shortPaths?.get(one.value) ?? one.value }));
  const prefix = `pci.${address.bus}.${address.slot}.${address.func}.`;
  const node = nodeOf(variables, prefix);
  const ports = numbered(node, 'port');
  return [
    ...(node.has('backend') ? [networkConnection(node, needs)] : pathConnections(node, needs, label === servedConsole)),
    ...ports.flatMap(([number, port]): readonly Connection[] => {
      const path = port.get('path');
      if (path === undefined) return [];
      const isOnly = model !== 'ahci' && ports.length === 1 && !port.has('name');
      const at = isOnly ? {} : { port: port.get('name') ?? `port ${number}` };
      return [
        { ...at, kind: port.get('type') === 'cd' ? 'CD' : pathKind(path, needs), name: path, notes: isReadOnly(port) },
      ];
    }),
    ...numbered(node, 'target').map(([number, target]) => {
      const path = target.get('') ?? '';
      return { port: `target ${number}`, kind: pathKind(path, needs), name: path, notes: [] };
    }),
    ...numbered(node, 'slot').map(([, slot]) => ({ kind: 'USB', name: slot.get('device') ?? '', notes: [] })),
    ...['play', 'rec'].flatMap((port) => {
      const path = node.get(port);
      return path === undefined ? [] : [{ port, kind: pathKind(path, needs), name: path, notes: [] }];
    }),
    ...cardConnections(node, label),
    ...['tcp', 'rfb'].flatMap((key) => {
      const server = node.get(key);
      if (server === undefined) return [];
      const hasPassword = variables.some(({ isSecret }) => isSecret === true);
      return [vncConnection(server, node, hasPassword)];
    }),
  ];
}

function pathConnections(node: Node, needs: Needs, isServed: boolean): readonly Connection[] {
  const path = node.get('path') ?? node.get('dev');
  const ram = node.get('ram');
  if (ram !== undefined) return [{ kind: 'memory', name: `${ram} MiB`, notes: [] }];
  if (path === undefined) return [];
  // A serial port asks for no file where its backend is none.
  if (!needs.files.has(path) && /^(stdio$|tcp=|\/dev\/nmdm)/.test(path)) {
    return [serialConnection(path, isServed)];
  }
  const share = node.get('sharename');
  const at = share === undefined ? {} : { port: share };
  return [{ ...at, kind: pathKind(path, needs), name: path, notes: isReadOnly(node) }];
}

/** A card of the host; by its label where only the host can tell which it is. */
function cardConnections(node: Node, label: string | undefined): readonly Connection[] {
  const [bus, slot, func] = [node.get('bus'), node.get('slot'), node.get('func')];
  const name = bus === undefined ? node.get('pptdev') && label : `${bus}:${slot ?? ''}:${func ?? ''}`;
  const rom = node.get('rom');
  return [
    ...(name === undefined ? [] : [{ kind: 'host card', name, notes: [] }]),
    ...(rom === undefined ? [] : [{ port: 'rom', kind: 'file', name: rom, notes: [] }]),
  ];
}

/** What is behind the LPC bridge, or where there is none, part of the machine itself: firmware, TPM, com ports. */
export function boardConnections({ variables, requirements, servesConsole }: Machine): readonly Connection[] {
  const node = nodeOf(variables, '');
  const file = (port: string, keys: readonly string[], kind: string): readonly Connection[] =>
    keys.flatMap((key) => {
      const name = node.get(key);
      return name === undefined ? [] : [{ port, kind, name, notes: [] }];
    });
  const tpm = node.get('tpm.path');
  const coms = [...node].flatMap(([key, backend]): readonly Connection[] => {
    const [, com] = /^lpc\.(com\d)\.path$/.exec(key) ?? [];
    return com === undefined && key !== 'console' ? [] : [serialConnection(backend, servesConsole, com ?? 'console')];
  });
  return [
    ...file('bootrom', ['bootrom', 'lpc.bootrom'], 'firmware'),
    ...file('bootvars', ['bootvars', 'lpc.bootvars'], 'variables'),
    ...coms,
    ...(tpm === undefined
      ? []
      : [{ port: 'tpm', kind: node.get('tpm.type') === 'swtpm' ? 'swtpm' : 'host TPM', name: tpm, notes: [] }]),
    ...requirements.flatMap(({ need }) =>
      need.kind === 'file' && need.pointer.startsWith('/fw_cfg_files/')
        ? [{ port: 'fw_cfg', kind: 'file', name: need.path, notes: [] }]
        : [],
    ),
  ];
}

/** What the machine has without a device: its loader, its gdb stub. */
export function hostConnections({ variables, loader, isLoadedByOthers, requirements }: Machine): readonly Connection[] {
  const node = nodeOf(variables, 'gdb.');
  const port = node.get('port');
  const images = requirements.flatMap(({ need }) =>
    need.kind === 'file' && need.pointer.startsWith('/loader/') ? [need.path] : [],
  );
  return [
    ...(loader === undefined
      ? []
      : [
          { port: 'loader', kind: 'program', name: loader.kind, notes: [] },
          ...images.map((name) => ({ port: 'loader', kind: 'file', name, notes: [] })),
        ]),
    ...(isLoadedByOthers ? [{ port: 'loader', name: 'loaded by others', notes: [] }] : []),
    ...(port === undefined
      ? []
      : [
          {
            port: 'gdb',
            kind: 'TCP',
            name: `${node.get('address') ?? 'localhost'}:${port}`,
            notes: node.get('wait') === 'true' ? ['waits for a debugger'] : [],
          },
        ]),
  ];
}
