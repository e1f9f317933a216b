import type { FileType, Need, Variable } from '../devices/device.js';
import type { Connection } from '../devices/readers/reader.js';
import { connectionsOf as deviceConnections } from '../devices/readers/registry.js';
import { fieldConnections } from '../fields/readers/registry.js';
import type { Machine, PlannedDevice } from '../machine/machine.js';

export type { Connection };

/** How the host sees a path or an interface that some device names. */
interface Needs {
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

/** What the variables of a node say, by key; secrets are not among them. */
type Node = ReadonlyMap<string, string>;

const nodeOf = (variables: readonly Variable[], prefix: string): Node =>
  new Map(
    variables
      .filter(({ key, isSecret }) => key.startsWith(prefix) && isSecret !== true)
      .map(({ key, value }) => [key.slice(prefix.length), value]),
  );

/** What one device is connected to, as its model has it. */
export function connectionsOf(device: PlannedDevice, needs: Needs): readonly Connection[] {
  const { address, model, label, shortPaths } = device;
  // As the spec has them: a picture is to be read, not to be run.
  const variables = device.variables.map((one) => ({ ...one, value: shortPaths?.get(one.value) ?? one.value }));
  const settings = nodeOf(variables, `pci.${address.bus}.${address.slot}.${address.func}.`);
  return deviceConnections(model, settings, {
    kindOf: (path) => pathKind(path, needs),
    isFile: (path) => needs.files.has(path),
    bridgesOf: (name) => needs.bridges.get(name) ?? [],
    label,
    hasPassword: variables.some(({ isSecret }) => isSecret === true),
  });
}

/** What root fields connect: behind the LPC bridge (where there is none, that is part of the machine), or else. */
export function fieldConnectionsOf(machine: Machine, where: 'board' | 'machine'): readonly Connection[] {
  const { variables, requirements, servesConsole, loader, isLoadedByOthers } = machine;
  const needs = requirements.map(({ need }) => need);
  const connected = { variables: nodeOf(variables, ''), needs, servesConsole, loader: loader?.kind, isLoadedByOthers };
  return fieldConnections[where].flatMap((connections) => connections(connected));
}
