import { constants, type BigIntStats } from 'node:fs';
import { access, lstat, readlink, stat } from 'node:fs/promises';
import { dirname } from 'node:path';
import { listWords } from '../../base/text.js';
import type { FileType } from '../../devices/device.js';
import { describeSystemError, systemError, type SystemError } from '../errno.js';
import { finding, type Asked, type HostFinding, type ProbeAnswer, type Said } from '../findings.js';

type AskedFile = Asked<'file'>;

interface Seen {
  readonly said?: Said;
  /** What tells one file from another whatever its names; absent where there is none, and for folders. */
  readonly identity?: string;
}

/** Files, disk devices and folders: there, of a right kind, and open to this user. Symbolic links are followed. */
export async function checkFiles(asked: readonly AskedFile[]): Promise<ProbeAnswer> {
  const seen = await Promise.all(asked.map(look));
  const holders = new Map<string, AskedFile>();
  const findings = asked.flatMap((one, index): readonly HostFinding[] => {
    const { said, identity } = seen[index] ?? {};
    const own = said === undefined ? [] : [finding(one, said)];
    if (identity === undefined) return own;
    const holder = holders.get(identity);
    if (holder === undefined) holders.set(identity, one);
    // Whoever writes is remembered: it is the one that the next must not meet.
    else if (one.need.access === 'write') holders.set(identity, one);
    return holder === undefined ? own : [...own, ...usedTwice(one, holder)];
  });
  return { findings };
}

async function look(one: AskedFile): Promise<Seen> {
  const { path, types } = one.need;
  let stats: BigIntStats;
  try {
    stats = await stat(path, { bigint: true });
  } catch (error) {
    return { said: await whyNotThere(one, systemError(error)) };
  }
  const type = typeOf(stats);
  const right = types.find((each) => each === type);
  if (right === undefined) return { said: wrongType(one, type) };
  const said = await whyNoAccess(one, right);
  return { ...(said === undefined ? {} : { said }), ...(right === 'directory' ? {} : { identity: identityOf(stats) }) };
}

type AnyType = FileType | 'socket' | 'named pipe' | 'file of unknown kind';

function typeOf(stats: BigIntStats): AnyType {
  if (stats.isFile()) return 'regular file';
  if (stats.isDirectory()) return 'directory';
  if (stats.isCharacterDevice()) return 'character device';
  if (stats.isBlockDevice()) return 'block device';
  if (stats.isSocket()) return 'socket';
  return stats.isFIFO() ? 'named pipe' : 'file of unknown kind';
}

/** One device may have several nodes, one file several links. */
const identityOf = (stats: BigIntStats): string =>
  stats.isFile() ? `${stats.dev}:${stats.ino}` : `device ${stats.rdev}`;

const wrongType = ({ need: { path, types } }: AskedFile, type: AnyType): Said => ({
  code: 'file-type',
  message: `${path} is a ${type}, not a ${listWords(types, 'or')}`,
  fix: `name a ${listWords(types, 'or')}`,
});

async function whyNotThere({ need: { path, types, access: wanted } }: AskedFile, error: SystemError): Promise<Said> {
  if (error.code !== 'ENOENT') {
    return {
      code: 'file-error',
      message: `cannot look at ${path}: ${describeSystemError(error)}`,
      fix: 'correct the path, or let this user search every folder on it',
    };
  }
  const isDisk = wanted === 'write' && types.includes('regular file');
  return {
    code: 'file-missing',
    message: (await missingPart(path)) ?? `${path} does not exist`,
    fix: isDisk ? 'correct the path, or create the file; truncate -s 20G FILE makes an empty disk' : 'correct the path',
  };
}

/** Says which part of a path is missing where it is not the file itself. */
async function missingPart(path: string): Promise<string | undefined> {
  const target = await readlink(path).catch(() => undefined);
  if (target !== undefined) return `${path} is a symbolic link to ${target}, which does not exist`;
  const folder = dirname(path);
  const folderIsThere = await lstat(folder).then(
    () => true,
    () => false,
  );
  return folderIsThere ? undefined : `${path} does not exist, nor does its folder ${folder}`;
}

async function whyNoAccess({ need: { path, access: wanted } }: AskedFile, type: FileType): Promise<Said | undefined> {
  const { R_OK, W_OK, X_OK } = constants;
  const rights = type === 'directory' ? X_OK : R_OK;
  try {
    await access(path, wanted === 'write' ? rights | W_OK : rights);
    return undefined;
  } catch (error) {
    const { code, words } = systemError(error);
    return {
      code: 'file-access',
      message: `${path} cannot be ${wanted === 'write' ? 'written' : 'read'}: ${words} (${code})`,
      fix:
        code === 'EROFS'
          ? 'mount its file system for writing, or use a device that only reads'
          : `let this user ${wanted === 'write' ? 'read and write' : 'read'} it: chmod(1), chown(8)`,
    };
  }
}

/** bhyve locks nothing: two devices that write one image ruin it, and one that reads it sees it change. */
function usedTwice(one: AskedFile, holder: AskedFile): readonly HostFinding[] {
  const writers = [one, holder].filter(({ need }) => need.access === 'write').length;
  if (writers === 0) return [];
  const other = holder.need.path === one.need.path ? '' : ` (there ${holder.need.path})`;
  return [
    finding(one, {
      code: 'file-twice',
      severity: writers === 2 ? 'error' : 'warning',
      message: `${one.need.path} is also the file of ${holder.requirement.subject}${other}, and written to`,
      fix: writers === 2 ? 'give each device a file of its own' : 'give the device that only reads a copy',
    }),
  ];
}
