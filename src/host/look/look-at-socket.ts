import { promises as files, type BigIntStats } from 'node:fs';
import { connect } from 'node:net';
import { codeOf } from '../../base/error-code.js';
import { systemError } from '../errno.js';
import { isPassing } from '../process/start-error.js';
import type { SocketView } from './view.js';

/** What stands where bhyve is to bind a UNIX socket. A program that listens there sees a connection come and go. */
export async function lookAtSocket(path: string): Promise<SocketView> {
  let stats: BigIntStats;
  try {
    // A symbolic link is in bhyve's way as well, wherever it leads.
    stats = await files.lstat(path, { bigint: true });
  } catch (thrown) {
    const error = systemError(thrown);
    return error.code === 'ENOENT' ? { kind: 'free' } : { kind: 'hidden', error };
  }
  if (!stats.isSocket()) return { kind: 'not-a-socket' };
  const answer = await knock(path);
  switch (answer) {
    case 'connected':
      return { kind: 'listening' };
    case 'ENOENT': // removed just now
      return { kind: 'free' };
    case 'ECONNREFUSED':
      return { kind: 'stale', device: String(stats.dev), inode: String(stats.ino) };
    default:
      return { kind: 'unclear', why: answer };
  }
}

/** sockaddr_un holds 104 bytes with its end; unix(4). A longer path would be cut, and another socket asked. */
const maxPathBytes = 103;

/** Connects and hangs up. A UNIX socket answers at once, so there is nothing to wait for. */
function knock(path: string): Promise<string> {
  if (Buffer.byteLength(path) > maxPathBytes) return Promise.resolve(`its path has more than ${maxPathBytes} bytes`);
  return new Promise((resolve, reject) => {
    const socket = connect({ path });
    socket.once('connect', () => {
      socket.destroy();
      resolve('connected');
    });
    socket.once('error', (error) => {
      socket.destroy();
      // EAGAIN: those who listen have too many waiting.
      if (isPassing(codeOf(error)) && codeOf(error) !== 'EAGAIN') reject(error);
      else resolve(systemError(error).code);
    });
  });
}
