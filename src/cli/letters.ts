import { isTerminal } from '../host/process/terminal.js';
import type { Context } from './context.js';

/**
 * Lines may be drawn with more than ASCII: on a terminal that shows it. What is written to a file or a pipe is the same
 * anywhere.
 */
export const drawsUnicode = (
  { env }: Pick<Context, 'env'>,
  descriptor: 1 | 2,
  isOnTerminal = isTerminal(descriptor),
): boolean => isOnTerminal && env.TERM !== 'dumb' && isUtf8(env);

/** The character set of the locale, as setlocale(3) finds it: the first of the three that says something decides. */
export function isUtf8({ LC_ALL, LC_CTYPE, LANG }: Context['env']): boolean {
  const locale = [LC_ALL, LC_CTYPE, LANG].find((value) => value !== undefined && value !== '');
  return /\.utf-?8(@|$)/i.test(locale ?? '') || locale === 'UTF-8';
}
