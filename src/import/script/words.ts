import {
  closeQuote,
  closingAt,
  isAtEnd,
  lineOf,
  look,
  nested,
  nextId,
  peek,
  ScriptStop,
  skip,
  take,
  unclosedQuote,
  within,
  type Cursor,
} from './cursor.js';
import type { Parameter, Part, Word } from './tree.js';

const blanksAndOperators = ' \t\n;&|()<>';

/** One word of a command; undefined: none begins here. */
export function readWord(cursor: Cursor, ends: string = blanksAndOperators): Word | undefined {
  const [start, line] = [cursor.at, lineOf(cursor)];
  const parts: Part[] = [];
  while (!isAtEnd(cursor)) {
    const isFile = parts.length === 0 && ends === blanksAndOperators && look(cursor, /[<>]\(/y) !== null;
    if (isFile) parts.push(nested(cursor, () => readProcess(cursor)));
    else if (ends.includes(peek(cursor))) break;
    else readPart(cursor, parts);
  }
  return parts.length === 0 && cursor.at === start
    ? undefined
    : { line, source: cursor.text.slice(start, cursor.at), parts };
}

export const addText = (parts: Part[], text: string, isQuoted: boolean): void => {
  const last = parts.at(-1);
  if (last?.kind === 'text' && last.isQuoted === isQuoted) {
    parts[parts.length - 1] = { ...last, text: last.text + text };
  } else {
    parts.push({ kind: 'text', text, isQuoted });
  }
};

function readPart(cursor: Cursor, parts: Part[]): void {
  const line = lineOf(cursor);
  const char = peek(cursor);
  if (char === "'") {
    addText(parts, singleQuoted(cursor, line), true);
  } else if (char === '"') {
    take(cursor);
    doubleQuoted(cursor, parts, line);
  } else if (char === '$') {
    readDollar(cursor, parts, false);
  } else if (char === '`') {
    parts.push(readBackquotes(cursor, false, outOfBackquotes));
  } else if (char === '\\') {
    take(cursor);
    const broken = look(cursor, /[ \t]+(?=\n|$)/y);
    if (broken !== null) cursor.brokenLines.add(line);
    const next = take(cursor);
    if (next !== '\n') addText(parts, next, true);
  } else {
    const plain = look(cursor, /[^\s'"$`\\;&|()<>{}[\]/:]+/y)?.[0].length ?? 1;
    addText(parts, take(cursor, plain), false);
  }
}

function singleQuoted(cursor: Cursor, line: number): string {
  const end = cursor.text.indexOf("'", cursor.at + 1);
  if (end === -1) throw unclosedQuote(cursor, 'a single quote', line);
  const taken = take(cursor, end + 1 - cursor.at).slice(1, -1);
  closeQuote(cursor, 'a single quote', line);
  return taken;
}

/** Up to the closing quote, which is taken. */
function doubleQuoted(cursor: Cursor, parts: Part[], line: number): void {
  const count = parts.length;
  for (;;) {
    if (isAtEnd(cursor)) throw unclosedQuote(cursor, 'a double quote', line);
    const char = peek(cursor);
    if (char === '"') {
      take(cursor);
      closeQuote(cursor, 'a double quote', line);
      // `""` is an empty word, `"$@"` without arguments is none.
      if (parts.length === count) addText(parts, '', true);
      return;
    }
    readQuotedPart(cursor, parts, '"');
  }
}

/** What keeps its meaning in double quotes, in here-documents and in the like. */
function readQuotedPart(cursor: Cursor, parts: Part[], quote: string): void {
  const char = peek(cursor);
  if (char === '$') readDollar(cursor, parts, true);
  else if (char === '`') parts.push(readBackquotes(cursor, true, outOfBackquotes));
  else if (char === '\\' && (`${quote}\\$\`\n`.includes(peek(cursor, 1)) || peek(cursor, 1) === '')) {
    take(cursor);
    addText(parts, take(cursor).replace('\n', ''), true);
  } else {
    const [plain = char] = look(cursor, quote === '"' ? /[^"$`\\]+/y : /[^$`\\]+/y) ?? [];
    addText(parts, take(cursor, plain.length), true);
  }
}

/** Text in which only expansions count: a here-document, or what stands in `$((…))`. */
export function readText(cursor: Cursor): Word {
  const [start, line] = [cursor.at, lineOf(cursor)];
  const parts: Part[] = [];
  addText(parts, '', true);
  while (!isAtEnd(cursor)) readQuotedPart(cursor, parts, '');
  return { line, source: cursor.text.slice(start), parts };
}

/** @param unescape what the shell makes of backslashes between the backquotes */
export function readBackquotes(cursor: Cursor, isQuoted: boolean, unescape: (inner: string) => string): Part {
  const [start, line, told] = [cursor.at, cursor.line, lineOf(cursor)];
  take(cursor);
  const [inner = ''] = look(cursor, /(?:[^`\\]|\\[^])*/y) ?? [];
  take(cursor, inner.length);
  if (peek(cursor) !== '`') throw unclosedQuote(cursor, 'a backquote', told);
  take(cursor);
  closeQuote(cursor, 'a backquote', told);
  const body = nested(cursor, () => cursor.readList(within(cursor, unescape(inner), line)));
  return { kind: 'command', source: cursor.text.slice(start, cursor.at), body, isQuoted };
}

const outOfBackquotes = (inner: string): string => inner.replaceAll(/\\([\\`$])/g, '$1');

/** `<(…)` and `>(…)`. */
function readProcess(cursor: Cursor): Part {
  const [start, line] = [cursor.at, lineOf(cursor)];
  take(cursor, 2);
  const body = cursor.readList(cursor);
  if (peek(cursor) !== ')') throw new ScriptStop(line, '"(" has no end');
  take(cursor);
  return { kind: 'command', source: cursor.text.slice(start, cursor.at), body, isFile: true, isQuoted: true };
}

/** What a `$` begins. */
function readDollar(cursor: Cursor, parts: Part[], isQuoted: boolean): void {
  const [start, line] = [cursor.at, lineOf(cursor)];
  take(cursor);
  const simple = look(cursor, /[A-Za-z_]\w*|[0-9@*#?$!-]/y)?.[0];
  if (simple !== undefined) {
    take(cursor, simple.length);
    const source = cursor.text.slice(start, cursor.at);
    parts.push({
      kind: 'parameter',
      id: nextId(cursor),
      line,
      source,
      name: simple,
      isQuoted,
    });
  } else if (peek(cursor) === '(') {
    parts.push(nested(cursor, () => readBracket(cursor, start, isQuoted)));
  } else if (peek(cursor) === '{') {
    parts.push(nested(cursor, () => readBraces(cursor, start, isQuoted)));
  } else if (peek(cursor) === "'" && !isQuoted) {
    const [raw] = look(cursor, /'(?:[^'\\]|\\[^])*'/y) ?? [];
    if (raw === undefined) throw unclosedQuote(cursor, 'a single quote', line);
    addText(parts, unescaped(take(cursor, raw.length).slice(1, -1)), true);
    closeQuote(cursor, 'a single quote', line);
  } else if (peek(cursor) === '"' && !isQuoted) {
    take(cursor);
    doubleQuoted(cursor, parts, line);
  } else {
    addText(parts, '$', true);
  }
}

const escapes: Readonly<Record<string, string>> = {
  n: '\n',
  t: '\t',
  r: '\r',
  a: '\x07',
  b: '\b',
  f: '\f',
  v: '\v',
};

/** The escapes of `$'…'` and printf(1). */
export const unescaped = (text: string): string =>
  text.replaceAll(/\\(?:([ntrabfv])|([0-7]{1,3})|x([0-9A-Fa-f]{1,2})|([^]))/g, (...found) => {
    const [, letter, octal, hex, other = ''] = found as (string | undefined)[];
    if (letter !== undefined) return escapes[letter] ?? '';
    if (octal !== undefined) return String.fromCharCode(Number.parseInt(octal, 8));
    return hex === undefined ? other : String.fromCharCode(Number.parseInt(hex, 16));
  });

/** `$(…)` and `$((…))`; the `$` is taken. */
function readBracket(cursor: Cursor, start: number, isQuoted: boolean): Part {
  const line = lineOf(cursor);
  if (peek(cursor, 1) === '(') {
    const end = closingAt(cursor.text, cursor.at + 2, '(', ')');
    if (end !== -1 && cursor.text.charAt(end + 1) === ')') {
      const inner = cursor.text.slice(cursor.at + 2, end);
      const word = readText(within(cursor, inner, cursor.line));
      take(cursor, end + 2 - cursor.at);
      return {
        kind: 'arithmetic',
        source: cursor.text.slice(start, cursor.at),
        word,
        isQuoted,
      };
    }
  }
  take(cursor);
  const body = cursor.readList(cursor);
  if (peek(cursor) !== ')') throw new ScriptStop(line, '"(" has no end');
  take(cursor);
  return {
    kind: 'command',
    source: cursor.text.slice(start, cursor.at),
    body,
    isQuoted,
  };
}

const operators = /:?[-=?+]|##?|%%?|\/\/?|\^\^?|,,?|:/y;

/** `${…}`; the `$` is taken. */
function readBraces(cursor: Cursor, start: number, isQuoted: boolean): Parameter {
  const line = lineOf(cursor);
  take(cursor);
  const prefix = look(cursor, /[#!](?=[A-Za-z_0-9@*])/y)?.[0] as '#' | '!' | undefined;
  if (prefix !== undefined) take(cursor);
  const name = skip(cursor, /[A-Za-z_]\w*|\d+|[@*#?$!-]/y);
  const index = peek(cursor) === '[' && name !== '' ? readIndex(cursor) : undefined;
  const operator = name === '' ? '' : skip(cursor, operators);
  const isReplaced = operator.startsWith('/');
  // A pattern is one in double quotes, too: "${name%.*}".
  const isPattern = /^[#%/^,]/.test(operator);
  const operand = readOperand(cursor, isQuoted && !isPattern, isReplaced, line);
  let replacement: Word | undefined;
  if (isReplaced && peek(cursor) === '/') {
    take(cursor);
    replacement = readOperand(cursor, isQuoted, false, line);
  }
  take(cursor);
  const isOdd = operator === '' && operand.source !== '';
  if (/^:?=$/.test(operator)) cursor.assigned.add(name);
  return {
    kind: 'parameter',
    id: nextId(cursor),
    line,
    source: cursor.text.slice(start, cursor.at),
    name: isOdd ? '' : name,
    ...(prefix === undefined ? {} : { prefix }),
    ...(index === undefined ? {} : { index }),
    ...(operator === '' ? {} : { operator, operand }),
    ...(replacement === undefined ? {} : { replacement }),
    isQuoted,
  };
}

export function readIndex(cursor: Cursor): Word | undefined {
  take(cursor);
  const index = readWord(cursor, ']\n');
  if (peek(cursor) === ']') take(cursor);
  return index;
}

/** Up to the closing brace, or to the slash in front of a replacement; neither is taken. */
function readOperand(cursor: Cursor, isQuoted: boolean, toSlash: boolean, line: number): Word {
  const start = cursor.at;
  const parts: Part[] = [];
  while (peek(cursor) !== '}' && !(toSlash && peek(cursor) === '/')) {
    if (isAtEnd(cursor)) throw new ScriptStop(line, '"{" has no end');
    const char = peek(cursor);
    if (char === '"') {
      take(cursor);
      doubleQuoted(cursor, parts, line);
    } else if (isQuoted && !'\\$`'.includes(char)) {
      addText(parts, take(cursor), true);
    } else readPart(cursor, parts);
  }
  return { line, source: cursor.text.slice(start, cursor.at), parts };
}
