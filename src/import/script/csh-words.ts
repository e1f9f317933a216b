import { isAtEnd, lineOf, look, nextId, peek, ScriptStop, take, within, type Cursor } from './cursor.js';
import type { Command, Parameter, Part, Simple, Word } from './tree.js';
import { addText, readBackquotes } from './words.js';

/** Words of csh(1), whose variables are lists: `$a`, `$a[2-]`, `$#a`, `$?a`, `$a:h`. */

export const cshStop = (line: number, message: string): ScriptStop => new ScriptStop(line, message, 'csh');

/** One word of a command; undefined: none begins here. A `#` ends it wherever it stands. */
export function readCshWord(cursor: Cursor): Word | undefined {
  const [start, line] = [cursor.at, lineOf(cursor)];
  const parts: Part[] = [];
  while (!isAtEnd(cursor) && !' \t\n;&|()<>#'.includes(peek(cursor))) readPart(cursor, parts);
  return cursor.at === start ? undefined : { line, source: cursor.text.slice(start, cursor.at), parts };
}

function readPart(cursor: Cursor, parts: Part[]): void {
  const line = lineOf(cursor);
  const char = peek(cursor);
  if (char === "'" || char === '"') readQuoted(cursor, parts, char);
  else if (char === '$') readDollar(cursor, parts, false);
  else if (char === '`') parts.push(readBackquotes(cursor, false, outOfBackquotes));
  else if (char === '\\') {
    take(cursor);
    if (look(cursor, /[ \t]+(?=\n|$)/y) !== null) cursor.brokenLines.add(line);
    const next = take(cursor);
    if (next !== '\n') addText(parts, next, true);
  } else {
    if (char === '!') refuseHistory(cursor);
    const plain = look(cursor, /[^\s'"$`\\;&|()<>!#]+/y)?.[0].length ?? 1;
    addText(parts, take(cursor, plain), false);
  }
}

/** `!name` stands for an earlier command line, in a script and in quotes, too. */
function refuseHistory(cursor: Cursor): void {
  if (look(cursor, /![^\s=~("'\\]/y) === null) return;
  throw cshStop(lineOf(cursor), 'a "!" that brings back an earlier command is not followed; put a "\\" before it');
}

/** A backslash means nothing in quotes but before `!` and the end of the line. */
function readQuoted(cursor: Cursor, parts: Part[], quote: string): void {
  const line = lineOf(cursor);
  take(cursor);
  // Without words in it, it is an empty one.
  addText(parts, '', true);
  for (;;) {
    const char = peek(cursor);
    if (char === '' || char === '\n')
      throw new ScriptStop(line, `a ${quote === '"' ? 'double' : 'single'} quote has no end on its line`);
    if (char === quote) break;
    if (char === '\\' && '!\n'.includes(peek(cursor, 1)) && peek(cursor, 1) !== '') {
      take(cursor);
      addText(parts, take(cursor), true);
    } else if (quote === '"' && char === '$') readDollar(cursor, parts, true);
    else if (quote === '"' && char === '`') parts.push(readBackquotes(cursor, true, outOfBackquotes));
    else {
      if (char === '!') refuseHistory(cursor);
      addText(parts, take(cursor), true);
    }
  }
  take(cursor);
}

/** A here-document: a backslash takes the meaning of `$`, `` ` `` and itself away. */
export function readCshText(cursor: Cursor): Word {
  const [start, line] = [cursor.at, lineOf(cursor)];
  const parts: Part[] = [];
  addText(parts, '', true);
  while (!isAtEnd(cursor)) {
    const char = peek(cursor);
    if (char === '\\' && '$`\\\n'.includes(peek(cursor, 1))) {
      take(cursor);
      addText(parts, take(cursor), true);
    } else if (char === '$') readDollar(cursor, parts, true);
    else if (char === '`') parts.push(readBackquotes(cursor, true, outOfBackquotes));
    else addText(parts, take(cursor), true);
  }
  return { line, source: cursor.text.slice(start), parts };
}

/** What a backslash stands for between backquotes. */
const outOfBackquotes = (inner: string): string => inner.replaceAll('\\`', '`');

/** A word that stands for itself. */
export const textWord = (line: number, value: string, isQuoted = true): Word => ({
  line,
  source: value,
  parts: [{ kind: 'text', text: value, isQuoted }],
});

type Made = Omit<Parameter, 'kind' | 'id' | 'line' | 'source' | 'isQuoted'>;

/** What a `$` begins. */
function readDollar(cursor: Cursor, parts: Part[], isQuoted: boolean): void {
  const [start, line] = [cursor.at, lineOf(cursor)];
  const form = /\$(\{?)([#?%]?)([A-Za-z_]\w*|\d+|[*$<!]|)/y;
  const [whole = '$', brace = '', prefix = '', name = ''] = look(cursor, form) ?? [];
  if (name === '' && prefix === '' && brace === '') {
    addText(parts, take(cursor), true);
    return;
  }
  take(cursor, whole.length);
  const index = peek(cursor) === '[' && /^[A-Za-z_]/.test(name) ? readIndex(cursor) : undefined;
  const modifiers = /^[A-Za-z_\d*]/.test(name) && prefix === '' ? readModifiers(cursor) : '';
  if (brace !== '' && take(cursor) !== '}') throw new ScriptStop(line, '"{" has no end');
  const source = cursor.text.slice(start, cursor.at);
  const isKept = isQuoted || modifiers.endsWith(':q');
  const push = (made: Made): void =>
    void parts.push({ kind: 'parameter', id: nextId(cursor), line, source, isQuoted: isKept, ...made });
  const isArguments = name === 'argv' || name === '*';
  if (prefix === '?') parts.push(isSet(cursor, name, { line, source, isQuoted }));
  else if (prefix === '%') push({ name, prefix: '#' });
  else if (prefix === '#')
    push(isArguments || name === '' ? { name: '#' } : { name, prefix: '#', index: textWord(line, '@') });
  else if (name === '<' || name === '') push({ name: '' });
  else if (name === 'status') push({ name: '?' });
  else if (name === 'cwd') push({ name: 'PWD' });
  else if (/^[\d$!]/.test(name)) push({ name, ...modified(line, modifiers) });
  else {
    const all = isQuoted ? '*' : '@';
    const list = isArguments ? { name: all } : { name: other[name] ?? name, index: textWord(line, all) };
    if (index === undefined || index === '*') push({ ...list, ...modified(line, modifiers) });
    else if (typeof index !== 'object') {
      if (isArguments) push({ name: String(index), ...modified(line, modifiers) });
      else push({ ...list, index: textWord(line, String(index - 1)), ...modified(line, modifiers) });
    } else if (modifiers === '') push({ ...list, operator: ':', operand: sliceOf(index, isArguments ? 0 : 1) });
    else throw cshStop(line, `${source} is not followed: a change of some words of a list`);
  }
}

/** Variables of the shell that stand for one of the environment. */
const other: Readonly<Record<string, string>> = { home: 'HOME', user: 'USER', term: 'TERM' };

/** `$?name`: 1 or 0. */
function isSet(
  cursor: Cursor,
  name: string,
  { line, source, isQuoted }: { readonly line: number; readonly source: string; readonly isQuoted: boolean },
): Part {
  const parameter = { kind: 'parameter', line, isQuoted: true, name } as const;
  const asked: Part = cursor.assigned.has(name)
    ? { ...parameter, id: nextId(cursor), source, operator: '+', operand: textWord(line, '1') }
    : { ...parameter, id: nextId(cursor), source: `$${name}` };
  const simple = (...words: Word[]): Simple => ({
    kind: 'simple',
    id: nextId(cursor),
    line,
    source,
    assignments: [],
    words,
    redirects: [],
  });
  const test = simple(
    textWord(line, '[', false),
    textWord(line, '-n', false),
    { line, source, parts: [asked] },
    textWord(line, ']', false),
  );
  const say = (value: string): Simple => simple(textWord(line, 'echo', false), textWord(line, value));
  const body: Command = {
    kind: 'if',
    line,
    clauses: [{ condition: [test], body: [say('1')] }],
    otherwise: [say('0')],
  };
  return { kind: 'command', source, body: [body], isQuoted };
}

/** The first and the last word that are wanted: `2-`, `-3`, `$i`. */
interface Range {
  readonly line: number;
  readonly source: string;
  readonly first: readonly Part[];
  /** Undefined: up to the end. */
  readonly last?: readonly Part[];
}

/** `[2]`, `[*]`, `[2-3]`, `[$i]`. */
function readIndex(cursor: Cursor): number | '*' | Range {
  const line = lineOf(cursor);
  const [whole, inner = ''] = look(cursor, /\[([^\]\n]*)\]/y) ?? [];
  if (whole === undefined) throw new ScriptStop(line, '"[" has no end');
  take(cursor, whole.length);
  if (inner === '*') return '*';
  if (/^[1-9]\d*$/.test(inner)) return Number(inner);
  const bound = String.raw`(?:\d+|\$#?\w+|\$\{#?\w+\}|\$#?\w+\[\d+\])`;
  const [found, from, dash, to] = new RegExp(`^(${bound})?(-)?(${bound})?$`).exec(inner) ?? [];
  if (found === undefined || found === '' || (dash === undefined && to !== undefined)) {
    throw cshStop(line, `[${inner}] is not followed as the place of a word in a list`);
  }
  const read = (written: string): readonly Part[] => readCshWord(within(cursor, written, cursor.line))?.parts ?? [];
  const first = read(from ?? '1');
  if (dash !== undefined && to === undefined) return { line, source: inner, first };
  return { line, source: inner, first, last: to === undefined ? first : read(to) };
}

/** As `${name[@]:offset:count}` has it: an offset from 0, or from 1 where $0 stands in front. */
function sliceOf({ line, source, first, last }: Range, base: 0 | 1): Word {
  const sign = (value: string): Part => ({ kind: 'text', text: value, isQuoted: true });
  const offset = [sign('('), ...first, sign(`)-${base}`)];
  const count = last === undefined ? [] : [sign(':('), ...last, sign(')-('), ...first, sign(')+1')];
  return { line, source, parts: [...offset, ...count] };
}

/** `:h`, `:gt`, `:t:r`; `:q` says that the words stay as they are. */
function readModifiers(cursor: Cursor): string {
  let modifiers = '';
  for (;;) {
    const [whole, global, letter = ''] = look(cursor, /:([ga]?)([a-zA-Z&])/y) ?? [];
    if (whole === undefined) return modifiers;
    if (!/[htreulq]/.test(letter)) throw cshStop(lineOf(cursor), `the change "${whole}" of a variable is not followed`);
    take(cursor, whole.length);
    modifiers += `:${global ?? ''}${letter}`;
  }
}

const modified = (line: number, modifiers: string): Partial<Made> => {
  const operator = modifiers.replaceAll(/:[ga]?q/g, '');
  return operator === '' ? {} : { operator, operand: textWord(line, '') };
};
