import {
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
  type Cursor,
  type ParseOptions,
} from './cursor.js';
import { closeBracket, conditionOf, isLineEnd, readExpression } from './csh-expressions.js';
import { readBracketed, readCshSimple } from './csh-simple.js';
import { cshStop, readCshText, readCshWord, textWord } from './csh-words.js';
import { readDocuments } from './redirects.js';
import type { AndOr, CaseItem, Command, IfClause, List, Parsed, Word } from './tree.js';

/**
 * Reads csh(1) into the tree of sh(1): its lists are arrays, its expressions are tests, so that all that follows a script
 * is the same for both. What cannot be said in that tree is refused where it stands.
 */
export const parseCsh = (text: string, options: ParseOptions = {}): Parsed =>
  parsed(text, options, { readAll, readList: readNestedList, readText: readCshText });

function readAll(cursor: Cursor): List {
  for (const [, name = ''] of cursor.text.matchAll(/\b(?:set|setenv|foreach|@)[ \t]+(\w+)/g)) cursor.assigned.add(name);
  const commands = readNestedList(cursor);
  if (!isAtEnd(cursor)) throw cshStop(lineOf(cursor), `a "${peek(cursor)}" stands where csh takes none`);
  return commands;
}

function readNestedList(cursor: Cursor): List {
  const commands = readList(cursor);
  if (isAtEnd(cursor)) readDocuments(cursor);
  return commands;
}

function skipSeparators(cursor: Cursor): void {
  for (;;) {
    skipBlanks(cursor);
    if (peek(cursor) === '\n') {
      take(cursor);
      readDocuments(cursor);
    } else if (peek(cursor) === ';') take(cursor);
    else return;
  }
}

/** Words that end what another one has begun. */
const closers = ['else', 'endif', 'end', 'endsw', 'case', 'default'];

/** The word that begins here, as far as it may be a word of the language. */
const keyword = (cursor: Cursor): string => look(cursor, /[a-z@]+(?=[\s(:;]|$)/y)?.[0] ?? '';

/** Commands up to one of the words, a closing bracket, or the end. */
function readList(cursor: Cursor, ...ends: readonly string[]): List {
  const commands: Command[] = [];
  for (;;) {
    skipSeparators(cursor);
    if (isAtEnd(cursor) || peek(cursor) === ')') return commands;
    const word = keyword(cursor);
    if (ends.includes(word)) return commands;
    if (closers.includes(word)) {
      if (ends.length > 0) return commands;
      // What closes nothing is passed over, as csh does.
      skip(cursor, /[^\n]*/y);
      continue;
    }
    const label = look(cursor, /[A-Za-z_]\w*:[ \t]*(?=\n|$)/y)?.[0];
    if (label !== undefined) {
      take(cursor, label.length);
      continue;
    }
    const line = lineOf(cursor);
    const before = cursor.at;
    const command = nested(cursor, () => readAndOr(cursor));
    skipBlanks(cursor);
    if (peek(cursor) === '&') {
      take(cursor);
      if (command !== undefined) commands.push({ kind: 'background', line, command });
    } else if (command !== undefined) commands.push(command);
    if (cursor.at === before) throw cshStop(line, `a "${peek(cursor)}" stands where csh takes none`);
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
    const command = readPipeline(cursor);
    if (command === undefined) throw cshStop(line, `nothing stands after "${operator}"`);
    rest.push({ operator, command });
  }
  return rest.length === 0 ? first : { kind: 'and-or', line, first, rest };
}

function readPipeline(cursor: Cursor): Command | undefined {
  const line = lineOf(cursor);
  const commands: Command[] = [];
  for (;;) {
    skipBlanks(cursor);
    const command = readCommand(cursor);
    if (command === undefined) break;
    commands.push(command);
    skipBlanks(cursor);
    if (peek(cursor) !== '|' || peek(cursor, 1) === '|') break;
    take(cursor, peek(cursor, 1) === '&' ? 2 : 1);
  }
  const [only] = commands;
  return commands.length > 1 ? { kind: 'pipeline', line, isNegated: false, commands } : only;
}

function readCommand(cursor: Cursor): Command | undefined {
  const line = lineOf(cursor);
  const word = keyword(cursor);
  const begin = (): void => void take(cursor, word.length);
  switch (word) {
    case 'if':
      begin();
      return readIf(cursor, line);
    case 'while':
      begin();
      return readWhile(cursor, line);
    case 'foreach':
      begin();
      return readForeach(cursor, line);
    case 'switch':
      begin();
      return readSwitch(cursor, line);
    case 'repeat':
      begin();
      return readRepeat(cursor, line);
    case 'goto':
      throw cshStop(line, 'goto is not followed');
    default:
      return readCshSimple(cursor);
  }
}

/** `( expression )`. */
function readCondition(cursor: Cursor, line: number): Command {
  skipBlanks(cursor);
  // `if !(…)` and `if ! (…)` have no brackets around the whole.
  if (peek(cursor) !== '(') {
    if (peek(cursor) !== '!') throw cshStop(line, 'an expression in brackets is missing');
    return conditionOf(cursor, readExpression(cursor));
  }
  take(cursor);
  const expression = nested(cursor, () => readExpression(cursor));
  closeBracket(cursor, line);
  return conditionOf(cursor, expression);
}

function close(cursor: Cursor, word: string, opened: string, line: number): void {
  if (keyword(cursor) !== word) throw new ScriptStop(line, `"${opened}" has no "${word}"`);
  take(cursor, word.length);
  if (!isLineEnd(cursor)) throw cshStop(lineOf(cursor), `csh takes nothing after "${word}"`);
}

function readIf(cursor: Cursor, line: number): Command {
  const clauses: IfClause[] = [];
  let otherwise: List = [];
  const condition = [readCondition(cursor, line)];
  if (!takeThen(cursor)) {
    const command = readCommand(cursor);
    if (command === undefined) throw cshStop(line, 'neither "then" nor a command stands after the condition');
    return { kind: 'if', line, clauses: [{ condition, body: [command] }], otherwise };
  }
  clauses.push({ condition, body: readList(cursor, 'else', 'endif') });
  while (keyword(cursor) === 'else') {
    take(cursor, 4);
    const at = lineOf(cursor);
    skipBlanks(cursor);
    if (keyword(cursor) !== 'if') {
      otherwise = readList(cursor, 'endif');
      break;
    }
    take(cursor, 2);
    const next = [readCondition(cursor, at)];
    if (!takeThen(cursor)) throw cshStop(at, '"else if" without "then" is not followed');
    clauses.push({ condition: next, body: readList(cursor, 'else', 'endif') });
  }
  close(cursor, 'endif', 'if', line);
  return { kind: 'if', line, clauses, otherwise };
}

function takeThen(cursor: Cursor): boolean {
  skipBlanks(cursor);
  if (keyword(cursor) !== 'then' && look(cursor, /then$/y) === null) return false;
  take(cursor, 4);
  return true;
}

function readWhile(cursor: Cursor, line: number): Command {
  const condition = [readCondition(cursor, line)];
  const body = readList(cursor, 'end');
  close(cursor, 'end', 'while', line);
  return { kind: 'loop', id: nextId(cursor), line, isUntil: false, condition, body };
}

function readForeach(cursor: Cursor, line: number): Command {
  skipBlanks(cursor);
  const name = skip(cursor, /[A-Za-z_]\w*/y);
  skipBlanks(cursor);
  if (name === '' || peek(cursor) !== '(') throw cshStop(line, 'this "foreach" is not followed');
  const words = readBracketed(cursor, line);
  cursor.assigned.add(name);
  const body = readList(cursor, 'end');
  close(cursor, 'end', 'foreach', line);
  return { kind: 'for', id: nextId(cursor), line, name, words, body };
}

function readSwitch(cursor: Cursor, line: number): Command {
  const id = nextId(cursor);
  skipBlanks(cursor);
  const [subject = textWord(line, ''), ...more] = peek(cursor) === '(' ? readBracketed(cursor, line) : [];
  if (more.length > 0) throw cshStop(line, 'this "switch" has more than one word');
  // What stands before the first case is never run.
  readList(cursor, 'case', 'default', 'endsw');
  const items: CaseItem[] = [];
  let hasDefault = false;
  while (['case', 'default'].includes(keyword(cursor))) {
    const at = lineOf(cursor);
    if (hasDefault) throw cshStop(at, 'a case after "default" is not followed');
    hasDefault = keyword(cursor) === 'default';
    items.push({ patterns: [readLabel(cursor, at)], body: readList(cursor, 'case', 'default', 'endsw'), isOpen: true });
  }
  close(cursor, 'endsw', 'switch', line);
  return { kind: 'case', id, line, subject, items };
}

/** `case PATTERN:` and `default:`; what follows on the line is run, too. */
function readLabel(cursor: Cursor, line: number): Word {
  if (keyword(cursor) === 'default') {
    take(cursor, 'default'.length);
    skip(cursor, /[ \t]*:/y);
    return textWord(line, '*', false);
  }
  take(cursor, 'case'.length);
  const [written] = look(cursor, /[ \t]+(?:[^:\n\\'"]|\\.|'[^'\n]*'|"[^"\n]*")*/y) ?? [];
  if (written === undefined || peek(cursor, written.length) !== ':') throw cshStop(line, 'this "case" is not followed');
  const inner = { ...cursor, text: written.trim(), at: 0, pending: [] };
  const word = readCshWord(inner) ?? textWord(line, '');
  if (!isAtEnd(inner)) throw cshStop(line, 'this "case" is not followed');
  take(cursor, written.length + 1);
  return word;
}

/** Turns of `repeat`. */
const mostRepeats = 1000;

function readRepeat(cursor: Cursor, line: number): Command {
  const count = Number(skip(cursor, /[ \t]+\d{1,4}(?=[ \t])/y).trim());
  skipBlanks(cursor);
  const command = count > 0 && count <= mostRepeats ? readCommand(cursor) : undefined;
  if (command === undefined) throw cshStop(line, 'this "repeat" is not followed');
  const words = Array.from({ length: count }, (_, at) => textWord(line, String(at + 1)));
  return { kind: 'for', id: nextId(cursor), line, name: 'repeat', words, body: [command] };
}
