import path from 'node:path';
import { ProblemsError, type Problem } from '../base/problem.js';
import { quoteCommand } from '../base/shell.js';
import { hasEntry } from '../host/files/has-entry.js';
import type { Identity } from '../machine/identity.js';
import { lockFileOf, standardInput, type ReadOptions } from '../spec/read.js';

/** Which lock file is meant. */
export interface LockChoice {
  /** The file of the spec, or `-`. */
  readonly config: string;
  /** A file; false: none. Default: the one beside the spec, if it is there. */
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
 * The lock file that is chosen, if it is there. Looking for it is all that a run without one pays for.
 * @throws ProblemsError where it is damaged, cannot be read, or is named and not there
 */
export async function lockFileFor(
  choice: LockChoice,
  { workingDirectory }: Pick<ReadOptions, 'workingDirectory'>,
): Promise<LockFile | undefined> {
  const file = lockPathOf(choice);
  if (file === undefined) return undefined;
  const isNamed = typeof choice.lock === 'string';
  if (!isNamed && !hasEntry(path.resolve(workingDirectory, file))) return undefined;
  const { loadIdentity } = await import('../host/files/identity-file.js');
  const identity = loadIdentity(file, workingDirectory);
  if (identity !== undefined) {
    if (isNamed) return { file, identity, warnings: [] };
    const { sharedLockWarnings } = await import('./lock-sharers.js');
    return { file, identity, warnings: await sharedLockWarnings(choice.config, file, { workingDirectory }) };
  }
  if (isNamed) throw missing(file, choice.config);
  return undefined;
}

const missing = (file: string, config: string): ProblemsError =>
  new ProblemsError('unreadable', file, [
    {
      code: 'unreadable',
      severity: 'error',
      message: 'there is no such lock file',
      fix: `make it with: ${quoteCommand(['vmrun', 'lock', config, '--lock', file])}`,
    },
  ]);
