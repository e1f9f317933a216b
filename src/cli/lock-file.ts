import { lstatSync } from 'node:fs';
import path from 'node:path';
import { ProblemsError, type Problem } from '../base/problem.js';
import type { Identity } from '../machine/identity.js';
import { lockFileOf, standardInput } from '../spec/read.js';
import type { Context } from './context.js';

/** What a command line says of the lock file: `--lock FILE`, `--no-lock`, or nothing. */
export interface LockChoice {
  readonly config: string;
  readonly lock?: string | boolean | undefined;
}

/** A lock file that there is. */
export interface LockFile {
  readonly file: string;
  readonly identity: Identity;
  /** What is doubtful about it: it is that of another spec, too. */
  readonly warnings: readonly Problem[];
}

/** Which file that would be; undefined for a spec on standard input, which has none beside it, and where none is wanted. */
export function lockPathOf({ config, lock }: LockChoice): string | undefined {
  if (lock === false) return undefined;
  if (typeof lock === 'string') return lock;
  return config === standardInput ? undefined : lockFileOf(config);
}

/**
 * The lock file that a command line names, or the one beside the spec, if it is there. Looking for it is all that a
 * command without one pays for.
 * @throws ProblemsError where it is damaged, cannot be read, or is named and not there
 */
export async function lockFileFor(
  choice: LockChoice,
  { workingDirectory }: Pick<Context, 'workingDirectory'>,
): Promise<LockFile | undefined> {
  const file = lockPathOf(choice);
  if (file === undefined) return undefined;
  const isNamed = typeof choice.lock === 'string';
  if (!isNamed && !exists(path.resolve(workingDirectory, file))) return undefined;
  const { loadIdentity } = await import('../host/identity-file.js');
  const identity = loadIdentity(file, workingDirectory);
  if (identity !== undefined) {
    if (isNamed) return { file, identity, warnings: [] };
    const { sharedLockWarnings } = await import('./lock-sharers.js');
    return { file, identity, warnings: await sharedLockWarnings(choice.config, file, { workingDirectory }) };
  }
  if (isNamed) throw missing(file);
  return undefined;
}

/** A link that leads nowhere is there. */
const exists = (file: string): boolean => lstatSync(file, { throwIfNoEntry: false }) !== undefined;

const missing = (file: string): ProblemsError =>
  new ProblemsError('unreadable', file, [
    {
      code: 'unreadable',
      severity: 'error',
      message: 'there is no such lock file',
      fix: `make it with: vmrun lock --lock ${file}`,
    },
  ]);
