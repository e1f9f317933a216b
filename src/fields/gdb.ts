import { isIP, withoutBrackets } from '../base/ip-address.js';
import { shown } from '../base/text.js';
import { flag, integer, text } from '../devices/json-schema.js';
import { defineField } from './field.js';
import { object } from './schemas.js';

export interface GdbFields {
  readonly gdb?: string | number | { readonly address?: string; readonly port: number; readonly wait?: boolean };
}

interface Gdb {
  readonly wait: boolean;
  readonly address: string | undefined;
  readonly port: number;
}

/**
 * `[w][address:]port`, where the last colon splits, or the same as an object. bhyve looks the address up as it is, so
 * brackets around IPv6 would make it a name that nobody has.
 */
function readGdb(gdb: NonNullable<GdbFields['gdb']>): Gdb {
  if (typeof gdb === 'object') {
    const { wait = false, address, port } = gdb;
    return { wait, address: address === undefined ? undefined : withoutBrackets(address), port };
  }
  const [, wait, address, port] = /^(w?)(?:(.*):)?(\d+)$/.exec(String(gdb)) ?? [];
  return {
    wait: wait === 'w',
    address: address === undefined ? undefined : withoutBrackets(address),
    port: Number(port),
  };
}

export const gdb = defineField<GdbFields>({
  name: 'gdb',
  chapter: 'How it is run',
  after: { command: 'keyboard', written: 'monitor', document: 'ignore_unknown_msrs' },
  schema: {
    ...object({
      properties: {
        address: text('Address to listen on. Default: localhost.', { examples: ['127.0.0.1'] }),
        port: integer('TCP port.', 1, 65535),
        wait: flag('Start the guest only when a debugger has connected.'),
      },
      required: ['port'],
    }),
    type: ['string', 'integer', 'object'],
    description: 'GDB stub: a port, "address:port", the same after a "w" to wait for the debugger, or an object.',
    pattern: '^w?([^\\s,\\u0000-\\u001f\\u007f]{1,200}:)?\\d{1,5}$',
    patternErrorMessage: 'a port, "address:port", or the same after a "w", e.g. "w127.0.0.1:1234"',
    minimum: 1,
    maximum: 65535,
    examples: ['w127.0.0.1:1234', 1234, { address: '127.0.0.1', port: 1234, wait: true }],
  },
  check({ vm: { gdb } }) {
    if (gdb === undefined) return [];
    const { address, port } = readGdb(gdb);
    return [
      ...(port > 0 && port < 65536
        ? []
        : [{ code: 'gdb-port', pointer: '/gdb', message: `a port is 1 to 65535, got ${port}` }]),
      ...(address?.startsWith('[') === true
        ? [
            {
              code: 'gdb-address',
              pointer: '/gdb',
              message: `${shown(address)} is not an address: bhyve looks it up as a name, and no name begins with a bracket`,
              fix: 'give a name, an IPv4 address or an IPv6 address such as "::1"',
            },
          ]
        : []),
    ];
  },
  stage: 'machine',
  /** `-G` takes a `w` in front for "wait", so an address that begins with one is said by its variable. */
  settings({ vm: { gdb } }) {
    if (gdb === undefined) return [];
    const { wait, address, port } = readGdb(gdb);
    const variables = [
      ...(wait ? [{ key: 'gdb.wait', value: 'true' }] : []),
      ...(address === undefined ? [] : [{ key: 'gdb.address', value: address }]),
      { key: 'gdb.port', value: String(port) },
    ];
    if (!wait && address?.startsWith('w') === true) return [{ variables, pointers: ['/gdb'] }];
    const server = address === undefined ? String(port) : `${address}:${port}`;
    return [{ variables, option: ['-G', `${wait ? 'w' : ''}${server}`], pointers: ['/gdb'] }];
  },
  requirements({ vm: { gdb } }) {
    if (gdb === undefined) return [];
    const { address: host = '127.0.0.1', port } = readGdb(gdb);
    // A name is looked up by bhyve; only an address can be tried beforehand.
    return isIP(host) ? [{ kind: 'tcp-port', host, port, use: 'gdb', pointer: '/gdb' }] : [];
  },
});
