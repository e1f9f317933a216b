import { Chalk, type ChalkInstance } from 'chalk';
import { isTerminal } from '../host/terminal.js';
import type { Context } from './context.js';

/**
 * Colours for what is written to a descriptor: asked for, or on a terminal that has them and nobody minds.
 * no-color.org, force-color.org; `FORCE_COLOR=0` is a no, as node has it.
 */
export function coloursFor(
  { env }: Pick<Context, 'env'>,
  wanted: boolean | undefined,
  descriptor: 1 | 2 = 2,
  isOnTerminal = isTerminal(descriptor),
): ChalkInstance {
  const { FORCE_COLOR: forced = '' } = env;
  const isForced = forced !== '' && !isNo(forced);
  const isRefused = (env.NO_COLOR !== undefined && env.NO_COLOR !== '') || env.TERM === 'dumb' || isNo(forced);
  const isOn = wanted ?? (isForced || (!isRefused && isOnTerminal));
  return new Chalk({ level: isOn ? 1 : 0 });
}

const isNo = (word: string): boolean => word === '0' || word === 'false';
