import { isIPv6 } from 'node:net';
import { unreachable } from '../../../base/unreachable.js';
import { describeSystemError, type SystemError } from '../../errno.js';
import { finding, notCaptured, type Asked, type HostFinding, type ProbeAnswer, type Said } from '../findings.js';
import type { HostView, PortView } from '../view.js';

type AskedPort = Asked<'tcp-port'>;

/** TCP ports that bhyve is to listen on: each can be bound, and serves one device. */
export async function checkPorts(asked: readonly AskedPort[], view: HostView): Promise<ProbeAnswer> {
  const findings = await Promise.all(
    asked.map(async (one, index) => {
      const holder = asked.slice(0, index).find((other) => overlap(one, other));
      if (holder !== undefined) return [finding(one, usedTwice(one, holder))];
      return judge(one, await view.port(listenHost(one.need), one.need.port));
    }),
  );
  return { findings: findings.flat() };
}

function judge(one: AskedPort, seen: PortView): readonly HostFinding[] {
  const name = portName(one);
  switch (seen.kind) {
    case 'free':
      return [];
    case 'not-captured':
      return [notCaptured(one, `TCP port ${name}`)];
    case 'refused':
      return [finding(one, describe(one, name, seen.error))];
    default:
      return unreachable(seen);
  }
}

/** bhyve's servers listen on the loopback where no host is given. */
export const listenHost = ({ host }: AskedPort['need']): string => (host === '' ? '127.0.0.1' : host);

/** `127.0.0.1:5900`, `[::1]:5900` */
function portName({ need }: AskedPort): string {
  const host = listenHost(need);
  return `${isIPv6(host) ? `[${host}]` : host}:${need.port}`;
}

function overlap(one: AskedPort, other: AskedPort): boolean {
  if (one.need.port !== other.need.port) return false;
  const [a, b] = [listenHost(one.need), listenHost(other.need)];
  return a === b || (isIPv6(a) === isIPv6(b) && [a, b].some((host) => host === '0.0.0.0' || host === '::'));
}

const usedTwice = ({ need: { port, use } }: AskedPort, holder: AskedPort): Said => ({
  code: 'port-twice',
  message: `TCP port ${port} for ${use} already serves ${holder.need.use} of ${holder.requirement.subject}`,
  fix: 'give each a port of its own',
});

function describe({ need }: AskedPort, name: string, error: SystemError): Said {
  const { port, use } = need;
  const host = listenHost(need);
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
        message: `${host}, for ${use}, is not an address of this host`,
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
