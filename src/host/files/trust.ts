import { lstatSync, readlinkSync, type Stats } from 'node:fs';
import path from 'node:path';

/** Where a path leads, and who could lead it elsewhere. */
interface TrustedPath {
  /** Absolute, without links, as far as there is something. */
  readonly resolved: string;
  /** What is there at the end; undefined: nothing. */
  readonly stats: Stats | undefined;
  /** The first part of the way that others than root and this user can change; undefined: there is none. */
  readonly doubt: Doubt | undefined;
}

export interface Doubt {
  readonly path: string;
  /** `belongs to user 1001`, `can be written by everybody` */
  readonly why: string;
}

/** Who looks. Default: this process. */
export interface Looker {
  readonly uid: number | undefined;
}

const thisProcess = (): Looker => ({ uid: process.getuid?.() });

/** As many links in a row as the kernels follow. */
const maxLinks = 32;

/**
 * Follows a path as open(2) would, step by step, and looks at each folder and link on the way: whether others than root
 * and this user could put something else there. Where they could not, nobody can change it after the look either, so
 * what is opened next by `resolved` is what was looked at. What stands in a folder of the kind of /tmp is judged by its
 * own owner. The file at the end is not judged: see `doubtOf`.
 * @throws the error of the system call where a part cannot be looked at; `ELOOP`, `ENOTDIR`
 */
export function followPath(file: string, { uid } = thisProcess()): TrustedPath {
  let doubt: Doubt | undefined;
  let links = 0;
  let at = '/';
  let parts = partsOf(path.isAbsolute(file) ? file : `${process.cwd()}/${file}`);
  let stats: Stats | undefined = lstatSync(at);
  doubt ??= folderDoubt(at, stats, uid);
  for (let part = parts.shift(); part !== undefined; part = parts.shift()) {
    if (stats === undefined) {
      at = path.join(at, part);
      continue;
    }
    if (!stats.isDirectory()) throw failure('ENOTDIR', at, 'is not a directory');
    if (part === '..') at = path.dirname(at);
    else {
      const isShared = isOpen(stats, uid);
      const next = path.join(at, part);
      const found = lstatSync(next, { throwIfNoEntry: false });
      if (found !== undefined && isShared && isForeign(found, uid)) doubt ??= owned(next, found);
      if (found?.isSymbolicLink() === true) {
        links += 1;
        if (links > maxLinks) throw failure('ELOOP', file, 'has too many links in it');
        const goal = readlinkSync(next);
        parts = [...partsOf(goal), ...parts];
        if (path.isAbsolute(goal)) at = '/';
        stats = lstatSync(at);
        continue;
      }
      at = next;
      stats = found;
    }
    if (part === '..') stats = lstatSync(at);
    if (stats?.isDirectory() === true) doubt ??= folderDoubt(at, stats, uid);
  }
  return { resolved: at, stats, doubt };
}

/** The same, where any doubt is an error. @throws `EPERM` */
export function trustedPath(file: string, looker?: Looker): TrustedPath {
  const found = followPath(file, looker);
  const { doubt } = found;
  if (doubt !== undefined) throw failure('EPERM', doubt.path, `${doubt.why}, who could put something else there`);
  return found;
}

/** What a shell opened for us, which has no path that anybody could change. */
export const givenByShell = /^(?:\/dev\/(?:fd\/\d+|std(?:in|out|err))|\/proc\/\w+\/fd\/\d+)$/;

/**
 * Where a file that is to be written really is, to be opened without following a link.
 * @throws `EPERM` where others could have it lead elsewhere, `EMLINK` where what is written would be in another file too
 */
export function outputPath(file: string, looker?: Looker): string {
  if (givenByShell.test(file)) return file;
  const { resolved, stats } = trustedPath(file, looker);
  refuseOtherNames(file, stats);
  return resolved;
}

/** The same of a file that must be no link itself, which whoever opens it makes sure of. */
export function refuseAstray(file: string, looker?: Looker): void {
  trustedPath(path.dirname(file), looker);
  const stats = lstatSync(file, { throwIfNoEntry: false });
  if (stats?.isFile() !== true) return;
  trustedPath(file, looker);
  refuseOtherNames(file, stats);
}

/** A file with a second name may be one that somebody wants to have overwritten. @throws `EMLINK` */
export function refuseOtherNames(file: string, stats: Pick<Stats, 'isFile' | 'nlink'> | undefined): void {
  if (stats?.isFile() !== true || stats.nlink <= 1) return;
  throw failure('EMLINK', file, `has ${stats.nlink} names: what is written there would be in another file, too`);
}

/** Who else can change a file, or what leads to it; undefined: nobody, or it is not there. */
export function doubtOf(file: string, looker = thisProcess()): Doubt | undefined {
  const { resolved, stats, doubt } = followPath(file, looker);
  if (doubt !== undefined || stats === undefined) return doubt;
  if (isForeign(stats, looker.uid)) return owned(resolved, stats);
  return stats.isFile() ? writable(resolved, stats, looker.uid) : undefined;
}

/** The permissions of what is at the end of a path; undefined: nothing is. @throws the error of the system call */
export const modeOf = (file: string): number | undefined => {
  const { stats } = followPath(file);
  return stats === undefined ? undefined : stats.mode & 0o7777;
};

/**
 * Who else can read a regular file; undefined: nobody, or it is not there. A folder above it that others may not search
 * keeps them from it.
 */
export function readersOf(file: string, { uid } = thisProcess()): Doubt | undefined {
  const { resolved, stats } = followPath(file, { uid });
  if (stats?.isFile() !== true) return undefined;
  const folders: number[] = [];
  for (let folder = path.dirname(resolved); ; folder = path.dirname(folder)) {
    folders.push(lstatSync(folder).mode);
    if (folder === '/') break;
  }
  if ((stats.mode & 0o004) !== 0 && folders.every((mode) => (mode & 0o001) !== 0))
    return { path: resolved, why: 'can be read by everybody' };
  const isOwnGroup = stats.gid === 0 || stats.gid === uid;
  const isReached = !isOwnGroup && folders.every((mode) => (mode & 0o011) !== 0);
  return (stats.mode & 0o040) !== 0 && isReached
    ? { path: resolved, why: `can be read by group ${stats.gid}` }
    : undefined;
}

const partsOf = (file: string): string[] => file.split('/').filter((part) => part !== '' && part !== '.');

/** Others may make, rename and remove what is in it. */
function folderDoubt(folder: string, stats: Stats, uid: number | undefined): Doubt | undefined {
  if (isForeign(stats, uid)) return owned(folder, stats);
  return (stats.mode & sticky) === 0 ? writable(folder, stats, uid) : undefined;
}

const sticky = 0o1000;

const isForeign = ({ uid: owner }: Stats, uid: number | undefined): boolean =>
  uid !== undefined && owner !== 0 && owner !== uid;

/** A folder in which others may make files, though not touch those of others. */
const isOpen = (stats: Stats, uid: number | undefined): boolean => writable('', stats, uid) !== undefined;

function writable(file: string, { mode, gid }: Stats, uid: number | undefined): Doubt | undefined {
  if ((mode & 0o002) !== 0) return { path: file, why: 'can be written by everybody' };
  // The group of root, and one that has the number of the user: it is his own.
  const isOwnGroup = gid === 0 || gid === uid;
  return (mode & 0o020) !== 0 && !isOwnGroup ? { path: file, why: `can be written by group ${gid}` } : undefined;
}

const owned = (file: string, { uid }: Stats): Doubt => ({ path: file, why: `belongs to user ${uid}` });

const failure = (code: string, file: string, what: string): Error =>
  Object.assign(new Error(`${code}: ${file} ${what}`), { code, path: file });
