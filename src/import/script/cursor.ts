import type { List, Parsed, Redirect, StopCode, Word } from './tree.js';

/** Thrown inside the reader alone: what makes a script unreadable. */
export class ScriptStop extends Error {
  constructor(
    readonly line: number,
    message: string,
    readonly code?: StopCode,
  ) {
    super(message);
  }
}

/** A here-document whose text begins on the next line. */
interface PendingDocument {
  readonly delimiter: string;
  readonly isStripped: boolean;
  readonly isQuoted: boolean;
  readonly line: number;
  readonly redirect: { -readonly [Key in keyof Redirect]: Redirect[Key] };
}

/** Numbers of commands, each its own. */
export interface Ids {
  next: number;
  /** The last one there may be. */
  readonly last: number;
}

/** Above any script that people write, and what is followed in a second or two. */
const mostCommands = 3_000;

/** @param first with which they begin */
export const newIds = (first = 0): Ids => ({ next: first, last: first + mostCommands });

/** Kinds of what a character both opens and closes. */
type Quote = 'a single quote' | 'a double quote' | 'a backquote';

/** Quotes of one kind that go over ends of lines, each opened on the line where the one before was closed. */
interface QuoteChain {
  readonly from: number;
  readonly to: number;
}

/** Where a script is read, and what was seen so far. */
export interface Cursor {
  readonly text: string;
  at: number;
  line: number;
  depth: number;
  /** Every line is told as this one: that of the command that brings in another text. */
  readonly onlyLine: number | undefined;
  readonly assigned: Set<string>;
  readonly brokenLines: Set<number>;
  readonly quoteChains: Map<Quote, QuoteChain>;
  pending: PendingDocument[];
  readonly ids: Ids;
  /** Reads the commands up to a closing bracket, which is left. */
  readonly readList: (cursor: Cursor) => List;
  /** Reads a here-document as a whole. */
  readonly readText: (cursor: Cursor) => Word;
}

/** Deeper than any script that people write; below it recursion is safe. */
const maxDepth = 100;

export const lineOf = ({ line, onlyLine }: Cursor): number => onlyLine ?? line;

/** Remembers a quote whose end was taken just now. */
export function closeQuote(cursor: Cursor, quote: Quote, from: number): void {
  const to = lineOf(cursor);
  if (from === to) return;
  const before = cursor.quoteChains.get(quote);
  cursor.quoteChains.set(quote, { from: before?.to === from ? before.from : from, to });
}

/**
 * A quote without an end is closed by the next one of its kind, which then leaves one open, and so on to the end of the
 * text: the line to look at is the first of these.
 */
export function unclosedQuote(cursor: Cursor, quote: Quote, from: number): ScriptStop {
  const before = cursor.quoteChains.get(quote);
  return new ScriptStop(before?.to === from ? before.from : from, `${quote} has no end`);
}

/** @throws ScriptStop where there are more commands than are followed */
export function nextId(cursor: Cursor): number {
  const { ids } = cursor;
  if (ids.next === ids.last) {
    throw new ScriptStop(lineOf(cursor), `there are more than ${mostCommands.toLocaleString('en')} commands`, 'limit');
  }
  ids.next += 1;
  return ids.next;
}

/** More than execve(2) would hand over of words of a usual length. */
const mostWords = 20_000;

/** @throws ScriptStop where a command has more words than are followed */
export function addWord<Word>(cursor: Cursor, words: Word[], word: Word): void {
  if (words.length === mostWords) {
    throw new ScriptStop(lineOf(cursor), `a command has more than ${mostWords.toLocaleString('en')} words`, 'limit');
  }
  words.push(word);
}

export function take(cursor: Cursor, count = 1): string {
  const taken = cursor.text.slice(cursor.at, cursor.at + count);
  cursor.at += count;
  if (taken.includes('\n')) cursor.line += taken.split('\n').length - 1;
  return taken;
}

/** The match of a sticky expression here, which is not taken yet. */
export function look({ text, at }: Cursor, form: RegExp): RegExpExecArray | null {
  form.lastIndex = at;
  return form.exec(text);
}

/** A cursor for a text that stands within another one. */
export const within = (cursor: Cursor, text: string, line: number): Cursor => ({
  ...cursor,
  text,
  at: 0,
  line,
  pending: [],
});

/** Takes what a sticky expression matches here. */
export const skip = (cursor: Cursor, form: RegExp): string => take(cursor, look(cursor, form)?.[0].length ?? 0);

export const peek = ({ text, at }: Cursor, ahead = 0): string => text.charAt(at + ahead);

export const isAtEnd = ({ text, at }: Cursor): boolean => at >= text.length;

/** @throws ScriptStop where brackets stand in brackets without end */
export function nested<Result>(cursor: Cursor, read: () => Result): Result {
  cursor.depth += 1;
  if (cursor.depth > maxDepth)
    throw new ScriptStop(lineOf(cursor), `brackets are nested more than ${maxDepth} levels deep`, 'limit');
  const result = read();
  cursor.depth -= 1;
  return result;
}

export interface ParseOptions {
  /** Numbers of nodes go on from here. */
  readonly ids?: Ids;
  /** The text is brought in by a command on this line. */
  readonly onlyLine?: number;
  /** The line that the text begins on. */
  readonly line?: number;
}

/** Reads a text as a whole, in the language of the two readers. */
export function parsed(
  text: string,
  { ids = newIds(), onlyLine, line = 1 }: ParseOptions,
  readers: Pick<Cursor, 'readList' | 'readText'> & { readonly readAll: (cursor: Cursor) => List },
): Parsed {
  const cursor: Cursor = {
    text: text.replaceAll('\r\n', '\n'),
    at: 0,
    line,
    depth: 0,
    onlyLine,
    assigned: new Set(),
    brokenLines: new Set(),
    quoteChains: new Map(),
    pending: [],
    ids,
    readList: readers.readList,
    readText: readers.readText,
  };
  try {
    const commands = readers.readAll(cursor);
    return { ok: true, tree: { commands, assigned: cursor.assigned, brokenLines: cursor.brokenLines } };
  } catch (error) {
    if (error instanceof ScriptStop) return { ok: false, line: error.line, message: error.message, code: error.code };
    throw error;
  }
}

/** The place of the bracket that closes the one before `from`, quotes left aside; -1: there is none. */
export function closingAt(text: string, from: number, open: string, close: string): number {
  let depth = 1;
  for (let at = from; at < text.length; at += 1) {
    const char = text.charAt(at);
    if (char === '\\') at += 1;
    else if (char === open) depth += 1;
    else if (char === close) depth -= 1;
    if (depth === 0) return at;
  }
  return -1;
}

/** Blanks, lines that go on, and a comment. */
export function skipBlanks(cursor: Cursor): void {
  skip(cursor, /(?:[ \t\r]|\\\n)*/y);
  if (peek(cursor) === '#') skip(cursor, /[^\n]*/y);
}
