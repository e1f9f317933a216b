import { Chalk, type ChalkInstance } from 'chalk';
import { isTerminal } from '../host/terminal.js';
import type { Context } from './context.js';

/**
 * Colours for stderr, or stdout: asked for, or on a terminal that has them and nobody minds. no-color.org,
 * force-color.org.
 */
export function coloursFor({ env }: Context, wanted: boolean | undefined, descriptor: 1 | 2 = 2): ChalkInstance {
  const { FORCE_COLOR: forced = '' } = env;
  const isForced = forced !== '' && forced !== '0';
  const isRefused = (env.NO_COLOR !== undefined && env.NO_COLOR !== '') || env.TERM === 'dumb';
  const isOn = wanted ?? (isForced || (!isRefused && isTerminal(descriptor)));
  return new Chalk({ level: isOn ? 1 : 0 });
}
