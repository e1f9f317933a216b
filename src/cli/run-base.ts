import { defaultRunBase } from '../host/run-base.js';
import type { Context } from './context.js';

/** Folder of the run directories: that of the command line, else the user's. */
export const runBaseOf = ({ runDir }: { readonly runDir?: string | undefined }, { env, uid }: Context): string =>
  (runDir ?? defaultRunBase(env, uid)).replace(/(?<=.)\/+$/, '');

/** Where simulated runs are: one must be possible beside the real one of the same name. */
export const simulatedBase = (base: string): string => `${base}-simulated`;
