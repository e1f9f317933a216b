import { isIP } from '../base/ip-address.js';
import { child } from '../base/json-pointer.js';
import type { Finding } from '../base/problem.js';
import type { Requirement } from '../devices/device.js';
import type { VmSpec } from '../spec/vm-spec.js';
import type { Setting } from './argv.js';

const ports = ['com1', 'com2', 'com3', 'com4'] as const;

/** The serial ports of a spec that have a backend. */
export const consolesOf = (
  vm: VmSpec,
): readonly { readonly port: (typeof ports)[number]; readonly backend: string }[] =>
  ports.flatMap((port) => {
    const backend = vm[port];
    return backend === undefined ? [] : [{ port, backend }];
  });

/** IPv6 has brackets, IPv4 has none. */
const tcpForm = /^tcp=(?:\[([^\]]*:[^\]]*)\]|([^:]*)):(\d{1,5})$/;

/** uart_backend.c: a tty, `stdio` once per VM, or a TCP socket at a numeric address. */
function isBackend(backend: string): boolean {
  if (backend === 'stdio' || backend.startsWith('/')) return true;
  const [, bracketed, bare, port] = tcpForm.exec(backend) ?? [];
  return isIP(bracketed ?? bare ?? '') && Number(port) > 0 && Number(port) < 65536;
}

export function checkConsoles(vm: VmSpec): readonly Finding[] {
  const consoles = consolesOf(vm);
  return consoles.flatMap(({ port, backend }, index): readonly Finding[] => {
    const pointer = child('', port);
    if (!isBackend(backend)) {
      return [
        {
          code: 'console-backend',
          pointer,
          message: `${JSON.stringify(backend)} is no backend for a serial port`,
          fix: 'use "stdio", a tty such as "/dev/nmdm0A", or "tcp=127.0.0.1:1234"',
        },
      ];
    }
    const twin = consoles.slice(0, index).find((other) => other.backend === backend);
    if (twin === undefined) return [];
    return [
      {
        code: 'console-twice',
        pointer,
        message: `${port} and ${twin.port} are both ${backend}`,
        fix:
          backend === 'stdio'
            ? 'one of them can be stdio; use e.g. "/dev/nmdm0A" for the other'
            : 'use another backend',
      },
    ];
  });
}

export const consoleSettings = (vm: VmSpec): readonly Setting[] =>
  // The whole rest of the option is the path: a comma does not split it.
  consolesOf(vm).map(({ port, backend }) => ({
    variables: [{ key: `lpc.${port}.path`, value: backend }],
    option: ['-l', `${port},${backend}`],
  }));

export const consoleRequirements = (vm: VmSpec): readonly Requirement[] =>
  consolesOf(vm).flatMap(({ port, backend }): readonly Requirement[] => {
    const pointer = child('', port);
    if (backend.startsWith('/dev/nmdm')) {
      return [{ kind: 'module', name: 'nmdm', why: `${port} on ${backend}`, pointer }];
    }
    if (backend.startsWith('/')) {
      return [{ kind: 'file', path: backend, types: ['character device'], access: 'write', pointer }];
    }
    const [, host, portNumber] = /^tcp=\[?([^\]]*?)\]?:(\d+)$/.exec(backend) ?? [];
    if (host === undefined) return [];
    return [{ kind: 'tcp-port', host, port: Number(portNumber), use: port, pointer }];
  });
