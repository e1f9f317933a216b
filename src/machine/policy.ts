import { maxDurationSeconds, parseDurationMs } from '../base/duration.js';
import { splitWords } from '../base/shell.js';
import type { Finding } from '../base/problem.js';
import { shown } from '../base/text.js';
import { rebootReasons, type Duration, type RebootReason, type VmSpec } from '../spec/vm-spec.js';
import type { Policy } from './machine.js';

/** The schema has checked the form. */
export const milliseconds = (duration: Duration): number => parseDurationMs(duration) ?? 0;

/** The schema bounds a number of seconds; text says its unit, so the product is looked at here. */
export function checkDurations({ stop_timeout: stop, loader_timeout: loader, restart }: VmSpec): readonly Finding[] {
  const durations = [
    ['/stop_timeout', stop],
    ['/loader_timeout', loader],
    ['/restart/window', restart.window],
    ['/restart/delay', restart.delay],
    ['/restart/max_delay', restart.max_delay],
  ] as const;
  return durations
    .filter(([, duration]) => milliseconds(duration) > maxDurationSeconds * 1000)
    .map(([pointer, duration]) => ({
      code: 'out-of-range',
      pointer,
      message: `${shown(duration)} is more than a year`,
      fix: 'use at most "365d"',
    }));
}

/** `reboot_on` by names; an exit status stands for its reason: bhyve(8), EXIT STATUS. */
const reasonsOf = (list: VmSpec['reboot_on']): readonly RebootReason[] => [
  ...new Set(list.flatMap((item) => (typeof item === 'number' ? (rebootReasons[item] ?? []) : item))),
];

function nextTargets(next: VmSpec['next_target']): Policy['nextTarget'] {
  if (next === undefined) return {};
  return typeof next === 'object' ? next : Object.fromEntries(rebootReasons.map((reason) => [reason, next]));
}

const commandWords = (command: string | readonly string[] | undefined): readonly string[] | undefined => {
  if (command === undefined) return undefined;
  const words = typeof command === 'string' ? splitWords(command) : command;
  return 'error' in words ? undefined : words;
};

const hookFields = [
  ['/hooks/post_start', ({ hooks }: VmSpec) => hooks?.post_start],
  ['/post_start_script', ({ post_start_script: script }: VmSpec) => script],
] as const;

export function checkHooks(vm: VmSpec): readonly Finding[] {
  if (vm.hooks?.post_start !== undefined && vm.post_start_script !== undefined) {
    return [
      {
        code: 'hook-twice',
        pointer: '/post_start_script',
        message: 'post_start_script and hooks.post_start say the same thing',
        fix: 'keep one of them',
      },
    ];
  }
  return hookFields.flatMap(([pointer, read]): readonly Finding[] => {
    const command = read(vm);
    const words = typeof command === 'string' ? splitWords(command) : command;
    if (words === undefined) return [];
    const fix = 'use a list of words: ["/path/to/program", "argument"]';
    if ('error' in words) return [{ code: 'quoting', pointer, message: words.error, fix }];
    return words.length > 0 ? [] : [{ code: 'empty', pointer, message: 'there is no program in it', fix }];
  });
}

export const policyOf = (vm: VmSpec): Policy => ({
  // bhyve itself restarts the guest, or whoever loaded it would have to load it again.
  rebootOn: vm.monitor || vm.loader === 'none' ? [] : reasonsOf(vm.reboot_on),
  nextTarget: nextTargets(vm.next_target),
  restart: {
    max: vm.restart.max,
    windowMs: milliseconds(vm.restart.window),
    delayMs: milliseconds(vm.restart.delay),
    maxDelayMs: milliseconds(vm.restart.max_delay),
  },
  stopTimeoutMs: milliseconds(vm.stop_timeout),
  postStart: commandWords(vm.hooks?.post_start ?? vm.post_start_script),
});
