import { dirname } from 'node:path';
import { quoteCommand } from '../../../base/shell.js';
import { listWords } from '../../../base/text.js';
import { unreachable } from '../../../base/unreachable.js';
import { describeSystemError, type SystemError } from '../../errno.js';
import {
  finding,
  fixable,
  fixFor,
  notCaptured,
  type Asked,
  type HostFinding,
  type ProbeAnswer,
  type Said,
} from '../findings.js';
import { copyVariables, judgeContent } from './file-content.js';
import type { FileMissing, FileThere, FileView, HostView, SeenFileType } from '../view.js';

type AskedFile = Asked<'file'>;

interface Judged {
  readonly findings: readonly HostFinding[];
  /** What tells one file from another whatever its names; absent where there is none, and for folders. */
  readonly identity?: string;
}

/** Files, disk devices and folders: there, of a right kind, and open to this user. Symbolic links are followed. */
export async function checkFiles(asked: readonly AskedFile[], view: HostView): Promise<ProbeAnswer> {
  const judged = await Promise.all(asked.map(async (one) => judge(one, await view.file(one.need.path), view)));
  const holders = new Map<string, AskedFile>();
  const findings = asked.flatMap((one, index): readonly HostFinding[] => {
    const { findings: own = [], identity } = judged[index] ?? {};
    if (identity === undefined) return own;
    const holder = holders.get(identity);
    if (holder === undefined) holders.set(identity, one);
    // Whoever writes is remembered: it is the one that the next must not meet.
    else if (one.need.access === 'write') holders.set(identity, one);
    return holder === undefined ? own : [...own, ...usedTwice(one, holder)];
  });
  return { findings };
}

async function judge(one: AskedFile, seen: FileView, view: HostView): Promise<Judged> {
  switch (seen.kind) {
    case 'not-captured':
      return { findings: [notCaptured(one, one.need.path)] };
    case 'hidden':
      return { findings: [finding(one, cannotLook(one, seen.error))] };
    case 'missing':
      return { findings: [(await copyOfTemplate(one, seen, view)) ?? finding(one, notThere(one, seen))] };
    case 'there':
      return judgeFile(one, seen, view);
    default:
      return unreachable(seen);
  }
}

async function judgeFile(one: AskedFile, seen: FileThere, view: HostView): Promise<Judged> {
  const { type, identity, denied } = seen;
  const right = one.need.types.find((each) => each === type);
  if (right === undefined) return { findings: [finding(one, wrongType(one, type))] };
  const why = one.need.access === 'write' ? denied.write : undefined;
  const error = why ?? (right === 'directory' ? denied.search : denied.read);
  return {
    findings: [
      ...(error === undefined ? [] : [finding(one, noAccess(one, error))]),
      ...(await judgeContent(one, seen, view)),
    ],
    ...(right === 'directory' ? {} : { identity }),
  };
}

const wrongType = ({ need: { path, types } }: AskedFile, type: SeenFileType): Said => ({
  code: 'file-type',
  message: `${path} is a ${type}, not a ${listWords(types, 'or')}`,
  fix: `name a ${listWords(types, 'or')}`,
});

const cannotLook = ({ need: { path } }: AskedFile, error: SystemError): Said => ({
  code: 'file-error',
  message: `cannot look at ${path}: ${describeSystemError(error)}`,
  fix: 'correct the path, or let this user search every folder on it',
});

function notThere({ need }: AskedFile, seen: FileMissing): Said {
  const { path, defaultOf } = need;
  const missing = missingPart(path, seen);
  const message =
    defaultOf === undefined ? missing : `${missing}; it is the default, since the spec has no ${defaultOf}`;
  return { code: 'file-missing', message, fix: howToMake(need) };
}

function howToMake(need: AskedFile['need']): string {
  const { path, types, access, use, package: name, defaultOf } = need;
  const other = defaultOf === undefined ? 'name another file' : `name another file with "${defaultOf}" in the spec`;
  if (name !== undefined) return `pkg install ${name}, or ${other}`;
  if (use === 'variables') return `correct the path, or ${copyVariables(need)}`;
  const volume = /^\/dev\/zvol\/(.+)$/.exec(path)?.[1];
  if (volume !== undefined) {
    return `correct the path, or create the volume with the size that it is to have: ${quoteCommand(['zfs', 'create', '-V', '20G', volume])}`;
  }
  if (path.startsWith('/dev/')) return 'correct the path: the system has no such device';
  const isDisk = access === 'write' && types.includes('regular file');
  return isDisk ? 'correct the path, or create the file; truncate -s 20G FILE makes an empty disk' : 'correct the path';
}

/** Undefined where nothing can be copied: no template, or no folder to write to. */
async function copyOfTemplate(one: AskedFile, seen: FileMissing, view: HostView): Promise<HostFinding | undefined> {
  const { path, template } = one.need;
  // A link to nowhere is not replaced.
  if (template === undefined || !seen.isFolderThere || seen.linkTo !== undefined) return undefined;
  const [from, folder] = await Promise.all([view.file(template), view.file(dirname(path))]);
  if (from.kind !== 'there' || from.type !== 'regular file' || from.denied.read !== undefined) return undefined;
  if (folder.kind !== 'there' || (folder.denied.write ?? folder.denied.search) !== undefined) return undefined;
  const { code, message } = notThere(one, seen);
  return fixable(one, { code, message }, fixFor(one, { kind: 'copy-file', from: template, to: path }));
}

/** Says which part of a path is missing where it is not the file itself. */
function missingPart(path: string, { linkTo, isFolderThere }: FileMissing): string {
  if (linkTo !== undefined) return `${path} is a symbolic link to ${linkTo}, which does not exist`;
  return `${path} does not exist${isFolderThere ? '' : `, nor does its folder ${dirname(path)}`}`;
}

function noAccess({ need: { path, access } }: AskedFile, error: SystemError): Said {
  const isWriter = access === 'write';
  return {
    code: 'file-access',
    message: `${path} cannot be ${isWriter ? 'written' : 'read'}: ${describeSystemError(error)}`,
    fix:
      error.code === 'EROFS'
        ? 'mount its file system for writing, or use a device that only reads'
        : `let this user ${isWriter ? 'read and write' : 'read'} it: chmod(1), chown(8)`,
  };
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
