import { lstatSync, unlinkSync } from 'node:fs';
import type { Ephemeral } from '../../devices/device.js';
import { codeOf } from '../../base/error-code.js';

/** A file that a run of bhyve made: another file that takes its place later is not ours. */
export interface Trace {
  readonly path: string;
  readonly device: bigint;
  readonly inode: bigint;
}

/** What bhyve has made of the things it leaves behind, as of now. Where nobody can look, bhyve made nothing. */
export const tracesOf = (ephemerals: readonly Ephemeral[]): readonly Trace[] =>
  ephemerals.flatMap(({ path }) => {
    try {
      const stats = lstatSync(path, { bigint: true });
      return stats.isSocket() ? [{ path, device: stats.dev, inode: stats.ino }] : [];
    } catch {
      return [];
    }
  });

type RemovalOutcome = 'removed' | 'already gone' | { readonly error: string };

/** Removes it if it is still the same file; already gone is as good. */
export function removeTrace({ path, device, inode }: Trace): RemovalOutcome {
  try {
    const stats = lstatSync(path, { throwIfNoEntry: false, bigint: true });
    if (stats?.dev !== device || stats.ino !== inode) return 'already gone';
    unlinkSync(path);
    return 'removed';
  } catch (error) {
    return codeOf(error) === 'ENOENT' ? 'already gone' : { error: codeOf(error) || String(error) };
  }
}
