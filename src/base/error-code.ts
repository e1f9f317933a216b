/** The code of a failed system call, `ENOENT`; an empty string where it is none. */
export const codeOf = (error: unknown): string =>
  typeof error === 'object' && error !== null && 'code' in error && typeof error.code === 'string' ? error.code : '';

/** Of a system call that failed, or of our own look at what it found: `ENOSPC`. Node's own, `ERR_…`, are bugs. */
export const isSystemCode = (code: string): boolean => /^E[A-Z0-9]+$/.test(code);
