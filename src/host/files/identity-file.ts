import { hostname } from 'node:os';
import path from 'node:path';
import { readBoundedText } from '../../base/bounded-file.js';
import { ProblemsError } from '../../base/problem.js';
import { readIdentity } from '../../machine/identity-text.js';
import type { Identity } from '../../machine/identity.js';
import { describeSystemError, systemError } from '../errno.js';
import { hasEntry } from './has-entry.js';
import { replaceFile } from './new-file.js';

/** Ten thousand targets fit. */
const maxBytes = 64 * 1024 * 1024;

/**
 * Reads a lock file.
 * @returns undefined where there is none; a link that leads nowhere is one that has got lost
 * @throws ProblemsError `spec` where it is damaged, `unreadable` where it cannot be read
 */
export function loadIdentity(file: string, workingDirectory = process.cwd()): Identity | undefined {
  const absolute = path.resolve(workingDirectory, file);
  let text: string;
  try {
    if (!hasEntry(absolute)) return undefined;
    const read = readBoundedText(absolute, { most: maxBytes, isRegular: true });
    if (read === undefined) throw refusal('spec', file, 'it is too large for a lock file', 'is it the right file?');
    text = read;
  } catch (error) {
    if (error instanceof ProblemsError) throw error;
    const message = `the lock file cannot be read: ${describeSystemError(systemError(error))}`;
    throw refusal('unreadable', file, message, 'make sure that it can be read, or do without it: --no-lock');
  }
  const read = readIdentity(text, file);
  if (!read.ok) throw new ProblemsError('spec', file, read.problems);
  return read.value;
}

/** What a UUID is made of, beside the VM's name. */
export const hostName = (): string => hostname();

/**
 * Writes a lock file in one step, as `replaceFile` does.
 * @throws ProblemsError `cannot-create`
 */
export function writeIdentityFile(file: string, text: string, workingDirectory = process.cwd()): void {
  try {
    replaceFile(path.resolve(workingDirectory, file), text);
  } catch (error) {
    const message = `the lock file cannot be written: ${describeSystemError(systemError(error))}`;
    throw refusal(
      'cannot-create',
      file,
      message,
      'make sure that its folder can be written, or name another with --lock',
    );
  }
}

const refusal = (kind: ProblemsError['kind'], file: string, message: string, fix: string): ProblemsError =>
  new ProblemsError(kind, file, [{ code: 'lock-file', severity: 'error', message, fix }]);
