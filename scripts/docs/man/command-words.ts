import type { CommandUnknownOpts, Option } from '@commander-js/extra-typings';
import { helpNotes } from '../../../src/cli/command-tree.js';
import { optionDescription } from '../../../src/cli/command-line.js';
import { argument, list, literal, paragraphs, prose, subsection, type Item, type Lines } from './mdoc.js';

/** The lines of a SYNOPSIS: what the help says of the usage, in macros. */
export function synopsis(command: CommandUnknownOpts): Lines {
  const name = command.name();
  return `${name} ${command.usage()}`.split('\n').flatMap((line) => {
    const words = line.trim().split(/\s+/).slice(1);
    const [first = ''] = words;
    const isCommand = name !== 'vmrun' || /^[a-z]+$/.test(first);
    return ['.Nm', ...usageLines(words, isCommand ? Math.max(1, name.split(' ').length - 1) : 0)];
  });
}

/** @param typed how many words in front are to be typed as they are */
function usageLines(words: readonly string[], typed: number): Lines {
  const lines: string[] = [];
  let rest = words.slice(typed);
  for (const word of words.slice(0, typed)) lines.push(`.Cm ${word}`);
  while (rest.length > 0) {
    const [first = ''] = rest;
    const end = first.startsWith('[') ? rest.findIndex((word) => /\](\.\.\.)?$/.test(word)) : 0;
    if (end === -1) throw new Error(`the usage ${JSON.stringify(words.join(' '))} has a [ without a ] on its line`);
    const group = rest.slice(0, end + 1).join(' ');
    rest = rest.slice(end + 1);
    const [, optional, repeated = ''] = /^\[(.*)\](\.\.\.)?$/.exec(group) ?? [];
    if (optional !== undefined) lines.push(`.Op ${usageMacros(optional.split(' '))}${repeated === '' ? '' : ' ...'}`);
    else if (first.startsWith('-') && isOperand(rest[0] ?? '')) {
      lines.push(`.${usageMacros([first, rest[0] ?? ''])}`);
      rest = rest.slice(1);
    } else if (first === '|') lines.push(`${lines.pop() ?? ''} |`);
    else lines.push(`.${usageMacros([first])}`);
  }
  return lines;
}

/** `FILE`, `FILE...`. */
const isOperand = (word: string): boolean => /^[A-Z]+(\.{3})?$/.test(word);

/** `-c FILE` is `Fl c Ar file`; a word in small letters is typed as it is, unless it says what else may come. */
function usageMacros(words: readonly string[]): string {
  if (words[0] === '--') return `Fl \\&- Op Ar ${argument(words.slice(1).join(' '))}`;
  if (words.includes('|')) return words.map((word) => (word === '|' ? '|' : `Cm ${word}`)).join(' ');
  return words
    .map((word) => {
      if (word.startsWith('-')) return `Fl ${word.slice(1)}`;
      if (word === 'options') return `Ar ${word}`;
      if (isOperand(word)) return `Ar ${word.toLowerCase().replace(/\.{3}$/, ' ...')}`;
      return `Cm ${word}`;
    })
    .join(' ');
}

/** `Fl c , Fl \-config Ar file`. */
export function optionHead({ short, long, flags, optional }: Option): string {
  const [, placeholder] = /[<[]([^>\]]+)/.exec(flags) ?? [];
  const names = [short, long].filter((name) => name !== undefined).map((name) => `Fl ${name.slice(1)}`);
  const value = placeholder === undefined ? '' : optional ? ` Ns Op = Ns Ar ${placeholder}` : ` Ar ${placeholder}`;
  return names.join(' , ') + value;
}

/** What the help says of an option as a sentence, then what else is to be said of it. */
export function optionItems(command: CommandUnknownOpts, more: Readonly<Record<string, string>> = {}): readonly Item[] {
  const options = command.createHelp().visibleOptions(command);
  return options.map((option) => {
    const own = more[option.long ?? ''];
    return {
      head: optionHead(option),
      body: [...prose(sentence(optionDescription(option))), ...(own === undefined ? [] : prose(own))],
    };
  });
}

/** The options that are written out below another command already. */
const common = new Set(['--help', '--color', '--no-color']);

const isCommon = ({ head }: Item): boolean => [...common].some((long) => head.includes(`Fl ${long.slice(1)}`));

/** The usage with each of its forms on a line, where an option in brackets must say where it ends. */
const usageDisplay = (command: CommandUnknownOpts): Lines => {
  const forms: string[][] = [];
  for (const line of synopsis(command)) {
    if (line === '.Nm') forms.push([]);
    else forms.at(-1)?.push(line.startsWith('.Op ') ? `Oo ${line.slice('.Op '.length)} Oc` : line.slice(1));
  }
  return forms.map((form) => `.D1 Nm vmrun ${form.join(' ')}`);
};

/** A part of COMMANDS: usage, what it does, its options, its notes. */
export function commandPart(name: string, command: CommandUnknownOpts): Lines {
  const { notes } = notesAndExamples(command);
  return subsection(
    name,
    usageDisplay(command),
    ['.Pp'],
    paragraphs(
      prose(command.description()),
      ...notes.map(noteLines),
      list(optionItems(command).filter((item) => !isCommon(item))),
    ),
  );
}

/** A paragraph of a help; one whose lines below the first are `word  meaning` is a list. */
function noteLines(note: string): Lines {
  const [head = '', ...rows] = note.split('\n');
  const items = rows.map((row) => /^ +(\S+) {2,}(\S.*)$/.exec(row));
  if (rows.length === 0 || items.includes(null)) return prose(note);
  const words = items.map((item) => item?.[1] ?? '');
  const longest = words.reduce((longer, word) => (word.length > longer.length ? word : longer), '');
  return [
    ...prose(head),
    ...list(
      items.map((item) => ({ head: `Cm ${argument(item?.[1] ?? '')}`, body: prose(sentence(item?.[2] ?? '')) })),
      longest,
    ),
  ];
}

/** What follows the options in a help: paragraphs, and the lines below "Examples:", without their indent. */
export function notesAndExamples(command: CommandUnknownOpts): {
  readonly notes: readonly string[];
  readonly examples: readonly string[];
} {
  const text = helpNotes(command).trim();
  const [notes = '', examples = ''] = text.split(/^Examples?:\n/m);
  const blocks = examples.split(/\n\n(?=\S)/);
  return {
    notes: notes
      .split(/\n\n+/)
      .map((note) => note.trim())
      .filter((note) => note !== '' && !note.startsWith('Commands')),
    examples: (blocks[0] ?? '')
      .split('\n')
      .map((line) => line.replace(/^ {2}/, ''))
      .filter((line) => line !== ''),
  };
}

/** An example with what it does behind it, or below it where that is too wide for a page. */
function exampleLines(line: string): Lines {
  const [, command = '', about] = /^(\S.*?) {2,}(\S.*)$/.exec(line) ?? [];
  return line.length <= 75 || about === undefined ? [line] : [command, `    ${about}`];
}

export const exampleBlock = (command: CommandUnknownOpts): Lines => {
  const { examples } = notesAndExamples(command);
  return examples.length === 0 ? [] : literal(examples.flatMap(exampleLines));
};

/** A fragment of a help as a sentence of its own. */
export function sentence(fragment: string): string {
  const text = fragment.trim();
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}${/[.!?]$/.test(text) ? '' : '.'}`;
}
