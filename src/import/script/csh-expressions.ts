import { isAtEnd, lineOf, look, nested, nextId, peek, take, type Cursor } from './cursor.js';
import { cshStop, readCshWord, textWord } from './csh-words.js';
import type { Command, List, Part, Simple, Word } from './tree.js';

/** An expression of csh(1): what `if`, `while`, `@` and `exit` take. */
type Expression =
  | {
      readonly kind: 'binary';
      readonly operator: string;
      readonly line: number;
      readonly source: string;
      readonly left: Expression;
      readonly right: Expression;
    }
  | { readonly kind: 'unary'; readonly operator: string; readonly line: number; readonly operand: Expression }
  | {
      readonly kind: 'file';
      readonly letter: string;
      readonly line: number;
      readonly source: string;
      readonly word: Word;
    }
  | { readonly kind: 'command'; readonly line: number; readonly body: List }
  | { readonly kind: 'word'; readonly line: number; readonly word: Word };

/** From what binds loosest. */
const levels: readonly (readonly string[])[] = [
  ['||'],
  ['&&'],
  ['|'],
  ['^'],
  ['&'],
  ['==', '!=', '=~', '!~'],
  ['<=', '>=', '<', '>'],
  ['<<', '>>'],
  ['+', '-'],
  ['*', '/', '%'],
];

/**
 * Reads as far as an expression goes: to a closing bracket, or the end of the command.
 * @param isBare no brackets stand around it: then `<`, `>`, `|` and `&` are none of its operators
 */
export const readExpression = (cursor: Cursor, isBare = false): Expression => binary(cursor, isBare, 0);

const skipBlanks = (cursor: Cursor): string => take(cursor, look(cursor, /(?:[ \t]|\\\n)*/y)?.[0].length ?? 0);

/** The operator that stands here; a word that only begins like one is none. */
const operatorHere = (cursor: Cursor, isBare: boolean): string | undefined => {
  skipBlanks(cursor);
  if (isBare && '<>|&'.includes(peek(cursor))) return undefined;
  return look(cursor, /&&|\|\||<=|>=|<<|>>|[<>|&]|(?:==|!=|=~|!~|[-+*/%^])(?=[\s()'"$]|\\\n|$)/y)?.[0];
};

function binary(cursor: Cursor, isBare: boolean, level: number): Expression {
  const operators = levels[level];
  if (operators === undefined) return unary(cursor);
  const start = cursor.at;
  let left = binary(cursor, isBare, level + 1);
  for (;;) {
    const operator = operatorHere(cursor, isBare);
    if (operator === undefined || !operators.includes(operator)) return left;
    const line = lineOf(cursor);
    take(cursor, operator.length);
    const right = binary(cursor, isBare, level + 1);
    left = { kind: 'binary', operator, line, source: cursor.text.slice(start, cursor.at).trim(), left, right };
  }
}

function unary(cursor: Cursor): Expression {
  skipBlanks(cursor);
  const line = lineOf(cursor);
  const start = cursor.at;
  const operator = look(cursor, /[!~](?![=~])|-(?=[ \t])/y)?.[0];
  if (operator !== undefined) {
    take(cursor, operator.length);
    return { kind: 'unary', operator, line, operand: nested(cursor, () => unary(cursor)) };
  }
  if (peek(cursor) === '(') {
    take(cursor);
    const inner = nested(cursor, () => readExpression(cursor));
    closeBracket(cursor, line);
    return inner;
  }
  if (look(cursor, /\{[ \t]/y) !== null) {
    take(cursor);
    return { kind: 'command', line, body: readBraced(cursor, line) };
  }
  const letter = look(cursor, /-([a-zA-Z])(?=[ \t])/y)?.[1];
  if (letter !== undefined) {
    take(cursor, 2);
    skipBlanks(cursor);
    const word = operand(cursor);
    return { kind: 'file', letter, line, source: cursor.text.slice(start, cursor.at), word };
  }
  return { kind: 'word', line, word: operand(cursor) };
}

function operand(cursor: Cursor): Word {
  const line = lineOf(cursor);
  const word = readCshWord(cursor);
  if (word === undefined) throw cshStop(line, 'an expression ends too early');
  const plain = word.parts.map((part) => (part.kind === 'text' && !part.isQuoted ? part.text : '')).join('');
  if (/[=!]=|[=!]~/.test(plain)) throw cshStop(line, `csh needs blanks around the operator in ${word.source}`);
  return word;
}

/** Takes the bracket that ends an expression. */
export function closeBracket(cursor: Cursor, line: number): void {
  skipBlanks(cursor);
  if (peek(cursor) !== ')') throw cshStop(line, 'an expression cannot be followed');
  take(cursor);
}

/** `{ command }`, which is true where the command succeeds. */
function readBraced(cursor: Cursor, line: number): List {
  const end = look(cursor, /(?:[^}'"\n]|'[^'\n]*'|"[^"\n]*"|\S\})*[ \t]\}/y)?.[0];
  if (end === undefined) throw cshStop(line, '"{" has no end');
  const inner = cursor.text.slice(cursor.at, cursor.at + end.length - 1);
  take(cursor, end.length);
  return cursor.readList({ ...cursor, text: inner, at: 0, pending: [] });
}

/** As a command that succeeds where the expression is true. */
export function conditionOf(cursor: Cursor, expression: Expression): Command {
  const { line } = expression;
  const test = (source: string, ...words: readonly Word[]): Simple => ({
    kind: 'simple',
    id: nextId(cursor),
    line,
    source,
    assignments: [],
    words: [textWord(line, '[[', false), ...words, textWord(line, ']]', false)],
    redirects: [],
  });
  const operator = (text: string): Word => textWord(line, text, false);
  switch (expression.kind) {
    case 'command': {
      const { body } = expression;
      return { kind: 'group', line, isSubshell: true, isQuestion: true, body };
    }
    case 'file': {
      const { letter, word, source } = expression;
      const asked = fileTests[letter];
      if (asked === undefined) throw cshStop(line, `the question -${letter} is not followed`);
      return test(source, ...asked.map(operator), word);
    }
    case 'word':
      break;
    case 'unary':
      if (expression.operator !== '!') break;
      return { kind: 'pipeline', line, isNegated: true, commands: [conditionOf(cursor, expression.operand)] };
    case 'binary': {
      const { left, right, source } = expression;
      if (expression.operator === '&&' || expression.operator === '||') {
        const next = { operator: expression.operator, command: conditionOf(cursor, right) } as const;
        return { kind: 'and-or', line, first: conditionOf(cursor, left), rest: [next] };
      }
      const text = textTests[expression.operator];
      if (text !== undefined) {
        const pattern = wordOf(right);
        const isPattern = expression.operator.endsWith('~');
        return test(source, wordOf(left), operator(text), isPattern ? pattern : literally(pattern));
      }
      const number = numberTests[expression.operator];
      if (number === undefined) break;
      return test(source, wordOf(left), operator(number), wordOf(right));
    }
  }
  // Any other is a number.
  const word = wordOf(expression);
  return test(`${word.source} != 0`, word, operator('-ne'), textWord(line, '0'));
}

const fileTests: Readonly<Partial<Record<string, readonly string[]>>> = {
  ...Object.fromEntries('rwxedfpSbcugk'.split('').map((letter) => [letter, [`-${letter}`]])),
  l: ['-L'],
  z: ['!', '-s'],
  s: ['-s'],
  o: ['-O'],
};
const textTests: Readonly<Partial<Record<string, string>>> = { '==': '==', '!=': '!=', '=~': '==', '!~': '!=' };
const numberTests: Readonly<Partial<Record<string, string>>> = { '<': '-lt', '>': '-gt', '<=': '-le', '>=': '-ge' };

/** What is quoted is no pattern. */
const literally = (word: Word): Word => ({ ...word, parts: word.parts.map((part) => ({ ...part, isQuoted: true })) });

/** As a word: the operand itself, or the number that comes out. */
export function wordOf(expression: Expression): Word {
  if (expression.kind === 'word') return expression.word;
  const { line } = expression;
  const parts = sum(expression);
  const source = parts.map((part) => (part.kind === 'text' ? part.text : part.source)).join(' ');
  return { line, source, parts: [{ kind: 'arithmetic', source, word: { line, source, parts }, isQuoted: true }] };
}

/** As arithmetic of sh(1). */
function sum(expression: Expression): readonly Part[] {
  const sign = (text: string): Part => ({ kind: 'text', text, isQuoted: true });
  switch (expression.kind) {
    case 'word':
      return expression.word.parts;
    case 'file':
    case 'command':
      break;
    case 'unary':
      return [sign(`${expression.operator}(`), ...sum(expression.operand), sign(')')];
    case 'binary':
      if (expression.operator.endsWith('~')) break;
      return [
        sign('('),
        ...sum(expression.left),
        sign(`)${expression.operator}(`),
        ...sum(expression.right),
        sign(')'),
      ];
  }
  throw cshStop(expression.line, 'a number is made of a question here, which is not followed');
}

/** Whether nothing more stands on the line but a comment. */
export const isLineEnd = (cursor: Cursor): boolean => {
  skipBlanks(cursor);
  return isAtEnd(cursor) || '\n;#'.includes(peek(cursor));
};
