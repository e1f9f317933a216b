/** Whether text is a numeric IPv4 or IPv6 address, without brackets; an IPv6 zone (`%em0`) is allowed. */
export function isIP(text: string): boolean {
  if (/^\d{1,3}(\.\d{1,3}){3}$/.test(text)) return text.split('.').every((part) => Number(part) < 256);
  return text.includes(':') && URL.canParse(`http://[${text.replace(/%[\w.-]{1,15}$/, '')}]/`);
}
