import { integer, text, type JsonSchema } from '../devices/json-schema.js';
import { commandSchema, duration, object, ownKeys, targetName } from './field-schemas.js';
import { rebootReasons } from './vm-spec.js';

/** Root fields that say how vmrun treats the VM; bhyve knows nothing of them. */
export const policyFields: Readonly<Record<string, JsonSchema>> = {
  next_target: {
    type: ['string', 'object'],
    description:
      'Target of the next boot: a name, or names by the reason of the exit. "default" is the spec without a target, unless a target has that name. Without it the same target boots again.',
    pattern: '^[^\\u0000-\\u001f\\u007f]+$',
    patternErrorMessage: 'the name of a target, e.g. "default"',
    takesDigits: true,
    properties: Object.fromEntries(
      rebootReasons.map((reason) => [reason, targetName(`Target of the boot that follows ${reason}.`)]),
    ),
    additionalProperties: false,
    patternProperties: { [ownKeys]: true },
    minProperties: 1,
    examples: ['default', { reboot: 'default', error: 'rescue' }],
  },
  reboot_on: {
    type: 'array',
    description: 'Reasons, or exit statuses of bhyve, after which the VM boots again.',
    items: {
      type: ['string', 'integer'],
      enum: [...rebootReasons, 0, 1, 2, 3, 4],
    },
    maxItems: 16,
    default: ['reboot'],
    examples: [['reboot', 'triple_fault']],
  },
  restart: {
    ...object({
      properties: {
        max: integer('Give up after this many reboots within the window. Default: no limit.', 0, 1_000_000),
        window: duration('The window for max.', '60s'),
        delay: duration(
          'Pause before a reboot that follows a boot of less than 10 seconds; doubles each time.',
          '100ms',
        ),
        max_delay: duration('The longest pause.', '10s'),
      },
    }),
    description: 'Limits for reboots that follow too quickly.',
    default: {},
  },
  stop_timeout: duration('How long the guest may take to power off before it is ended by force.', 60),
  hooks: {
    ...object({ properties: { post_start: commandSchema('Run when bhyve has started.') } }),
    description: 'Programs that vmrun runs.',
  },
  post_start_script: text('Run when bhyve has started; hooks.post_start says the same.', {
    examples: ['/usr/local/bin/up.sh'],
  }),
};
