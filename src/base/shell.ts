import { behindDollarQuotes, dollarQuoted } from './dollar-quotes.js';
import { hasUnseen, inOctal } from './visible.js';

const plain = /^[A-Za-z0-9_@%+=:,./-]+$/;

/**
 * Quotes one word for a POSIX shell (XCU 2.2): as it is where that is safe, else in single quotes. What cannot be seen is
 * written in dollar-single-quotes, which are in POSIX since 2024, and in sh(1) of FreeBSD, bash, ksh and zsh.
 */
export function quoteWord(word: string): string {
  if (plain.test(word)) return word;
  if (hasUnseen(word)) return `$'${inOctal(word.replaceAll(/['\\]/g, '\\$&'))}'`;
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** One command line that a POSIX shell splits back into the same words. */
export const quoteCommand = (words: readonly string[]): string => words.map(quoteWord).join(' ');

/**
 * Splits text as a POSIX shell splits words: blanks separate; single, double and dollar-single quotes and backslashes
 * keep. Nothing is expanded: `$`, `*` and `~` stay as they are.
 * @returns the words, or what is wrong
 */
export function splitWords(text: string): readonly string[] | { readonly error: string } {
  const words: string[] = [];
  let word: string | undefined;
  let index = 0;
  while (index < text.length) {
    const char = text.charAt(index);
    index += 1;
    if (char === '$' && text.charAt(index) === "'") {
      const quoted = dollarQuoted(text, index + 1);
      if ('error' in quoted) return quoted;
      word = (word ?? '') + quoted.text;
      index = quoted.end;
    } else if (char === "'") {
      const end = text.indexOf("'", index);
      if (end === -1) return { error: `the quote at character ${index} has no end` };
      word = (word ?? '') + text.slice(index, end);
      index = end + 1;
    } else if (char === '"') {
      const quoted = doubleQuoted(text, index);
      if (quoted === undefined) return { error: `the quote at character ${index} has no end` };
      word = (word ?? '') + quoted.text;
      index = quoted.end;
    } else if (char === '\\') {
      if (index === text.length) return { error: 'a backslash at the end quotes nothing' };
      word = (word ?? '') + text.charAt(index);
      index += 1;
    } else if (' \t\n'.includes(char)) {
      if (word !== undefined) words.push(word);
      word = undefined;
    } else {
      word = (word ?? '') + char;
    }
  }
  if (word !== undefined) words.push(word);
  return words;
}

/** Inside double quotes a backslash keeps only `"`, `\`, `$` and the backquote: XCU 2.2.3. */
function doubleQuoted(text: string, start: number): { readonly text: string; readonly end: number } | undefined {
  let out = '';
  for (let index = start; index < text.length; index += 1) {
    const char = text.charAt(index);
    if (char === '"') return { text: out, end: index + 1 };
    if (char === '\\' && '"\\$`'.includes(text.charAt(index + 1)) && index + 1 < text.length) {
      index += 1;
      out += text.charAt(index);
    } else {
      out += char;
    }
  }
  return undefined;
}

/** What a shell would take for more than text, wherever it stands. */
const operators = /^(?:\|\|?|&&?|;;?|[0-9]?(?:>>?|<<?)(?:&[0-9-])?|[()])/;
/** The same inside double quotes too. */
const expansion = /^(?:\$(?:[A-Za-z_]\w*|\{|\(|[0-9?#@*!$])|`)/;

/** At the beginning of a word. */
const home = /^~[A-Za-z0-9_.-]*(?=[/\s]|$)/;
const pattern = /^(?:[*?]|\[[^\]\s]+\])/;

/**
 * What a POSIX shell would do more with a text than split it into words: pipes, redirections, variables, patterns of file
 * names. For those who run it without one.
 * @returns each as it is written, once
 */
export function shellMarks(text: string): readonly string[] {
  const found = new Set<string>();
  if (!/[|&;<>()$`*?[~]/.test(text)) return [];
  let isWordStart = true;
  for (let index = 0; index < text.length; index += 1) {
    const char = text.charAt(index);
    const rest = text.slice(index);
    if (rest.startsWith("$'")) index = behindDollarQuotes(text, index) - 1;
    else if (char === "'") index = endOf(text, "'", index);
    else if (char === '\\') index += 1;
    else if (char === '"') {
      const end = doubleQuoted(text, index + 1)?.end ?? text.length;
      for (let at = index + 1; at < end; at += 1) {
        if (text.charAt(at) === '\\') at += 1;
        else {
          const [mark] = expansion.exec(text.slice(at)) ?? [];
          if (mark !== undefined) found.add(mark);
        }
      }
      index = end - 1;
    } else {
      const forms = [operators, expansion, ...(isWordStart ? [home] : []), pattern];
      const mark = forms.map((form) => form.exec(rest)?.[0]).find((each) => each !== undefined);
      if (mark !== undefined) {
        found.add(mark);
        index += mark.length - 1;
      }
    }
    isWordStart = /\s/.test(char);
  }
  return [...found];
}

const endOf = (text: string, mark: string, from: number): number => {
  const end = text.indexOf(mark, from + 1);
  return end === -1 ? text.length : end;
};
