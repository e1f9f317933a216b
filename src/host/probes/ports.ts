import { createServer, isIPv6 } from 'node:net';
import { describeSystemError, systemError, type SystemError } from '../errno.js';
import { finding, type Asked, type HostFinding, type ProbeAnswer, type Said } from '../findings.js';

type AskedPort = Asked<'tcp-port'>;

/** TCP ports that bhyve is to listen on: each is bound as bhyve will bind it, and let go. */
export async function checkPorts(asked: readonly AskedPort[]): Promise<ProbeAnswer> {
  const findings: HostFinding[] = [];
  // One after the other: two of them may overlap (0.0.0.0 and 127.0.0.1) and must not be in each other's way.
  for (const [index, one] of asked.entries()) {
    const holder = asked.slice(0, index).find((other) => overlap(one, other));
    if (holder !== undefined) {
      findings.push(finding(one, usedTwice(one, holder)));
      continue;
    }
    const host = listenHost(one);
    const error = await bind(host, one.need.port);
    if (error !== undefined) findings.push(finding(one, describe({ ...one.need, host }, error)));
  }
  return { findings };
}

/** bhyve's servers listen on the loopback where no host is given. */
const listenHost = ({ need }: AskedPort): string => (need.host === '' ? '127.0.0.1' : need.host);

function overlap(one: AskedPort, other: AskedPort): boolean {
  if (one.need.port !== other.need.port) return false;
  const [a, b] = [listenHost(one), listenHost(other)];
  return a === b || (isIPv6(a) === isIPv6(b) && [a, b].some((host) => host === '0.0.0.0' || host === '::'));
}

const usedTwice = ({ need: { port, use } }: AskedPort, holder: AskedPort): Said => ({
  code: 'port-twice',
  message: `TCP port ${port} for ${use} already serves ${holder.need.use} of ${holder.requirement.subject}`,
  fix: 'give each a port of its own',
});

/** Undefined where the port could be bound. FreeBSD keeps the families apart: inet6(4), `net.inet6.ip6.v6only`. */
function bind(host: string, port: number): Promise<SystemError | undefined> {
  return new Promise((resolve) => {
    const server = createServer();
    server.once('error', (error) => {
      resolve(systemError(error));
    });
    server.listen({ host, port, exclusive: true, ipv6Only: isIPv6(host) }, () => {
      server.close(() => {
        resolve(undefined);
      });
    });
  });
}

function describe({ host, port, use }: AskedPort['need'], error: SystemError): Said {
  const name = `${isIPv6(host) ? `[${host}]` : host}:${port}`;
  switch (error.code) {
    case 'EADDRINUSE':
      return {
        code: 'port-in-use',
        message: `TCP port ${name} for ${use} is in use`,
        fix: `stop the program that listens there (sockstat -l -p ${port}), or use another port`,
      };
    case 'EADDRNOTAVAIL':
    case 'EAFNOSUPPORT':
      return {
        code: 'port-address',
        message: `${host}, for ${use}, is no address of this host`,
        fix: 'use an address that ifconfig lists, or 127.0.0.1',
      };
    case 'ENOTFOUND':
    case 'EAI_AGAIN':
      return { code: 'port-address', message: `${host}, for ${use}, has no address`, fix: 'use a numeric address' };
    case 'EACCES':
      return {
        code: 'port-access',
        message: `this user may not listen on TCP port ${name} for ${use}`,
        fix: 'use a port from 1024 on, or run as root',
      };
    default:
      return {
        code: 'port-error',
        message: `cannot listen on TCP port ${name} for ${use}: ${describeSystemError(error)}`,
        fix: 'use another address or port',
      };
  }
}
