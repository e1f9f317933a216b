import { architectures, releases, type Platform } from '../../devices/device.js';
import type { PciAddress } from '../../base/pci-address.js';
import type { JsonSchema } from '../../devices/json-schema.js';
import { object } from '../../fields/schemas.js';
import type { Definitions } from '../../spec/schema-walk.js';
import type { SystemError } from '../errno.js';
import { fileContents } from './file-content.js';
import { factsVersion, type FileFacts, type HostFacts, type NoAnswer, type SocketFacts } from './facts.js';
import type { NetworkInterface } from './probes/ifconfig.js';
import type { PciCard } from './probes/pciconf.js';
import { seenFileTypes, type FileThere } from './view.js';

/** The fields of a type: a key without a schema does not compile. */
type Fields<T> = { readonly [Key in keyof T]-?: JsonSchema };

/** Not held to be printable: what a host says may be anything, and must read back. */
const anyText = (description: string, more: JsonSchema = {}): JsonSchema => ({ type: 'string', description, ...more });

const number = (description: string): JsonSchema => ({ type: 'integer', description, minimum: 0 });

const bool = (description: string): JsonSchema => ({ type: 'boolean', description });

const list = (description: string, items: JsonSchema): JsonSchema => ({ type: 'array', description, items });

const map = (description: string, additionalProperties: JsonSchema): JsonSchema => ({
  type: 'object',
  description,
  additionalProperties,
});

const definition = (name: string): JsonSchema => ({ $ref: `#/$defs/${name}` });

const noAnswer: Fields<NoAnswer> = {
  error: anyText('Why there is no answer: the tool, how it ended, and what it printed.', {
    examples: ['pciconf -l could not be run, it was not found'],
  }),
};

/** A list, or why there is none. */
const listed = (description: string, items: JsonSchema): JsonSchema =>
  object({
    type: ['array', 'object'],
    description,
    items,
    required: ['error'],
    properties: { ...noAnswer },
    examples: [[]],
  });

const address: Fields<PciAddress> = {
  bus: number('Bus.'),
  slot: number('Slot.'),
  func: number('Function.'),
};

const networkInterface: Fields<NetworkInterface> = {
  name: anyText('Name, as ifconfig shows it.', { examples: ['tap0'] }),
  groups: list('Groups: a cloned interface is in that of its kind.', anyText('A group.', { examples: ['tap'] })),
  pids: list('Processes that have its device open.', number('Process id.')),
  isUp: bool('The interface is up.'),
  mtu: number('Largest packet in bytes.'),
  description: anyText('What somebody has written to it.'),
  members: list('Interfaces that a bridge connects.', anyText('Name of an interface.')),
};

const card: Fields<PciCard> = {
  name: anyText('Driver and unit; none and a number for a card without a driver.', { examples: ['em0'] }),
  driver: anyText('Driver; absent for a card without one.', { examples: ['em'] }),
  domain: number('PCI domain.'),
  address: object({
    description: 'Place in its domain.',
    properties: { ...address },
    required: ['bus', 'slot', 'func'],
    examples: [{ bus: 3, slot: 0, func: 0 }],
  }),
  vendor: number('Vendor id.'),
  device: number('Device id.'),
  subvendor: number('Vendor id of the subsystem.'),
  subdevice: number('Device id of the subsystem.'),
  headerType: number('0 is a card, 1 a PCI bridge, 2 a CardBus bridge.'),
};

const systemErrorFields: Fields<SystemError> = {
  code: anyText('Its name.', { examples: ['EACCES'] }),
  words: anyText('What errno(2) says of it.', { examples: ['permission denied'] }),
};

const systemError = (description: string): JsonSchema =>
  object({
    description,
    properties: { ...systemErrorFields },
    required: ['code', 'words'],
    examples: [{ code: 'EACCES', words: 'permission denied' }],
  });

/** One of the things that may have been found at a place; `kind` says which. */
type Found = FileFacts | SocketFacts;

const found = <Kind extends Found['kind']>(
  kind: Kind,
  description: string,
  fields: Omit<Fields<Extract<Found, { readonly kind: Kind }>>, 'kind'>,
  optional: readonly string[] = [],
): JsonSchema =>
  object({
    title: kind,
    description,
    properties: { kind: { const: kind, description }, ...fields },
    required: ['kind', ...Object.keys(fields).filter((key) => !optional.includes(key))],
    examples: [{ kind }],
  });

const denied: Fields<FileThere['denied']> = {
  read: systemError('Why it cannot be read.'),
  write: systemError('Why it cannot be written.'),
  search: systemError('Why the folder cannot be searched.'),
};

const kinds = {
  there: found(
    'there',
    'A file that the user can look at.',
    {
      type: { type: 'string', enum: seenFileTypes, description: 'What kind of file it is, symbolic links followed.' },
      identity: anyText('Tells it from other files whatever their names.'),
      bytes: number('Length.'),
      content: {
        type: 'string',
        enum: fileContents,
        description: 'What is in a regular file, by its first and last bytes; absent: nobody could look.',
      },
      denied: object({ description: 'What this user may not do, and why.', properties: { ...denied }, examples: [{}] }),
    },
    ['content'],
  ),
  missing: found(
    'missing',
    'There is no such file.',
    {
      linkTo: anyText('What a symbolic link at the path leads to.'),
      isFolderThere: bool('The folder that it would be in exists.'),
    },
    ['linkTo'],
  ),
  hidden: found('hidden', 'A system call failed, so nobody knows.', { error: systemError('How it failed.') }),
  free: found('free', 'Nothing is in the way.', {}),
  listening: found('listening', 'A program listens there.', {}),
  'not-a-socket': found('not-a-socket', 'Something else than a socket is there.', {}),
  stale: found('stale', 'A socket that is left over: nobody listens.', {
    device: anyText('Device number of the file, in decimal.'),
    inode: anyText('Inode number of the file, in decimal.'),
  }),
  unclear: found('unclear', 'A socket, and nobody knows whether a program listens.', {
    why: anyText('What connect(2) said.'),
  }),
  refused: object({
    title: 'refused',
    description: 'No server could listen there.',
    properties: { kind: { const: 'refused' }, error: systemError('What bind(2) said.') },
    required: ['kind', 'error'],
  }),
};

const oneOf = (description: string, ...names: readonly (keyof typeof kinds)[]): JsonSchema => ({
  type: 'object',
  description,
  required: ['kind'],
  discriminator: { propertyName: 'kind' },
  oneOf: names.map(definition),
});

const platform: Fields<Platform> = {
  release: { type: 'integer', enum: releases, description: 'FreeBSD release.' },
  arch: { type: 'string', enum: architectures, description: 'Architecture.' },
};

const fields: Fields<HostFacts> = {
  version: { const: factsVersion, description: 'The form of this file.' },
  taken: anyText('When the host was looked at: ISO 8601, UTC.', {
    pattern: '^\\d{4}-\\d{2}-\\d{2}T\\d{2}:\\d{2}:\\d{2}(\\.\\d+)?Z$',
    patternErrorMessage: 'a time in UTC',
    examples: ['2026-01-31T12:00:00.000Z'],
  }),
  system: anyText('The system; freebsd where there is a bhyve.', { examples: ['freebsd'] }),
  platform: object({
    description: 'The bhyve of the host; empty where it has none.',
    properties: { ...platform },
    examples: [{ release: 15, arch: 'amd64' }],
  }),
  uid: number('Number of the user who looked.'),
  interfaces: listed(
    'Network interfaces: ifconfig(8).',
    object({ properties: { ...networkInterface }, required: ['name', 'groups', 'pids', 'isUp', 'members'] }),
  ),
  cards: listed('PCI cards: pciconf(8).', object({ properties: { ...card }, required: ['name', 'domain', 'address'] })),
  modules: listed('Kernel modules, loaded or compiled in: kldstat(8).', anyText('Name.', { examples: ['vmm'] })),
  sysctls: object({
    description: 'Values of the kernel by name: sysctl(8).',
    properties: { ...noAnswer },
    patternProperties: { '\\.': anyText('Value.') },
    examples: [{ 'hw.vmm.maxcpu': '16' }],
  }),
  vms: listed('Virtual machines in /dev/vmm.', anyText('Name.')),
  files: map('Files, disk devices and folders by path.', definition('file')),
  sockets: map('Places of UNIX sockets by path.', definition('socket')),
  ports: map('TCP ports by address and port, "127.0.0.1 5900".', definition('port')),
  freeBytes: map('Free bytes of the file system that a path is on, by path.', number('Bytes.')),
};

const optionalFields: readonly string[] = ['uid'] satisfies readonly (keyof HostFacts)[];

/** The schema of captured facts; `publishedFactsSchema` is the one for others. */
export const factsSchema: JsonSchema & { readonly $defs: Definitions } = {
  ...object({
    title: 'vmrun host facts',
    description: 'What vmrun facts captured of a host.',
    properties: { $schema: anyText('The schema for editors; vmrun ignores it.'), ...fields },
    required: Object.keys(fields).filter((key) => !optionalFields.includes(key)),
  }),
  $defs: {
    ...kinds,
    file: oneOf('What is at a path.', 'there', 'missing', 'hidden'),
    socket: oneOf(
      'What is where a socket is to be.',
      ...(['free', 'listening', 'not-a-socket', 'stale', 'unclear', 'hidden'] as const),
    ),
    port: oneOf('Whether a server could listen.', 'free', 'refused'),
  },
};

/** Plain JSON Schema 2020-12. */
export const publishedFactsSchema = (): object => ({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: 'urn:vmrun:schema:host',
  ...withoutDiscriminators(factsSchema),
});

const withoutDiscriminators = (schema: JsonSchema): object =>
  JSON.parse(JSON.stringify(schema, (key, value: unknown) => (key === 'discriminator' ? undefined : value))) as object;
