import { isIP } from 'node:net';
import { ProblemsError } from '../base/problem.js';

/** Where to listen. */
export type ListenAddress =
  | { readonly kind: 'unix'; readonly path: string }
  | {
      readonly kind: 'tcp';
      readonly isSecure: boolean;
      /** Numeric, or `localhost`. */
      readonly host: string;
      /** 0: a free one. */
      readonly port: number;
    };

/** sockaddr_un holds 104 bytes with its end; unix(4). */
const maxPathBytes = 103;

const forms = 'write unix:/PATH, http://127.0.0.1:PORT or https://ADDRESS:PORT';

const refuse = (address: string, message: string, fix: string): never => {
  throw new ProblemsError('usage', address, [{ code: 'listen', severity: 'error', message, fix }]);
};

/**
 * Reads an address as it stands in a configuration.
 * @throws ProblemsError where it is none, or would have passwords go over a network as they are
 */
export function readListenAddress(address: string): ListenAddress {
  if (address.startsWith('unix:')) {
    const path = address.slice('unix:'.length);
    if (!path.startsWith('/')) refuse(address, `${address} names no absolute path`, forms);
    if (Buffer.byteLength(path) > maxPathBytes)
      refuse(address, `the path of a UNIX socket has at most ${maxPathBytes} bytes: ${path}`, 'choose a shorter one');
    return { kind: 'unix', path };
  }
  const [, scheme, bracketed, plain, digits] =
    /^(https?):\/\/(?:\[([0-9A-Fa-f:.]+)\]|([^[\]/:?#@]+)):(\d{1,5})\/?$/.exec(address) ?? [];
  const host = bracketed ?? plain ?? '';
  const port = Number(digits);
  const isNumeric = bracketed === undefined ? isIP(host) === 4 : isIP(host) === 6;
  if (scheme === undefined || !(isNumeric || host === 'localhost') || port > 65_535)
    return refuse(address, `${address} is no address to listen on`, forms);
  const isSecure = scheme === 'https';
  if (!isSecure && !isLoopback(host)) {
    const fix = `write https://${host}:${port}, or listen on 127.0.0.1 behind a proxy`;
    refuse(address, `${address} is not loopback: passwords would go over the network as they are`, fix);
  }
  return { kind: 'tcp', isSecure, host, port };
}

/** As `socket.remoteAddress` has it, or as a user writes it. */
export const isLoopback = (host: string): boolean => {
  const address = plainAddress(host);
  return address === 'localhost' || address === '::1' || address.startsWith('127.');
};

/** IPv4 that came in over an IPv6 socket is IPv4. */
export const plainAddress = (address: string): string => address.replace(/^::ffff:(?=\d+\.)/i, '');

/** What one host has for itself, for limits: of IPv6 a whole /64. */
export function hostKey(address: string): string {
  const plain = plainAddress(address);
  if (isIP(plain) !== 6) return plain;
  const [head = '', tail] = plain.split('%')[0]?.split('::') ?? [];
  const front = head === '' ? [] : head.split(':');
  const back = tail === undefined || tail === '' ? [] : tail.split(':');
  const zeros =
    tail === undefined ? [] : Array.from({ length: Math.max(0, 8 - front.length - back.length) }, () => '0');
  return `${[...front, ...zeros, ...back]
    .slice(0, 4)
    .map((part) => part.replace(/^0+(?=.)/, '').toLowerCase())
    .join(':')}::/64`;
}
