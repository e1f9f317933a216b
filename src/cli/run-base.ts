import { withoutEnd } from '../base/text.js';
import { defaultRunBase } from '../host/run-base.js';
import type { Context } from './context.js';

/** Folder of the run directories: that of the command line, else the user's. */
export function runBaseOf(
  { runDir }: { readonly runDir?: string | undefined },
  { env, uid }: Pick<Context, 'env' | 'uid'>,
): string {
  const base = runDir ?? defaultRunBase(env, uid);
  return withoutEnd(base, '/') || base.slice(0, 1);
}

/** Where simulated runs are: one must be possible beside the real one of the same name. */
export const simulatedBase = (base: string): string => `${base}-simulated`;
