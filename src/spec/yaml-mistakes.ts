import { ParseStop, type SyntaxProblem } from './source-tree.js';

/**
 * A text that is no YAML, read line by line for the first line that does not fit those before it. The package tells where
 * its grammar gives up, which may be lines later, and in the words of that grammar. Nothing is quoted: what stands on such a
 * line may be a secret.
 * @returns undefined where every line fits, or is of a kind that nobody writes in a spec
 */
export function lineMistake(text: string): SyntaxProblem | undefined {
  const page: Page = { text, open: [], lone: undefined, isText: false };
  try {
    for (let start = 0; start < text.length;) start = readLine(page, start);
    return undefined;
  } catch (thrown) {
    if (thrown instanceof ParseStop) return thrown.problem;
    throw thrown;
  }
}

/** What is wrong with a text of one plain word or some, where an object was expected. */
export function noFieldMistake(text: string): SyntaxProblem | undefined {
  const start = firstContent(text);
  const line = text.slice(start, endOfLine(text, start));
  return /^[A-Za-z_][\w-]*(?:[ \t]+\S|[ \t]*=|:\S)/.test(line) ? noColon(line, start) : undefined;
}

/** What is open around a line. */
interface Open {
  readonly column: number;
  readonly kind: 'fields' | 'list';
  /** Its last field, or dash, has no value yet. */
  isWaiting: boolean;
}

interface Page {
  readonly text: string;
  readonly open: Open[];
  /** Plain text where a value may be, which a field after it shows to be a field without its colon. */
  lone: { readonly column: number; readonly start: number } | undefined;
  /** The last value is plain text, which the next line may go on with. */
  isText: boolean;
}

const stop = (offset: number, message: string, fix: string): never => {
  throw new ParseStop({ offset, message, fix });
};

export const sameIndentation = 'give the fields of one object, and the dashes of one list, the same indentation';

const isBlank = (char: string): boolean => char === ' ' || char === '\t';
const isEndOrBlank = (char: string): boolean => char === '' || isBlank(char) || char === '\n' || char === '\r';

/** What follows is of a kind that nobody writes in a spec: nothing can be said of the rest. */
const unknown = (text: string): number => text.length;

/** Where the line that the place is in ends, before its line end. */
function endOfLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  if (end === -1) return text.length;
  return end > from && text.charAt(end - 1) === '\r' ? end - 1 : end;
}

/** Where the next line begins. */
function nextLine(text: string, from: number): number {
  const end = text.indexOf('\n', from);
  return end === -1 ? text.length : end + 1;
}

/** @returns where the next line begins that is to be read */
function readLine(page: Page, lineStart: number): number {
  const { text } = page;
  let at = lineStart;
  while (text.charAt(at) === ' ') at += 1;
  const rest = text.slice(at, endOfLine(text, at));
  if (/^[ \t]*(?:#|$)/.test(rest)) return nextLine(text, at);
  if (at === lineStart && rest === '---' && page.open.length === 0) return nextLine(text, at);
  if (at === lineStart && /^(?:---|\.\.\.|%)/.test(rest)) return unknown(text);
  if (rest.startsWith('\t')) stop(at, 'a tab stands in the indentation', 'indent with blanks');
  return readNode(page, lineStart, at);
}

/** Dashes, and what stands behind them. */
function readNode(page: Page, lineStart: number, from: number): number {
  const { text } = page;
  let at = from;
  while (text.charAt(at) === '-' && isEndOrBlank(text.charAt(at + 1))) {
    enter(page, { column: at - lineStart, kind: 'list', isWaiting: true }, at);
    at += 1;
    while (isBlank(text.charAt(at))) at += 1;
    if (isOver(text, at)) return nextLine(text, at);
  }
  // The anchor of a field's name is where its object begins.
  const column = at - lineStart;
  at = skipProperties(text, at);
  if (isOver(text, at)) return nextLine(text, at);
  const char = text.charAt(at);
  if (char === '"' || char === "'") {
    const end = endOfQuotes(text, at);
    const behind = skipBlanks(text, end);
    if (text.charAt(behind) === ':') return readField(page, column, at, behind);
    takeValue(page, column);
    return afterValue(page, end);
  }
  if (char === '{' || char === '[') {
    takeValue(page, column);
    return afterValue(page, endOfFlow(page, at));
  }
  if (char === '|' || char === '>') return readBlock(page, at);
  if ('}],?%@`'.includes(char)) return unknown(text);
  const colon = colonIn(text, at);
  return colon === undefined ? readText(page, column, at) : readField(page, column, at, colon);
}

/** A line without a colon: a value, more of one, or a field that lacks it. */
function readText(page: Page, column: number, at: number): number {
  const { text, open } = page;
  const top = open.at(-1);
  const next = nextLine(text, at);
  if (top === undefined) {
    page.lone ??= { column, start: at };
    return next;
  }
  const line = text.slice(at, endOfLine(text, at));
  if (column > top.column) {
    if (top.isWaiting) {
      top.isWaiting = false;
      page.lone = text.charAt(at) === '*' ? undefined : { column, start: at };
      page.isText = true;
    } else if (!page.isText) stop(at, ...tooDeep);
    return next;
  }
  const here = open.filter((each) => each.column === column);
  if (here.some(({ kind }) => kind === 'fields')) throw new ParseStop(noColon(line, at));
  throw new ParseStop({ offset: at, ...(here.length > 0 ? noDash : fitsNone) });
}

/** What stands in place of a field: a colon too few, or a blank. */
function noColon(line: string, start: number): SyntaxProblem {
  const [word = ''] = /^[\w-]*/.exec(line) ?? [];
  const behind = line.slice(word.length);
  const offset = start + word.length;
  if (/^-[^\s-]/.test(line))
    return { offset: start + 1, message: 'there is no blank after this dash', fix: 'write a blank after the dash' };
  if (/^[:\s]*\u00a0/.test(behind)) {
    const message = 'the blank here is one that YAML does not know (U+00A0)';
    return { offset: start + line.indexOf('\u00a0'), message, fix: 'write an ordinary blank' };
  }
  if (behind.startsWith(':'))
    return { offset: offset + 1, message: 'there is no blank after this colon', fix: 'write a blank after the colon' };
  if (/^\s*=/.test(behind)) {
    const message = 'YAML has a colon between a field and its value, not "="';
    return {
      offset: start + line.indexOf('='),
      message,
      fix: 'write KEY: VALUE; if this is UCL, say so: --input-format ucl',
    };
  }
  if (word === '') return { offset: start, message: 'this line is no field', fix: 'write KEY: VALUE' };
  return { offset, message: 'there is no colon after the name of this field', fix: 'write KEY: VALUE' };
}

function readField(page: Page, column: number, at: number, colon: number): number {
  const { text, lone } = page;
  if (lone?.column === column) {
    page.lone = undefined;
    throw new ParseStop(noColon(text.slice(lone.start, endOfLine(text, lone.start)), lone.start));
  }
  if (/^-[A-Za-z"'{[]/.test(text.slice(at, at + 2)))
    stop(at + 1, 'there is no blank after this dash', 'write a blank after the dash');
  enter(page, { column, kind: 'fields', isWaiting: true }, at);
  const value = skipProperties(text, skipBlanks(text, colon + 1));
  if (isOver(text, value)) return nextLine(text, value);
  const top = page.open.at(-1);
  if (top !== undefined) top.isWaiting = false;
  return readValue(page, value);
}

function readValue(page: Page, at: number): number {
  const { text } = page;
  const char = text.charAt(at);
  if (char === '"' || char === "'") return afterValue(page, endOfQuotes(text, at));
  if (char === '{' || char === '[') return afterValue(page, endOfFlow(page, at));
  if (char === '|' || char === '>') return readBlock(page, at);
  if ('}],%@`'.includes(char)) return unknown(text);
  const colon = colonIn(text, at);
  if (colon !== undefined) {
    const fix = 'put the text in double quotes, or the next field on a line of its own';
    stop(colon, 'a second colon on this line, with a blank behind it', fix);
  }
  page.isText = true;
  return nextLine(text, at);
}

/** A node that is no collection stands here. */
function takeValue(page: Page, column: number): void {
  const top = page.open.at(-1);
  page.isText = false;
  if (top === undefined || column <= top.column) return;
  top.isWaiting = false;
}

/** Behind quotes and brackets, a comment may stand. */
function afterValue(page: Page, end: number): number {
  const { text } = page;
  page.isText = false;
  const at = skipBlanks(text, end);
  if (isOver(text, at) && (at > end || text.charAt(at) !== '#')) return nextLine(text, at);
  const char = text.charAt(at);
  if (char === '#') stop(at, 'there is no blank before this comment', 'write a blank before the "#"');
  if (char === '}' || char === ']') return unknown(text);
  return stop(
    at,
    'there is more text after the end of this value',
    'take it out, or put it inside the quotes or brackets',
  );
}

/** The lines of a text that begins with `|` or `>` are deeper than what it is in. */
function readBlock(page: Page, at: number): number {
  const { text, open } = page;
  const top = open.at(-1);
  if (top !== undefined) top.isWaiting = false;
  page.isText = false;
  const column = top?.column ?? -1;
  let next = nextLine(text, at);
  while (next < text.length) {
    let inner = next;
    while (text.charAt(inner) === ' ') inner += 1;
    if (endOfLine(text, inner) > inner && inner - next <= column) break;
    next = nextLine(text, inner);
  }
  return next;
}

const noDash = {
  message: 'this line stands in a list, and has neither a dash nor the indentation of what follows a dash',
  fix: sameIndentation,
};
const fitsNone = { message: 'this line begins at a column where no line above it does', fix: sameIndentation };
const listAmongFields = { message: 'a list begins here, where another field was expected', fix: sameIndentation };
const tooDeep = [
  'this line is indented more than the one before it, which has its value already',
  sameIndentation,
] as const;
const lessThanFirst = { message: 'this line is indented more than one that follows', fix: sameIndentation };

/** A field or a dash at a column: one more of what is open there, or the first below what waits for its value. */
function enter(page: Page, next: Open, at: number): void {
  const { open } = page;
  const first = open[0];
  let hasLeft = false;
  while ((open.at(-1)?.column ?? -1) > next.column) {
    open.pop();
    hasLeft = true;
  }
  const top = open.at(-1);
  page.lone = undefined;
  page.isText = false;
  if (top === undefined) {
    if (first !== undefined) throw new ParseStop({ offset: firstContent(page.text), ...lessThanFirst });
    open.push(next);
    return;
  }
  if (top.column < next.column) {
    if (hasLeft)
      throw new ParseStop({ offset: at, ...(top.kind === 'list' && next.kind === 'fields' ? noDash : fitsNone) });
    if (!top.isWaiting) stop(at, ...tooDeep);
    top.isWaiting = false;
    open.push(next);
    return;
  }
  if (top.kind === next.kind) {
    top.isWaiting = true;
    return;
  }
  if (next.kind === 'list') {
    // The dashes of a list may stand below the name of its field.
    if (!top.isWaiting) throw new ParseStop({ offset: at, ...listAmongFields });
    top.isWaiting = false;
    open.push(next);
    return;
  }
  const below = open.at(-2);
  if (below?.kind !== 'fields' || below.column !== next.column) throw new ParseStop({ offset: at, ...noDash });
  open.pop();
  below.isWaiting = true;
}

/** The first character that is neither blank nor of a comment. */
const firstContent = (text: string): number => /^(?:[ \t]*(?:#.*)?\r?\n|--- *\r?\n)*[ \t]*/.exec(text)?.[0].length ?? 0;

function skipBlanks(text: string, from: number): number {
  let at = from;
  while (isBlank(text.charAt(at))) at += 1;
  return at;
}

/** Nothing but a comment is left of the line. */
const isOver = (text: string, at: number): boolean => ['', '\n', '\r', '#'].includes(text.charAt(at));

/** Skips anchors and tags. */
function skipProperties(text: string, from: number): number {
  let at = from;
  while (text.charAt(at) === '&' || text.charAt(at) === '!') {
    while (!isEndOrBlank(text.charAt(at))) at += 1;
    at = skipBlanks(text, at);
  }
  return at;
}

/** The colon of a field whose name is plain text: the first with a blank or nothing behind it, and not in a comment. */
function colonIn(text: string, from: number): number | undefined {
  const end = endOfLine(text, from);
  for (let at = from; at < end; at += 1) {
    const char = text.charAt(at);
    if (char === ':' && isEndOrBlank(text.charAt(at + 1))) return at;
    if (char === '#' && isBlank(text.charAt(at - 1))) return undefined;
  }
  return undefined;
}

/** Begins like the line of a field, or of a list. */
const likeField = /^[ \t]*(?:-[ \t]|[\w-]+:(?:[ \t\r]|$))/m;

/** @returns the place behind the quote that ends it */
function endOfQuotes(text: string, from: number): number {
  const quote = text.charAt(from);
  let end = from + 1;
  for (; end < text.length; end += 1) {
    const char = text.charAt(end);
    if (char === '\\' && quote === '"') end += 1;
    else if (char === quote) {
      if (quote === "'" && text.charAt(end + 1) === "'") end += 1;
      else break;
    }
  }
  const isClosed = end < text.length;
  const goesOn = text.slice(from, end).includes('\n');
  // A text may go on over lines; one that takes in the fields after it is not meant to.
  if (goesOn && (!isClosed || likeField.test(text.slice(nextLine(text, from), end)))) {
    stop(from, 'the text that begins with this quote has none at its end', `add a ${quote} where the text ends`);
  }
  return isClosed ? end + 1 : end;
}

const closing: Readonly<Record<string, string>> = { '{': '}', '[': ']' };

/** @returns the place behind the bracket that ends it */
function endOfFlow({ text, open }: Page, from: number): number {
  const brackets: { readonly char: string; readonly offset: number }[] = [];
  const column = open.at(-1)?.column ?? -1;
  let at = from;
  while (at < text.length) {
    const char = text.charAt(at);
    if (char === '{' || char === '[') brackets.push({ char, offset: at });
    else if (char === '}' || char === ']') {
      const last = brackets.pop();
      const wanted = closing[last?.char ?? ''] ?? '';
      if (wanted !== char)
        stop(at, `this ${char} closes nothing`, `add the ${wanted} that closes the ${last?.char ?? ''} before it`);
      if (brackets.length === 0) return at + 1;
    } else if ((char === '"' || char === "'") && /[\s,:{[]/.test(text.charAt(at - 1))) at = endOfQuotes(text, at) - 1;
    else if (char === '#' && isBlank(text.charAt(at - 1))) at = endOfLine(text, at) - 1;
    else if (char === '\n' && isLeft(text, at + 1, column)) break;
    at += 1;
  }
  const last = brackets.at(-1);
  return stop(
    last?.offset ?? from,
    `this ${last?.char ?? ''} is not closed`,
    `add the ${closing[last?.char ?? ''] ?? ''} that closes it`,
  );
}

/** A line that is indented no deeper than the field with the bracket, or begins with a dash, is no more of it. */
function isLeft(text: string, lineStart: number, column: number): boolean {
  const line = text.slice(lineStart, endOfLine(text, lineStart));
  const at = /^ */.exec(line)?.[0].length ?? 0;
  return (
    column >= 0 &&
    at < line.length &&
    !'#}]'.includes(line.charAt(at)) &&
    (at <= column || line.slice(at).startsWith('- '))
  );
}
