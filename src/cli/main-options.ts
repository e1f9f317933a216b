import { exitReasons, type ExitReason } from '../fields/exits.js';
import { listWords } from '../base/text.js';
import { specFormats } from '../spec/parse-spec.js';
import { isSpecFormat } from '../spec/read.js';
import { exitStatuses, printFormats, type CliOptions } from './options.js';

/** An option of the main form: what commander is told of it, and what it comes to. */
export interface MainOption {
  /** As commander writes them: `-t, --target <name>`. */
  readonly flags: string;
  readonly description: string;
  readonly isHidden?: boolean;
  /** The values that there are, or that a list is made of. */
  readonly choices?: readonly string[];
  /** Says what a value is; where it is absent, any will do, or any of the choices. */
  readonly expected?: string;
  /** What the option says. Undefined: that is no value for it. @param word its value; `''` where it has none */
  readonly take: (word: string) => Partial<CliOptions> | undefined;
}

export const lock = {
  flags: '--lock <file>',
  description: 'another lock file; --no-lock: none',
  take: (file) => ({ lock: file }),
} as const satisfies MainOption;

export const noLock = {
  flags: '--no-lock',
  description: '',
  isHidden: true,
  take: () => ({ lock: false }),
} as const satisfies MainOption;

export const inputFormat = {
  flags: '--input-format <format>',
  description: 'format of the spec',
  choices: specFormats,
  expected: `It is ${listWords(specFormats, 'or')}.`,
  take: (word) => (isSpecFormat(word) ? { inputFormat: word } : undefined),
} as const satisfies MainOption;

/** In the order of the help. */
export const mainOptions: readonly MainOption[] = [
  {
    flags: '-c, --config <file>',
    description: 'the spec; - reads standard input',
    take: (config) => ({ config }),
  },
  { flags: '-t, --target <name>', description: "first boot's target", take: (target) => ({ target }) },
  inputFormat,
  lock,
  noLock,
  {
    flags: '-d, --dry-run',
    description: 'print the bhyve command, touch nothing',
    take: () => ({ dryRun: true }),
  },
  {
    flags: '--format <format>',
    description: 'for --dry-run',
    choices: printFormats,
    take: (word) => one(printFormats, word, (format) => ({ format })),
  },
  { flags: '--debug', description: 'print the effective spec and plan as JSON', take: () => ({ debug: true }) },
  { flags: '--no-reboot', description: 'never boot again', take: () => ({ reboot: false }) },
  {
    flags: '--reboot-count <n>',
    description: 'boot again at most n times',
    expected: 'It is a whole number, e.g. 3.',
    take: (word) => (/^\d{1,9}$/.test(word) ? { rebootCount: Number(word) } : undefined),
  },
  {
    flags: '--reboot-on <list>',
    description: 'reasons or statuses to boot again after',
    choices: exitReasons,
    expected: `It is a list of ${exitReasons.join(', ')}, or exit statuses 0 to 4.`,
    take: reasonList,
  },
  { flags: '-f, --force', description: 'end a leftover VM, fix the host unasked', take: () => ({ force: true }) },
  { flags: '--adopt', description: 'take over a bhyve whose vmrun was killed', take: () => ({ adopt: true }) },
  { flags: '--recover', description: 'fix the host unasked, destroy nothing', take: () => ({ recover: true }) },
  {
    flags: '--exit-status <style>',
    description: 'of a run',
    choices: exitStatuses,
    take: (word) => one(exitStatuses, word, (exitStatus) => ({ exitStatus })),
  },
  { flags: '-p, --pid-file <file>', description: 'pid file of bhyve', take: (pidFile) => ({ pidFile }) },
  {
    flags: '-P, --supervisor-pid-file <file>',
    description: 'pid file of vmrun',
    take: (supervisorPidFile) => ({ supervisorPidFile }),
  },
  {
    flags: '--panic-on-failed-cleanup',
    description: 'fail when something is left behind',
    take: () => ({ panicOnFailedCleanup: true }),
  },
  {
    flags: '--no-requirement-check',
    description: 'do not look at the host',
    take: () => ({ requirementCheck: false }),
  },
  {
    flags: '--strict',
    description: 'refuse a spec or hook that others can change',
    take: () => ({ strict: true }),
  },
  {
    flags: '--simulate [script]',
    description: 'use the simulator; script: exits to play',
    take: (simulate) => ({ simulate }),
  },
  {
    flags: '--bhyve <path>',
    description: 'another bhyve; default: $BHYVE_EXEC or bhyve',
    take: (bhyve) => ({ bhyve }),
  },
  { flags: '--run-dir <dir>', description: 'folder of the run directories', take: (runDir) => ({ runDir }) },
  {
    flags: '--events <file>',
    description: 'write events as JSON lines; - is stderr',
    take: (events) => ({ events }),
  },
  { flags: '--log <file>', description: 'log what happens there; - is stderr', take: (log) => ({ log }) },
  {
    flags: '--console-log <file>',
    description: "write the guest's console there too",
    take: (consoleLog) => ({ consoleLog }),
  },
  { flags: '--color', description: 'force colours; --no-color: none', take: () => ({ color: true }) },
  { flags: '--no-color', description: '', isHidden: true, take: () => ({ color: false }) },
  { flags: '-q, --quiet', description: 'print problems only', take: () => ({ quiet: true }) },
  { flags: '-v, --verbose', description: 'print the command and each step', take: () => ({ verbose: true }) },
];

function one<T extends string>(
  choices: readonly T[],
  word: string,
  take: (choice: T) => Partial<CliOptions>,
): Partial<CliOptions> | undefined {
  const choice = choices.find((each) => each === word);
  return choice === undefined ? undefined : take(choice);
}

/** Names of reasons, or exit statuses of bhyve as the original had them. */
function reasonList(words: string): Partial<CliOptions> | undefined {
  const rebootOn: ExitReason[] = [];
  for (const word of words.split(',')) {
    // The reasons begin in the order of the statuses.
    const byStatus = /^[0-4]$/.test(word) ? exitReasons[Number(word)] : undefined;
    const reason = byStatus ?? exitReasons.find((name) => name === word);
    if (reason === undefined) return undefined;
    rebootOn.push(reason);
  }
  return { rebootOn };
}
