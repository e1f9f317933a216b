import { readEscape } from '../base/escape.js';
import { child } from '../base/json-pointer.js';
import { shown } from '../base/text.js';
import {
  maxDepth,
  ParseStop,
  tooDeep,
  tooMany,
  type ParseResult,
  type SourceEntry,
  type SourceNode,
} from './source-tree.js';

const stop = (offset: number, message: string, fix?: string): never => {
  throw new ParseStop(fix === undefined ? { message, offset } : { message, offset, fix });
};

const numberForm = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const wordForm = /[^\s,:"'[\]{}]+/y;
/** Text between quotes that needs no second look. */
// eslint-disable-next-line no-control-regex -- these are what JSON forbids in a string
const plainForm = /[^"\\\u0000-\u001f]*/y;

/** Commas before the first item of something, as no person writes them. */
const hasStrayCommas = (text: string): boolean => /^\s*,\s*[{[]/.test(text) || /[{[]\s*,\s*["{[]/.test(text);

interface JsonOptions {
  /** For messages: what the text is meant to be. */
  readonly what?: string;
  /** How many values there may be; more are refused while they are read, before they fill the memory. */
  readonly maxValues?: number;
  /** Whether nobody asks for what is below a key: that is read for its mistakes alone, and has no place in the tree. */
  readonly leavesOut?: (key: string) => boolean;
}

/** Stands for what is left out. */
const nothing: SourceNode = { kind: 'scalar', value: null, start: 0, end: 0, pointer: '' };

/**
 * Parses JSON (RFC 8259) and keeps positions. Written here because a spec wants what JSON.parse does not give: the
 * place of every value, keys given twice as errors, numbers as written, a limit to nesting, and messages that say what
 * to do. One problem at most: after a syntax error the rest is guesswork.
 */
export function parseJson(
  text: string,
  { what = 'spec', maxValues = Infinity, leavesOut = () => false }: JsonOptions = {},
): ParseResult {
  const cursor: Cursor = {
    ...{ text, maxValues, leavesOut, index: text.startsWith('\ufeff') ? 1 : 0, values: 0, isLeftOut: false },
    ...{ items: [], entries: [] },
  };
  try {
    const root = readValue(cursor, 1, '');
    skipBlanks(cursor);
    if (cursor.index < text.length) moreText(cursor, root, what);
    return { ok: true, root };
  } catch (error) {
    if (error instanceof ParseStop) return { ok: false, problems: [error.problem] };
    throw error;
  }
}

/** After the value that the text holds. */
function moreText(cursor: Cursor, root: SourceNode, what: string): never {
  const { text, index } = cursor;
  const char = text.charAt(index);
  if (root.kind === 'scalar' && char === ':')
    return stop(
      root.start,
      `the braces around the ${what} are missing`,
      'put a { before this line, and a } after the last',
    );
  if (beginsComment(cursor)) return noComments(index);
  if (char === '}' || char === ']') return stop(index, `this ${char} closes nothing`, 'take it out');
  if (char === ',') return stop(index, `a comma after the ${what}`, 'take the comma out');
  return stop(index, `there is more text after the ${what}`, 'a file holds one object; take the rest out');
}

/** Where a text is read, and what was seen so far. */
interface Cursor {
  readonly text: string;
  readonly maxValues: number;
  readonly leavesOut: (key: string) => boolean;
  index: number;
  values: number;
  /** What is read is left out. */
  isLeftOut: boolean;
  /** Of all that is open: an array that grows by itself keeps room for more, which of thousands is most of the memory. */
  readonly items: SourceNode[];
  readonly entries: SourceEntry[];
}

const isBlank = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;

function skipBlanks(cursor: Cursor): void {
  const { text } = cursor;
  let { index } = cursor;
  while (index < text.length && isBlank(text.charCodeAt(index))) index += 1;
  cursor.index = index;
}

/** What a sticky expression matches here; it is not taken. */
function look({ text, index }: Cursor, form: RegExp): string {
  form.lastIndex = index;
  return form.exec(text)?.[0] ?? '';
}

function readValue(cursor: Cursor, depth: number, pointer: string): SourceNode {
  skipBlanks(cursor);
  const { text, index, maxValues } = cursor;
  if (depth > maxDepth) throw new ParseStop(tooDeep(index));
  if (!cursor.isLeftOut) cursor.values += 1;
  if (cursor.values > maxValues) throw new ParseStop(tooMany(maxValues, index));
  const char = text.charAt(index);
  if (char === '{') return readMapping(cursor, depth, pointer);
  if (char === '[') return readSequence(cursor, depth, pointer);
  return index >= text.length ? unexpected(cursor, 'a value') : readScalar(cursor, pointer);
}

function readMapping(cursor: Cursor, depth: number, pointer: string): SourceNode {
  const { text, entries, index: start, isLeftOut: wasLeftOut } = cursor;
  const from = entries.length;
  const seen = new Set<string>();
  cursor.index += 1;
  skipBlanks(cursor);
  if (text.charAt(cursor.index) === '}') cursor.index += 1;
  else {
    for (;;) {
      skipBlanks(cursor);
      const keyStart = cursor.index;
      const key = readKey(cursor, seen);
      const keyEnd = cursor.index;
      readColon(cursor, key);
      cursor.isLeftOut = wasLeftOut || cursor.leavesOut(key);
      const value = readValue(cursor, depth + 1, cursor.isLeftOut ? '' : child(pointer, key));
      if (!cursor.isLeftOut) entries.push({ key, keyStart, keyEnd, value });
      cursor.isLeftOut = wasLeftOut;
      if (isLast(cursor, '}', start)) break;
    }
  }
  if (wasLeftOut) return nothing;
  return { kind: 'mapping', entries: entries.splice(from), start, end: cursor.index, pointer };
}

/** @param seen the keys that the object has already */
function readKey(cursor: Cursor, seen: Set<string>): string {
  const start = cursor.index;
  if (cursor.text.charAt(start) !== '"') unexpected(cursor, 'a key in double quotes');
  const key = readString(cursor);
  if (/[:,]\s*$/.test(key) && /[^\s:]/.test(cursor.text.charAt(cursor.index))) {
    stop(start, 'this key does not end before its colon', 'add a " before the colon');
  }
  if (seen.has(key)) stop(start, `${shown(key, 40)} is given twice in this object`, 'keep one of the two');
  seen.add(key);
  return key;
}

function readColon(cursor: Cursor, key: string): void {
  const end = cursor.index;
  skipBlanks(cursor);
  const char = cursor.text.charAt(cursor.index);
  if (char === '=') stop(cursor.index, 'JSON has a colon between a key and its value, not "="', 'write a colon');
  if (beginsValue(cursor)) stop(end, `there is no colon after ${shown(key, 40)}`, 'add a colon');
  if (char !== ':') unexpected(cursor, `":" after ${shown(key, 40)}`);
  cursor.index += 1;
}

function readSequence(cursor: Cursor, depth: number, pointer: string): SourceNode {
  const { text, items, index: start, isLeftOut } = cursor;
  const from = items.length;
  cursor.index += 1;
  skipBlanks(cursor);
  if (text.charAt(cursor.index) === ']') cursor.index += 1;
  else {
    for (let count = 0; ; count += 1) {
      const item = readValue(cursor, depth + 1, isLeftOut ? '' : child(pointer, count));
      if (!isLeftOut) items.push(item);
      if (isLast(cursor, ']', start)) break;
    }
  }
  return isLeftOut ? nothing : { kind: 'sequence', items: items.splice(from), start, end: cursor.index, pointer };
}

/**
 * Takes what stands behind an item: the bracket that closes what it is in, or a comma, which another item must follow.
 * @param opened where the bracket stands that is to be closed
 */
function isLast(cursor: Cursor, close: ']' | '}', opened: number): boolean {
  const end = cursor.index;
  skipBlanks(cursor);
  const { text, index } = cursor;
  const char = text.charAt(index);
  if (char === close) {
    cursor.index += 1;
    return true;
  }
  if (char !== ',') noComma(cursor, close, { opened, end });
  cursor.index += 1;
  skipBlanks(cursor);
  const next = text.charAt(cursor.index);
  if (next === close) stop(index, `a comma before "${close}"`, 'take the comma out');
  if (next === ',' && !hasStrayCommas(text)) stop(cursor.index, 'a second comma', 'take it out');
  return false;
}

/** @param place where the bracket stands that is to be closed, and where the item before ends */
function noComma(
  cursor: Cursor,
  close: ']' | '}',
  { opened, end }: { readonly opened: number; readonly end: number },
): never {
  const { text, index } = cursor;
  const char = text.charAt(index);
  const what = close === ']' ? 'array' : 'object';
  if (index >= text.length) return stop(opened, `this ${what} has no end`, `add the ${close} that closes it`);
  if (char === ']' || char === '}')
    return stop(index, `this ${char} closes nothing`, `add the ${close} that closes the ${what} before it`);
  if (char === ';') return stop(index, 'JSON has commas, not semicolons', 'write a comma');
  if (beginsValue(cursor)) return stop(end, 'there is no comma after this value', 'add a comma');
  return unexpected(cursor, `"," or "${close}"`);
}

/** What stands here may be a key or a value, so that a mark is missing before it. */
const beginsValue = ({ text, index }: Cursor): boolean => /["{[\w-]/.test(text.charAt(index));

const literals: ReadonlyMap<string, boolean | null> = new Map([
  ['true', true],
  ['false', false],
  ['null', null],
]);

function readScalar(cursor: Cursor, pointer: string): SourceNode {
  const { text, index: start, isLeftOut } = cursor;
  if (text.charAt(start) === '"') {
    const value = readString(cursor);
    return isLeftOut ? nothing : { kind: 'scalar', value, start, end: cursor.index, pointer };
  }
  const word = look(cursor, wordForm);
  const literal = literals.get(word);
  if (literal === undefined) return readNumber(cursor, word, pointer);
  cursor.index += word.length;
  return isLeftOut ? nothing : { kind: 'scalar', value: literal, start, end: cursor.index, pointer };
}

function readNumber(cursor: Cursor, word: string, pointer: string): SourceNode {
  const { index: start, isLeftOut } = cursor;
  const digits = look(cursor, numberForm);
  if (digits === '' || digits.length !== word.length) noScalar(cursor, word);
  cursor.index += digits.length;
  if (isLeftOut) return nothing;
  const value = Number(digits);
  const node = { kind: 'scalar', value, start, end: cursor.index, pointer } as const;
  return String(value) === digits ? node : { ...node, written: digits };
}

function readString(cursor: Cursor): string {
  const { text, index: start } = cursor;
  cursor.index += 1;
  let out = '';
  for (;;) {
    const plain = look(cursor, plainForm);
    out += plain;
    cursor.index += plain.length;
    const char = text.charAt(cursor.index);
    if (char === '"') break;
    if (char === '\\') out += takeEscape(cursor);
    else noPartOfString(cursor, start);
  }
  cursor.index += 1;
  if (!out.isWellFormed())
    stop(start, 'half of a surrogate pair in a string', 'write both halves, or the character itself');
  return out;
}

function takeEscape(cursor: Cursor): string {
  const { text, index } = cursor;
  const escape = readEscape(text, index);
  if (escape.kind === 'no-code') return stop(index, escape.message);
  if (escape.kind === 'unknown')
    return stop(index, `\\${text.charAt(index + 1)} means nothing in JSON`, 'write \\\\ for a backslash');
  cursor.index = escape.end;
  return escape.text;
}

/** @param start where the string begins */
function noPartOfString({ text, index }: Cursor, start: number): never {
  const char = text.charAt(index);
  if (index >= text.length) return stop(start, 'this string has no end', 'add a " where it ends');
  if (char === '\n' || char === '\r')
    return stop(start, 'this string does not end on its line', 'add a ", or write \\n');
  return stop(index, `a control character (U+${hex(char)}) in a string`, `write \\u${hex(char)}`);
}

function noScalar(cursor: Cursor, word: string): never {
  const { index } = cursor;
  if (/^[-+.]?\d/.test(word))
    return stop(
      index,
      `${shown(word, 40)} is not a number in JSON`,
      'put it in double quotes, or write a decimal number',
    );
  const right = { true: 'true', false: 'false', none: 'null', nil: 'null', null: 'null' }[word.toLowerCase()];
  if (right !== undefined) return stop(index, `${word} is ${right} in JSON`, `write ${right}`);
  if (/^\w/.test(word) && cursor.text.charAt(index + word.length) === '"') return unexpected(cursor, 'a value');
  if (/^[A-Za-z_]/.test(word))
    return stop(index, `text needs double quotes, found ${shown(word, 40)}`, `write ${shown(word, 40)}`);
  return unexpected(cursor, 'a value');
}

function unexpected(cursor: Cursor, wanted: string): never {
  const { text, index } = cursor;
  const char = text.charAt(index);
  if (index >= text.length) return stop(index, `the text ends where ${wanted} is expected`);
  if (char === '\0') return stop(index, 'a NUL byte; is this a binary file?');
  if (index === 0 && text.startsWith('#!')) {
    return stop(index, 'this is a script, not a spec', 'vmrun import makes a spec of a script that starts bhyve');
  }
  if (beginsComment(cursor)) return noComments(index);
  if (/[\u2018-\u201f\u00ab\u00bb]/.test(char)) {
    return stop(index, 'typographic quotes mean nothing in JSON', 'write plain ones: "..."');
  }
  if (/\s/.test(char)) {
    return stop(index, `a blank that JSON does not know (U+${hex(char)})`, 'write an ordinary blank');
  }
  if (char === "'") return stop(index, 'JSON needs double quotes, found a single one', 'use "..."');
  if (char === ',' && hasStrayCommas(text)) {
    return stop(
      index,
      'this is what uclcmd prints with libucl 0.9.0, which puts a comma before the first item, and twice elsewhere',
      'use a newer libucl, or give vmrun the UCL file itself: vmrun -c vm.conf',
    );
  }
  const word = look(cursor, wordForm);
  if (word !== '' && text.charAt(index + word.length) === '"') {
    return stop(index, 'a text ends with a quote here, and does not begin with one', 'add a " before it');
  }
  return stop(index, `${wanted} is expected, found ${shown(word === '' ? char : word, 40)}`);
}

const beginsComment = ({ text, index }: Cursor): boolean =>
  text.charAt(index) === '#' || text.startsWith('//', index) || text.startsWith('/*', index);

const noComments = (offset: number): never =>
  stop(offset, 'JSON has no comments', 'take it out, use a key that begins with "x-", or write the spec in YAML');

const hex = (char: string): string => char.charCodeAt(0).toString(16).padStart(4, '0');
