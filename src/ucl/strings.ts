import { readEscape } from '../base/escape.js';
import { shown } from '../base/text.js';
import { readAtom } from './atom.js';
import { charAt, isAtEnd, isComment, matchAt, stop, wordAt, type Cursor } from './cursor.js';
import type { UclScalar } from './ucl-tree.js';

/** Text between quotes that needs no second look. */
// eslint-disable-next-line no-control-regex -- these are what JSON, and so UCL, forbids in a string
const plainForm = /[^"\\\u0000-\u001f]*/y;
const plainSingleForm = /[^'\\\0]*/y;
/** The same of text without quotes. */
const plainAtomForm = /[^\0\r\n#,;/\\{}[\]]+/y;
const heredocForm = /<<([A-Z]+)\r?\n/y;

/** Without the blanks at its end. A regular expression would begin anew at each blank of a run in the middle. */
function withoutBlanks(text: string): string {
  let end = text.length;
  while (end > 0 && ' \t\v\f'.includes(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}

export const noNul = (cursor: Cursor): void => {
  if (charAt(cursor) === '\0') stop(cursor.index, 'a NUL byte; is this a binary file?');
};

/** @param start where the text begins */
export const whole = (start: number, text: string): string =>
  text.isWellFormed()
    ? text
    : stop(start, 'half of a surrogate pair in a string', 'write both halves, or the character itself');

function readPlain(cursor: Cursor, form: RegExp): string {
  const plain = matchAt(cursor, form, cursor.index);
  cursor.index += plain.length;
  return plain;
}

function takeEscape(cursor: Cursor): string {
  const { index } = cursor;
  const escape = readEscape(cursor.text, index);
  if (escape.kind === 'no-code') return stop(index, escape.message);
  if (escape.kind === 'unknown') {
    const found = wordAt(cursor, index + 1);
    return stop(index, `a backslash before ${found} means nothing`, 'write \\\\ for a backslash');
  }
  cursor.index = escape.end;
  return escape.text;
}

export function readDoubleQuoted(cursor: Cursor): string {
  const start = cursor.index;
  cursor.index += 1;
  let out = '';
  for (;;) {
    out += readPlain(cursor, plainForm);
    const char = charAt(cursor);
    if (char === '"') break;
    if (char === '\\') out += takeEscape(cursor);
    else noPartOfString(cursor, start);
  }
  cursor.index += 1;
  return whole(start, out);
}

/** @param start where the string begins */
function noPartOfString(cursor: Cursor, start: number): never {
  const { index } = cursor;
  const char = charAt(cursor);
  if (isAtEnd(cursor)) return stop(start, 'this string has no end', 'add a " where it ends');
  if (char === '\n' || char === '\r')
    return stop(index, 'this string does not end on its line', 'add a ", write \\n, or use <<EOD for several lines');
  const hex = char.charCodeAt(0).toString(16).padStart(4, '0');
  return stop(index, `a control character (U+${hex}) in a string`, `write \\u${hex}`);
}

/** Knows `\'` alone, and a backslash that joins two lines; every other one stands for itself. */
export function readSingleQuoted(cursor: Cursor): string {
  const { text, index: start } = cursor;
  cursor.index += 1;
  let out = '';
  for (;;) {
    out += readPlain(cursor, plainSingleForm);
    if (charAt(cursor) === "'") break;
    if (isAtEnd(cursor)) stop(start, 'this string has no end', "add a ' where it ends");
    noNul(cursor);
    const next = text.charAt(cursor.index + 1);
    if (next === "'") out += next;
    else if (next === '\r' && text.charAt(cursor.index + 2) === '\n') cursor.index += 1;
    else if (next !== '\n' && next !== '\r') out += `\\${next}`;
    cursor.index += 2;
  }
  cursor.index += 1;
  return whole(start, out);
}

/** The lines up to the one that is the word behind `<<`; undefined where this is none. */
export function readHeredoc(cursor: Cursor): string | undefined {
  const { text, index: start } = cursor;
  heredocForm.lastIndex = start;
  const [opening, word] = heredocForm.exec(text) ?? [];
  if (opening === undefined || word === undefined) return undefined;
  const first = start + opening.length;
  for (let line = first; line < text.length;) {
    const after = line + word.length;
    if (text.startsWith(word, line) && /^(?:[,;\r\n]|$)/.test(text.slice(after, after + 1))) {
      if (line === first) stop(start, 'this text has no lines', 'write "" for empty text');
      cursor.index = after;
      return whole(start, text.slice(first, line).replace(/\r?\n$/, ''));
    }
    const end = text.indexOf('\n', line);
    if (end === -1) break;
    line = end + 1;
  }
  return stop(start, 'this text has no end', `add a line that is ${word} and nothing else`);
}

/** What stands without quotes: to the end of its line, a separator, a comment or a bracket that it did not open. */
export function readUnquoted(cursor: Cursor, key: string | undefined): UclScalar {
  const start = cursor.index;
  const out = readUnquotedText(cursor);
  noNul(cursor);
  const written = withoutBlanks(cursor.text.slice(start, cursor.index));
  const end = start + written.length;
  if (written === '') {
    const what = key === undefined ? 'a value' : `a value for ${shown(key, 40)}`;
    const fix = 'write "" for empty text, or null for nothing';
    stop(cursor.index, `${what} is expected, found ${wordAt(cursor)}`, fix);
  }
  const value = readAtom(written, cursor.text.startsWith('/*', cursor.index));
  if (value === 'out-of-range')
    stop(start, `${shown(written, 40)} is too large for a number in UCL`, 'put it in double quotes');
  if (typeof value === 'object') return { kind: 'scalar', value: value.value, start, end };
  return { kind: 'scalar', value: whole(start, withoutBlanks(out)), start, end };
}

function readUnquotedText(cursor: Cursor): string {
  const open = { '{': 0, '[': 0 };
  let out = '';
  for (;;) {
    out += readPlain(cursor, plainAtomForm);
    const char = charAt(cursor);
    if (char === '\\') {
      out += readUnquotedEscape(cursor);
      continue;
    }
    if (char === '{' || char === '[') open[char] += 1;
    else if (char === '}' && open['{'] > 0) open['{'] -= 1;
    else if (char === ']' && open['['] > 0) open['['] -= 1;
    else if (char !== '/' || isComment(cursor)) return out;
    out += char;
    cursor.index += 1;
  }
}

/** Before a sign, a backslash makes it one of the text. */
function readUnquotedEscape(cursor: Cursor): string {
  const next = cursor.text.charAt(cursor.index + 1);
  if (next === '' || /[\w\s\0]/.test(next)) return takeEscape(cursor);
  cursor.index += 2;
  return next;
}
