import { constants, promises as files, type BigIntStats } from 'node:fs';
import { dirname } from 'node:path';
import { systemError, type SystemError } from '../errno.js';
import { lookAtContent } from './file-content.js';
import type { FileThere, FileView, SeenFileType } from './view.js';

/** What this user sees at a path; symbolic links are followed. */
export async function lookAtFile(path: string): Promise<FileView> {
  let stats: BigIntStats;
  try {
    stats = await files.stat(path, { bigint: true });
  } catch (thrown) {
    const error = systemError(thrown);
    return error.code === 'ENOENT' ? whatIsMissing(path) : { kind: 'hidden', error };
  }
  const type = typeOf(stats);
  const bytes = Number(stats.size);
  const content = type === 'regular file' ? lookAtContent(path, bytes) : undefined;
  return {
    kind: 'there',
    type,
    identity: identityOf(stats, type),
    bytes,
    ...(content === undefined ? {} : { content }),
    denied: await whatIsDenied(path, type),
  };
}

async function whatIsMissing(path: string): Promise<FileView> {
  const linkTo = await files.readlink(path).catch(() => undefined);
  const isFolderThere = await files.lstat(dirname(path)).then(
    () => true,
    () => false,
  );
  return { kind: 'missing', ...(linkTo === undefined ? {} : { linkTo }), isFolderThere };
}

function typeOf(stats: BigIntStats): SeenFileType {
  if (stats.isFile()) return 'regular file';
  if (stats.isDirectory()) return 'directory';
  if (stats.isCharacterDevice()) return 'character device';
  if (stats.isBlockDevice()) return 'block device';
  if (stats.isSocket()) return 'socket';
  return stats.isFIFO() ? 'named pipe' : 'file of unknown kind';
}

/** One device may have several nodes, one file several links. */
const identityOf = (stats: BigIntStats, type: SeenFileType): string =>
  type === 'character device' || type === 'block device' ? `device ${stats.rdev}` : `${stats.dev}:${stats.ino}`;

async function whatIsDenied(path: string, type: SeenFileType): Promise<FileThere['denied']> {
  const { R_OK, W_OK, X_OK } = constants;
  const isFolder = type === 'directory';
  // Most may be used in every way: one question, and three only where the answer is no.
  if ((await whyNot(path, R_OK | W_OK | (isFolder ? X_OK : 0))) === undefined) return {};
  const [read, write, search] = await Promise.all([
    whyNot(path, R_OK),
    whyNot(path, W_OK),
    isFolder ? whyNot(path, X_OK) : undefined,
  ]);
  return {
    ...(read === undefined ? {} : { read }),
    ...(write === undefined ? {} : { write }),
    ...(search === undefined ? {} : { search }),
  };
}

const whyNot = (path: string, mode: number): Promise<SystemError | undefined> =>
  files.access(path, mode).then(() => undefined, systemError);

/** Free bytes of the file system that a path is on, or would be; undefined where that cannot be found out. */
export async function lookAtFreeBytes(path: string): Promise<number | undefined> {
  try {
    const { bavail, bsize } = await files.statfs(path, { bigint: true });
    // Below zero, in 64 bits, where root has used what is kept for it.
    const blocks = BigInt.asIntN(64, bavail);
    return Number(blocks < 0n ? 0n : blocks * bsize);
  } catch (error) {
    const { code } = systemError(error);
    const folder = dirname(path);
    return (code === 'ENOENT' || code === 'ENOTDIR') && folder !== path ? lookAtFreeBytes(folder) : undefined;
  }
}
