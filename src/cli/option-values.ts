import { InvalidArgumentError } from '@commander-js/extra-typings';
import { maxDurationSeconds, parseDurationMs } from '../base/duration.js';

/** The time that an option is given, in milliseconds. */
export function duration(word: string): number {
  const ms = parseDurationMs(/^\d{1,9}(?:\.\d{1,6})?$/.test(word) ? Number(word) : word);
  if (ms !== undefined && ms <= maxDurationSeconds * 1000) return ms;
  throw new InvalidArgumentError('It is seconds, or a number with a unit, e.g. 90, 0.5, 500ms or 5min.');
}

/** A number from 1 on. */
export function countOf(word: string): number {
  if (/^[1-9]\d{0,5}$/.test(word)) return Number(word);
  throw new InvalidArgumentError('It is a whole number from 1 on.');
}
