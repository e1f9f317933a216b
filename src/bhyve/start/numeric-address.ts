import { strtoul } from '../c-numbers.js';

const uint32End = 2n ** 32n;

/** Whether getaddrinfo(3) takes a host with AI_NUMERICHOST: an address, not a name. */
export const isNumericHost = (host: string): boolean => isIpv4(host) || isIpv6(host);

/** Whether getaddrinfo(3) takes a port with AI_NUMERICSERV. */
export const isNumericPort = (port: string): boolean => /^\d{1,10}$/.test(port) && Number(port) <= 65_535;

/** inet_aton(3): one to four numbers in C syntax, the last of which fills what is left. */
function isIpv4(host: string): boolean {
  const parts = host.split('.');
  if (parts.length > 4) return false;
  return parts.every((part, index) => {
    if (!/^[0-9]/.test(part)) return false;
    const { value, end } = strtoul(part, 0);
    if (end !== part.length) return false;
    const bytes = index === parts.length - 1 ? 5 - parts.length : 1;
    return value < (bytes === 4 ? uint32End : 256n ** BigInt(bytes));
  });
}

/** RFC 4291, section 2.2, with an optional zone behind `%`. */
function isIpv6(host: string): boolean {
  const [address = '', zone] = host.split('%', 2);
  if (zone === '') return false;
  const halves = address.split('::');
  if (halves.length > 2) return false;
  const groups = halves.flatMap((half) => (half === '' ? [] : half.split(':')));
  const last = groups.at(-1);
  const hasIpv4 = last?.includes('.') === true;
  const hex = hasIpv4 ? groups.slice(0, -1) : groups;
  const count = hex.length + (hasIpv4 ? 2 : 0);
  return (
    hex.every((group) => /^[0-9a-f]{1,4}$/i.test(group)) &&
    (!hasIpv4 || /^(\d{1,3}\.){3}\d{1,3}$/.test(last)) &&
    (halves.length === 2 ? count <= 7 : count === 8)
  );
}
