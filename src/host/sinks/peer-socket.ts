import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { connect, createServer, type Socket } from 'node:net';
import { codeOf } from '../../base/error-code.js';
import { frameBytes, framesOf, type Frame } from './frames.js';
import { roomIn } from './room.js';

/** Somebody at the other end of a UNIX socket, who is spoken to in frames. */
export interface Peer {
  /** What it says; read one after the other, so that who says too much waits. */
  readonly frames: AsyncIterable<Frame>;
  /** @returns resolves when there is room for more: false where it is gone */
  readonly send: (kind: string, content?: string | Uint8Array) => Promise<boolean>;
  /** What was sent is still delivered, where the other side reads it soon. */
  readonly end: () => void;
  /** It is gone at once, whatever it goes on to say or has not read yet. */
  readonly drop: () => void;
  /** Resolves when it is gone. */
  readonly gone: Promise<void>;
}

/** A console has no longer words. */
const mostBytes = 64 * 1024;
const lingerMs = 1000;

function peerOf(socket: Socket): Peer {
  socket.on('error', () => undefined);
  const gone = new Promise<void>((resolve) => {
    socket.once('close', () => {
      resolve();
    });
  });
  const room = roomIn(socket);
  return {
    frames: framesOf(socket, 4 * mostBytes),
    send: (kind, content) => {
      if (socket.destroyed || !socket.writable) return Promise.resolve(false);
      return socket.write(frameBytes(kind, content)) ? Promise.resolve(true) : room();
    },
    end() {
      socket.end();
      socket.unref();
      // However much it goes on saying: that is not heard any more.
      const timer = setTimeout(() => socket.destroy(), lingerMs).unref();
      socket.once('close', () => {
        clearTimeout(timer);
      });
    },
    drop: () => void socket.destroy(),
    gone,
  };
}

export interface PeerServer {
  /** Its socket is where it was made. */
  readonly isThere: () => boolean;
  /** Takes nobody any more, and removes the socket. */
  readonly close: () => void;
}

/**
 * Listens on a UNIX socket of this user, in place of one that is there.
 * @param most may be connected at once, those too who are about to be refused; one more is not listened to
 * @throws Error with a system call's code
 */
export async function servePeers(path: string, most: number, onPeer: (peer: Peer) => void): Promise<PeerServer> {
  refuseLongPath(path);
  try {
    unlinkSync(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
  const server = createServer((socket) => {
    onPeer(peerOf(socket));
  });
  server.maxConnections = most;
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(path, () => {
      resolve();
    });
  });
  server.on('error', () => undefined);
  chmodSync(path, 0o600);
  const inode = inodeOf(path);
  return {
    isThere: () => inodeOf(path) === inode,
    close: () => {
      server.close();
    },
  };
}

const inodeOf = (path: string): bigint | undefined => lstatSync(path, { bigint: true, throwIfNoEntry: false })?.ino;

/** @throws Error with a system call's code */
export async function connectPeer(path: string): Promise<Peer> {
  refuseLongPath(path);
  const socket = connect(path);
  await new Promise<void>((resolve, reject) => {
    socket.once('connect', resolve);
    socket.once('error', reject);
  });
  return peerOf(socket);
}

/** unix(4): sun_path of FreeBSD, with its end. Node.js would cut it. */
const mostPathBytes = 103;

function refuseLongPath(path: string): void {
  const length = Buffer.byteLength(path);
  if (length <= mostPathBytes) return;
  const message = `${path} has ${length} bytes, and the path of a socket at most ${mostPathBytes}`;
  throw Object.assign(new Error(message), { code: 'ENAMETOOLONG' });
}
