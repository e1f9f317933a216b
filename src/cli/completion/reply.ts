import { hasUnseen, visible } from '../../base/visible.js';
import type { Answer, Candidate, Line } from './complete.js';
import { typedWords, unquoted, type TypedWord } from './line.js';

export const shells = ['bash', 'zsh', 'fish', 'tcsh'] as const;
export type Shell = (typeof shells)[number];

/** What a shell's function has said about the line, and how it wants to be answered. */
interface Question {
  readonly line: Line;
  readonly reply: (answer: Answer) => string;
}

/**
 * Reads what the function of a shell hands over.
 * @param words bash: the characters that end a word for readline, the line before the cursor, and after it; tcsh: the
 * line before the cursor; zsh and fish: the number of the current word, then all of them, the program's name first
 */
export function readQuestion(shell: Shell, words: readonly string[]): Question {
  switch (shell) {
    case 'bash': {
      const [breaks = '', before = '', after = ''] = words;
      const typed = typedWords(before);
      return { line: lineOf(typed, after), reply: (answer) => bashReply(answer, typed.at(-1), breaks) };
    }
    case 'tcsh': {
      // tcsh has taken the quotes away, so that a word with a blank in it is as good as two.
      const typed = (words[0] ?? '').split(/\s+/);
      const line = { before: typed.slice(1, -1), current: typed.length > 1 ? (typed.at(-1) ?? '') : '', after: [] };
      return { line, reply: (answer) => tcshReply(answer, line.current) };
    }
    case 'zsh':
    case 'fish': {
      const [number = '', ...all] = words;
      const at = Number(number);
      const line = { before: all.slice(1, at), current: unquoted(all[at] ?? ''), after: all.slice(at + 1) };
      return { line, reply: (answer) => (shell === 'zsh' ? zshReply(answer) : fishReply(answer, line.current)) };
    }
  }
}

const lineOf = (typed: readonly TypedWord[], after: string): Line => ({
  before: typed.slice(1, -1).map(({ value }) => value),
  current: typed.length > 1 ? (typed.at(-1)?.value ?? '') : '',
  // What follows the cursor directly is the rest of the current word.
  after: typedWords(`.${after}`)
    .slice(1)
    .map(({ value }) => value),
});

/** A line of an answer holds one candidate, which the shell shows: one with what cannot be seen is not told. */
const tellable = ({ word }: Candidate): boolean => !hasUnseen(word);

const lines = (texts: readonly string[]): string => texts.map((text) => `${text}\n`).join('');

/** The first line says what to do, the others are what to insert: quoted, since bash inserts them as they are. */
function bashReply(answer: Answer, typed: TypedWord = { value: '', raw: '' }, breaks: string): string {
  if (answer.kind !== 'words') return lines([answer.kind]);
  const begun = typed.value.slice(answer.kept);
  const fitting = answer.candidates.filter((each) => tellable(each) && each.word.startsWith(begun));
  const standing = replacedFrom(typed, breaks);
  const prefix = typed.value.slice(0, answer.kept);
  const quote = quoters[typed.open?.quote ?? ''];
  return lines([
    answer.isOpen === true ? 'words nospace' : 'words',
    ...fitting.map(({ word }) => quote((prefix + word).slice(standing))),
  ]);
}

/**
 * How much of the current word's value stays when readline inserts: it replaces what follows the open quote, or else
 * the last character that ends a word for it, such as the "=" of --target=install.
 */
function replacedFrom({ raw, open }: TypedWord, breaks: string): number {
  if (open !== undefined) return unquoted(raw.slice(0, open.at)).length;
  for (let index = raw.length - 1; index >= 0; index -= 1) {
    if (breaks.includes(raw.charAt(index)) && raw.charAt(index - 1) !== '\\') {
      return unquoted(raw.slice(0, index + 1)).length;
    }
  }
  return 0;
}

/** How a text is written in a word of bash: with no quote open, or inside of one. */
const quoters: Readonly<Record<'' | '"' | "'", (text: string) => string>> = {
  '': (text) => text.replaceAll(/[^\p{L}\p{N}_@%+=:,./-]/gu, String.raw`\$&`),
  '"': (text) => text.replaceAll(/["\\$`]/g, String.raw`\$&`),
  "'": (text) => text.replaceAll("'", String.raw`'\''`),
};

const withAbout = ({ word, about }: Candidate): string => (about === undefined ? word : `${word}\t${visible(about)}`);

/** The first line says what to do and how much of the word stays; zsh quotes and compares by itself. */
function zshReply(answer: Answer): string {
  if (answer.kind !== 'words') return lines([`${answer.kind} ${answer.kept}`]);
  const head = `${answer.isOpen === true ? 'open' : 'words'} ${answer.kept}`;
  return lines([head, ...answer.candidates.filter(tellable).map(withAbout)]);
}

/** The first line is what to do and what stands before a file name; fish quotes and compares whole words. */
function fishReply(answer: Answer, current: string): string {
  const prefix = current.slice(0, answer.kept);
  if (answer.kind !== 'words') return lines([answer.kind, prefix, current.slice(answer.kept)]);
  const whole = answer.candidates.filter(tellable).map(({ word, ...rest }) => ({ word: prefix + word, ...rest }));
  return lines(['words', ...whole.map(withAbout)]);
}

/**
 * Whole words with blanks between them, the only form that tcsh knows: a word with a blank of its own cannot be told.
 * Files are told by the rules that stand in its script.
 */
function tcshReply(answer: Answer, current: string): string {
  if (answer.kind !== 'words') return '';
  const prefix = current.slice(0, answer.kept);
  const whole = answer.candidates.filter(tellable).map(({ word }) => prefix + word);
  return lines(whole.filter((word) => !/\s/.test(word) && word.startsWith(current)));
}
