import { addWord, isAtEnd, lineOf, look, nested, nextId, peek, ScriptStop, skip, take, type Cursor } from './cursor.js';
import { closeBracket, readExpression, wordOf } from './csh-expressions.js';
import { cshStop, readCshWord, textWord } from './csh-words.js';
import { literalOf, type Assignment, type Command, type Part, type Redirect, type Simple, type Word } from './tree.js';

/** Simple commands of csh(1), and its own ways to set variables. */

const skipBlanks = (cursor: Cursor): string => skip(cursor, /(?:[ \t]|\\\n)*/y);

/** A simple command, or commands in brackets, with where their output goes. */
export function readCshSimple(cursor: Cursor): Command | undefined {
  const line = lineOf(cursor);
  if (peek(cursor) === '(') {
    take(cursor);
    const body = nested(cursor, () => cursor.readList(cursor));
    if (peek(cursor) !== ')') throw new ScriptStop(line, '"(" has no end');
    take(cursor);
    const command: Command = { kind: 'group', line, isSubshell: true, body };
    const { redirects } = readWords(cursor, true);
    return redirects.length === 0 ? command : { kind: 'redirected', line, command, redirects };
  }
  const start = cursor.at;
  const name = look(cursor, /(?:set|setenv|alias|exit|shift|time|onintr|@)(?=[\s;(&|]|$)/y)?.[0];
  const own = name === undefined ? undefined : ownCommands[name];
  if (own !== undefined) {
    take(cursor, name?.length ?? 0);
    const made = own(cursor, line);
    if (made === undefined) return readCshSimple(cursor);
    return { ...simpleOf(cursor, line, start), ...made };
  }
  const { words, redirects } = readWords(cursor, false);
  if (words.length + redirects.length === 0) return undefined;
  if (/[({]/.test(peek(cursor))) throw cshStop(lineOf(cursor), 'a "(" stands where csh takes none');
  return { ...simpleOf(cursor, line, start), words, redirects };
}

const simpleOf = (cursor: Cursor, line: number, start: number): Simple => ({
  kind: 'simple',
  id: nextId(cursor),
  line,
  source: cursor.text.slice(start, cursor.at).trim(),
  assignments: [],
  words: [],
  redirects: [],
});

function readWords(cursor: Cursor, isBare: boolean): { readonly words: Word[]; readonly redirects: Redirect[] } {
  const words: Word[] = [];
  const redirects: Redirect[] = [];
  for (;;) {
    skipBlanks(cursor);
    if (peek(cursor) === '#') return { words, redirects };
    const redirect = readRedirect(cursor);
    if (redirect !== undefined) {
      redirects.push(redirect);
      continue;
    }
    const word = isBare ? undefined : readCshWord(cursor);
    if (word === undefined) return { words, redirects };
    addWord(cursor, words, word);
  }
}

/** `>& FILE` takes the error messages along, `>!` writes over a file; there is no way to name a descriptor. */
function readRedirect(cursor: Cursor): Redirect | undefined {
  const line = lineOf(cursor);
  const [whole, operator = ''] = look(cursor, /(<<|<|>>?&?)!?/y) ?? [];
  if (whole === undefined) return undefined;
  take(cursor, whole.length);
  skipBlanks(cursor);
  const none = textWord(line, '');
  if (operator === '<<') {
    // Its word is taken as it stands, and its quotes are part of it.
    const delimiter = skip(cursor, /[^\s;&|<>()]+/y);
    const redirect = { line, operator, descriptor: undefined, target: none };
    const isQuoted = /['"\\`]/.test(delimiter);
    cursor.pending.push({ delimiter, isStripped: false, isQuoted, line, redirect });
    return redirect;
  }
  const target = readCshWord(cursor);
  if (target === undefined) throw cshStop(line, `no file stands after "${whole}"`);
  const forBoth = operator === '>>&' ? '&>>' : operator === '>&' ? '&>' : operator;
  return { line, operator: forBoth, descriptor: undefined, target };
}

type Made = Pick<Simple, 'words'> | Pick<Simple, 'assignments'> | (Pick<Simple, 'words'> & Pick<Simple, 'assignments'>);

/** Undefined: the rest is a command of its own. */
const ownCommands: Readonly<Partial<Record<string, (cursor: Cursor, line: number) => Made | undefined>>> = {
  set: readSet,
  setenv: readSetenv,
  '@': readCount,
  alias: readAlias,
  exit: readExit,
  shift: (cursor, line) => {
    const [name, ...more] = readWords(cursor, false).words;
    if (name === undefined || name.source === 'argv') return { words: [textWord(line, 'shift', false)] };
    const variable = literalOf(name) ?? '';
    if (more.length > 0 || !/^[A-Za-z_]\w*$/.test(variable)) throw cshStop(line, 'this "shift" is not followed');
    const all = { kind: 'parameter', id: nextId(cursor), line, source: `$${variable}[2-]`, name: variable } as const;
    const [index, operand] = [textWord(line, '@'), textWord(line, '1')];
    const rest: Part = { ...all, index, operator: ':', operand, isQuoted: true };
    return {
      assignments: [{ name: variable, line, isAdded: false, value: [{ line, source: rest.source, parts: [rest] }] }],
    };
  },
  time: () => undefined,
  onintr: (cursor, line) => {
    const { words } = readWords(cursor, false);
    const isNothing = words.length === 0 || words[0]?.source === '-';
    return { words: isNothing ? [textWord(line, ':', false)] : [textWord(line, 'onintr', false), ...words] };
  },
};

/** `set name = value`, `set name = (words)`, `set name[2] = value`; several of them in one line. */
function readSet(cursor: Cursor, line: number): Made {
  const assignments: Assignment[] = [];
  for (;;) {
    skipBlanks(cursor);
    if (look(cursor, /-[rfl]+(?=[ \t])/y) !== null) {
      skip(cursor, /-[rfl]+/y);
      continue;
    }
    if (isAtEnd(cursor) || /[\n;&|)#]/.test(peek(cursor))) break;
    const name = skip(cursor, /[A-Za-z_]\w*/y);
    if (name === '') throw cshStop(line, 'a name of "set" is known only when the script runs');
    const index = readPlace(cursor, line);
    skipBlanks(cursor);
    const value = peek(cursor) === '=' ? readValue(cursor, line) : textWord(line, '');
    if (name === 'argv') {
      if (index !== undefined || assignments.length > 0) throw cshStop(line, 'this "set argv" is not followed');
      const values = 'source' in value ? [value] : value;
      return { words: [textWord(line, 'set', false), textWord(line, '--', false), ...values] };
    }
    if (name === 'noglob') return { words: [textWord(line, 'set', false), textWord(line, '-f', false)] };
    cursor.assigned.add(name);
    assignments.push({ name, line, isAdded: false, ...index, value });
  }
  return assignments.length === 0 ? { words: [textWord(line, 'set', false)] } : { assignments };
}

function readValue(cursor: Cursor, line: number): Word | readonly Word[] {
  take(cursor);
  skipBlanks(cursor);
  return peek(cursor) === '(' ? readBracketed(cursor, line) : (readCshWord(cursor) ?? textWord(line, ''));
}

/** The words between brackets. */
export function readBracketed(cursor: Cursor, line: number): readonly Word[] {
  take(cursor);
  const words: Word[] = [];
  for (;;) {
    skipBlanks(cursor);
    if (peek(cursor) === ')') break;
    const word = readCshWord(cursor);
    if (word === undefined) throw cshStop(line, '"(" has no end on its line');
    addWord(cursor, words, word);
  }
  take(cursor);
  return words;
}

/** `[2]` behind a name, counted from 1. */
function readPlace(cursor: Cursor, line: number): { readonly index: Word } | undefined {
  if (peek(cursor) !== '[') return undefined;
  const [whole, number] = look(cursor, /\[(\d+)\]/y) ?? [];
  if (whole === undefined || number === '0')
    throw cshStop(line, 'a place in a list that is not a number is not followed');
  take(cursor, whole.length);
  return { index: textWord(line, String(Number(number) - 1)) };
}

function readSetenv(cursor: Cursor, line: number): Made {
  const [name, value, ...more] = readWords(cursor, false).words;
  const variable = name === undefined ? undefined : literalOf(name);
  if (variable === undefined || more.length > 0) throw cshStop(line, 'this "setenv" is not followed');
  cursor.assigned.add(variable);
  return { assignments: [{ name: variable, line, isAdded: false, value: value ?? textWord(line, '') }] };
}

/** `@ n = $n + 1`, `@ n += 2`, `@ n++`. */
function readCount(cursor: Cursor, line: number): Made {
  const start = cursor.at;
  skipBlanks(cursor);
  const name = skip(cursor, /[A-Za-z_]\w*/y);
  if (name === '') {
    if (/[\n;]|^$/.test(peek(cursor))) return { words: [textWord(line, 'set', false)] };
    throw cshStop(line, 'the name that "@" sets is known only when the script runs');
  }
  const index = readPlace(cursor, line);
  skipBlanks(cursor);
  const operator = skip(cursor, /\+\+|--|[-+*/%]?=/y);
  if (operator === '') throw cshStop(line, 'this "@" is not followed');
  cursor.assigned.add(name);
  const place = index?.index ?? textWord(line, '@');
  const before: Part = {
    kind: 'parameter',
    id: nextId(cursor),
    line,
    source: `$${name}`,
    name,
    index: place,
    isQuoted: true,
  };
  const sign = (text: string): Part => ({ kind: 'text', text, isQuoted: true });
  const isStep = operator === '++' || operator === '--';
  const right: Word = isStep ? textWord(line, '1') : wordOf(readExpression(cursor, true));
  if ('<>'.includes(peek(cursor)) && !isAtEnd(cursor)) {
    throw cshStop(line, 'the result of "@" goes to a file here: put brackets around the comparison');
  }
  const source = cursor.text.slice(start, cursor.at).trim();
  const isPlain = operator === '=';
  const parts = isPlain ? right.parts : [before, sign(`${operator.charAt(0)}(`), ...right.parts, sign(')')];
  const word: Word = { line, source, parts };
  const value: Word = { line, source, parts: [{ kind: 'arithmetic', source, word, isQuoted: true }] };
  return { assignments: [{ name, line, isAdded: false, ...index, value }] };
}

/** `alias name words`: as sh(1) has it, `name=words`. */
function readAlias(cursor: Cursor, line: number): Made {
  const [name, ...rest] = readWords(cursor, false).words;
  const alias = textWord(line, 'alias', false);
  if (name === undefined || rest.length === 0) return { words: [alias] };
  const parts = rest.flatMap(({ parts: some }, at): readonly Part[] =>
    at === 0 ? some : [{ kind: 'text', text: ' ', isQuoted: true }, ...some],
  );
  if (parts.some((part) => part.kind === 'text' && part.text.includes('!'))) {
    throw cshStop(line, 'an alias that takes its arguments apart is not followed');
  }
  const source = `${name.source}=`;
  const text: Part = { kind: 'text', text: '=', isQuoted: true };
  return { words: [alias, { line, source, parts: [...name.parts, text, ...parts] }] };
}

/** `exit`, `exit 1`, `exit (1)`. */
function readExit(cursor: Cursor, line: number): Made {
  skipBlanks(cursor);
  const name = textWord(line, 'exit', false);
  if (peek(cursor) !== '(') return { words: [name, ...readWords(cursor, false).words] };
  take(cursor);
  const value = wordOf(nested(cursor, () => readExpression(cursor)));
  closeBracket(cursor, line);
  return { words: [name, value] };
}
