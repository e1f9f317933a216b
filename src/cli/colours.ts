import { isTerminal } from '../host/terminal.js';
import type { Context } from './context.js';
import { inColour, type Paint } from './paint.js';

/** How vmrun's own words are painted. */
export type Colours = Readonly<Record<keyof typeof codes, Paint>>;

/** SGR: what begins it, and what ends it. */
const codes = {
  bold: [1, 22],
  dim: [2, 22],
  red: [31, 39],
  green: [32, 39],
  yellow: [33, 39],
  cyan: [36, 39],
} as const;

const paints = (paint: (begin: number, end: number) => Paint): Colours => ({
  bold: paint(...codes.bold),
  dim: paint(...codes.dim),
  red: paint(...codes.red),
  green: paint(...codes.green),
  yellow: paint(...codes.yellow),
  cyan: paint(...codes.cyan),
});

/** Text as it is. */
export const plain = paints(() => (text) => text);

/** Text with colours. */
export const painted = paints(inColour);

/**
 * Colours for what is written to a descriptor: asked for, or on a terminal that has them and nobody minds.
 * no-color.org, force-color.org; `FORCE_COLOR=0` is a no, as node has it.
 */
export function coloursFor(
  { env }: Pick<Context, 'env'>,
  wanted: boolean | undefined,
  descriptor: 1 | 2 = 2,
  isOnTerminal = isTerminal(descriptor),
): Colours {
  const { FORCE_COLOR: forced = '' } = env;
  const isForced = forced !== '' && !isNo(forced);
  const isRefused = (env.NO_COLOR !== undefined && env.NO_COLOR !== '') || env.TERM === 'dumb' || isNo(forced);
  const isOn = wanted ?? (isForced || (!isRefused && isOnTerminal));
  return isOn ? painted : plain;
}

const isNo = (word: string): boolean => word === '0' || word === 'false';
