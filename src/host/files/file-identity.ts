import { fstatSync, readlinkSync, realpathSync, statSync, type BigIntStats } from 'node:fs';
import path from 'node:path';

/** Which file a path leads to: two paths with one key lead to the same one, which need not be there yet. */
export interface FileIdentity {
  readonly key: string;
  /** Of what is there, links followed; undefined: nothing is, or nobody may look. */
  readonly stats: BigIntStats | undefined;
  /** Without links, as far as they lead anywhere. */
  readonly resolved: string;
}

/** As many links in a row as the kernels follow. */
const maxLinks = 32;

/**
 * Looks up a file as open(2) would find it: through symbolic links, also one whose end is still to be made, and by its
 * inode, so that hard links and two device nodes of one device are one file. Nothing is opened.
 * @param file taken as it is, since `a/link/../b` need not be `a/b`; relative to `folder`
 */
export function identityOfFile(file: string, folder: string): FileIdentity {
  let at = absolute(file, folder);
  for (let links = 0; ; links += 1) {
    const stats = look(at);
    if (stats !== undefined) return { key: keyOf(stats), stats, resolved: withoutLinks(at) };
    const next = links < maxLinks ? linkAt(at) : undefined;
    if (next === undefined) break;
    at = absolute(next, path.dirname(at));
  }
  return { key: missingKey(at), stats: undefined, resolved: at };
}

/** The same of a file that is open; undefined where it is no regular file. */
export function keyOfDescriptor(descriptor: number): string | undefined {
  try {
    const stats = fstatSync(descriptor, { bigint: true });
    return stats.isFile() ? keyOf(stats) : undefined;
  } catch {
    return undefined;
  }
}

/** Joined as text: to resolve `..` is the kernel's work. */
const absolute = (file: string, folder: string): string => (path.isAbsolute(file) ? file : `${folder}/${file}`);

/** A file that is not there is told by its folder and its name. */
function missingKey(file: string): string {
  const folder = path.dirname(file);
  if (folder === file) return file;
  const stats = look(folder);
  return `${stats === undefined ? missingKey(folder) : keyOf(stats)}/${path.basename(file)}`;
}

function keyOf(stats: BigIntStats): string {
  if (stats.isBlockDevice()) return `block device ${stats.rdev}`;
  return stats.isCharacterDevice() ? `character device ${stats.rdev}` : `${stats.dev}:${stats.ino}`;
}

function look(file: string): BigIntStats | undefined {
  try {
    return statSync(file, { bigint: true });
  } catch {
    // Missing, a part of the path that is no folder, a loop of links, a folder that we may not search.
    return undefined;
  }
}

function linkAt(file: string): string | undefined {
  try {
    return readlinkSync(file);
  } catch {
    return undefined;
  }
}

/** What a shell opened for us may be a pipe, which has no path. */
function withoutLinks(file: string): string {
  try {
    return realpathSync(file);
  } catch {
    return file;
  }
}
