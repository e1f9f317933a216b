import { readBoundedText } from '../../base/bounded-file.js';
import { errorReason } from '../../base/error-words.js';
import { codeOf } from '../../base/error-code.js';
import { ProblemsError, type Problem } from '../../base/problem.js';
import { replacePrivateFile } from '../../host/files/replace-file.js';
import { groupPattern, roles, type Grant } from './grants.js';
import type { PasswordHash } from './passwords.js';

/** A user as kept. */
export interface KeptUser {
  readonly name: string;
  readonly password: PasswordHash;
  readonly grants: readonly Grant[];
  /** ISO 8601. */
  readonly made: string;
}

/** A token as kept: not the token itself. */
export interface KeptToken {
  readonly id: string;
  /** Whose it is. */
  readonly user: string;
  /** What it is for, in the words of its owner. */
  readonly name: string;
  /** SHA-256 in hex. */
  readonly hash: string;
  readonly grants: readonly Grant[];
  /** ISO 8601, both. */
  readonly made: string;
  readonly ends: string;
}

/** All of the file. */
export interface AccountData {
  readonly users: readonly KeptUser[];
  readonly tokens: readonly KeptToken[];
  /** Paths, `root` first. */
  readonly groups: readonly string[];
}

/** The form of the file that this vmrun writes and reads. */
export const accountsVersion = 1;

/** Far more than thousands of accounts take. */
const maxBytes = 16 * 1024 * 1024;

const refusal = (file: string, code: string, message: string, fix: string): ProblemsError =>
  new ProblemsError('unreadable', file, [{ code, severity: 'error', message, fix }]);

/**
 * Reads the file of accounts.
 * @returns undefined where there is none
 * @throws ProblemsError where it is damaged, or a newer vmrun has written it
 */
export function readAccounts(file: string): AccountData | undefined {
  let text: string | undefined;
  try {
    text = readBoundedText(file, { most: maxBytes, isRegular: true });
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw refusal(
      file,
      'unreadable',
      `the accounts cannot be read: ${errorReason(error)}`,
      'make it readable for this user',
    );
  }
  const value = parsed(text ?? '');
  if (isObject(value) && typeof value.version === 'number' && value.version > accountsVersion) {
    const message = `the accounts are of version ${value.version}, this vmrun knows ${accountsVersion}`;
    throw refusal(file, 'newer-version', message, 'use the vmrun that has written them, or a newer one');
  }
  const data = dataIn(value);
  if (data !== undefined) return data;
  const fix = 'restore it from a backup; without it, a new root account is made at the next start';
  throw refusal(file, 'damaged', 'this is no file of accounts', fix);
}

/**
 * @throws ProblemsError `not-kept` where it cannot be written: the file is as it was then, unless its folder alone could not
 * be synced. In that case the file has the change, which may be gone after a power cut, and the problem says so.
 */
export function writeAccounts(file: string, data: AccountData): void {
  const text = `${JSON.stringify({ version: accountsVersion, ...data }, undefined, 2)}\n`;
  try {
    replacePrivateFile(file, text);
  } catch (error) {
    const what = holds(file, text) ? 'are changed, which a power cut may undo' : 'cannot be written';
    const problem: Problem = {
      code: 'not-kept',
      severity: 'error',
      message: `the accounts ${what}: ${errorReason(error)}`,
      fix: 'make room, or make the folder writable',
    };
    throw new ProblemsError('cannot-create', file, [problem]);
  }
}

function holds(file: string, text: string): boolean {
  try {
    return readBoundedText(file, { most: maxBytes, isRegular: true }) === text;
  } catch {
    return false;
  }
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);
const isText = (value: unknown): value is string => typeof value === 'string';
const isTime = (value: unknown): value is string => isText(value) && !Number.isNaN(Date.parse(value));

const isListOf =
  <T>(isOne: (value: unknown) => value is T) =>
  (value: unknown): value is readonly T[] =>
    Array.isArray(value) && value.every(isOne);

const group = new RegExp(groupPattern, 'u');
const isGroup = (value: unknown): value is string => isText(value) && group.test(value);
const isGrant = (value: unknown): value is Grant =>
  isObject(value) && isGroup(value.group) && roles.some((role) => role === value.role);

function isHash(value: unknown): value is PasswordHash {
  if (!isObject(value) || !isText(value.salt) || !isText(value.hash) || !Array.isArray(value.cost)) return false;
  const cost: readonly unknown[] = value.cost;
  // A damaged file must not make us compute for ever.
  return (
    cost.length === 3 && cost.every((each) => Number.isSafeInteger(each) && Number(each) > 0 && Number(each) <= 2 ** 20)
  );
}

const isUser = (value: unknown): value is KeptUser =>
  isObject(value) &&
  isText(value.name) &&
  isHash(value.password) &&
  isListOf(isGrant)(value.grants) &&
  isTime(value.made);

const isToken = (value: unknown): value is KeptToken =>
  isObject(value) &&
  [value.id, value.user, value.name, value.hash].every(isText) &&
  isListOf(isGrant)(value.grants) &&
  isTime(value.made) &&
  isTime(value.ends);

function dataIn(value: unknown): AccountData | undefined {
  if (!isObject(value) || value.version !== accountsVersion) return undefined;
  const { users, tokens, groups } = value;
  return isListOf(isUser)(users) && isListOf(isToken)(tokens) && isListOf(isGroup)(groups)
    ? { users, tokens, groups }
    : undefined;
}
