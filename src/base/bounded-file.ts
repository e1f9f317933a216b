import { closeSync, constants, fstatSync, openSync, readSync, statSync, type Stats } from 'node:fs';

interface ReadBounds {
  /** How many bytes there may be. */
  readonly most: number;
  /** Only a regular file will do: nobody waits for the other end of a pipe, nor reads from a device. */
  readonly isRegular?: boolean;
}

const chunkBytes = 64 * 1024;

/**
 * Reads all that there is, as long as that is no more than it may be: of a pipe, a device or a file of /proc nobody
 * knows before its end how much it has.
 * @param file a name, or a descriptor, which stays open
 * @returns undefined where there is more
 * @throws the error of the system call; `EFTYPE` where only a regular file will do and it is none
 */
export function readBounded(file: string | number, { most, isRegular = false }: ReadBounds): Buffer | undefined {
  if (typeof file === 'number') return readDescriptor(file, most);
  // To open a pipe would let go of a writer that waits for a reader.
  if (isRegular) refuseStrange(statSync(file));
  const descriptor = openSync(file, isRegular ? constants.O_RDONLY | constants.O_NONBLOCK : constants.O_RDONLY);
  try {
    // Somebody may have put another there.
    if (isRegular) refuseStrange(fstatSync(descriptor));
    return readDescriptor(descriptor, most);
  } finally {
    closeSync(descriptor);
  }
}

/** The same as text, without a byte order mark's meaning: what is no UTF-8 is replaced. */
export const readBoundedText = (file: string | number, bounds: ReadBounds): string | undefined =>
  readBounded(file, bounds)?.toString('utf8');

/** What a file of /proc begins with, which has as much to say as its process likes. @throws the error of the system call */
export function readBeginning(file: string, bytes: number): string {
  const descriptor = openSync(file, constants.O_RDONLY);
  try {
    const buffer = Buffer.allocUnsafe(bytes);
    return buffer.toString('utf8', 0, readSync(descriptor, buffer, 0, bytes, null));
  } finally {
    closeSync(descriptor);
  }
}

/**
 * The last lines of a regular file, whole ones, as text.
 * @param bytes how many of them may take, at most
 * @throws the error of the system call; `EFTYPE` for what is no regular file
 */
export function readLastLines(file: string, bytes: number): readonly string[] {
  refuseStrange(statSync(file));
  const descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK);
  try {
    const stats = fstatSync(descriptor);
    refuseStrange(stats);
    const start = Math.max(0, stats.size - bytes);
    const buffer = Buffer.alloc(stats.size - start);
    const lines = buffer.toString('utf8', 0, readSync(descriptor, buffer, 0, buffer.length, start)).split('\n');
    // The first one may be cut.
    const whole = start === 0 ? lines : lines.slice(1);
    return whole.at(-1) === '' ? whole.slice(0, -1) : whole;
  } finally {
    closeSync(descriptor);
  }
}

function readDescriptor(descriptor: number, most: number): Buffer | undefined {
  const chunks: Buffer[] = [];
  let length = 0;
  for (;;) {
    const chunk = Buffer.allocUnsafe(chunkBytes);
    const read = readSync(descriptor, chunk, 0, chunk.length, null);
    if (read === 0) return Buffer.concat(chunks, length);
    chunks.push(chunk.subarray(0, read));
    length += read;
    if (length > most) return undefined;
  }
}

/** @throws an error as a system call would have it, for all but a regular file */
export function refuseStrange(stats: Stats): void {
  if (stats.isFile()) return;
  const what = stats.isDirectory() ? 'it is a directory' : 'it is not a regular file';
  throw Object.assign(new Error(what), { code: 'EFTYPE' });
}
