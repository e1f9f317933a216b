import { errorWords } from '../base/error-words.js';
import { ProblemsError } from '../base/problem.js';
import { visible } from '../base/visible.js';
import { systemClock } from '../host/clock.js';
import type { RunEvent } from '../supervisor/events.js';
import { plain } from './colours.js';
import { prefixed } from './paint.js';
import { eventLines } from './show-events.js';
import { formatProblems } from './show-problems.js';

/**
 * Lines of the log, each with its time, ISO 8601, and who says it.
 * @param who vmrun, bhyve, a loader or a hook @param text whole lines
 */
export const logLines = (who: string, text: string, time = systemClock.now().toISOString()): string =>
  prefixed(`${time} ${who}: `, text);

/**
 * What the log says of an event: the words that people see with -v, without colours; none for some.
 * @param times how often in a row its reason has come
 */
export const logOfEvent = (event: RunEvent, times = 1): string =>
  eventLines(event, plain, true, times)
    .map((line) => logLines('vmrun', visible(line), event.time))
    .join('');

/** The same of what the run ends with. */
export function logOfError(error: unknown): string {
  if (error instanceof ProblemsError) return logLines('vmrun', withoutGaps(formatProblems(error, plain)));
  return logLines('vmrun', errorWords(error));
}

const withoutGaps = (text: string): string => text.replace(/\n+/g, '\n');
