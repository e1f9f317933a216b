import { integer, nameText, seenPattern, text, type JsonSchema } from '../devices/json-schema.js';
import { commandSchema, duration, object, ownKeys, targetName } from './field-schemas.js';
import { exitReasons, stopWord, type HookField } from './vm-spec.js';

const hookDescriptions: Readonly<Record<HookField, string>> = {
  pre_start: 'Run before each boot. Where it fails, bhyve is not started: the boot has ended with an error.',
  post_start: 'Run when bhyve has started.',
  pre_reboot: 'Run before a boot that follows another.',
  post_stop: 'Run when the VM is down and no boot follows.',
};

/** Root fields that say how vmrun treats the VM; bhyve knows nothing of them. */
export const policyFields: Readonly<Record<string, JsonSchema>> = {
  next_target: {
    type: ['string', 'object'],
    description:
      'Target of the next boot: a name, or names by the reason of the exit. "default" is the spec without a target, unless a target has that name. Without it the same target boots again.',
    pattern: seenPattern,
    patternErrorMessage: 'the name of a target, e.g. "default"',
    takesDigits: true,
    properties: Object.fromEntries(
      exitReasons.map((reason) => [reason, targetName(`Target of the boot that follows ${reason}.`)]),
    ),
    additionalProperties: false,
    patternProperties: { [ownKeys]: true },
    minProperties: 1,
    examples: ['default', { reboot: 'default', error: 'rescue' }],
  },
  reboot_on: {
    type: 'array',
    description:
      'Reasons, or exit statuses of bhyve, after which the VM boots again: "error" is any failure to run, "signal" a bhyve that a signal has ended, "suspend" one that has saved its guest to a file.',
    items: {
      type: ['string', 'integer'],
      enum: [...exitReasons, 0, 1, 2, 3, 4],
    },
    maxItems: 16,
    default: ['reboot'],
    examples: [['reboot', 'triple_fault']],
  },
  restart: {
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
  on_give_up: nameText(
    `What follows when restart.max is reached: "${stopWord}", or the name of a target that is booted once, with a count of its own, e.g. a rescue system. Reached again before a stable run, the VM stops. "${stopWord}" never names a target.`,
    { takesDigits: true, default: stopWord },
  ),
  stop_timeout: duration('How long the guest may take to power off before it is ended by force.', 60),
  hooks: {
    ...object({
      properties: {
        ...Object.fromEntries(
          Object.entries(hookDescriptions).map(([hook, description]) => [hook, commandSchema(description)]),
        ),
        timeout: duration('How long each may take before it is killed.', '30s'),
      },
    }),
    description: 'Programs that vmrun runs.',
    default: {},
  },
  post_start_script: text('Run when bhyve has started; hooks.post_start says the same.', {
    examples: ['/usr/local/bin/up.sh'],
  }),
};
