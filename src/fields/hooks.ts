import { child } from '../base/json-pointer.js';
import type { Finding } from '../base/problem.js';
import { shellMarks, splitWords } from '../base/shell.js';
import { listWords, shown } from '../base/text.js';
import { regularFile, type Requirement } from '../devices/device.js';
import { text } from '../devices/json-schema.js';
import { checkDuration, duration, milliseconds, type Duration } from './durations.js';
import { defineField } from './field.js';
import { isEnv, programsIn } from './programs-in.js';
import { commandSchema, object } from './schemas.js';

/** The user's programs: what each is run for, in the order of a run. */
export const hookFields = ['pre_start', 'post_start', 'pre_reboot', 'post_stop'] as const;
type HookField = (typeof hookFields)[number];

type Command = string | readonly string[];

export interface HookFields {
  readonly hooks: Readonly<Partial<Record<HookField, Command>>> & { readonly timeout: Duration };
  readonly post_start_script?: string;
}

const hookDescriptions: Readonly<Record<HookField, string>> = {
  pre_start: 'Run before each boot. Where it fails, bhyve is not started: the boot has ended with an error.',
  post_start: 'Run when bhyve has started.',
  pre_reboot: 'Run before a boot that follows another.',
  post_stop: 'Run when the VM is down and no boot follows.',
};

/** Quoting that does not close, text without a word in it, and what only a shell understands. */
export function checkCommand(pointer: string, command: Command | undefined): readonly Finding[] {
  const words = typeof command === 'string' ? splitWords(command) : command;
  if (words === undefined) return [];
  const fix = 'use a list of words: ["/path/to/program", "argument"]';
  if ('error' in words) return [{ code: 'quoting', pointer, message: words.error, fix }];
  if (words.length === 0) return [{ code: 'empty', pointer, message: 'there is no program in it', fix }];
  return meantForShell(command, words, pointer);
}

/** The programs of a hook. What an interpreter reads is none, and is looked at as a file. */
function programsOf(pointer: string, hook: HookField, command: Command | undefined): readonly Requirement[] {
  const words = typeof command === 'string' ? splitWords(command) : (command ?? []);
  if ('error' in words) return [];
  const programs = programsIn(words);
  const isVital = hook === 'pre_start';
  return programs.flatMap((program, index): readonly Requirement[] => {
    const before = programs[index - 1];
    if (before === undefined || isEnv(before))
      return program === '' ? [] : [{ kind: 'program', program, use: `hook ${hook}`, isVital, pointer }];
    // What is in /dev may be read as a script, and is no file.
    return program.includes('/') && !program.startsWith('/dev/') && isVital ? [regularFile(program, pointer)] : [];
  });
}

/** A word of a list that is one of these alone is as good as in a text: nobody has a file of that name. */
const operator = /^(\|\|?|&&?|;|[0-9]?>>?|<|[0-9]?>&[0-9])$/;

/** A program is started without a shell, so what only a shell knows is passed on to it. */
function meantForShell(command: Command | undefined, words: readonly string[], pointer: string): readonly Finding[] {
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

export const hooks = defineField<HookFields>({
  name: 'hooks',
  chapter: 'How its life goes on',
  schema: {
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
  check: ({ vm: { hooks } }): readonly Finding[] => [
    ...checkDuration('/hooks/timeout', hooks.timeout),
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
    ...hookFields.flatMap((hook) => checkCommand(child('/hooks', hook), hooks[hook])),
  ],
  requirements: ({ vm: { hooks } }) =>
    hookFields.flatMap((hook) => programsOf(child('/hooks', hook), hook, hooks[hook])),
});

export const postStartScript = defineField<HookFields>({
  name: 'post_start_script',
  chapter: 'How its life goes on',
  after: { written: 'stop_timeout' },
  schema: text('Run when bhyve has started; hooks.post_start says the same.', {
    examples: ['/usr/local/bin/up.sh'],
  }),
  check: ({ vm: { hooks, post_start_script: script } }): readonly Finding[] => [
    ...(hooks.post_start === undefined || script === undefined
      ? []
      : [
          {
            code: 'hook-twice',
            pointer: '/post_start_script',
            message: 'post_start_script and hooks.post_start say the same thing',
            fix: 'keep one of them',
          },
        ]),
    ...checkCommand('/post_start_script', script),
  ],
  requirements: ({ vm: { post_start_script: script } }) => programsOf('/post_start_script', 'post_start', script),
});
