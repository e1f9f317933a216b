import { quoteWord } from '../base/shell.js';
import { strayWords } from '../fields/extra-options.js';
import { mainOptions, type MainOption } from './main-options.js';
import type { CliOptions } from './options.js';

const unset = {
  target: undefined,
  inputFormat: undefined,
  lock: undefined,
  dryRun: false,
  format: 'shell',
  debug: false,
  reboot: true,
  rebootCount: undefined,
  rebootOn: undefined,
  force: false,
  adopt: false,
  recover: false,
  pidFile: undefined,
  supervisorPidFile: undefined,
  panicOnFailedCleanup: false,
  requirementCheck: true,
  strict: false,
  simulate: undefined,
  bhyve: undefined,
  runDir: undefined,
  events: undefined,
  log: undefined,
  consoleLog: undefined,
  exitStatus: undefined,
  color: undefined,
  quiet: false,
  verbose: false,
} as const satisfies Omit<CliOptions, 'config' | 'bhyveArguments'>;

/** What some words are for: vmrun, and behind `--` bhyve. */
export function splitWords(words: readonly string[]): readonly [own: readonly string[], forBhyve: readonly string[]] {
  const end = words.indexOf('--');
  return end === -1 ? [words, []] : [words.slice(0, end), words.slice(end + 1)];
}

/**
 * What options come to; a text says what is wrong with them.
 * @param said what each of them says, in their order: the last of repeated ones counts, but there is one spec
 */
export function optionsOf(
  said: readonly Partial<CliOptions>[],
  bhyveArguments: readonly string[],
): CliOptions | string {
  let options: CliOptions = { config: '', ...unset, bhyveArguments };
  for (const each of said) options = { ...options, ...each };
  const specs = [...new Set(said.flatMap(({ config }) => config ?? []))];
  if (specs.length > 1) return `give one spec, found ${specs.map((spec) => `-c ${quoteWord(spec)}`).join(' and ')}`;
  if (options.quiet && options.verbose) return '-q and -v exclude one another';
  if (options.force && options.adopt) return '--force and --adopt exclude one another';
  const [stray] = strayWords(bhyveArguments);
  return stray === undefined ? options : `after "--": ${stray.message}`;
}

/**
 * The options of a command line that is right and plainly written, as nearly all are: read without commander, whose code
 * is a quarter of what a dry run would load. Undefined: commander is to read it, or to say what is wrong with it.
 */
export function readPlainWords(words: readonly string[]): CliOptions | undefined {
  const [own, forBhyve] = splitWords(words);
  const said: Partial<CliOptions>[] = [];
  for (let index = 0; index < own.length; index += 1) {
    const word = own[index] ?? '';
    const [, name = word, inWord] = /^(--[^=]+)=(.+)$/s.exec(word) ?? [];
    const option = optionCalled(name);
    if (option === undefined) return undefined;
    const follower = inWord === undefined && wantsValue(option) ? valueIn(own[index + 1]) : undefined;
    if (follower !== undefined) index += 1;
    const each = sayingOf(option, inWord ?? follower);
    if (each === undefined) return undefined;
    said.push(each);
  }
  const options = optionsOf(said, forBhyve);
  return typeof options === 'string' || options.config === '' ? undefined : options;
}

/** @param name with its dashes */
const optionCalled = (name: string): MainOption | undefined =>
  name.startsWith('-') ? mainOptions.find(({ flags }) => flags.split(/,? /).includes(name)) : undefined;

const wantsValue = ({ flags }: MainOption): boolean => /[>\]]$/.test(flags);

/** A word that may be an option is none that is plainly a value. */
const valueIn = (word: string | undefined): string | undefined =>
  word === undefined || /^-./s.test(word) ? undefined : word;

function sayingOf(option: MainOption, value: string | undefined): Partial<CliOptions> | undefined {
  if (value === undefined) return option.flags.endsWith('>') ? undefined : option.take('');
  return wantsValue(option) ? option.take(value) : undefined;
}
