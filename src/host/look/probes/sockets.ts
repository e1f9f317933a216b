import { basename, dirname } from 'node:path';
import { unreachable } from '../../../base/unreachable.js';
import { describeSystemError, type SystemError } from '../../errno.js';
import { finding, fixable, fixFor, notCaptured, type Asked, type HostFinding, type ProbeAnswer } from '../findings.js';
import type { HostView, SocketView, StaleSocket, UnclearSocket } from '../view.js';

type AskedSocket = Asked<'free-socket'>;

interface Judged {
  readonly findings: readonly HostFinding[];
  /** Folder and base name, whatever links lead to the folder. */
  readonly identity?: string;
}

/** Places where bhyve is to bind a UNIX socket: nothing there, or one that nobody listens on any more. */
export async function checkSockets(asked: readonly AskedSocket[], view: HostView): Promise<ProbeAnswer> {
  const judged = await Promise.all(asked.map((one) => look(one, view)));
  const holders = new Map<string, AskedSocket>();
  const findings = asked.flatMap((one, index) => {
    const { findings: own = [], identity = one.need.path } = judged[index] ?? {};
    const holder = holders.get(identity);
    holders.set(identity, holder ?? one);
    return holder === undefined ? own : [usedTwice(one, holder)];
  });
  return { findings };
}

const usedTwice = (one: AskedSocket, { requirement }: AskedSocket): HostFinding =>
  finding(one, {
    code: 'socket-twice',
    message: `${one.need.path} is already a socket of ${requirement.subject}`,
    fix: 'give each port a socket of its own',
  });

async function look(one: AskedSocket, view: HostView): Promise<Judged> {
  const { path } = one.need;
  const folder = dirname(path);
  const there = await view.file(folder);
  switch (there.kind) {
    case 'not-captured':
      return { findings: [notCaptured(one, path)] };
    case 'hidden': {
      const message = `cannot look at the folder ${folder}: ${describeSystemError(there.error)}`;
      return { findings: [folderFinding(one, message)] };
    }
    case 'missing':
      return { findings: [folderFinding(one, `the folder ${folder} does not exist`)] };
    case 'there': {
      if (there.type !== 'directory') return { findings: [folderFinding(one, `${folder} is not a folder`)] };
      const identity = `${there.identity}/${basename(path)}`;
      const own = judgePlace(one, await view.socket(path));
      const denied = there.denied.write ?? there.denied.search;
      if (denied === undefined) return { findings: own, identity };
      const message = `no socket can be made in ${folder}: ${describeSystemError(denied)}`;
      return { findings: [...own, folderFinding(one, message)], identity };
    }
    default:
      return unreachable(there);
  }
}

const folderFinding = (one: AskedSocket, message: string): HostFinding =>
  finding(one, {
    code: 'socket-folder',
    message,
    fix: 'make the folder, and let this user write to it, or use another path',
  });

function judgePlace(one: AskedSocket, seen: SocketView): readonly HostFinding[] {
  const { path } = one.need;
  switch (seen.kind) {
    case 'free':
      return [];
    case 'not-captured':
      return [notCaptured(one, path)];
    case 'hidden':
      // The folder itself has its own finding where it cannot be searched.
      return seen.error.code === 'EACCES' ? [] : [cannotLook(one, seen.error)];
    case 'not-a-socket':
      return [foreignFile(one)];
    case 'listening':
      return [inUse(one)];
    case 'stale':
      return [leftOver(one, seen)];
    case 'unclear':
      return [unclear(one, seen)];
    default:
      return unreachable(seen);
  }
}

const cannotLook = (one: AskedSocket, error: SystemError): HostFinding =>
  finding(one, {
    code: 'socket-error',
    message: `cannot look at ${one.need.path}: ${describeSystemError(error)}`,
    fix: 'use another path',
  });

const foreignFile = (one: AskedSocket): HostFinding =>
  finding(one, {
    code: 'not-a-socket',
    message: `${one.need.path} exists and is not a socket; bhyve makes its own there`,
    fix: 'move it away, or use another path',
  });

const inUse = (one: AskedSocket): HostFinding =>
  finding(one, {
    code: 'socket-in-use',
    message: `a program listens on ${one.need.path}`,
    fix: 'stop that program, or use another path',
  });

function leftOver(one: AskedSocket, { device, inode }: StaleSocket): HostFinding {
  const { path } = one.need;
  return fixable(
    one,
    { code: 'socket-stale', message: `${path} is left over, no program listens on it` },
    fixFor(one, { kind: 'remove-socket', path, device, inode }),
  );
}

const unclear = (one: AskedSocket, { why }: UnclearSocket): HostFinding =>
  finding(one, {
    code: 'socket-error',
    message: `cannot tell whether a program listens on ${one.need.path}: ${why}`,
    fix: `see with "sockstat -u" who uses it, and remove it if nobody does`,
  });
