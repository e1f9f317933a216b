import { durationPattern, maxDurationSeconds, parseDurationMs } from '../base/duration.js';
import type { Finding } from '../base/problem.js';
import { shown } from '../base/text.js';
import type { JsonSchema } from '../devices/json-schema.js';

/** A duration as the spec writes it: seconds, or text with a unit. */
export type Duration = number | string;

/** What is like the pattern of durations. */
export const durationWords = 'seconds, or text with a unit such as "90s", "5min" or "500ms"';

export const duration = (description: string, byDefault: string | number): JsonSchema => ({
  type: ['number', 'string'],
  description: `${description} Seconds, or text with a unit: ms, s, min, h.`,
  minimum: 0,
  maximum: maxDurationSeconds,
  pattern: durationPattern,
  patternErrorMessage: durationWords,
  default: byDefault,
});

/** The schema has checked the form. */
export const milliseconds = (written: Duration): number => parseDurationMs(written) ?? 0;

/** The schema bounds a number of seconds; text says its unit, so the product is looked at here. */
export const checkDuration = (pointer: string, written: Duration): readonly Finding[] =>
  milliseconds(written) <= maxDurationSeconds * 1000
    ? []
    : [
        {
          code: 'out-of-range',
          pointer,
          message: `${shown(written)} is more than a year`,
          fix: 'use at most "365d"',
        },
      ];
