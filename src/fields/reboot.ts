import { child } from '../base/json-pointer.js';
import { nameText, seenPattern } from '../devices/json-schema.js';
import { exitReasons, type ExitReason } from './exits.js';
import { defineField, type Field } from './field.js';
import { ownKeys, targetName } from './schemas.js';

/** What `on_give_up` says where no target is to be booted; a target of that name cannot be meant there. */
export const stopWord = 'stop';

export interface RebootFields {
  readonly next_target?: string | Readonly<Partial<Record<ExitReason, string>>>;
  readonly reboot_on: readonly (ExitReason | number)[];
  /** A target, or `stop`. */
  readonly on_give_up: string;
}

/** In monitor mode bhyve restarts the guest itself: vmrun never sees the exit that it would be for. */
const idleWithMonitor =
  (name: string): NonNullable<Field<{ readonly monitor: boolean }>['check']> =>
  (context) =>
    context.vm.monitor && context.isGiven(name)
      ? [
          {
            code: 'monitor',
            pointer: child('', name),
            message: `${name} has no effect with monitor: bhyve restarts the guest by itself`,
            fix: `leave "${name}" or "monitor" out`,
          },
        ]
      : [];

type Vm = RebootFields & { readonly monitor: boolean };

export const nextTarget = defineField<Vm>({
  name: 'next_target',
  chapter: 'How its life goes on',
  after: { written: 'stop_timeout', document: 'reboot_on' },
  schema: {
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
  check: idleWithMonitor('next_target'),
});

export const rebootOn = defineField<Vm>({
  name: 'reboot_on',
  chapter: 'How its life goes on',
  schema: {
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
  check: idleWithMonitor('reboot_on'),
});

export const onGiveUp = defineField<Vm>({
  name: 'on_give_up',
  chapter: 'How its life goes on',
  after: { written: 'restart' },
  schema: nameText(
    `What follows when restart.max is reached: "${stopWord}", or the name of a target that is booted once, with a count of its own, e.g. a rescue system. Reached again before a stable run, the VM stops. "${stopWord}" never names a target.`,
    { takesDigits: true, default: stopWord },
  ),
  check: idleWithMonitor('on_give_up'),
});
