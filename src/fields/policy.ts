import { splitWords } from '../base/shell.js';
import { milliseconds } from './durations.js';
import { exitReasons, type ExitReason } from './exits.js';
import type { HookFields } from './hooks.js';
import { stopWord, type RebootFields } from './reboot.js';
import type { RestartFields, StopFields } from './restart.js';

/** Reboots that follow too quickly. Times in milliseconds. */
interface RestartPolicy {
  /** At most this many reboots within the window; undefined: no limit. */
  readonly max: number | undefined;
  readonly windowMs: number;
  /** Pause before a reboot that follows a short life; doubles with each, up to the most. */
  readonly delayMs: number;
  readonly maxDelayMs: number;
  /** A boot that lived this long is a stable run, and a shorter one a short life; above 0. */
  readonly stableMs: number;
}

/** The user's programs, each with its arguments; no shell is started. */
interface HookCommands {
  /** Before bhyve starts, each boot; where it fails, bhyve is not started. */
  readonly preStart?: readonly string[];
  /** When the VM is there. */
  readonly postStart?: readonly string[];
  /** Between two boots. */
  readonly preReboot?: readonly string[];
  /** When no boot follows. */
  readonly postStop?: readonly string[];
  /** How long each of them may take. */
  readonly timeoutMs: number;
}

/** How vmrun is to treat the VM while it runs; bhyve knows nothing of it. */
export interface Policy {
  readonly rebootOn: readonly ExitReason[];
  /** Target of the next boot by the reason of the exit; absent: the same target again. */
  readonly nextTarget: Readonly<Partial<Record<ExitReason, string>>>;
  readonly restart: RestartPolicy;
  /** Target that is booted once when the budget of `restart` is spent; undefined: the run ends. */
  readonly onGiveUp: string | undefined;
  readonly stopTimeoutMs: number;
  readonly hooks: HookCommands;
}

/** The fields that a policy is made of. */
type PolicyFields = RebootFields &
  RestartFields &
  StopFields &
  HookFields & { readonly monitor: boolean; readonly loader?: unknown };

/** `reboot_on` by names; an exit status stands for its reason: bhyve(8), EXIT STATUS. */
const reasonsOf = (list: RebootFields['reboot_on']): readonly ExitReason[] => [
  ...new Set(list.flatMap((item) => (typeof item === 'number' ? (exitReasons[item] ?? []) : item))),
];

function nextTargets(next: RebootFields['next_target']): Policy['nextTarget'] {
  if (next === undefined) return {};
  return typeof next === 'object' ? next : Object.fromEntries(exitReasons.map((reason) => [reason, next]));
}

const commandWords = (command: string | readonly string[] | undefined): readonly string[] | undefined => {
  if (command === undefined) return undefined;
  const words = typeof command === 'string' ? splitWords(command) : command;
  return 'error' in words ? undefined : words;
};

function hooksOf({ hooks, post_start_script: script }: HookFields): Policy['hooks'] {
  const preStart = commandWords(hooks.pre_start);
  const postStart = commandWords(hooks.post_start ?? script);
  const preReboot = commandWords(hooks.pre_reboot);
  const postStop = commandWords(hooks.post_stop);
  return {
    ...(preStart === undefined ? {} : { preStart }),
    ...(postStart === undefined ? {} : { postStart }),
    ...(preReboot === undefined ? {} : { preReboot }),
    ...(postStop === undefined ? {} : { postStop }),
    timeoutMs: milliseconds(hooks.timeout),
  };
}

export const policyOf = (vm: PolicyFields): Policy => ({
  // bhyve itself restarts the guest, or whoever loaded it would have to load it again.
  rebootOn: vm.monitor || vm.loader === 'none' ? [] : reasonsOf(vm.reboot_on),
  nextTarget: nextTargets(vm.next_target),
  restart: {
    max: vm.restart.max,
    windowMs: milliseconds(vm.restart.window),
    delayMs: milliseconds(vm.restart.delay),
    maxDelayMs: milliseconds(vm.restart.max_delay),
    stableMs: milliseconds(vm.restart.stable),
  },
  onGiveUp: vm.on_give_up === stopWord ? undefined : vm.on_give_up,
  stopTimeoutMs: milliseconds(vm.stop_timeout),
  hooks: hooksOf(vm),
});
