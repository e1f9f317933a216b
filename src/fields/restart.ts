import type { Finding } from '../base/problem.js';
import { integer } from '../devices/json-schema.js';
import { checkDuration, duration, milliseconds, type Duration } from './durations.js';
import { defineField } from './field.js';
import { object } from './schemas.js';

export interface RestartFields {
  readonly restart: {
    readonly max?: number;
    readonly window: Duration;
    readonly delay: Duration;
    readonly max_delay: Duration;
    readonly stable: Duration;
  };
}

export interface StopFields {
  readonly stop_timeout: Duration;
}

export const restart = defineField<RestartFields>({
  name: 'restart',
  chapter: 'How its life goes on',
  after: { written: 'hooks' },
  schema: {
    ...object({
      properties: {
        max: integer(
          'Give up after this many reboots within the window, those before a stable run not counted. Default: no limit.',
          0,
          1_000_000,
        ),
        window: duration('The window for max.', '60s'),
        delay: duration(
          'Pause before a reboot that follows a boot shorter than stable: the first such boot is followed at once, the second after this pause, which then doubles each time.',
          '100ms',
        ),
        max_delay: duration('The longest pause.', '10s'),
        stable: duration(
          'A boot that lives this long is a stable run: the reboots before it count for max no longer, and the pause begins again at none.',
          '10s',
        ),
      },
    }),
    description: 'Limits for reboots that follow too quickly.',
    default: {},
  },
  check: ({ vm: { restart } }): readonly Finding[] => [
    ...checkDuration('/restart/window', restart.window),
    ...checkDuration('/restart/delay', restart.delay),
    ...checkDuration('/restart/max_delay', restart.max_delay),
    ...checkDuration('/restart/stable', restart.stable),
    ...(milliseconds(restart.stable) > 0
      ? []
      : [
          {
            code: 'restart-stable',
            pointer: '/restart/stable',
            message: 'every boot would be a stable run: neither a pause nor max would ever apply',
            fix: 'use e.g. "10s"',
          },
        ]),
  ],
});

export const stopTimeout = defineField<StopFields>({
  name: 'stop_timeout',
  chapter: 'How its life goes on',
  after: { written: 'on_give_up' },
  schema: duration('How long the guest may take to power off before it is ended by force.', 60),
  check: ({ vm }) => checkDuration('/stop_timeout', vm.stop_timeout),
});
