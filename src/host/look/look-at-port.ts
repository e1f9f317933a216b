import { createServer, isIPv6 } from 'node:net';
import { codeOf } from '../../base/error-code.js';
import { systemError } from '../errno.js';
import { isPassing } from '../process/start-error.js';
import type { PortView } from './view.js';

/**
 * Binds a TCP port as bhyve will bind it, and lets go of it. FreeBSD keeps the families apart: inet6(4),
 * `net.inet6.ip6.v6only`.
 */
export const lookAtPort = (host: string, port: number): Promise<PortView> =>
  new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error) => {
      // What this process lacks says nothing about the port.
      if (isPassing(codeOf(error))) reject(error);
      else resolve({ kind: 'refused', error: systemError(error) });
    });
    server.listen({ host, port, exclusive: true, ipv6Only: isIPv6(host) }, () => {
      server.close(() => {
        resolve({ kind: 'free' });
      });
    });
  });
