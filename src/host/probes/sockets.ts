import { constants, type BigIntStats } from 'node:fs';
import { access, lstat, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { basename, dirname } from 'node:path';
import { describeSystemError, systemError } from '../errno.js';
import { finding, fixable, fixFor, type Asked, type HostFinding, type ProbeAnswer } from '../findings.js';

type AskedSocket = Asked<'free-socket'>;

interface Seen {
  readonly findings: readonly HostFinding[];
  /** Folder and base name, whatever links lead to the folder. */
  readonly identity?: string;
}

/** Places where bhyve is to bind a UNIX socket: nothing there, or one that nobody listens on any more. */
export async function checkSockets(asked: readonly AskedSocket[]): Promise<ProbeAnswer> {
  const seen = await Promise.all(asked.map(look));
  const holders = new Map<string, AskedSocket>();
  const findings = asked.flatMap((one, index) => {
    const { findings: own = [], identity = one.need.path } = seen[index] ?? {};
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

async function look(one: AskedSocket): Promise<Seen> {
  const { path } = one.need;
  const folder = dirname(path);
  try {
    const stats = await stat(folder);
    if (!stats.isDirectory()) return { findings: [folderFinding(one, `${folder} is no folder`)] };
    const identity = `${stats.dev}:${stats.ino}/${basename(path)}`;
    const own = await checkPlace(one);
    const { W_OK, X_OK } = constants;
    const denied = await access(folder, W_OK | X_OK).then(() => undefined, systemError);
    if (denied === undefined) return { findings: own, identity };
    const message = `no socket can be made in ${folder}: ${describeSystemError(denied)}`;
    return { findings: [...own, folderFinding(one, message)], identity };
  } catch (error) {
    const failure = systemError(error);
    const message =
      failure.code === 'ENOENT'
        ? `the folder ${folder} does not exist`
        : `cannot look at the folder ${folder}: ${describeSystemError(failure)}`;
    return { findings: [folderFinding(one, message)] };
  }
}

const folderFinding = (one: AskedSocket, message: string): HostFinding =>
  finding(one, {
    code: 'socket-folder',
    message,
    fix: 'make the folder, and let this user write to it, or use another path',
  });

async function checkPlace(one: AskedSocket): Promise<readonly HostFinding[]> {
  const { path } = one.need;
  let stats: BigIntStats;
  try {
    // A symbolic link is in bhyve's way as well, wherever it leads.
    stats = await lstat(path, { bigint: true });
  } catch (error) {
    const failure = systemError(error);
    // The folder itself has its own finding where it cannot be searched.
    if (failure.code === 'ENOENT' || failure.code === 'EACCES') return [];
    return [
      finding(one, {
        code: 'socket-error',
        message: `cannot look at ${path}: ${describeSystemError(failure)}`,
        fix: 'use another path',
      }),
    ];
  }
  return stats.isSocket() ? checkSocket(one, stats) : [foreignFile(one)];
}

const foreignFile = (one: AskedSocket): HostFinding =>
  finding(one, {
    code: 'not-a-socket',
    message: `${one.need.path} exists and is no socket; bhyve makes its own there`,
    fix: 'move it away, or use another path',
  });

async function checkSocket(one: AskedSocket, stats: BigIntStats): Promise<readonly HostFinding[]> {
  const { path } = one.need;
  const answer = await knock(path);
  switch (answer) {
    case 'connected':
      return [
        finding(one, {
          code: 'socket-in-use',
          message: `a program listens on ${path}`,
          fix: 'stop that program, or use another path',
        }),
      ];
    case 'ENOENT': // removed just now
      return [];
    case 'ECONNREFUSED': {
      const device = String(stats.dev);
      const inode = String(stats.ino);
      return [
        fixable(
          one,
          { code: 'socket-stale', message: `${path} is left over, no program listens on it` },
          fixFor(one, { kind: 'remove-socket', path, device, inode }),
        ),
      ];
    }
    default:
      return [
        finding(one, {
          code: 'socket-error',
          message: `cannot tell whether a program listens on ${path}: ${answer}`,
          fix: `see with "sockstat -u" who uses it, and remove it if nobody does`,
        }),
      ];
  }
}

/** sockaddr_un holds 104 bytes with its end; unix(4). A longer path would be cut, and another socket asked. */
const maxPathBytes = 103;

/** Connects and hangs up. A UNIX socket answers at once, so there is nothing to wait for. */
function knock(path: string): Promise<string> {
  if (Buffer.byteLength(path) > maxPathBytes) return Promise.resolve(`its path has more than ${maxPathBytes} bytes`);
  return new Promise((resolve) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve('connected');
    });
    socket.once('error', (error) => {
      socket.destroy();
      resolve(systemError(error).code);
    });
  });
}
