import { isTerminal } from '../host/terminal.js';
import type { Context } from './context.js';

type Paint = (text: string) => string;

/** How texts are made to stand out; `plain` leaves them as they are. */
export type Colours = Readonly<Record<'bold' | 'dim' | 'red' | 'green' | 'yellow' | 'cyan', Paint>>;

/** Each line by itself, so that what breaks a text into lines need not know. ECMA-48, SGR. */
const paint =
  (on: number, off: number): Paint =>
  (text) =>
    text.replace(/[^\n]+/g, `\u001b[${on}m$&\u001b[${off}m`);

const inColour: Colours = {
  bold: paint(1, 22),
  dim: paint(2, 22),
  red: paint(31, 39),
  green: paint(32, 39),
  yellow: paint(33, 39),
  cyan: paint(36, 39),
};

const asIs: Paint = (text) => text;
export const plain: Colours = { bold: asIs, dim: asIs, red: asIs, green: asIs, yellow: asIs, cyan: asIs };

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
  return isOn ? inColour : plain;
}

const isNo = (word: string): boolean => word === '0' || word === 'false';
