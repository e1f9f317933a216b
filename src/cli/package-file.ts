import path from 'node:path';
import type { Context } from './context.js';

/** A file of the installed package. The simulator's launcher, whose path we are given, is in its folder bin/. */
export const packageFile = ({ simulator }: Pick<Context, 'simulator'>, ...names: readonly string[]): string =>
  path.join(path.dirname(path.dirname(simulator.at(-1) ?? '')), ...names);
