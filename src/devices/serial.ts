import { isIP } from '../base/ip-address.js';
import type { Finding } from '../base/problem.js';
import type { Platform, Requirement } from './device.js';

/** A serial port that a backend is named for. */
interface SerialPort {
  /** For messages: `com1`, `uart`. */
  readonly name: string;
  /** Where the backend is said. */
  readonly pointer: string;
}

/** The backend that vmrun serves itself: bhyve's standard input and output, on two FIFOs of the run directory. */
export const servedConsole = 'console';

/** For the schema: what a serial port can be connected to. */
export const serialBackends =
  '"console" (served by vmrun: `vmrun console NAME`), "stdio" (the terminal of vmrun), a tty such as /dev/nmdm0A, or "tcp=address:port"';

/** A backend as bhyve is told it. */
export const bhyveBackend = (backend: string): string => (backend === servedConsole ? 'stdio' : backend);

/** IPv6 has brackets, IPv4 has none. */
const tcpForm = /^tcp=(?:\[([^\]]*)\]|([^:]*)):(\d{1,5})$/;

function tcpBackend(backend: string): { readonly host: string; readonly port: number } | undefined {
  const [, bracketed, bare, port] = tcpForm.exec(backend) ?? [];
  const host = bracketed ?? bare ?? '';
  const number = Number(port);
  return isIP(host) && host.includes(':') === (bracketed !== undefined) && number > 0 && number < 65536
    ? { host, port: number }
    : undefined;
}

/** uart_backend.c: a tty, `stdio` once per VM, or a TCP socket at a numeric address; or the console that vmrun serves. */
export function checkSerialBackend(
  backend: string,
  { pointer }: SerialPort,
  { release }: Platform,
): readonly Finding[] {
  if (bhyveBackend(backend) === 'stdio' || backend.startsWith('/')) return [];
  if (tcpBackend(backend) === undefined) {
    return [
      {
        code: 'console-backend',
        pointer,
        message: `${JSON.stringify(backend)} is not a backend for a serial port`,
        fix: 'use "console", "stdio", a tty such as "/dev/nmdm0A", or "tcp=127.0.0.1:1234"',
      },
    ];
  }
  if (release !== 14) return [];
  return [
    {
      code: 'release',
      severity: 'warning',
      pointer,
      message: 'tcp backends came with FreeBSD 14.3',
      fix: 'make sure that the host is 14.3 or later, or use a tty such as "/dev/nmdm0A"',
    },
  ];
}

/** What a backend asks of the host; one that is none asks for nothing. */
export function serialRequirements(backend: string, { name, pointer }: SerialPort): readonly Requirement[] {
  if (backend.startsWith('/dev/nmdm')) {
    return [{ kind: 'module', name: 'nmdm', why: `${name} on ${backend}`, pointer }];
  }
  if (backend.startsWith('/')) {
    return [{ kind: 'file', path: backend, types: ['character device'], access: 'write', pointer }];
  }
  const tcp = tcpBackend(backend);
  return tcp === undefined ? [] : [{ kind: 'tcp-port', ...tcp, use: name, pointer }];
}
