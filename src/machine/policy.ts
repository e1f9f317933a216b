import { maxDurationSeconds, parseDurationMs } from '../base/duration.js';
import { child } from '../base/json-pointer.js';
import { shellMarks, splitWords } from '../base/shell.js';
import type { Finding } from '../base/problem.js';
import { listWords, shown } from '../base/text.js';
import { exitReasons, hookFields, stopWord, type Duration, type ExitReason, type VmSpec } from '../spec/vm-spec.js';
import type { Policy } from './machine.js';

/** The schema has checked the form. */
export const milliseconds = (duration: Duration): number => parseDurationMs(duration) ?? 0;

/** The schema bounds a number of seconds; text says its unit, so the product is looked at here. */
export function checkDurations(vm: VmSpec): readonly Finding[] {
  const { stop_timeout: stop, loader_timeout: loader, restart, hooks } = vm;
  const durations = [
    ['/stop_timeout', stop],
    ['/loader_timeout', loader],
    ['/restart/window', restart.window],
    ['/restart/delay', restart.delay],
    ['/restart/max_delay', restart.max_delay],
    ['/restart/stable', restart.stable],
    ['/hooks/timeout', hooks.timeout],
  ] as const;
  const tooLong = durations
    .filter(([, duration]) => milliseconds(duration) > maxDurationSeconds * 1000)
    .map(([pointer, duration]) => ({
      code: 'out-of-range',
      pointer,
      message: `${shown(duration)} is more than a year`,
      fix: 'use at most "365d"',
    }));
  return [...tooLong, ...checkNoTime(vm)];
}

/** What no time at all would make pointless. */
const checkNoTime = ({ restart, hooks }: VmSpec): readonly Finding[] => [
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
  ...(milliseconds(hooks.timeout) > 0
    ? []
    : [
        {
          code: 'hook-timeout',
          pointer: '/hooks/timeout',
          message: 'no hook is done in no time',
          fix: 'use e.g. "30s"',
        },
      ]),
];

/** `reboot_on` by names; an exit status stands for its reason: bhyve(8), EXIT STATUS. */
const reasonsOf = (list: VmSpec['reboot_on']): readonly ExitReason[] => [
  ...new Set(list.flatMap((item) => (typeof item === 'number' ? (exitReasons[item] ?? []) : item))),
];

function nextTargets(next: VmSpec['next_target']): Policy['nextTarget'] {
  if (next === undefined) return {};
  return typeof next === 'object' ? next : Object.fromEntries(exitReasons.map((reason) => [reason, next]));
}

const commandWords = (command: string | readonly string[] | undefined): readonly string[] | undefined => {
  if (command === undefined) return undefined;
  const words = typeof command === 'string' ? splitWords(command) : command;
  return 'error' in words ? undefined : words;
};

/** Every command of the user's, with its place: quoting that does not close, and text without a word in it. */
export function checkHooks({ hooks, post_start_script: script }: VmSpec): readonly Finding[] {
  const twice =
    hooks.post_start === undefined || script === undefined
      ? []
      : [
          {
            code: 'hook-twice',
            pointer: '/post_start_script',
            message: 'post_start_script and hooks.post_start say the same thing',
            fix: 'keep one of them',
          },
        ];
  const commands = [
    ...hookFields.map((hook) => [child('/hooks', hook), hooks[hook]] as const),
    ['/post_start_script', script] as const,
  ];
  const wrong = commands.flatMap(([pointer, command]): readonly Finding[] => {
    const words = typeof command === 'string' ? splitWords(command) : command;
    if (words === undefined) return [];
    const fix = 'use a list of words: ["/path/to/program", "argument"]';
    if ('error' in words) return [{ code: 'quoting', pointer, message: words.error, fix }];
    if (words.length === 0) return [{ code: 'empty', pointer, message: 'there is no program in it', fix }];
    return meantForShell(command, words, pointer);
  });
  return [...twice, ...wrong];
}

/** A word of a list that is one of these alone is as good as in a text: nobody has a file of that name. */
const operator = /^(\|\|?|&&?|;|[0-9]?>>?|<|[0-9]?>&[0-9])$/;

/** A program is started without a shell, so what only a shell knows is passed on to it. */
function meantForShell(
  command: string | readonly string[] | undefined,
  words: readonly string[],
  pointer: string,
): readonly Finding[] {
  const marks = typeof command === 'string' ? shellMarks(command) : words.filter((word) => operator.test(word));
  if (marks.length === 0) return [];
  const text = typeof command === 'string' ? command : words.join(' ');
  return [
    {
      code: 'hook-shell',
      severity: 'warning',
      pointer,
      message: `no shell runs this: ${words[0] ?? ''} is given ${listWords(marks)} as text`,
      fix: `${pointer === '/post_start_script' ? 'use hooks.post_start: ' : 'use '}["sh", "-c", ${shown(text)}]`,
    },
  ];
}

function hooksOf({ hooks, post_start_script: script }: VmSpec): Policy['hooks'] {
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

export const policyOf = (vm: VmSpec): Policy => ({
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
