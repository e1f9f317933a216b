import type { Finding } from '../base/problem.js';
import { byteLength } from '../base/text.js';
import { defineDevice } from './device.js';
import { file, text } from './json-schema.js';

interface NamedPort {
  readonly name: string;
  readonly path: string;
}

interface VirtioConsole {
  /** 1 to 16 ports, numbered as the guest numbers them; a bare path is named port1, port2, … */
  readonly ports: readonly (string | NamedPort)[];
}

const named = ({ ports }: VirtioConsole): readonly NamedPort[] =>
  ports.map((port, index) => (typeof port === 'string' ? { name: `port${index + 1}`, path: port } : port));

/** sun_path holds 104 bytes with its end; bhyve binds by base name. */
const maxSocketName = 103;

function checkPort({ name, path }: NamedPort, index: number, all: readonly NamedPort[]): readonly Finding[] {
  const pointer = `/ports/${index}`;
  const findings: Finding[] = [];
  const base = path.slice(path.lastIndexOf('/') + 1);
  if (base === '' || byteLength(base) > maxSocketName) {
    findings.push({
      code: 'socket-name',
      pointer,
      message:
        base === ''
          ? 'the path of a socket must end in a name'
          : `the name of a socket has at most ${maxSocketName} bytes`,
      fix: 'use e.g. "/var/run/vm0.sock"',
    });
  }
  const twin = all.findIndex((port) => port.path === path);
  if (twin < index) {
    findings.push({
      code: 'socket-twice',
      pointer,
      message: `${path} is the socket of port ${twin + 1} already`,
      fix: 'give each port a socket of its own',
    });
  }
  if (all.findIndex((port) => port.name === name) < index) {
    findings.push({
      code: 'port-name-twice',
      pointer,
      message: `two ports are named ${JSON.stringify(name)}`,
      fix: 'give each port a name of its own',
    });
  }
  return findings;
}

/** Named character ports between guest and host: bhyve(8), "Virtio console device backends". */
export const virtioConsole = defineDevice<VirtioConsole>({
  model: 'virtio-console',
  description: 'Character ports between guest and host, each a UNIX socket on the host.',
  schema: {
    required: ['ports'],
    properties: {
      ports: {
        type: 'array',
        description: 'The ports in order: the path of a socket, named port1, port2, ..., or a name and a path.',
        minItems: 1,
        maxItems: 16,
        items: {
          ...file('Path of the socket that bhyve makes.'),
          type: ['string', 'object'],
          properties: {
            name: text('Name that the guest sees.', { takesDigits: true }),
            path: file('Path of the socket that bhyve makes.'),
          },
          required: ['name', 'path'],
          additionalProperties: false,
        },
      },
    },
  },
  example: { ports: [{ name: 'org.qemu.guest_agent.0', path: '/var/run/vm0-agent.sock' }] },
  label: (fields) =>
    named(fields)
      .map(({ path }) => path)
      .join(', '),
  check: (fields) => named(fields).flatMap(checkPort),
  variables: (fields) =>
    named(fields).flatMap(({ name, path }, index) => [
      { key: `port.${index}.name`, value: name },
      { key: `port.${index}.path`, value: path },
    ]),
  // The first "=" ends the name.
  words: (fields) =>
    named(fields).some(({ name }) => name.includes('='))
      ? undefined
      : named(fields).map(({ name, path }) => `${name}=${path}`),
  requirements: (fields) =>
    named(fields).map(({ path }, index) => ({ kind: 'free-socket', path, pointer: `/ports/${index}` })),
  // bhyve leaves its sockets behind on every exit.
  ephemerals: (fields) => named(fields).map(({ path }) => ({ kind: 'socket', path })),
});
