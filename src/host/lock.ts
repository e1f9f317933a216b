import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  lstatSync,
  openSync,
  readFileSync,
  realpathSync,
  unlinkSync,
  writeSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import path from 'node:path';
import { codeOf } from '../base/error-code.js';

/**
 * A lock that the kernel holds for this process and drops when it dies, however it dies. Where open(2) takes a lock
 * (FreeBSD, macOS: O_EXLOCK, the same lock as flopen(3) and so as pidfile(3)) the file itself is locked. On Linux,
 * where Node has no way to lock a file, a socket in the abstract namespace with the file's name in it serves: it too
 * exists once and dies with its owner.
 */
export interface Lock {
  readonly path: string;
  /** Replaces the content of the file, for people and tools that look who has it. */
  write(content: string): void;
  /**
   * For a child to inherit: the kernel then holds the lock for as long as one of us lives. Undefined where this Node
   * does not tell it.
   */
  readonly descriptor: number | undefined;
  /** Removes the file and lets go. */
  release(): Promise<void>;
  /** Lets go, and leaves the file: a child that has inherited the lock goes on holding it. */
  leave(): Promise<void>;
}

export type LockResult = Lock | { readonly heldBy: string };

/** FreeBSD's and macOS's <fcntl.h>; Node passes numbers through to open(2). */
const bsd = { O_NONBLOCK: 0x4, O_SHLOCK: 0x10, O_EXLOCK: 0x20 } as const;

const hasOpenLock = process.platform === 'freebsd' || process.platform === 'darwin';

/**
 * Takes the lock of a file, which is made with mode 0644 if it is not there. A symbolic link or anything else that is
 * no regular file is refused.
 * @returns the lock, or what the holder wrote into the file
 * @throws the error of the system call where the file cannot be made
 */
export async function takeLock(file: string): Promise<LockResult> {
  refuseStrangeFile(file);
  return hasOpenLock ? await lockFile(file) : await lockName(file);
}

function refuseStrangeFile(file: string): void {
  const stats = lstatSync(file, { throwIfNoEntry: false });
  if (stats === undefined || stats.isFile()) return;
  const what = stats.isSymbolicLink() ? 'a symbolic link' : stats.isDirectory() ? 'a directory' : 'no regular file';
  throw Object.assign(new Error(`${file} is ${what}`), { code: 'EFTYPE' });
}

const openFlags = constants.O_RDWR | constants.O_CREAT | constants.O_NOFOLLOW;

/** Somebody who only looks shares the lock for a moment. */
const lookMs = 10;
const maxLooks = 3;

async function lockFile(file: string): Promise<LockResult> {
  for (let looks = 0; ;) {
    let descriptor: number;
    try {
      descriptor = openSync(file, openFlags | bsd.O_EXLOCK | bsd.O_NONBLOCK, 0o644);
    } catch (error) {
      if (codeOf(error) !== 'EAGAIN') throw error;
      looks += 1;
      if (looks > maxLooks) return { heldBy: contentOf(file) };
      await new Promise((resolve) => setTimeout(resolve, lookMs));
      continue;
    }
    // The former holder may have removed the file between our open and our lock.
    if (isSame(file, descriptor)) return held(file, descriptor, undefined);
    closeSync(descriptor);
  }
}

/**
 * Who holds the lock of a file, for somebody who only looks: no file is made. Where open(2) locks, a free lock is shared
 * for as long as that call takes.
 * @returns what the holder wrote into the file, or undefined where nobody holds it
 * @throws the error of the system call where that cannot be known
 */
export function whoHolds(file: string): string | undefined {
  try {
    const isHeld = hasOpenLock ? isFileLocked(file) : isNameTaken(file);
    return isHeld ? contentOf(file) : undefined;
  } catch (error) {
    if (['ENOENT', 'ENOTDIR'].includes(codeOf(error))) return undefined;
    throw error;
  }
}

function isFileLocked(file: string): boolean {
  try {
    closeSync(openSync(file, constants.O_RDONLY | constants.O_NOFOLLOW | bsd.O_SHLOCK | bsd.O_NONBLOCK));
    return false;
  } catch (error) {
    if (codeOf(error) === 'EAGAIN') return true;
    throw error;
  }
}

/** unix(7): the kernel lists abstract names with an @ for each NUL, and some versions of Node put more behind them. */
function isNameTaken(file: string): boolean {
  const listed = ` @${socketName(file)}`;
  return readFileSync('/proc/net/unix', 'latin1')
    .split('\n')
    .some((line) => line.replace(/@+$/, '').endsWith(listed));
}

/** One name for the file, whatever links lead to its folder; as long as unix(7) has room for, however long the path. */
function socketName(file: string): string {
  const absolute = path.join(realpathSync(path.dirname(file)), path.basename(file));
  return `vmrun-lock-${fnv1a(absolute).toString(16).padStart(16, '0')}`;
}

/** FNV-1a, 64 bits. The names need not withstand anybody, and node:crypto would cost each supervisor two megabytes. */
function fnv1a(text: string): bigint {
  let hash = 0xcbf29ce484222325n;
  for (const byte of Buffer.from(text)) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n);
  return hash;
}

async function lockName(file: string): Promise<LockResult> {
  const name = socketName(file);
  const server = createServer();
  const isOurs = await new Promise<boolean>((resolve, reject) => {
    server.once('error', (error) => {
      if (codeOf(error) === 'EADDRINUSE') resolve(false);
      else reject(error);
    });
    server.listen({ path: `\0${name}` }, () => {
      resolve(true);
    });
  });
  if (!isOurs) return { heldBy: contentOf(file) };
  server.unref();
  try {
    return held(file, openSync(file, openFlags, 0o644), server);
  } catch (error) {
    server.close();
    throw error;
  }
}

function held(file: string, descriptor: number, server: Server | undefined): Lock {
  const leave = async (): Promise<void> => {
    closeSync(descriptor);
    if (server !== undefined) await new Promise((resolve) => server.close(resolve));
  };
  let written: string | undefined;
  return {
    path: file,
    descriptor: server === undefined ? descriptor : descriptorOf(server),
    write(content) {
      // Whoever reads it between the two calls finds nothing.
      if (content === written) return;
      written = undefined;
      ftruncateSync(descriptor, 0);
      writeSync(descriptor, content, 0);
      written = content;
    },
    leave,
    async release() {
      if (isSame(file, descriptor)) unlinkSync(file);
      await leave();
    },
  };
}

/** Node has no public word for the descriptor of a listening socket; this one is as old as Node. */
function descriptorOf(server: Server): number | undefined {
  const handle: unknown = Reflect.get(server, '_handle');
  const isHandle = typeof handle === 'object' && handle !== null && 'fd' in handle;
  return isHandle && typeof handle.fd === 'number' && handle.fd >= 0 ? handle.fd : undefined;
}

function isSame(file: string, descriptor: number): boolean {
  const there = lstatSync(file, { throwIfNoEntry: false, bigint: true });
  const ours = fstatSync(descriptor, { bigint: true });
  return there?.ino === ours.ino && there.dev === ours.dev;
}

function contentOf(file: string): string {
  try {
    return readFileSync(file, 'utf8').trim();
  } catch {
    return '';
  }
}
