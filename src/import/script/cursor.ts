import type { List, Redirect } from './tree.js';

/** Thrown inside the reader alone: what makes a script unreadable. */
export class ScriptStop extends Error {
  constructor(
    readonly line: number,
    message: string,
  ) {
    super(message);
  }
}

/** A here-document whose text begins on the next line. */
export interface PendingDocument {
  readonly delimiter: string;
  readonly isStripped: boolean;
  readonly isQuoted: boolean;
  readonly line: number;
  readonly redirect: { -readonly [Key in keyof Redirect]: Redirect[Key] };
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
  pending: PendingDocument[];
  readonly ids: { next: number };
  /** Reads the commands up to a closing bracket, which is left. */
  readonly readList: (cursor: Cursor) => List;
}

/** Deeper than any script that people write; below it recursion is safe. */
const maxDepth = 100;

export const lineOf = ({ line, onlyLine }: Cursor): number => onlyLine ?? line;

export const nextId = ({ ids }: Cursor): number => {
  ids.next += 1;
  return ids.next;
};

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

/** Takes what a sticky expression matches here. */
export const skip = (cursor: Cursor, form: RegExp): string => take(cursor, look(cursor, form)?.[0].length ?? 0);

export const peek = ({ text, at }: Cursor, ahead = 0): string => text.charAt(at + ahead);

export const isAtEnd = ({ text, at }: Cursor): boolean => at >= text.length;

/** @throws ScriptStop where brackets stand in brackets without end */
export function nested<Result>(cursor: Cursor, read: () => Result): Result {
  cursor.depth += 1;
  if (cursor.depth > maxDepth)
    throw new ScriptStop(lineOf(cursor), `brackets are nested more than ${maxDepth} levels deep`);
  const result = read();
  cursor.depth -= 1;
  return result;
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
