import { isIP, withoutBrackets } from '../base/ip-address.js';
import type { Finding } from '../base/problem.js';
import { shown } from '../base/text.js';
import type { Requirement } from '../devices/device.js';
import type { VmSpec } from '../spec/vm-spec.js';
import type { Setting } from './argv.js';

interface Gdb {
  readonly wait: boolean;
  readonly address: string | undefined;
  readonly port: number;
}

/**
 * `[w][address:]port`, where the last colon splits, or the same as an object. bhyve looks the address up as it is, so
 * brackets around IPv6 would make it a name that nobody has.
 */
function readGdb(gdb: NonNullable<VmSpec['gdb']>): Gdb {
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

/** `-G` takes a `w` in front for "wait", so an address that begins with one is said by its variable. */
export function gdbSettings({ gdb }: VmSpec): readonly Setting[] {
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
}

export function checkGdb({ gdb }: VmSpec): readonly Finding[] {
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
            message: `${shown(address)} is no address: bhyve looks it up as a name, and no name begins with a bracket`,
            fix: 'give a name, an IPv4 address or an IPv6 address such as "::1"',
          },
        ]
      : []),
  ];
}

export function gdbRequirements({ gdb }: VmSpec): readonly Requirement[] {
  if (gdb === undefined) return [];
  const { address: host = '127.0.0.1', port } = readGdb(gdb);
  // A name is looked up by bhyve; only an address can be tried beforehand.
  return isIP(host) ? [{ kind: 'tcp-port', host, port, use: 'gdb', pointer: '/gdb' }] : [];
}
