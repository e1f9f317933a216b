import { addAll } from '../base/long-lists.js';
import type { Finding } from '../base/problem.js';
import { byteLength } from '../base/text.js';
import { asWords, optional, whenSet, type Requirement, type Trait, type Variable } from './device.js';
import { text, type JsonSchema } from './json-schema.js';

const types = ['tap', 'vmnet', 'netgraph', 'netmap', 'vale', 'slirp'] as const;
type BackendType = (typeof types)[number];

/** What a network card is plugged into: bhyve(8), "Network device backends". */
export interface NetworkFields {
  readonly name?: string;
  readonly type?: BackendType;
  readonly mac?: string;
  readonly bridge?: string;
  readonly path?: string;
  readonly peerhook?: string;
  readonly socket?: string;
  readonly hook?: string;
  readonly hostfwd?: readonly string[];
  readonly open?: boolean;
}

export const networkFields: { readonly [Field in keyof NetworkFields]-?: JsonSchema } = {
  name: text('The interface to attach: a tap or vmnet interface, netmap:IF, or valeX:PORT.', {
    examples: ['tap0', 'vale0:vm1'],
    takesDigits: true,
  }),
  type: {
    type: 'string',
    enum: types,
    description: 'Kind of backend; default: what the name begins with. A tap with a name of its own needs it.',
  },
  mac: {
    type: 'string',
    description: "Ethernet address of the guest's side; by default bhyve makes one from slot and VM name.",
    pattern: '^[0-9a-fA-F]{1,2}(:[0-9a-fA-F]{1,2}){5}$',
    patternErrorMessage: 'six hex numbers with colons, e.g. "58:9c:fc:00:00:01"',
    examples: ['58:9c:fc:00:00:01'],
  },
  bridge: text(
    'tap and vmnet: the bridge of the host that the interface is to be a member of; vmrun adds it where it may change ' +
      'the host. bhyve does not know of it.',
    { examples: ['bridge0'] },
  ),
  path: text('netgraph: the node to connect to.', { examples: ['sw0:'] }),
  peerhook: text('netgraph: the hook of that node.', { examples: ['link1'] }),
  socket: text('netgraph: name of the socket node that bhyve makes.'),
  hook: text('netgraph: hook of that socket node; bhyve uses vmlink unless set.'),
  hostfwd: {
    type: 'array',
    description: 'slirp: ports of the host that reach the guest, each (tcp|udp):[host]:port-[guest]:port.',
    minItems: 1,
    maxItems: 64,
    items: {
      type: 'string',
      pattern: '^(tcp|udp):[^,;:\\s\\u0000-\\u001f\\u007f]*:\\d{1,5}-[^,;:\\s\\u0000-\\u001f\\u007f]*:\\d{1,5}$',
      patternErrorMessage: 'a rule such as "tcp:127.0.0.1:2222-:22"',
    },
    examples: [['tcp:127.0.0.1:2222-:22']],
  },
  open: { type: 'boolean', description: 'slirp: let the guest reach out.', default: false },
};

/** The backend's type as bhyve tells it, by how the name begins: net_backends.c. */
export const backendType = ({ name, type }: NetworkFields): BackendType | undefined =>
  type ?? types.find((word) => name?.startsWith(word) === true);

/** Settings of the backend; bhyve takes the type from the name unless it is given. */
export function networkVariables(fields: NetworkFields): readonly Variable[] {
  const { name = '', mac } = fields;
  const rest = optional('mac', mac);
  const type = backendType(fields);
  switch (type) {
    case 'netgraph':
      return [
        { key: 'backend', value: 'netgraph' },
        ...optional('path', fields.path),
        ...optional('peerhook', fields.peerhook),
        ...optional('socket', fields.socket),
        ...optional('hook', fields.hook),
        ...rest,
      ];
    case 'slirp':
      return [
        { key: 'backend', value: 'slirp' },
        ...whenSet('open', fields.open),
        ...optional('hostfwd', fields.hostfwd?.join(';')),
        ...rest,
      ];
    case 'netmap':
      // netmap(4) wants its own prefix.
      return [{ key: 'backend', value: /^(netmap:|vale)/.test(name) ? name : `netmap:${name}` }, ...rest];
    case 'tap':
    case 'vmnet':
    case 'vale':
    case undefined:
      return [
        { key: 'backend', value: name },
        ...(type === undefined || name.startsWith(type) ? [] : [{ key: 'type', value: type }]),
        ...rest,
      ];
  }
}

/** The words of bhyve's reader: the backend, then the rest; it must not look like an option. */
export function networkWords(variables: readonly Variable[]): readonly string[] | undefined {
  const [backend, ...rest] = variables;
  if (backend === undefined || backend.value.includes('=')) return undefined;
  return [backend.value, ...asWords(rest)];
}

export const networkLabel = (fields: NetworkFields): string | undefined =>
  fields.name ?? fields.path ?? backendType(fields);

/** bhyve puts the text that it makes an address of into 80 bytes, one of which ends it: net_genmac in net_utils.c. */
const maxSeed = 79;

/** The bus is no part of it: two cards of one slot and function have one address, and so do VMs of one name. */
export const networkTraits = ({ mac }: NetworkFields): readonly Trait[] => [
  {
    kind: 'mac',
    pointer: '/mac',
    key: 'mac',
    said: mac,
    byDefault({ address: { slot, func }, name, md5 }) {
      const digest = md5(new TextEncoder().encode(`${slot}-${func}-${name}`).slice(0, maxSeed));
      return ['00:a0:98', digest.slice(0, 2), digest.slice(2, 4), digest.slice(4, 6)].join(':');
    },
  },
];

/** `mtu` is what the card announces to the guest, where it does. */
export function networkRequirements(fields: NetworkFields & { readonly mtu?: number }): readonly Requirement[] {
  const { name = '', bridge, mtu } = fields;
  const type = backendType(fields);
  if (type === 'tap' || type === 'vmnet') {
    const more = { ...(bridge === undefined ? {} : { bridge }), ...(mtu === undefined ? {} : { mtu }) };
    return [
      { kind: 'module', name: 'if_tuntap', why: `a ${type} interface`, pointer: '/name' },
      { kind: 'interface', name, type, ...more, pointer: '/name' },
    ];
  }
  if (type === 'netgraph') return [{ kind: 'module', name: 'ng_socket', why: 'a netgraph backend', pointer: '' }];
  return [];
}

const fieldsOf: Readonly<Record<'netgraph' | 'slirp', readonly (keyof NetworkFields)[]>> = {
  netgraph: ['path', 'peerhook', 'socket', 'hook'],
  slirp: ['hostfwd', 'open'],
};

export function checkNetwork(fields: NetworkFields): readonly Finding[] {
  const type = backendType(fields);
  return [...checkMac(fields.mac), ...(type === undefined ? [checkName(fields)] : checkBackend(fields, type))];
}

function checkName({ name }: NetworkFields): Finding {
  if (name === undefined) {
    return {
      code: 'required',
      pointer: '/name',
      message: 'name is required: the tap interface to attach',
      fix: 'add e.g. "name": "tap0"',
    };
  }
  return {
    code: 'backend-unknown',
    pointer: '/name',
    message: `bhyve cannot tell from ${JSON.stringify(name)} what kind of interface it is`,
    fix: 'use a name that begins with tap, vmnet, netmap: or vale, e.g. "tap0", with "bridge" for an interface of the host behind it; or add "type"',
  };
}

function checkBackend(fields: NetworkFields, type: BackendType): readonly Finding[] {
  const { name } = fields;
  const findings: Finding[] = [];
  if ((type === 'netgraph' || type === 'slirp') && name?.startsWith(type) === false) {
    findings.push({
      code: 'name-unused',
      severity: 'warning',
      pointer: '/name',
      message: `name has no effect with a ${type} backend`,
      fix: 'leave "name" out',
    });
  }
  addAll(findings, checkBridge(fields, type));
  for (const [owner, names] of Object.entries(fieldsOf)) {
    for (const field of names) {
      if (owner === type || fields[field] === undefined || fields[field] === false) continue;
      findings.push({
        code: 'wrong-backend',
        pointer: `/${field}`,
        message: `${field} belongs to a ${owner} backend, this one is ${type}`,
        fix: `leave ${field} out, or use "type": "${owner}"`,
      });
    }
  }
  switch (type) {
    case 'netgraph':
      for (const field of ['path', 'peerhook'] as const) {
        if (fields[field] !== undefined) continue;
        findings.push({
          code: 'required',
          pointer: `/${field}`,
          message: `${field} is required for a netgraph backend`,
          fix: `add e.g. "${field}": "${field === 'path' ? 'sw0:' : 'link1'}"`,
        });
      }
      break;
    case 'slirp':
      break;
    case 'vale':
      if (name === undefined || !/^vale[^:]{0,16}:.+$/.test(name)) {
        findings.push({
          code: 'vale-port',
          pointer: '/name',
          message: `a vale switch needs a port: ${JSON.stringify(name ?? '')}`,
          fix: 'use e.g. "name": "vale0:vm1"',
        });
      }
      break;
    case 'tap':
    case 'vmnet':
    case 'netmap':
      addAll(findings, checkInterfaceName(name, type));
      break;
  }
  return findings;
}

function checkInterfaceName(name: string | undefined, type: BackendType): readonly Finding[] {
  if (name === undefined) return [checkName({})];
  return type === 'netmap' || isInterfaceName(name) ? [] : [noInterfaceName('/name', name, 'tap0')];
}

function checkBridge({ bridge }: NetworkFields, type: BackendType): readonly Finding[] {
  if (bridge === undefined) return [];
  if (type !== 'tap' && type !== 'vmnet') {
    return [
      {
        code: 'wrong-backend',
        pointer: '/bridge',
        message: `bridge belongs to a tap or vmnet backend, this one is ${type}`,
        fix: 'leave bridge out, or use "type": "tap"',
      },
    ];
  }
  return isInterfaceName(bridge) ? [] : [noInterfaceName('/bridge', bridge, 'bridge0')];
}

/** IFNAMSIZ: 15 bytes and the end. ifconfig(8) takes what begins with a hyphen for an option. */
const isInterfaceName = (name: string): boolean => /^[^\s,/=-][^\s,/=]*$/.test(name) && byteLength(name) <= 15;

const noInterfaceName = (pointer: string, name: string, example: string): Finding => ({
  code: 'interface-name',
  pointer,
  message: `${JSON.stringify(name)} cannot be the name of an interface`,
  fix: `use at most 15 bytes without blanks, commas, slashes and "=", and no hyphen in front, e.g. "${example}"`,
});

/** net_utils.c takes unicast addresses other than zero. */
function checkMac(mac: string | undefined): readonly Finding[] {
  if (mac === undefined) return [];
  const octets = mac.split(':').map((octet) => Number.parseInt(octet, 16));
  if (octets.every((octet) => octet === 0)) {
    return [
      { code: 'mac', pointer: '/mac', message: `${mac} is not an address`, fix: 'leave "mac" out, or give another' },
    ];
  }
  if (((octets[0] ?? 0) & 1) === 0) return [];
  return [
    {
      code: 'mac',
      pointer: '/mac',
      message: `${mac} is a multicast address, bhyve takes unicast only`,
      fix: 'use an address whose first number is even, or leave "mac" out',
    },
  ];
}
