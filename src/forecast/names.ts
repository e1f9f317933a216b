import { createHash } from 'node:crypto';
import { compareAddresses, formatAddress, isAddressError, parseAddress, type PciAddress } from '../base/pci-address.js';
import { serialTrait } from '../devices/block.js';
import type { Trait } from '../devices/device.js';
import { backendType, networkTraits } from '../devices/network.js';
import { nvme } from '../devices/nvme.js';

/** Something that only one device of a machine can have: of the host, or what a guest knows it by. */
export interface Name {
  readonly kind: 'mac' | 'serial' | 'interface' | 'tty' | 'port' | 'socket' | 'card';
  /** In one spelling. */
  readonly value: string;
  /** The variable that says it, or the device's where bhyve makes it up. */
  readonly variable: string;
  /** Who has it: `virtio-net at 0:4:0`, `com1`, `gdb`. */
  readonly owner: string;
  readonly address?: PciAddress;
  /** Of a serial number that bhyve makes up: the path that it is made of. */
  readonly madeOf?: { readonly path: string; readonly variable: string; readonly isCd: boolean };
}

const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');

/** What a finished configuration of bhyve says of such names, in the order of the devices. */
export function namesIn(variables: ReadonlyMap<string, string>): readonly Name[] {
  const get = (name: string): string | undefined => variables.get(name);
  return [
    ...['com1', 'com2', 'com3', 'com4'].flatMap((port) => serialNames(`lpc.${port}.path`, port, get)),
    ...portNames('gdb.port', 'gdb', addressOf(get('gdb.address'), get('gdb.port'))),
    ...devicesIn(variables).flatMap(deviceNames),
  ];
}

const devicesIn = (variables: ReadonlyMap<string, string>): readonly Device[] =>
  [...variables]
    .flatMap(([variable, model]): readonly Device[] => {
      const [, bus, slot, func] = /^pci\.(\d+)\.(\d+)\.(\d+)\.device$/.exec(variable) ?? [];
      const address = parseAddress(`${bus ?? ''}:${slot ?? ''}:${func ?? ''}`);
      return isAddressError(address) ? [] : [{ model, address, node: variable.slice(0, -'device'.length), variables }];
    })
    .sort((a, b) => compareAddresses(a.address, b.address));

interface Device {
  readonly model: string;
  readonly address: PciAddress;
  /** What stands in front of its variables. */
  readonly node: string;
  readonly variables: ReadonlyMap<string, string>;
}

function deviceNames({ model, address, node, variables }: Device): readonly Name[] {
  const get = (name: string): string | undefined => variables.get(node + name);
  const owner = `${model} at ${formatAddress(address)}`;
  const at = (name: string): string => (get(name) === undefined ? `${node}device` : node + name);
  const trait = (kind: 'mac' | 'serial', name: string, made: Trait | undefined): readonly Name[] => {
    if (made === undefined) return [];
    const value = get(name) ?? made.byDefault({ address, name: variables.get('name') ?? '', md5 });
    const said = { kind, value: normal(kind, value), variable: at(name), owner, address };
    if (get(name) !== undefined || made.madeOf === undefined) return [said];
    const pathName = name.replace(/ser$/, 'path');
    const path = get(pathName);
    const isCd = model === 'ahci' && get(name.replace(/ser$/, 'type')) !== 'hd';
    return [{ ...said, ...(path === undefined ? {} : { madeOf: { path, variable: node + pathName, isCd } }) }];
  };
  switch (model) {
    case 'virtio-net':
    case 'e1000':
      return [
        ...trait('mac', 'mac', networkTraits({})[0]),
        ...interfaceNames(get, { variable: at('backend'), owner, address }),
      ];
    case 'virtio-blk':
      return trait('serial', 'ser', serialTrait({ path: get('path') ?? '' }));
    case 'nvme':
      return trait('serial', 'ser', nvme.traits?.({})[0]);
    case 'ahci':
      return [...variables.keys()].flatMap((variable) => {
        const [, port = ''] =
          /^port\.(\d+)\.path$/.exec(variable.startsWith(node) ? variable.slice(node.length) : '') ?? [];
        if (port === '') return [];
        return trait('serial', `port.${port}.ser`, serialTrait({ path: variables.get(variable) ?? '' }));
      });
    case 'uart':
      return serialNames(`${node}path`, owner, (name) => variables.get(name)).map((name) => ({ ...name, address }));
    case 'virtio-console':
      return [...variables].flatMap(([variable, path]): readonly Name[] =>
        variable.startsWith(node) && /^port\.\d+\.path$/.test(variable.slice(node.length))
          ? [{ kind: 'socket', value: path, variable, owner, address }]
          : [],
      );
    case 'fbuf': {
      const server = get('rfb') ?? get('tcp') ?? '127.0.0.1:5900';
      const variable = at(get('rfb') === undefined ? 'tcp' : 'rfb');
      if (server.startsWith('unix:')) return [{ kind: 'socket', value: server.slice(5), variable, owner, address }];
      return portNames(variable, owner, server).map((name) => ({ ...name, address }));
    }
    case 'passthru': {
      const place = ['bus', 'slot', 'func'].map(get);
      const card = get('pptdev') ?? (place.includes(undefined) ? undefined : place.join('/'));
      const variable = at(get('pptdev') === undefined ? 'bus' : 'pptdev');
      return card === undefined ? [] : [{ kind: 'card', value: card, variable, owner, address }];
    }
    default:
      return [];
  }
}

type Get = (name: string) => string | undefined;

function interfaceNames(get: Get, about: Pick<Name, 'variable' | 'owner' | 'address'>): readonly Name[] {
  const name = get('backend');
  const type = backendType({ name: get('type') ?? name ?? '' });
  return name !== undefined && (type === 'tap' || type === 'vmnet')
    ? [{ kind: 'interface', value: name, ...about }]
    : [];
}

/** What a serial port is connected to: a port of the host, or a tty; stdio bhyve looks after itself. */
function serialNames(variable: string, owner: string, get: Get): readonly Name[] {
  const backend = get(variable);
  if (backend === undefined || backend === 'stdio') return [];
  return backend.startsWith('tcp=')
    ? portNames(variable, owner, backend.slice('tcp='.length))
    : [{ kind: 'tty', value: backend, variable, owner }];
}

const addressOf = (host = 'localhost', port: string | undefined): string | undefined =>
  port === undefined ? undefined : `${host}:${port}`;

/** The server of a device listens at the loopback unless told. */
function portNames(variable: string, owner: string, server: string | undefined): readonly Name[] {
  const [, host = '', port = ''] = /^(?:(.*):)?(\d+)$/s.exec(server ?? '') ?? [];
  if (port === '') return [];
  const plain = host.replace(/^\[(.*)\]$/, '$1');
  return [
    {
      kind: 'port',
      value: `${plain === '' || plain === 'localhost' ? '127.0.0.1' : plain} ${Number(port)}`,
      variable,
      owner,
    },
  ];
}

/** Whether two of one kind are the same: an address of all takes the port of each. */
export function isSame(a: Name, b: Name): boolean {
  if (a.kind !== b.kind) return false;
  if (a.kind !== 'port') return a.value === b.value;
  const [[hostA = '', portA], [hostB = '', portB]] = [a.value.split(' '), b.value.split(' ')];
  const isAll = [hostA, hostB].some((host) => host === '0.0.0.0' || host === '::');
  return portA === portB && (hostA === hostB || (isAll && hostA.includes(':') === hostB.includes(':')));
}

/** bhyve keeps 20 bytes of a serial number, and of each octet of an address the last byte: ether_aton(3). */
const normal = (kind: 'mac' | 'serial', value: string): string =>
  kind === 'serial'
    ? value.slice(0, 20)
    : value
        .split(':')
        .map((octet) => octet.toLowerCase().padStart(2, '0').slice(-2))
        .join(':');
