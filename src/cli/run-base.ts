import { ProblemsError } from '../base/problem.js';
import { quoteWord } from '../base/shell.js';
import { withoutEnd } from '../base/text.js';
import { defaultRunBase, simulatedBase } from '../host/run-directory/run-base.js';
import type { Context } from './context.js';

/**
 * Folder of the run directories: that of the command line, else the user's.
 * @throws ProblemsError `usage` where that of the command line is empty, as a variable of a script may be
 */
export function runBaseOf(
  { runDir }: { readonly runDir?: string | undefined },
  { env, uid }: Pick<Context, 'env' | 'uid'>,
): string {
  if (runDir === '') {
    throw new ProblemsError('usage', '--run-dir', [
      {
        code: 'run-directory',
        severity: 'error',
        message: 'the folder of the run directories has an empty name',
        fix: 'name one, or leave the option out',
      },
    ]);
  }
  const base = runDir ?? defaultRunBase(env, uid);
  return withoutEnd(base, '/') || base.slice(0, 1);
}

/** Where a run of a name is looked for: among the real ones, the simulated ones, or both. */
export function runBasesOf(
  options: { readonly runDir?: string | undefined; readonly simulate?: boolean | undefined },
  context: Pick<Context, 'env' | 'uid'>,
): readonly { readonly runBase: string; readonly isSimulated: boolean }[] {
  const base = runBaseOf(options, context);
  return [
    ...(options.simulate === true ? [] : [{ runBase: base, isSimulated: false }]),
    ...(options.simulate === false ? [] : [{ runBase: simulatedBase(base), isSimulated: true }]),
  ];
}

/** Of a run that is spoken of: what a command must be told to find it. */
export interface RunPlace {
  /** As it was given. */
  readonly runDir?: string | undefined;
  readonly isSimulated?: boolean | undefined;
}

/**
 * The options of a command line for it, each after a blank: ` --simulate --run-dir /tmp/runs`. `stop` and `console` find
 * a simulated run without, but only where no other of its name is there.
 */
export const toRun = ({ runDir, isSimulated }: RunPlace): string =>
  `${isSimulated === true ? ' --simulate' : ''}${runDir === undefined ? '' : ` --run-dir ${quoteWord(runDir)}`}`;
