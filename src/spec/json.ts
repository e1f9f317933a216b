import { child } from '../base/json-pointer.js';
import { shown } from '../base/text.js';
import {
  maxDepth,
  ParseStop,
  tooDeep,
  tooMany,
  type ParseResult,
  type SourceEntry,
  type SourceNode,
} from './source-tree.js';

const stop = (offset: number, message: string, fix?: string): never => {
  throw new ParseStop(fix === undefined ? { message, offset } : { message, offset, fix });
};

const escapes: Readonly<Record<string, string>> = {
  '"': '"',
  '\\': '\\',
  '/': '/',
  b: '\b',
  f: '\f',
  n: '\n',
  r: '\r',
  t: '\t',
};

const numberForm = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const wordForm = /[^\s,:"'[\]{}]+/y;
/** Text between quotes that needs no second look. */
// eslint-disable-next-line no-control-regex -- these are what JSON forbids in a string
const plainForm = /[^"\\\u0000-\u001f]*/y;

/** Commas before the first item of something, as no person writes them. */
const hasStrayCommas = (text: string): boolean => /^\s*,\s*[{[]/.test(text) || /[{[]\s*,\s*["{[]/.test(text);

interface JsonOptions {
  /** For messages: what the text is meant to be. */
  readonly what?: string;
  /** How many values there may be; more are refused while they are read, before they fill the memory. */
  readonly maxValues?: number;
  /** Whether nobody asks for what is below a key: that is read for its mistakes alone, and has no place in the tree. */
  readonly leavesOut?: (key: string) => boolean;
}

/** Stands for what is left out. */
const nothing: SourceNode = { kind: 'scalar', value: null, start: 0, end: 0, pointer: '' };

/**
 * Parses JSON (RFC 8259) and keeps positions. Written here because a spec wants what JSON.parse does not give: the
 * place of every value, keys given twice as errors, numbers as written, a limit to nesting, and messages that say what
 * to do. One problem at most: after a syntax error the rest is guesswork.
 */
export function parseJson(
  text: string,
  { what = 'spec', maxValues = Infinity, leavesOut = () => false }: JsonOptions = {},
): ParseResult {
  let values = 0;
  let isLeftOut = false;
  /** Of all that is open: an array that grows by itself keeps room for more, which of thousands is most of the memory. */
  const items: SourceNode[] = [];
  const entries: SourceEntry[] = [];
  let index = text.startsWith('\ufeff') ? 1 : 0;

  const isBlank = (code: number): boolean => code === 0x20 || code === 0x0a || code === 0x0d || code === 0x09;
  const skipBlanks = (): void => {
    while (index < text.length && isBlank(text.charCodeAt(index))) index += 1;
  };
  const match = (form: RegExp): string => {
    form.lastIndex = index;
    return form.exec(text)?.[0] ?? '';
  };

  function unexpected(wanted: string): never {
    const char = text.charAt(index);
    if (index >= text.length) return stop(index, `the text ends where ${wanted} is expected`);
    if (char === '\0') return stop(index, 'a NUL byte; is this a binary file?');
    if (char === '#' || text.startsWith('//', index) || text.startsWith('/*', index)) {
      return stop(
        index,
        'JSON has no comments',
        'take it out, use a key that begins with "x-", or write the spec in YAML',
      );
    }
    if (char === "'") return stop(index, 'JSON wants double quotes, found a single one', 'use "..."');
    if (char === ',' && hasStrayCommas(text)) {
      return stop(
        index,
        'this is what uclcmd prints with libucl 0.9.0, which puts a comma before the first item, and twice elsewhere',
        'use a newer libucl, or give vmrun the UCL file itself: vmrun -c vm.conf',
      );
    }
    const word = match(wordForm);
    return stop(index, `${wanted} is expected, found ${shown(word === '' ? char : word, 40)}`);
  }

  function string(): string {
    const start = index;
    index += 1;
    let out = '';
    for (;;) {
      const plain = match(plainForm);
      out += plain;
      index += plain.length;
      const char = text.charAt(index);
      if (char === '"') break;
      if (char === '\\') out += escape();
      else if (index >= text.length) stop(start, 'this string has no end', 'add a " where it ends');
      else if (char === '\n' || char === '\r')
        stop(start, 'this string does not end on its line', 'add a ", or write \\n');
      else stop(index, `a control character (U+${hex(char)}) in a string`, `write \\u${hex(char)}`);
    }
    index += 1;
    if (!out.isWellFormed())
      stop(start, 'half of a surrogate pair in a string', 'write both halves, or the character itself');
    return out;
  }

  function escape(): string {
    const char = text.charAt(index + 1);
    if (char === 'u') {
      const digits = text.slice(index + 2, index + 6);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) stop(index, `\\u wants four hex digits, found ${shown(digits)}`);
      index += 6;
      return String.fromCharCode(Number.parseInt(digits, 16));
    }
    const value = escapes[char] ?? stop(index, `\\${char} means nothing in JSON`, 'write \\\\ for a backslash');
    index += 2;
    return value;
  }

  function scalar(pointer: string): SourceNode {
    const start = index;
    const char = text.charAt(index);
    if (char === '"') {
      const value = string();
      return isLeftOut ? nothing : { kind: 'scalar', value, start, end: index, pointer };
    }
    const word = match(wordForm);
    const literal = ({ true: true, false: false, null: null } as Readonly<Record<string, boolean | null>>)[word];
    if (literal !== undefined && Object.hasOwn({ true: 1, false: 1, null: 1 }, word)) {
      index += word.length;
      return isLeftOut ? nothing : { kind: 'scalar', value: literal, start, end: index, pointer };
    }
    const digits = match(numberForm);
    if (digits === '' || digits.length !== word.length) {
      if (/^[-+.]?\d/.test(word))
        stop(index, `${shown(word, 40)} is not a number in JSON`, 'put it in double quotes, or write a decimal number');
      if (/^[A-Za-z_]/.test(word))
        stop(index, `text needs double quotes, found ${shown(word, 40)}`, `write ${shown(word, 40)}`);
      return unexpected('a value');
    }
    index += digits.length;
    if (isLeftOut) return nothing;
    const value = Number(digits);
    const node = { kind: 'scalar', value, start, end: index, pointer } as const;
    return String(value) === digits ? node : { ...node, written: digits };
  }

  function sequence(depth: number, pointer: string): SourceNode {
    const start = index;
    index += 1;
    const from = items.length;
    let count = 0;
    skipBlanks();
    if (text.charAt(index) === ']') index += 1;
    else {
      for (;;) {
        const item = value(depth + 1, isLeftOut ? '' : child(pointer, count));
        if (!isLeftOut) items.push(item);
        count += 1;
        skipBlanks();
        if (separator(']', start, 'array')) break;
      }
    }
    return isLeftOut ? nothing : { kind: 'sequence', items: items.splice(from), start, end: index, pointer };
  }

  function mapping(depth: number, pointer: string): SourceNode {
    const start = index;
    index += 1;
    const from = entries.length;
    const seen = new Set<string>();
    const wasLeftOut = isLeftOut;
    skipBlanks();
    if (text.charAt(index) === '}') index += 1;
    else {
      for (;;) {
        skipBlanks();
        const keyStart = index;
        if (text.charAt(index) !== '"') unexpected('a key in double quotes');
        const key = string();
        const keyEnd = index;
        if (seen.has(key)) {
          stop(keyStart, `${shown(key, 40)} is given twice in this object`, 'keep one of the two');
        }
        seen.add(key);
        skipBlanks();
        if (text.charAt(index) !== ':') unexpected(`":" after ${shown(key, 40)}`);
        index += 1;
        isLeftOut ||= leavesOut(key);
        const node = value(depth + 1, isLeftOut ? '' : child(pointer, key));
        if (!isLeftOut) entries.push({ key, keyStart, keyEnd, value: node });
        isLeftOut = wasLeftOut;
        skipBlanks();
        if (separator('}', start, 'object')) break;
      }
    }
    return isLeftOut ? nothing : { kind: 'mapping', entries: entries.splice(from), start, end: index, pointer };
  }

  /** After an item: true where the container ends. A comma must be followed by another item. */
  function separator(close: ']' | '}', opened: number, what: string): boolean {
    const char = text.charAt(index);
    if (char === close) {
      index += 1;
      return true;
    }
    if (char !== ',') {
      if (index >= text.length) stop(opened, `this ${what} has no end`, `add the ${close} that closes it`);
      unexpected(`"," or "${close}"`);
    }
    const comma = index;
    index += 1;
    skipBlanks();
    if (text.charAt(index) === close) stop(comma, `a comma before "${close}"`, 'take the comma out');
    return false;
  }

  function value(depth: number, pointer: string): SourceNode {
    skipBlanks();
    if (depth > maxDepth) throw new ParseStop(tooDeep(index));
    if (!isLeftOut) values += 1;
    if (values > maxValues) throw new ParseStop(tooMany(maxValues, index));
    const char = text.charAt(index);
    if (char === '{') return mapping(depth, pointer);
    if (char === '[') return sequence(depth, pointer);
    return index >= text.length ? unexpected('a value') : scalar(pointer);
  }

  try {
    const root = value(1, '');
    skipBlanks();
    if (index < text.length)
      stop(index, `there is more text after the ${what}`, 'a file holds one object; take the rest out');
    return { ok: true, root };
  } catch (error) {
    if (error instanceof ParseStop) return { ok: false, problems: [error.problem] };
    throw error;
  }
}

const hex = (char: string): string => char.charCodeAt(0).toString(16).padStart(4, '0');
