import { closeSync, constants, fstatSync, openSync, writeSync, type Stats } from 'node:fs';
import { Socket } from 'node:net';
import { isatty } from 'node:tty';
import { codeOf } from '../../base/error-code.js';
import { givenByShell, outputPath, refuseOtherNames } from '../files/trust.js';

/** A place to write to that never makes us wait. */
export interface SinkTarget {
  /** @throws the error of open(2) or fstat(2) */
  readonly open: () => OpenTarget;
  /** Nobody will read here ever again, after this error code of a write. */
  readonly isGone: (code: string) => boolean;
}

export interface OpenTarget {
  /** @returns how many of the bytes were taken; 0: not now. @throws the error of write(2) */
  readonly write: (bytes: Uint8Array) => number;
  readonly close: () => void;
  /** Tells a regular file from every other: a line that was begun there is to be ended there. */
  readonly file: string | undefined;
}

/**
 * A file by its path, made where it is missing. A FIFO without a reader is an error, ENXIO, not a wait; so is a path that
 * others could lead elsewhere.
 */
export const fileTarget = (path: string, mode: number): SinkTarget => ({
  open() {
    const { O_WRONLY, O_APPEND, O_CREAT, O_NONBLOCK, O_NOCTTY, O_NOFOLLOW } = constants;
    const goal = outputPath(path);
    // What the shell opened is found through a link of the kernel's own.
    const follow = goal === path && givenByShell.test(path) ? 0 : O_NOFOLLOW;
    const descriptor = openSync(goal, O_WRONLY | O_APPEND | O_CREAT | O_NONBLOCK | O_NOCTTY | follow, mode);
    const close = (): void => {
      closeSync(descriptor);
    };
    try {
      const about = fstatSync(descriptor);
      if (follow !== 0) refuseOtherNames(path, about);
      return { write: writer(descriptor), close, file: regularFile(about) };
    } catch (error) {
      close();
      throw error;
    }
  },
  // Another reader of the FIFO, or another disk, may come.
  isGone: () => false,
});

/** A descriptor that we were given, which others may hold too. */
export const descriptorTarget = (descriptor: number): SinkTarget => ({
  open: () => openGiven(descriptor),
  isGone: (code) => goneCodes.includes(code),
});

/** A pipe, a socket or a terminal without its other end; a descriptor that is closed. */
const goneCodes: readonly string[] = ['EPIPE', 'EBADF', 'EIO', 'ENXIO', 'ECONNRESET', 'ENOTCONN'];

function openGiven(descriptor: number): OpenTarget {
  const about = fstatSync(descriptor);
  const own = ownDescription(descriptor, about);
  if (own !== undefined) {
    const close = (): void => {
      closeSync(own);
    };
    return { write: writer(own), close, file: undefined };
  }
  const write = writer(descriptor);
  const dontBlock = about.isFIFO() || about.isSocket() ? unblocker(descriptor) : () => undefined;
  return {
    write(bytes) {
      dontBlock();
      return write(bytes);
    },
    // It is not ours.
    close: () => undefined,
    file: regularFile(about),
  };
}

/**
 * O_NONBLOCK belongs to the open file description, which a pipe or terminal shares with whoever gave it to us, so we
 * want one of our own: on Linux procfs opens it anew; elsewhere a terminal can be opened anew where it is the
 * controlling one.
 */
function ownDescription(descriptor: number, about: Stats): number | undefined {
  const isTerminal = isatty(descriptor);
  if (!isTerminal && !about.isFIFO()) return undefined;
  if (process.platform === 'linux') return openAnew(`/proc/self/fd/${descriptor}`, about);
  return isTerminal ? openAnew('/dev/tty', about) : undefined;
}

/** @returns undefined where the path is another device, or cannot be opened */
function openAnew(path: string, { rdev }: Stats): number | undefined {
  let own: number;
  try {
    own = openSync(path, constants.O_WRONLY | constants.O_NONBLOCK | constants.O_NOCTTY);
  } catch {
    return undefined;
  }
  if (fstatSync(own).rdev === rdev) return own;
  closeSync(own);
  return undefined;
}

/**
 * Makes a shared pipe or socket non-blocking, at each call: a child that gets the descriptor makes it blocking again
 * (libuv does, for the descriptors 0 to 2). Node puts back what it found there when the process exits.
 */
function unblocker(descriptor: number): () => void {
  let holder: object;
  try {
    holder = new Socket({ fd: descriptor, readable: false, writable: true }).on('error', () => undefined).unref();
  } catch (error) {
    // Somebody in this process has used the stream of this descriptor.
    if (codeOf(error) !== 'EEXIST') return () => undefined;
    holder = descriptor === 1 ? process.stdout : process.stderr;
  }
  const handle = '_handle' in holder ? holder._handle : undefined;
  if (typeof handle !== 'object' || handle === null || !('setBlocking' in handle)) return () => undefined;
  const { setBlocking } = handle;
  if (typeof setBlocking !== 'function') return () => undefined;
  return () => {
    Reflect.apply(setBlocking, handle, [false]);
  };
}

const writer =
  (descriptor: number) =>
  (bytes: Uint8Array): number => {
    try {
      return writeSync(descriptor, bytes);
    } catch (error) {
      if (codeOf(error) === 'EAGAIN') return 0;
      throw error;
    }
  };

const regularFile = (about: Stats): string | undefined => (about.isFile() ? `${about.dev}:${about.ino}` : undefined);
