import { Chalk } from 'chalk';
import { isTerminal } from '../host/process/terminal.js';
import type { Context } from './context.js';
import { inColour, type Paint } from './paint.js';

const colours = ['bold', 'dim', 'red', 'green', 'yellow', 'cyan'] as const;
type Colour = (typeof colours)[number];

/** How vmrun's own words are painted. */
export type Colours = Readonly<Record<Colour, Paint>>;

const chalk = new Chalk({ level: 1 });

const paints = (paint: (colour: Colour) => Paint): Colours =>
  Object.fromEntries(colours.map((colour) => [colour, paint(colour)])) as unknown as Colours;

/** Text as it is. */
export const plain = paints(() => (text) => text);

/** Text with colours. */
export const painted = paints((colour) => inColour(chalk[colour]));

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
