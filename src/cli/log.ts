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
  const prefix = `${time} ${source}: `;
  return `${prefix}${endLines(text).slice(0, -1).replaceAll('\n', `\n${prefix}`)}\n`;
}

/**
 * What the log says of an event: the words that people see with -v, without colours; none for some.
 * @param times how often in a row its reason has come
 */
export const logOfEvent = (event: RunEvent, times = 1): string =>
  eventLines(event, plain, true, times)
    .map((line) => logLines('vmrun', line, event.time))
    .join('');

/** The same of what the run ends with. */
export function logOfError(error: unknown): string {
  if (error instanceof ProblemsError) return logLines('vmrun', withoutGaps(formatProblems(error, plain)));
  return logLines('vmrun', error instanceof Error ? error.message : String(error));
}

const withoutGaps = (text: string): string => text.replace(/\n+/g, '\n');

/** Whole lines, the last with its end too, and each end as it is on UNIX. A noisy guest's lines all come through here. */
export function endLines(text: string): string {
  const lines = text.includes('\r') ? text.replaceAll('\r\n', '\n') : text;
  return lines.endsWith('\n') ? lines : `${lines}\n`;
}
