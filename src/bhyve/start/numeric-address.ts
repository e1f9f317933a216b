import { strtoul } from '../c-numbers.js';
import { gaiText } from '../outcome.js';

/** The families of getaddrinfo(3); `any` is AF_UNSPEC. */
export type AddressFamily = 'inet' | 'inet6' | 'any';

const uint32Max = 2n ** 32n - 1n;
const maxPort = 65_535n;

/** Whether getaddrinfo(3) takes a host with AI_NUMERICHOST: an address, not a name. */
export function isNumericHost(host: string, family: AddressFamily): boolean {
  return (family !== 'inet6' && isIpv4(host)) || (family !== 'inet' && isIpv6(host));
}

/**
 * What getaddrinfo(3) says of a port with AI_NUMERICSERV; undefined where it takes it. Blanks and a sign in front of the
 * number pass.
 */
export function portError(port: string): string | undefined {
  const { value, end, isOutOfRange } = strtoul(port, 10);
  if (end === 0 || end !== port.length || isOutOfRange || value > uint32Max) return gaiText.noName;
  return value > maxPort ? gaiText.noService : undefined;
}

/** Whether getaddrinfo(3) takes both, with AI_NUMERICHOST and AI_NUMERICSERV. */
export const isNumericAddress = (host: string, port: string, family: AddressFamily): boolean =>
  portError(port) === undefined && isNumericHost(host, family);

/**
 * inet_aton(3): one to four numbers in C syntax, the last of which fills what is left; whatever follows a blank is
 * ignored. A single number may be of any size.
 */
function isIpv4(host: string): boolean {
  const [address = ''] = host.split(/[ \t\n\v\f\r]/, 1);
  const parts = address.split('.');
  if (parts.length > 4) return false;
  return parts.every((part, index) => {
    const isLast = index === parts.length - 1;
    // `0x` with nothing behind it is 0, but not as the last part.
    if (!isLast && /^0x$/i.test(part)) return true;
    if (!/^(0x[0-9a-f]+|0[0-7]*|[1-9][0-9]*)$/i.test(part)) return false;
    const digits = part.replace(/^0(?=[0-7])/, '0o');
    const value = BigInt.asUintN(64, BigInt(digits));
    if (!isLast) return value < 256n;
    return parts.length === 1 || value < 256n ** BigInt(5 - parts.length);
  });
}

/** One of 0 to 255, without leading zeros. */
const isOctet = (text: string): boolean => /^(0|[1-9][0-9]{0,2})$/.test(text) && Number(text) <= 255;

/** RFC 4291, section 2.2, with an optional zone behind `%`. */
function isIpv6(host: string): boolean {
  const [address = '', zone] = host.split('%', 2);
  if (zone === '') return false;
  const halves = address.split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const last = groups.at(-1);
  const hasIpv4 = last?.includes('.') === true && address.endsWith(last);
  const hex = hasIpv4 ? groups.slice(0, -1) : groups;
  const count = hex.length + (hasIpv4 ? 2 : 0);
  const octets = hasIpv4 ? last.split('.') : undefined;
  return (
    hex.every((group) => /^[0-9a-f]{1,4}$/i.test(group)) &&
    (octets === undefined || (octets.length === 4 && octets.every(isOctet))) &&
    (halves.length === 2 ? count <= 7 : count === 8)
  );
}
