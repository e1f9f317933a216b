import { shown } from '../base/text.js';
import {
  blankForm,
  charAt,
  isAtEnd,
  isAtLineEnd,
  matchAt,
  skipOnLine,
  skipSpace,
  spaceForm,
  stop,
  UclStop,
  wordAt,
  type Cursor,
  type UclLimits,
} from './cursor.js';
import { noNul, readDoubleQuoted, readHeredoc, readSingleQuoted, readUnquoted, whole } from './strings.js';
import type { UclArray, UclEntry, UclGiven, UclObject, UclResult, UclScalar, UclValue } from './ucl-tree.js';

/** A key that needs no quotes: libucl's ucl_chartable.h, but for a dash in front, which is rather a list of YAML. */
const keyForm = /[A-Za-z0-9_/\u0080-\uffff][A-Za-z0-9_./\u0080-\uffff-]*/y;
const macroForm = /\.[A-Za-z_][\w-]*/y;
/** A string on one line. */
const quotedForm = /"[^"\\\r\n]*(?:\\.[^"\\\r\n]*)*"|'[^'\\\r\n]*(?:\\.[^'\\\r\n]*)*'/y;

/** What to do about libucl's macros, which read other files or decide between them. */
const macroFixes: Readonly<Record<string, string>> = {
  '.include': 'write what that file says here, or expand it first: uclcmd get -c -f vm.conf . | vmrun -c-',
  '.priority': 'take it out; what is said once needs no priority',
  '.inherit': 'take it out and repeat what is to be inherited',
  '.load': 'name that file in the field that wants it, or write what it says here',
};
const otherMacroFix = 'take it out, or expand it first: uclcmd get -c -f vm.conf . | vmrun -c-';

/**
 * Parses UCL as libucl does, with these differences, all of which make an error or a plain text of what would be a
 * surprise: sizes and times (`512M`, `90s`) stay text; macros are refused; variables stay as written; a value without
 * quotes stands on the line of its key; what follows the last `}` is refused, not ignored.
 */
export function parseUcl(text: string, limits: UclLimits): UclResult {
  try {
    return { ok: true, root: readDocument({ text, limits, index: 0, values: 0 }) };
  } catch (error) {
    if (error instanceof UclStop) return { ok: false, problem: error.problem };
    throw error;
  }
}

function readDocument(cursor: Cursor): UclArray | UclObject {
  skipSpace(cursor);
  const start = cursor.index;
  const isBracketed = '{['.includes(charAt(cursor)) && !isAtEnd(cursor);
  if (!isBracketed) {
    const entries = readEntries(cursor, 1, undefined);
    return { kind: 'object', entries, start, end: cursor.index };
  }
  const root = readValue(cursor, 1, undefined);
  separate(cursor, root);
  if (!isAtEnd(cursor))
    stop(cursor.index, 'there is more text after the last bracket', 'a file holds one object; take the rest out');
  return root.kind === 'scalar' ? stop(start, 'this is not an object') : root;
}

function readValue(cursor: Cursor, depth: number, key: string | undefined): UclValue {
  const start = cursor.index;
  const { limits } = cursor;
  if (depth > limits.maxDepth) throw new UclStop(limits.tooDeep(start));
  const scalar = (value: string): UclScalar => ({ kind: 'scalar', value, start, end: cursor.index });
  switch (charAt(cursor)) {
    case '{': {
      cursor.index += 1;
      const entries = readEntries(cursor, depth, start);
      return { kind: 'object', entries, start, end: cursor.index };
    }
    case '[':
      return readArray(cursor, depth);
    case '"':
      return scalar(readDoubleQuoted(cursor));
    case "'":
      return scalar(readSingleQuoted(cursor));
    default: {
      const lines = readHeredoc(cursor);
      return lines === undefined ? readUnquoted(cursor, key) : scalar(lines);
    }
  }
}

function countValue(cursor: Cursor): void {
  const { maxValues, tooMany } = cursor.limits;
  cursor.values += 1;
  if (cursor.values > maxValues) throw new UclStop(tooMany(maxValues, cursor.index));
}

function readArray(cursor: Cursor, depth: number): UclArray {
  const start = cursor.index;
  cursor.index += 1;
  const items: UclValue[] = [];
  for (;;) {
    skipSpace(cursor);
    const char = charAt(cursor);
    if (isAtEnd(cursor)) stop(start, 'this array has no end', 'add the ] that closes it');
    if (char === '}') stop(cursor.index, 'this } closes nothing', 'add the ] that closes the array before it');
    if (char === ']') break;
    countValue(cursor);
    const item = readValue(cursor, depth + 1, undefined);
    items.push(item);
    separate(cursor, item);
  }
  cursor.index += 1;
  return { kind: 'array', items, start, end: cursor.index };
}

/** @param opened where the brace stands that is to be closed; undefined: the text is the object */
function readEntries(cursor: Cursor, depth: number, opened: number | undefined): readonly UclEntry[] {
  const byKey = new Map<string, [UclGiven, ...UclGiven[]]>();
  while (!closesObject(cursor, opened)) {
    const [key, given] = readEntry(cursor, depth);
    const before = byKey.get(key);
    if (before === undefined) byKey.set(key, [given]);
    else before.push(given);
    separate(cursor, given.value);
  }
  return [...byKey].map(([key, given]) => ({ key, given }));
}

/** Takes the end of an object, if it is here. */
function closesObject(cursor: Cursor, opened: number | undefined): boolean {
  skipSpace(cursor);
  const { index } = cursor;
  const char = charAt(cursor);
  if (isAtEnd(cursor)) {
    if (opened !== undefined) stop(opened, 'this object has no end', 'add the } that closes it');
    return true;
  }
  if (char === ']') {
    const fix =
      opened === undefined ? 'take it out, or add the [ that it closes' : 'add the } that closes the object before it';
    stop(index, 'this ] closes nothing', fix);
  }
  if (char !== '}') return false;
  if (opened === undefined) stop(index, 'this } closes nothing', 'take it out, or add the { that it closes');
  cursor.index += 1;
  return true;
}

/** After a value: the separators, of which there must be one unless a bracket closed it or closes what it is in. */
function separate(cursor: Cursor, value: UclValue): void {
  let isSeparated = value.kind !== 'scalar';
  for (;;) {
    if (skipSpace(cursor)) isSeparated = true;
    const char = charAt(cursor);
    if (char !== ',' && char !== ';') break;
    cursor.index += 1;
    isSeparated = true;
  }
  if (isSeparated || isAtEnd(cursor) || '}]'.includes(charAt(cursor))) return;
  stop(cursor.index, `"," or a new line is expected, found ${wordAt(cursor)}`);
}

/** A key before its value is read. */
interface Key {
  readonly key: string;
  readonly keyEnd: number;
  readonly isQuoted: boolean;
}

/** @param isNamed it stands between the name and the bracket of a section */
function readEntry(cursor: Cursor, depth: number, isNamed = false): readonly [key: string, given: UclGiven] {
  countValue(cursor);
  const keyStart = cursor.index;
  const isQuoted = '"\''.includes(charAt(cursor));
  const key = readKey(cursor);
  const keyEnd = cursor.index;
  skipOnLine(cursor);
  const separator = charAt(cursor);
  const value =
    separator === ':' || separator === '='
      ? readSeparated(cursor, depth, key)
      : readUnseparated(cursor, depth, { key, keyEnd, isQuoted }, isNamed);
  return [key, { keyStart, keyEnd, value }];
}

function readKey(cursor: Cursor): string {
  const { index: start } = cursor;
  const char = charAt(cursor);
  if (char === '"') return readDoubleQuoted(cursor);
  if (char === "'") return readSingleQuoted(cursor);
  const macro = matchAt(cursor, macroForm, start);
  if (macro !== '') stop(start, `${macro} is a macro, and macros are not run here`, macroFixes[macro] ?? otherMacroFix);
  noNul(cursor);
  const name = matchAt(cursor, keyForm, start);
  if (name === '')
    stop(
      start,
      `a key is expected, found ${wordAt(cursor)}`,
      'put it in double quotes if it is one; a list is [ ... ]',
    );
  cursor.index += name.length;
  return whole(start, name);
}

/** The value behind `:` or `=`. */
function readSeparated(cursor: Cursor, depth: number, key: string): UclValue {
  cursor.index += 1;
  const behind = cursor.index;
  skipOnLine(cursor);
  const char = charAt(cursor);
  if (char === ':' || char === '=')
    stop(cursor.index, `a second separator after ${shown(key, 40)}`, 'put a value that begins so in double quotes');
  if (!isAtLineEnd(cursor)) return readValue(cursor, depth + 1, key);
  return readValueBelow(cursor, depth, key) ?? nothingAt(behind);
}

const nothingAt = (at: number): UclScalar => ({ kind: 'scalar', value: null, start: at, end: at });

/** The value that follows its key without a sign between the two, or the section. */
function readUnseparated(cursor: Cursor, depth: number, { key, keyEnd, isQuoted }: Key, isNamed: boolean): UclValue {
  const { text, index, limits } = cursor;
  const char = charAt(cursor);
  // libucl has it so: `"x"` and then nothing is null, `x` and then nothing an error.
  if (isQuoted && index + matchAt(cursor, spaceForm, index).length === text.length) return nothingAt(keyEnd);
  if (isAtLineEnd(cursor) || ',;}]'.includes(char)) noValue(key, isQuoted ? index : keyEnd);
  if (index === keyEnd && !isQuoted && !'{['.includes(char))
    stop(index, `${wordAt(cursor)} cannot be part of a key`, 'put the key in double quotes');
  const isSection = isNamed ? !'{['.includes(char) : sectionFollows(cursor);
  if (!isSection) return readValue(cursor, depth + 1, key);
  if (depth + 1 > limits.maxDepth) throw new UclStop(limits.tooDeep(index));
  const [name, inner] = readEntry(cursor, depth + 1, true);
  return { kind: 'object', entries: [{ key: name, given: [inner] }], start: index, end: cursor.index };
}

const noValue = (key: string, at: number): never =>
  stop(
    at,
    `${shown(key, 40)} has no value on its line`,
    'write KEY: VALUE; a { that opens a section stands on the line of its name',
  );

/**
 * The value of a key whose line has none, from a line below. libucl takes whatever comes next, be it the next key;
 * here it must look like a value.
 */
function readValueBelow(cursor: Cursor, depth: number, key: string): UclValue | undefined {
  const { text, index: before } = cursor;
  skipSpace(cursor);
  const isOpening = /^(?:[{[]|<<)/.test(text.slice(cursor.index, cursor.index + 2));
  const quoted = matchAt(cursor, quotedForm, cursor.index);
  const behind = cursor.index + quoted.length;
  const isString = quoted !== '' && !/[:=]/.test(text.charAt(behind + matchAt(cursor, blankForm, behind).length));
  if (isOpening || isString) return readValue(cursor, depth + 1, key);
  cursor.index = before;
  return undefined;
}

/** Whether names and then a bracket are what follows on this line: `install {` of `targets install {`. */
function sectionFollows(cursor: Cursor): boolean {
  const { text } = cursor;
  for (let at = cursor.index; ;) {
    const name = matchAt(cursor, keyForm, at) || matchAt(cursor, quotedForm, at);
    if (name === '') return false;
    at += name.length;
    at += matchAt(cursor, blankForm, at).length;
    const isNamed = ':='.includes(text.charAt(at)) && at < text.length;
    if (isNamed) at += 1 + matchAt(cursor, blankForm, at + 1).length;
    if (at >= text.length) return false;
    if ('{['.includes(text.charAt(at))) return true;
    if (isNamed) return false;
  }
}
