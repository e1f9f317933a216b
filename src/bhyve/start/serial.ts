import { warn } from '../outcome.js';
import { isNumericAddress } from './numeric-address.js';
import type { StartContext } from './start-context.js';

/**
 * Opens what is behind a serial port: `stdio` (once a VM), `tcp=host:port` (v6 in brackets), or else a tty device,
 * which is taken to be there.
 * @param holder who asks
 */
export function openSerial(path: string, holder: string, context: StartContext): boolean {
  if (path === 'stdio') {
    if (context.stdioHolder !== undefined) return false;
    context.stdioHolder = holder;
    return true;
  }
  return path.startsWith('tcp') ? isTcpAddress(path, context) : true;
}

function isTcpAddress(path: string, { output }: StartContext): boolean {
  // The brackets choose the family.
  const bracketed = /^tcp=\[([^\]]{1,255})\]:\s*(\S{1,5})/.exec(path);
  const [, host, port] = bracketed ?? /^tcp=([^:]{1,255}):\s*(\S{1,5})/.exec(path) ?? [];
  if (host === undefined || port === undefined) {
    warn(output, 'Invalid number of parameter');
    return false;
  }
  if (isNumericAddress(host, port, bracketed === null ? 'inet' : 'inet6')) return true;
  warn(output, `Invalid address ${host}:${port}`);
  return false;
}
