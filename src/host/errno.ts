import { getSystemErrorMap, types } from 'node:util';

/** A failed system call: `ENOENT`, and the words that errno(2) has for it. */
export interface SystemError {
  readonly code: string;
  readonly words: string;
}

/** Reads what a file or socket call threw; anything that is no failed system call is thrown on, since it is a bug. */
export function systemError(error: unknown): SystemError {
  // Not instanceof: an error of the runtime's own realm must count wherever this code was loaded.
  if (!types.isNativeError(error) || !('code' in error) || typeof error.code !== 'string') throw error;
  const errno = 'errno' in error && typeof error.errno === 'number' ? error.errno : 0;
  return { code: error.code, words: getSystemErrorMap().get(errno)?.[1] ?? error.message };
}

/** `permission denied (EACCES)`. */
export const describeSystemError = ({ code, words }: SystemError): string => `${words} (${code})`;
