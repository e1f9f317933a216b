import { formatDuration } from '../base/duration.js';

const two = (number: number): string => String(number).padStart(2, '0');

/** A moment to come, as a clock here shows it: `14:05:10, in 58 s`; with its date where that is not today's. */
export function formatWhen(when: Date, now: Date): string {
  const time = [when.getHours(), when.getMinutes(), when.getSeconds()].map(two).join(':');
  const date = [when.getFullYear(), when.getMonth() + 1, when.getDate()].map(two).join('-');
  const isToday = when.toDateString() === now.toDateString();
  const restMs = Math.max(0, when.getTime() - now.getTime());
  const rest = formatDuration(restMs < 1000 ? restMs : 1000 * Math.round(restMs / 1000));
  return `${isToday ? '' : `${date} `}${time}, in ${rest}`;
}
