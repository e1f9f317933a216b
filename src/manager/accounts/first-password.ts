import { randomBytes } from 'node:crypto';
import { errorReason } from '../../base/error-words.js';
import { readBoundedText } from '../../base/bounded-file.js';
import { codeOf } from '../../base/error-code.js';
import { ProblemsError } from '../../base/problem.js';
import { doubtOf, modeOf } from '../../host/files/trust.js';
import { replacePrivateFile } from '../../host/files/replace-file.js';
import { longestPassword, shortestPassword } from './passwords.js';

/** Root's password at the first start. */
export interface FirstPassword {
  readonly password: string;
  /** Nobody has given one: it was made, and the file has it now. */
  readonly isMade: boolean;
}

/**
 * What the file holds; where there is none, a password is made and written there, once, with mode 0600.
 * @throws ProblemsError where others can read or change the file, or it holds no password
 */
export function firstPassword(file: string): FirstPassword {
  const given = readGiven(file);
  if (given !== undefined) return { password: given, isMade: false };
  const password = randomBytes(18).toString('base64url');
  try {
    replacePrivateFile(file, `${password}\n`);
  } catch (error) {
    const why = errorReason(error);
    throw refusal(file, `root's first password cannot be written: ${why}`, 'make the folder, or make it writable');
  }
  return { password, isMade: true };
}

const refusal = (file: string, message: string, fix: string): ProblemsError =>
  new ProblemsError('host', file, [{ code: 'initial-password', severity: 'error', message, fix }]);

function readGiven(file: string): string | undefined {
  let text: string | undefined;
  try {
    // Before it is read: what others could read is not taken for a secret.
    refuseOpen(file);
    text = readBoundedText(file, { most: longestPassword + 2, isRegular: true });
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    if (error instanceof ProblemsError) throw error;
    const why = errorReason(error);
    throw refusal(
      file,
      `root's first password cannot be read: ${why}`,
      'make it a file of mode 0600 that holds one line',
    );
  }
  const password = text?.replace(/\r?\n$/, '');
  if (password !== undefined && !/[\r\n]/.test(password) && password.length >= shortestPassword) return password;
  const message = `root's first password has to be one line of at least ${shortestPassword} characters`;
  throw refusal(file, message, 'write another one into the file');
}

function refuseOpen(file: string): void {
  const mode = modeOf(file);
  if (mode === undefined) return;
  if ((mode & 0o077) !== 0) {
    const message = `root's first password is in a file of mode ${mode.toString(8).padStart(4, '0')}, which others may use`;
    throw refusal(file, message, `chmod 600 ${file}`);
  }
  const doubt = doubtOf(file);
  if (doubt === undefined) return;
  throw refusal(file, `${doubt.path} ${doubt.why}`, 'put the file where only root can change it');
}
