import { shown } from '../base/text.js';
import type { UclProblem } from './ucl-tree.js';

/** How deep values may stand in one another, how many there may be, and what is said where there is more. */
export interface UclLimits {
  readonly maxDepth: number;
  readonly tooDeep: (offset: number) => UclProblem;
  readonly maxValues: number;
  readonly tooMany: (most: number, offset: number) => UclProblem;
}

/** Where a text is read. */
export interface Cursor {
  readonly text: string;
  readonly limits: UclLimits;
  index: number;
  /** So many were read. */
  values: number;
}

/** Ends the parsing; only `parseUcl` catches it. */
export class UclStop extends Error {
  constructor(readonly problem: UclProblem) {
    super(problem.message);
  }
}

export const stop = (offset: number, message: string, fix?: string): never => {
  throw new UclStop(fix === undefined ? { message, offset } : { message, offset, fix });
};

const wordForm = /[^\s,:;="'#[\]{}]+/y;
export const blankForm = /[ \t\v\f]+/y;
export const spaceForm = /[ \t\v\f\r\n]+/y;
const lineForm = /[^\r\n]+/y;

/** What a sticky expression matches at an offset. */
export function matchAt({ text }: Cursor, form: RegExp, at: number): string {
  form.lastIndex = at;
  return form.exec(text)?.[0] ?? '';
}

export const charAt = ({ text, index }: Cursor): string => text.charAt(index);

export const isAtEnd = ({ text, index }: Cursor): boolean => index >= text.length;

export const isAtLineEnd = (cursor: Cursor): boolean => isAtEnd(cursor) || '\r\n#'.includes(charAt(cursor));

/** What stands at an offset, for a message. */
export function wordAt(cursor: Cursor, at = cursor.index): string {
  const { text } = cursor;
  const char = text.charAt(at);
  if (at >= text.length) return 'the end of the text';
  if (char === '\n' || char === '\r') return 'the end of the line';
  const word = matchAt(cursor, wordForm, at);
  return shown(word === '' ? char : word, 40);
}

export const isComment = ({ text, index }: Cursor): boolean =>
  text.charAt(index) === '#' || text.startsWith('/*', index);

function skipComment(cursor: Cursor): void {
  const { text, index: start } = cursor;
  if (text.charAt(start) === '#') {
    cursor.index += matchAt(cursor, lineForm, start).length;
    return;
  }
  const edges = /\/\*|\*\//g;
  edges.lastIndex = start;
  for (let depth = 0; ;) {
    const [edge] = edges.exec(text) ?? stop(start, 'this comment has no end', 'add the */ that closes it');
    depth += edge === '/*' ? 1 : -1;
    if (depth === 0) break;
  }
  cursor.index = edges.lastIndex;
}

/** Skips blanks and comments, but no end of a line. */
export function skipOnLine(cursor: Cursor): void {
  for (;;) {
    cursor.index += matchAt(cursor, blankForm, cursor.index).length;
    if (!cursor.text.startsWith('/*', cursor.index)) return;
    skipComment(cursor);
  }
}

/** Skips blanks, comments and ends of lines. @returns whether there was one of the latter two: they separate */
export function skipSpace(cursor: Cursor): boolean {
  let isSeparated = false;
  for (;;) {
    const space = matchAt(cursor, spaceForm, cursor.index);
    cursor.index += space.length;
    if (/[\r\n]/.test(space)) isSeparated = true;
    if (!isComment(cursor)) return isSeparated;
    skipComment(cursor);
    isSeparated = true;
  }
}
