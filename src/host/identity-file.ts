import { randomBytes } from 'node:crypto';
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fsyncSync,
  lstatSync,
  openSync,
  readFileSync,
  realpathSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
  type Stats,
} from 'node:fs';
import { hostname } from 'node:os';
import path from 'node:path';
import { ProblemsError } from '../base/problem.js';
import { readIdentity } from '../machine/identity-text.js';
import type { Identity } from '../machine/identity.js';
import { describeSystemError, systemError } from './errno.js';

/**
 * Reads a lock file.
 * @returns undefined where there is none; a link that leads nowhere is one that has got lost
 * @throws ProblemsError `spec` where it is damaged, `unreadable` where it cannot be read
 */
export function loadIdentity(file: string, workingDirectory = process.cwd()): Identity | undefined {
  const absolute = path.resolve(workingDirectory, file);
  let text: string;
  try {
    if (lstatSync(absolute, { throwIfNoEntry: false }) === undefined) return undefined;
    text = readFileSync(absolute, 'utf8');
  } catch (error) {
    const message = `the lock file cannot be read: ${describeSystemError(systemError(error))}`;
    throw refusal('unreadable', file, message, 'see to it that it can be read, or do without it: --no-lock');
  }
  const read = readIdentity(text, file);
  if (!read.ok) throw new ProblemsError('spec', file, read.problems);
  return read.value;
}

/** What a UUID is made of, beside the VM's name. */
export const hostName = (): string => hostname();

/**
 * Writes a lock file in one step: whoever reads it meanwhile finds the old text or the new one. Its mode and its owner
 * stay; a link to it stays a link.
 * @throws ProblemsError `cannot-create`
 */
export function writeIdentityFile(file: string, text: string, workingDirectory = process.cwd()): void {
  const absolute = path.resolve(workingDirectory, file);
  let fresh: string | undefined;
  try {
    const old = statSync(absolute, { throwIfNoEntry: false });
    const goal = old === undefined ? absolute : realpathSync(absolute);
    fresh = path.join(path.dirname(goal), `.${path.basename(goal)}.${randomBytes(6).toString('hex')}`);
    const descriptor = openSync(fresh, 'wx');
    try {
      writeFileSync(descriptor, text);
      if (old !== undefined) beLike(descriptor, old);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(fresh, goal);
  } catch (error) {
    if (fresh !== undefined) rmSync(fresh, { force: true });
    const message = `the lock file cannot be written: ${describeSystemError(systemError(error))}`;
    throw refusal(
      'cannot-create',
      file,
      message,
      'see to it that its folder can be written, or name another with --lock',
    );
  }
}

function beLike(descriptor: number, { uid, gid, mode }: Stats): void {
  // Only root may give a file away, and only root writes one that is somebody else's by accident.
  if (process.getuid?.() === 0) fchownSync(descriptor, uid, gid);
  fchmodSync(descriptor, mode & 0o7777);
}

const refusal = (kind: ProblemsError['kind'], file: string, message: string, fix: string): ProblemsError =>
  new ProblemsError(kind, file, [{ code: 'lock-file', severity: 'error', message, fix }]);
