import type { StartError } from '../host/process/start-error.js';
import type { Colours } from './colours.js';
import { asLines, type OwnText } from './paint.js';

/** A program that is not there, or that the system does not run, and what to do. */
export const startErrorLines = ({ problem: { message, fix = '' } }: StartError, colour: Colours): OwnText =>
  asLines([`vmrun: ${message}`, `  ${colour.green('fix:')} ${fix}`]);
