/** Whether text is a numeric IPv4 or IPv6 address, without brackets; an IPv6 zone (`%em0`) is allowed. */
export function isIP(text: string): boolean {
  // No leading zeros: inet_aton(3) reads such a part as octal.
  if (/^(0|[1-9]\d{0,2})(\.(0|[1-9]\d{0,2})){3}$/.test(text))
    return text.split('.').every((part) => Number(part) < 256);
  const address = text.replace(/%[\w.-]{1,15}$/, '');
  return /^[0-9a-f:.]+$/i.test(address) && address.includes(':') && URL.canParse(`http://[${address}]/`);
}

/** The address in the brackets that go around IPv6 before a port; without them, as it is. */
export const withoutBrackets = (host: string): string => host.replace(/^\[(.*)\]$/, '$1');
