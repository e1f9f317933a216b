import type { Argument, CommandUnknownOpts, Option } from '@commander-js/extra-typings';
import { addAll } from '../../base/long-lists.js';

/** A command line without its first word, cut at the word that is completed. */
export interface Line {
  readonly before: readonly string[];
  /** What is typed of the word so far. */
  readonly current: string;
  readonly after: readonly string[];
}

export interface Candidate {
  readonly word: string;
  readonly about?: string;
}

/** What may stand there. `kept`: how many characters of the current word stand before it, e.g. `--config=`. */
export type Answer =
  | { readonly kind: 'files' | 'folders'; readonly kept: number }
  | {
      readonly kind: 'words';
      readonly kept: number;
      readonly candidates: readonly Candidate[];
      /** More of the same word may follow. */
      readonly isOpen?: true;
    };

/** What a completion is made of; `targets` and `names` are looked up only where they are asked for. */
export interface Sources {
  /** Those that may come first, or behind the words of another, with what they do. */
  readonly commands: (behind: readonly string[]) => readonly Candidate[];
  /** The words of a command; without a name, of the main form. */
  readonly command: (name?: string) => Promise<CommandUnknownOpts>;
  /** The targets of the spec that the line names. */
  readonly targets: (said: Said) => Promise<readonly string[]>;
  /** The VMs that run. */
  readonly names: (said: Said) => readonly string[];
}

/**
 * The options on a line with their last values, by their long names; '' for those that take none. A spec that is an
 * operand counts as that of `--config`.
 */
export type Said = ReadonlyMap<string, string>;

const nothing: Answer = { kind: 'words', kept: 0, candidates: [] };

/** What may stand for the current word of a line. */
export async function complete(line: Line, sources: Sources): Promise<Answer> {
  const { before, current, after } = line;
  const path = pathIn(before, sources);
  const command = await sources.command(path.length === 0 ? undefined : path.join(' '));
  const own = before.slice(path.length);
  const { operands, waiting, isOver } = scan(own, command);
  const said = (): Said => scan([...own, current === '' ? '-' : current, ...after], command).said;
  const valueOf = (option: Option, typed: string, kept: number): Promise<Answer> =>
    values(valueKind(option), typed, kept, said, sources);

  if (isOver) return operandAnswer(command, operands, line, said, sources);
  if (waiting !== undefined && (waiting.required || !current.startsWith('-'))) {
    const answer = await valueOf(waiting, current, 0);
    // A value that may be left out may be followed by anything.
    return waiting.optional && current === '' ? merged(answer, optionCandidates(command, current)) : answer;
  }
  const attached = attachedValue(current, command);
  if (attached !== undefined) return valueOf(attached.option, current.slice(attached.at), attached.at);
  if (current.startsWith('-')) return words(optionCandidates(command, current));
  const others = own.length === 0 ? sources.commands(path) : [];
  if (others.length > 0) return words(others);
  const operand = await operandAnswer(command, operands, line, said, sources);
  const isEmpty = operand.kind === 'words' && operand.candidates.length === 0;
  return isEmpty && current === '' ? words(optionCandidates(command, current)) : operand;
}

/** The words of the command that a line begins with. */
function pathIn(line: readonly string[], sources: Sources): readonly string[] {
  const path: string[] = [];
  for (const word of line) {
    if (!sources.commands(path).some((candidate) => candidate.word === word)) break;
    path.push(word);
  }
  return path;
}

const words = (candidates: readonly Candidate[]): Answer => ({ kind: 'words', kept: 0, candidates });

const merged = (answer: Answer, more: readonly Candidate[]): Answer =>
  answer.kind === 'words' ? { ...answer, candidates: [...answer.candidates, ...more] } : answer;

/** Reads words as commander does. @returns also the option whose value comes next */
function scan(
  line: readonly string[],
  command: CommandUnknownOpts,
): {
  readonly said: Said;
  readonly operands: readonly string[];
  readonly waiting: Option | undefined;
  readonly isOver: boolean;
} {
  const said = new Map<string, string>();
  const operands: string[] = [];
  let waiting: Option | undefined;
  let isOver = false;
  for (const [index, word] of line.entries()) {
    if (waiting !== undefined) {
      const option: Option = waiting;
      waiting = undefined;
      if (option.required || !word.startsWith('-')) {
        said.set(longName(option), word);
        continue;
      }
    }
    if (word === '--') {
      addAll(operands, line.slice(index + 1));
      isOver = true;
      break;
    }
    if (!word.startsWith('-') || word === '-') {
      operands.push(word);
      continue;
    }
    const { options, value } = optionsIn(word, command);
    for (const option of options) said.set(longName(option), '');
    const last = options.at(-1);
    if (last === undefined) continue;
    if (value !== undefined) said.set(longName(last), value);
    else if (last.required || last.optional) waiting = last;
  }
  const spec = operands[command.registeredArguments.findIndex((argument) => argument.name() === 'spec')];
  if (spec !== undefined && !said.has('--config')) said.set('--config', spec);
  return { said, operands, waiting, isOver };
}

const longName = ({ long, short }: Option): string => long ?? short ?? '';

/** The options that one word gives: `--log=x`, `-c`, `-qcvm.json`. */
function optionsIn(
  word: string,
  command: CommandUnknownOpts,
): { readonly options: readonly Option[]; readonly value: string | undefined } {
  if (word.startsWith('--')) {
    const [name = '', ...rest] = word.split('=');
    const option = command.options.find(({ long }) => long === name);
    return { options: option === undefined ? [] : [option], value: rest.length === 0 ? undefined : rest.join('=') };
  }
  const options: Option[] = [];
  for (let index = 1; index < word.length; index += 1) {
    const option = command.options.find(({ short }) => short === `-${word.charAt(index)}`);
    if (option === undefined) break;
    options.push(option);
    if (option.required || option.optional) {
      return { options, value: index + 1 < word.length ? word.slice(index + 1) : undefined };
    }
  }
  return { options, value: undefined };
}

/** An option whose value has begun in the same word, and where it begins. */
function attachedValue(
  word: string,
  command: CommandUnknownOpts,
): { readonly option: Option; readonly at: number } | undefined {
  const { options, value } = optionsIn(word, command);
  const option = options.at(-1);
  if (option === undefined || value === undefined || !(option.required || option.optional)) return undefined;
  return { option, at: word.length - value.length };
}

/** Both spellings where only a dash is typed, else the long one. */
function optionCandidates(command: CommandUnknownOpts, current: string): readonly Candidate[] {
  const { options } = command;
  const isShown = ({ hidden, negate, long = '' }: Option): boolean =>
    // The help tells of --no-color in the line of --color.
    !hidden || (negate && options.some((other) => !other.hidden && other.long === long.replace('--no-', '--')));
  const spelled = [...options.filter(isShown), ...command.createHelp().visibleOptions(command)].flatMap((option) =>
    [option.long, ...(current === '-' ? [option.short] : [])].flatMap((word) =>
      word === undefined ? [] : [{ word, about: option.description }],
    ),
  );
  return [...new Map(spelled.map((candidate) => [candidate.word, candidate])).values()];
}

async function operandAnswer(
  command: CommandUnknownOpts,
  operands: readonly string[],
  { current }: Line,
  said: () => Said,
  sources: Sources,
): Promise<Answer> {
  const all = command.registeredArguments;
  const argument = all[operands.length] ?? all.findLast(({ variadic }) => variadic);
  if (argument?.name() === 'command') return words(sources.commands(operands));
  return argument === undefined ? nothing : values(operandKind(argument), current, 0, said, sources);
}

/** What a value is; `list`: several of the words with commas between them. */
type ValueKind =
  | { readonly kind: 'files' | 'folders' | 'targets' | 'names' | 'unknown' }
  | { readonly kind: 'one' | 'list'; readonly words: readonly string[] };

/** Steps of a simulator's script. The command line checks them where the script is played, not where it is read. */
const scriptSteps = ['run', 'deaf', 'reboot', 'power_off', 'halt', 'triple_fault', 'error', 'suspend', 'signal:SEGV'];

/** The placeholder of a value says what it is, so that a new option needs nothing here. */
function valueKind(option: Option): ValueKind {
  const [, placeholder = ''] = /[<[]([^>\].]+)/.exec(option.flags) ?? [];
  if (option.long === '--target') return { kind: 'targets' };
  if (placeholder === 'script') return { kind: 'list', words: scriptSteps };
  return kindOf(placeholder, option.argChoices);
}

const operandKind = (argument: Argument): ValueKind => kindOf(argument.name(), argument.argChoices);

function kindOf(placeholder: string, choices: readonly string[] | undefined): ValueKind {
  if (choices !== undefined) return { kind: placeholder === 'list' ? 'list' : 'one', words: choices };
  if (/^(file|path|spec)$/.test(placeholder)) return { kind: 'files' };
  if (/^(dir|folder|directory)$/.test(placeholder)) return { kind: 'folders' };
  if (placeholder === 'target') return { kind: 'targets' };
  if (placeholder === 'name' || placeholder === 'vm') return { kind: 'names' };
  return { kind: 'unknown' };
}

async function values(
  value: ValueKind,
  typed: string,
  kept: number,
  said: () => Said,
  sources: Sources,
): Promise<Answer> {
  const plain = (list: readonly string[]): Answer => ({
    kind: 'words',
    kept,
    candidates: list.map((word) => ({ word })),
  });
  switch (value.kind) {
    case 'files':
    case 'folders':
      return { kind: value.kind, kept };
    case 'targets':
      return plain(await sources.targets(said()));
    case 'names':
      return plain(sources.names(said()));
    case 'one':
      return plain(value.words);
    case 'list': {
      const begun = typed.lastIndexOf(',') + 1;
      const before = typed.slice(0, begun).split(',');
      const left = value.words.filter((word) => !before.includes(word));
      return { kind: 'words', kept: kept + begun, candidates: left.map((word) => ({ word })), isOpen: true };
    }
    case 'unknown':
      return nothing;
  }
}
