import { Chalk } from 'chalk';
import { ProblemsError } from '../base/problem.js';
import { systemClock } from '../host/clock.js';
import type { RunEvent } from '../supervisor/events.js';
import { eventLines } from './show-events.js';
import { formatProblems } from './show-problems.js';

/** Who says a line of the log. */
export type LogSource = 'bhyve' | 'hook' | 'vmrun';

const plain = new Chalk({ level: 0 });

/** Lines of the log, each with its time, ISO 8601, and who says it. @param text whole lines */
export function logLines(source: LogSource, text: string, time = systemClock.now().toISOString()): string {
  return linesOf(text)
    .map((line) => `${time} ${source}: ${line}\n`)
    .join('');
}

/** What the log says of an event: the words that people see with -v, without colours; none for some. */
export const logOfEvent = (event: RunEvent): string =>
  eventLines(event, plain, true)
    .map((line) => logLines('vmrun', line, event.time))
    .join('');

/** The same of what the run ends with. */
export function logOfError(error: unknown): string {
  if (error instanceof ProblemsError) return logLines('vmrun', withoutGaps(formatProblems(error, plain)));
  return logLines('vmrun', error instanceof Error ? error.message : String(error));
}

const withoutGaps = (text: string): string => text.replace(/\n+/g, '\n');

/** The lines of a text, without their ends; the last may have none. */
export const linesOf = (text: string): readonly string[] => text.replace(/\r?\n$/, '').split(/\r?\n/);
