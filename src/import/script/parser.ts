import { addAll } from '../../base/long-lists.js';
import {
  addWord,
  closingAt,
  isAtEnd,
  lineOf,
  look,
  nested,
  nextId,
  parsed,
  peek,
  ScriptStop,
  skip,
  skipBlanks,
  take,
  within,
  type Cursor,
  type ParseOptions,
} from './cursor.js';
import { readDocuments, readRedirect } from './redirects.js';
import { literalOf, type AndOr, type Assignment, type CaseItem, type Command, type IfClause } from './tree.js';
import type { List, Parsed, Redirect, Word } from './tree.js';
import { readIndex, readText, readWord } from './words.js';

/** Words that begin a command as a whole, or end one. */
const closers = ['then', 'elif', 'else', 'fi', 'do', 'done', 'esac', '}'];

/** Commands whose words may be assignments. */
const assigners = ['export', 'readonly', 'local', 'declare', 'typeset'];

/**
 * Reads sh(1), and what people use of bash besides. It is tolerant: what ends too early, or is closed without having
 * been opened, is passed over; only a quote or bracket without an end makes a script unreadable, since nobody can say
 * what would belong to it. Linear in the text, whose nesting is limited.
 */
export const parseShell = (text: string, options: ParseOptions = {}): Parsed =>
  parsed(text, options, { readAll, readList: readNestedList, readText });

/** To the end of the text; brackets that close nothing are passed over. */
function readAll(cursor: Cursor): List {
  const commands: Command[] = [];
  for (;;) {
    addAll(commands, readList(cursor));
    if (isAtEnd(cursor)) break;
    take(cursor);
  }
  readDocuments(cursor);
  return commands;
}

/** Up to the closing bracket of `$(…)`; or all of a text of its own. */
function readNestedList(cursor: Cursor): List {
  const commands = readList(cursor);
  if (isAtEnd(cursor)) readDocuments(cursor);
  return commands;
}

/** Blanks, comments, ends of lines and of commands. */
function skipSeparators(cursor: Cursor): void {
  for (;;) {
    skipBlanks(cursor);
    if (peek(cursor) === '\n') {
      take(cursor);
      readDocuments(cursor);
    } else if (peek(cursor) === '&' || (peek(cursor) === ';' && !/[;&]/.test(peek(cursor, 1)))) {
      take(cursor);
    } else return;
  }
}

/** The unquoted word that begins here, for telling reserved words; not taken. */
const plainWord = (cursor: Cursor): string => {
  const word = look(cursor, /[^\s;&|()<>"'`$\\]+/y)?.[0] ?? '';
  return /["'`$\\]/.test(peek(cursor, word.length)) ? '' : word;
};

/** Commands up to one of the words, `)`, `;;`, `|` or the end. */
function readList(cursor: Cursor, ...ends: readonly string[]): List {
  const commands: Command[] = [];
  for (;;) {
    skipSeparators(cursor);
    if (isAtEnd(cursor) || ';)|'.includes(peek(cursor))) return commands;
    const word = plainWord(cursor);
    if (ends.includes(word)) return commands;
    // One that closes what is open further out is left to it; a stray one is passed over.
    if (closers.includes(word)) {
      if (cursor.depth > 0 && ends.length > 0) return commands;
      take(cursor, word.length);
      continue;
    }
    const line = lineOf(cursor);
    const command = nested(cursor, () => readAndOr(cursor));
    if (command === undefined) return commands;
    skipBlanks(cursor);
    const isBackground = peek(cursor) === '&' && peek(cursor, 1) !== '&';
    commands.push(isBackground ? { kind: 'background', line, command } : command);
  }
}

function readAndOr(cursor: Cursor): Command | undefined {
  const line = lineOf(cursor);
  const first = readPipeline(cursor);
  if (first === undefined) return undefined;
  const rest: AndOr[] = [];
  for (;;) {
    skipBlanks(cursor);
    const operator = look(cursor, /&&|\|\|/y)?.[0] as AndOr['operator'] | undefined;
    if (operator === undefined) break;
    take(cursor, 2);
    skipLines(cursor);
    const command = readPipeline(cursor);
    if (command === undefined) break;
    rest.push({ operator, command });
  }
  return rest.length === 0 ? first : { kind: 'and-or', line, first, rest };
}

function skipLines(cursor: Cursor): void {
  for (;;) {
    skipBlanks(cursor);
    if (peek(cursor) !== '\n') return;
    take(cursor);
    readDocuments(cursor);
  }
}

function readPipeline(cursor: Cursor): Command | undefined {
  const line = lineOf(cursor);
  let isNegated = false;
  for (;;) {
    skipBlanks(cursor);
    const word = plainWord(cursor);
    if (word !== '!' && word !== 'time') break;
    take(cursor, word.length);
    if (word === '!') isNegated = !isNegated;
    else if (look(cursor, /[ \t]+-p\b/y) !== null) skip(cursor, /[ \t]+-p/y);
  }
  const commands: Command[] = [];
  for (;;) {
    const command = readCommand(cursor);
    if (command === undefined) break;
    commands.push(command);
    skipBlanks(cursor);
    if (peek(cursor) !== '|' || peek(cursor, 1) === '|') break;
    take(cursor, peek(cursor, 1) === '&' ? 2 : 1);
    skipLines(cursor);
  }
  const [only] = commands;
  if (only === undefined) return undefined;
  return commands.length === 1 && !isNegated ? only : { kind: 'pipeline', line, isNegated, commands };
}

function readCommand(cursor: Cursor): Command | undefined {
  skipBlanks(cursor);
  const command = readCompound(cursor) ?? readSimple(cursor);
  if (command === undefined || command.kind === 'simple') return command;
  const redirects: Redirect[] = [];
  for (;;) {
    skipBlanks(cursor);
    const redirect = readRedirect(cursor);
    if (redirect === undefined) break;
    redirects.push(redirect);
  }
  return redirects.length === 0 ? command : { kind: 'redirected', line: command.line, command, redirects };
}

/** What a reserved word or a bracket begins; undefined: a simple command, or nothing. */
function readCompound(cursor: Cursor): Command | undefined {
  const line = lineOf(cursor);
  if (peek(cursor) === '(') return readParentheses(cursor, line);
  const word = plainWord(cursor);
  const begin = (): void => void take(cursor, word.length);
  switch (word) {
    case '{': {
      begin();
      const body = readList(cursor, '}');
      end(cursor, '}');
      return { kind: 'group', line, isSubshell: false, body };
    }
    case 'if':
      begin();
      return readIf(cursor, line);
    case 'while':
    case 'until': {
      begin();
      const condition = readList(cursor, 'do');
      const body = readDo(cursor);
      return { kind: 'loop', id: nextId(cursor), line, isUntil: word === 'until', condition, body };
    }
    case 'for':
      begin();
      return readFor(cursor, line);
    case 'select':
      begin();
      return readSelect(cursor, line);
    case 'case':
      begin();
      return readCase(cursor, line);
    case 'function': {
      begin();
      skipBlanks(cursor);
      const name = skip(cursor, /[^\s(){};&|<>]+/y);
      skip(cursor, /[ \t]*\([ \t]*\)/y);
      return readFunction(cursor, line, name);
    }
    default:
      return undefined;
  }
}

function end(cursor: Cursor, word: string): void {
  if (plainWord(cursor) === word) take(cursor, word.length);
}

function readFunction(cursor: Cursor, line: number, name: string): Command {
  skipLines(cursor);
  const body = nested(cursor, () => readCommand(cursor));
  return { kind: 'function', line, name, body: body ?? { kind: 'group', line, isSubshell: false, body: [] } };
}

function readParentheses(cursor: Cursor, line: number): Command {
  if (peek(cursor, 1) === '(') {
    const close = closingAt(cursor.text, cursor.at + 2, '(', ')');
    if (close !== -1 && cursor.text.charAt(close + 1) === ')') {
      const inner = cursor.text.slice(cursor.at + 2, close);
      const word = readText(within(cursor, inner, cursor.line));
      take(cursor, close + 2 - cursor.at);
      return { kind: 'arithmetic', line, word };
    }
  }
  take(cursor);
  const body = readList(cursor);
  if (peek(cursor) !== ')') throw new ScriptStop(line, '"(" has no end');
  take(cursor);
  return { kind: 'group', line, isSubshell: true, body };
}

function readIf(cursor: Cursor, line: number): Command {
  const clauses: IfClause[] = [];
  let otherwise: List = [];
  for (let next = 'elif'; next === 'elif';) {
    const condition = readList(cursor, 'then', 'fi');
    end(cursor, 'then');
    const body = readList(cursor, 'elif', 'else', 'fi');
    clauses.push({ condition, body });
    next = plainWord(cursor);
    if (next === 'elif') take(cursor, 4);
  }
  if (plainWord(cursor) === 'else') {
    take(cursor, 4);
    otherwise = readList(cursor, 'fi');
  }
  end(cursor, 'fi');
  return { kind: 'if', line, clauses, otherwise };
}

/** `do …; done`, or braces as bash takes them. */
function readDo(cursor: Cursor): List {
  skipSeparators(cursor);
  const isBraced = plainWord(cursor) === '{';
  const close = isBraced ? '}' : 'done';
  end(cursor, isBraced ? '{' : 'do');
  const body = readList(cursor, close);
  end(cursor, close);
  return body;
}

function readFor(cursor: Cursor, line: number): Command {
  skipBlanks(cursor);
  if (look(cursor, /\(\(/y) !== null) {
    const close = closingAt(cursor.text, cursor.at + 2, '(', ')');
    if (close === -1) throw new ScriptStop(line, '"(" has no end');
    const parts = cursor.text.slice(cursor.at + 2, close).split(';');
    const part = (at: number): Word => readText(within(cursor, parts[at] ?? '', cursor.line));
    const [start, condition, step] = [part(0), part(1), part(2)];
    take(cursor, close + 2 - cursor.at);
    const body = readDo(cursor);
    return { kind: 'counting', line, start, condition, step, body };
  }
  const name = skip(cursor, /\w+/y);
  cursor.assigned.add(name);
  skipLines(cursor);
  const words: Word[] | undefined = plainWord(cursor) === 'in' ? [] : undefined;
  if (words !== undefined) {
    take(cursor, 2);
    addAll(words, readWords(cursor));
  }
  const body = readDo(cursor);
  return { kind: 'for', id: nextId(cursor), line, name, ...(words === undefined ? {} : { words }), body };
}

/** `select`: as often as the user answers, with what nobody knows before. */
function readSelect(cursor: Cursor, line: number): Command {
  const chosen = readFor(cursor, line);
  if (chosen.kind !== 'for') return chosen;
  const word = (text: string): Word => ({ line, source: text, parts: [{ kind: 'text', text, isQuoted: false }] });
  const asked: Command = {
    kind: 'simple',
    id: nextId(cursor),
    line,
    source: `read ${chosen.name}`,
    assignments: [],
    words: [word('read'), word(chosen.name)],
    redirects: [],
  };
  return { kind: 'loop', id: chosen.id, line, isUntil: false, condition: [asked], body: chosen.body };
}

/** Words up to the end of the command. */
function readWords(cursor: Cursor): Word[] {
  const words: Word[] = [];
  for (;;) {
    skipBlanks(cursor);
    const word = readWord(cursor);
    if (word === undefined) return words;
    addWord(cursor, words, word);
  }
}

function readCase(cursor: Cursor, line: number): Command {
  const id = nextId(cursor);
  skipBlanks(cursor);
  const subject = readWord(cursor) ?? { line, source: '', parts: [] };
  skipLines(cursor);
  end(cursor, 'in');
  const items: CaseItem[] = [];
  for (;;) {
    skipSeparators(cursor);
    skip(cursor, /(?:;&*\s*)+/y);
    if (isAtEnd(cursor) || plainWord(cursor) === 'esac') break;
    if (peek(cursor) === '(') take(cursor);
    const patterns: Word[] = [];
    for (;;) {
      skipBlanks(cursor);
      const pattern = readWord(cursor);
      if (pattern !== undefined) patterns.push(pattern);
      skipBlanks(cursor);
      if (peek(cursor) !== '|') break;
      take(cursor);
    }
    if (peek(cursor) === ')') take(cursor);
    else if (patterns.length === 0) break;
    const body = nested(cursor, () => readList(cursor, 'esac'));
    items.push({ patterns, body, isOpen: look(cursor, /;;?&/y) !== null });
  }
  end(cursor, 'esac');
  return { kind: 'case', id, line, subject, items };
}

/** An assignment; undefined: none begins here. */
function readAssignment(cursor: Cursor): Assignment | undefined {
  const line = lineOf(cursor);
  const [, name] = look(cursor, /([A-Za-z_]\w*)(?:\[[^\]\n]*\])?\+?=/y) ?? [];
  if (name === undefined) return undefined;
  take(cursor, name.length);
  const index = peek(cursor) === '[' ? readIndex(cursor) : undefined;
  const isAdded = peek(cursor) === '+';
  take(cursor, isAdded ? 2 : 1);
  const more = index === undefined ? {} : { index };
  if (peek(cursor) !== '(') {
    const value = readWord(cursor) ?? { line, source: '', parts: [] };
    return { name, line, isAdded, ...more, value };
  }
  take(cursor);
  const value: Word[] = [];
  for (;;) {
    skipLines(cursor);
    if (isAtEnd(cursor)) throw new ScriptStop(line, '"(" has no end');
    if (peek(cursor) === ')') break;
    value.push(readWord(cursor) ?? { line, source: '', parts: [{ kind: 'text', text: take(cursor), isQuoted: true }] });
  }
  take(cursor);
  return { name, line, isAdded, ...more, value };
}

function readSimple(cursor: Cursor): Command | undefined {
  const [start, line] = [cursor.at, lineOf(cursor)];
  const assignments: Assignment[] = [];
  const words: Word[] = [];
  const redirects: Redirect[] = [];
  let first: string | undefined;
  for (;;) {
    skipBlanks(cursor);
    const redirect = readRedirect(cursor);
    if (redirect !== undefined) {
      redirects.push(redirect);
      continue;
    }
    if (words.length === 0 || assigners.includes(first ?? '')) {
      const assignment = readAssignment(cursor);
      if (assignment !== undefined) {
        assignments.push(assignment);
        continue;
      }
    }
    const word = readWord(cursor);
    if (word === undefined) break;
    addWord(cursor, words, word);
    first ??= literalOf(word) ?? '';
    if (words.length === 1 && first === '[[') addAll(words, readConditional(cursor));
    if (words.length === 1 && look(cursor, /[ \t]*\([ \t]*\)/y) !== null) {
      skip(cursor, /[ \t]*\([ \t]*\)/y);
      return readFunction(cursor, line, first);
    }
    if (['read', 'getopts', 'let', 'printf', 'unset', 'set', 'setenv', ...assigners].includes(first)) {
      for (const name of /^[A-Za-z_]\w*/.exec(literalOf(word) ?? '') ?? []) cursor.assigned.add(name);
    }
  }
  if (words.length + assignments.length + redirects.length === 0) return undefined;
  // In front of a command it is set for that command alone.
  if (words.length === 0 || assigners.includes(first ?? '')) {
    for (const { name } of assignments) cursor.assigned.add(name);
  }
  const source = cursor.text.slice(start, cursor.at).trim();
  return { kind: 'simple', id: nextId(cursor), line, source, assignments, words, redirects };
}

/** The words of `[[ … ]]`, operators and brackets among them. */
function readConditional(cursor: Cursor): readonly Word[] {
  const words: Word[] = [];
  for (;;) {
    skipLines(cursor);
    const line = lineOf(cursor);
    const operator = look(cursor, /&&|\|\||[()<>]/y)?.[0];
    const isRegex = literalOf(words.at(-1) ?? { line, source: '', parts: [] }) === '=~';
    if (operator !== undefined && !isRegex) {
      take(cursor, operator.length);
      words.push({ line, source: operator, parts: [{ kind: 'text', text: operator, isQuoted: false }] });
      continue;
    }
    const word = readWord(cursor, isRegex ? ' \t\n' : ' \t\n;&|()<>');
    if (word === undefined) return words;
    addWord(cursor, words, word);
    if (word.source === ']]') return words;
  }
}
