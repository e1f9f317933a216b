import { shown } from '../base/text.js';
import { readAtom } from './atom.js';
import type {
  UclArray,
  UclEntry,
  UclGiven,
  UclObject,
  UclProblem,
  UclResult,
  UclScalar,
  UclValue,
} from './ucl-tree.js';

/** How deep values may stand in one another, how many there may be, and what is said where there is more. */
export interface UclLimits {
  readonly maxDepth: number;
  readonly tooDeep: (offset: number) => UclProblem;
  readonly maxValues: number;
  readonly tooMany: (most: number, offset: number) => UclProblem;
}

/** Ends the parsing; only `parseUcl` catches it. */
class UclStop extends Error {
  constructor(readonly problem: UclProblem) {
    super(problem.message);
  }
}

/** Without the blanks at its end. A regular expression would begin anew at each blank of a run in the middle. */
function withoutBlanks(text: string): string {
  let end = text.length;
  while (end > 0 && ' \t\v\f'.includes(text.charAt(end - 1))) end -= 1;
  return text.slice(0, end);
}

const stop = (offset: number, message: string, fix?: string): never => {
  throw new UclStop(fix === undefined ? { message, offset } : { message, offset, fix });
};

/** A key that needs no quotes: libucl's ucl_chartable.h, but for a dash in front, which is rather a list of YAML. */
const keyForm = /[A-Za-z0-9_/\u0080-\uffff][A-Za-z0-9_./\u0080-\uffff-]*/y;
const macroForm = /\.[A-Za-z_][\w-]*/y;
/** A string on one line. */
const quotedForm = /"[^"\\\r\n]*(?:\\.[^"\\\r\n]*)*"|'[^'\\\r\n]*(?:\\.[^'\\\r\n]*)*'/y;
const wordForm = /[^\s,:;="'#[\]{}]+/y;
const blankForm = /[ \t\v\f]+/y;
const spaceForm = /[ \t\v\f\r\n]+/y;
const lineForm = /[^\r\n]+/y;
/** Text between quotes that needs no second look. */
// eslint-disable-next-line no-control-regex -- these are what JSON, and so UCL, forbids in a string
const plainForm = /[^"\\\u0000-\u001f]*/y;
const plainSingleForm = /[^'\\\0]*/y;
/** The same of text without quotes. */
const plainAtomForm = /[^\0\r\n#,;/\\{}[\]]+/y;
const heredocForm = /<<([A-Z]+)\r?\n/y;

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

/** What to do about libucl's macros, which read other files or decide between them. */
const macroFixes: Readonly<Record<string, string>> = {
  '.include': 'write what that file says here, or expand it first: uclcmd get -c -f vm.conf . | vmrun -c-',
  '.priority': 'take it out; what is said once needs no priority',
  '.inherit': 'take it out and repeat what is to be inherited',
  '.load': 'name that file in the field that wants it, or write what it says here',
};
const otherMacroFix = 'take it out, or expand it first: uclcmd get -c -f vm.conf . | vmrun -c-';

/**
 * Parses UCL as libucl does, with these differences, all of which make an error or a plain text of what would be a
 * surprise: sizes and times (`512M`, `90s`) stay text; macros are refused; variables stay as written; a value without
 * quotes stands on the line of its key; what follows the last `}` is refused, not ignored.
 */
export function parseUcl(text: string, { maxDepth, tooDeep, maxValues, tooMany }: UclLimits): UclResult {
  let index = 0;
  let values = 0;

  const matchAt = (form: RegExp, at: number): string => {
    form.lastIndex = at;
    return form.exec(text)?.[0] ?? '';
  };
  const isAtEnd = (): boolean => index >= text.length;
  const isComment = (at: number): boolean => text.charAt(at) === '#' || text.startsWith('/*', at);

  /** What stands at an offset, for a message. */
  const wordAt = (at: number): string => {
    const char = text.charAt(at);
    if (at >= text.length) return 'the end of the text';
    if (char === '\n' || char === '\r') return 'the end of the line';
    const word = matchAt(wordForm, at);
    return shown(word === '' ? char : word, 40);
  };

  function comment(): void {
    if (text.charAt(index) === '#') {
      index += matchAt(lineForm, index).length;
      return;
    }
    const start = index;
    const edges = /\/\*|\*\//g;
    edges.lastIndex = index;
    for (let depth = 0; ;) {
      const [edge] = edges.exec(text) ?? stop(start, 'this comment has no end', 'add the */ that closes it');
      depth += edge === '/*' ? 1 : -1;
      if (depth === 0) break;
    }
    index = edges.lastIndex;
  }

  /** Skips blanks and comments, but no end of a line. */
  function skipOnLine(): void {
    for (;;) {
      index += matchAt(blankForm, index).length;
      if (!text.startsWith('/*', index)) return;
      comment();
    }
  }

  /** Skips blanks, comments and ends of lines. @returns whether there was one of the latter two: they separate */
  function skipSpace(): boolean {
    let isSeparated = false;
    for (;;) {
      const space = matchAt(spaceForm, index);
      index += space.length;
      if (/[\r\n]/.test(space)) isSeparated = true;
      if (!isComment(index)) return isSeparated;
      comment();
      isSeparated = true;
    }
  }

  /** After a value: the separators, of which there must be one unless a bracket closed it or closes what it is in. */
  function separate(value: UclValue): void {
    let isSeparated = value.kind !== 'scalar';
    for (;;) {
      if (skipSpace()) isSeparated = true;
      const char = text.charAt(index);
      if (char !== ',' && char !== ';') break;
      index += 1;
      isSeparated = true;
    }
    if (isSeparated || isAtEnd() || '}]'.includes(text.charAt(index))) return;
    stop(index, `"," or a new line is expected, found ${wordAt(index)}`);
  }

  const whole = (start: number, value: string): string =>
    value.isWellFormed()
      ? value
      : stop(start, 'half of a surrogate pair in a string', 'write both halves, or the character itself');

  function escape(): string {
    const char = text.charAt(index + 1);
    if (char === 'u') {
      const digits = text.slice(index + 2, index + 6);
      if (!/^[0-9a-fA-F]{4}$/.test(digits)) stop(index, `\\u wants four hex digits, found ${shown(digits)}`);
      index += 6;
      return String.fromCharCode(Number.parseInt(digits, 16));
    }
    const value =
      escapes[char] ??
      stop(index, `a backslash before ${wordAt(index + 1)} means nothing`, 'write \\\\ for a backslash');
    index += 2;
    return value;
  }

  function doubleQuoted(): string {
    const start = index;
    index += 1;
    let out = '';
    for (;;) {
      const plain = matchAt(plainForm, index);
      out += plain;
      index += plain.length;
      const char = text.charAt(index);
      if (char === '"') break;
      if (char === '\\') out += escape();
      else if (isAtEnd()) stop(start, 'this string has no end', 'add a " where it ends');
      else if (char === '\n' || char === '\r')
        stop(index, 'this string does not end on its line', 'add a ", write \\n, or use <<EOD for several lines');
      else {
        const hex = char.charCodeAt(0).toString(16).padStart(4, '0');
        stop(index, `a control character (U+${hex}) in a string`, `write \\u${hex}`);
      }
    }
    index += 1;
    return whole(start, out);
  }

  /** Knows `\'` alone, and a backslash that joins two lines; every other one stands for itself. */
  function singleQuoted(): string {
    const start = index;
    index += 1;
    let out = '';
    for (;;) {
      const plain = matchAt(plainSingleForm, index);
      out += plain;
      index += plain.length;
      const char = text.charAt(index);
      if (char === "'") break;
      if (isAtEnd()) stop(start, 'this string has no end', "add a ' where it ends");
      if (char === '\0') stop(index, 'a NUL byte; is this a binary file?');
      const next = text.charAt(index + 1);
      if (next === "'") out += next;
      else if (next === '\r' && text.charAt(index + 2) === '\n') index += 1;
      else if (next !== '\n' && next !== '\r') out += `\\${next}`;
      index += 2;
    }
    index += 1;
    return whole(start, out);
  }

  /** The lines up to the one that is the word behind `<<`; undefined where this is none. */
  function heredoc(): string | undefined {
    const start = index;
    heredocForm.lastIndex = index;
    const [opening, word] = heredocForm.exec(text) ?? [];
    if (opening === undefined || word === undefined) return undefined;
    const first = index + opening.length;
    for (let line = first; line < text.length;) {
      const after = line + word.length;
      if (text.startsWith(word, line) && /^(?:[,;\r\n]|$)/.test(text.slice(after, after + 1))) {
        if (line === first) stop(start, 'this text has no lines', 'write "" for empty text');
        index = after;
        return whole(start, text.slice(first, line).replace(/\r?\n$/, ''));
      }
      const end = text.indexOf('\n', line);
      if (end === -1) break;
      line = end + 1;
    }
    return stop(start, 'this text has no end', `add a line that is ${word} and nothing else`);
  }

  /** Text without quotes: to the end of its line, a separator, a comment or a bracket that it did not open. */
  function atom(key: string | undefined): UclScalar {
    const start = index;
    const open = { '{': 0, '[': 0 };
    let out = '';
    for (;;) {
      const plain = matchAt(plainAtomForm, index);
      out += plain;
      index += plain.length;
      const char = text.charAt(index);
      if (char === '\\') {
        const next = text.charAt(index + 1);
        if (next === '' || /[\w\s\0]/.test(next)) {
          out += escape();
        } else {
          out += next;
          index += 2;
        }
        continue;
      }
      if (char === '{' || char === '[') open[char] += 1;
      else if (char === '}' && open['{'] > 0) open['{'] -= 1;
      else if (char === ']' && open['['] > 0) open['['] -= 1;
      else if (char !== '/' || isComment(index)) break;
      out += char;
      index += 1;
    }
    if (text.charAt(index) === '\0') stop(index, 'a NUL byte; is this a binary file?');
    const written = withoutBlanks(text.slice(start, index));
    const end = start + written.length;
    if (written === '') {
      const what = key === undefined ? 'a value' : `a value for ${shown(key, 40)}`;
      stop(index, `${what} is expected, found ${wordAt(index)}`, 'write "" for empty text, or null for nothing');
    }
    const value = readAtom(written, text.startsWith('/*', index));
    if (value === 'out-of-range')
      stop(start, `${shown(written, 40)} is too large for a number in UCL`, 'put it in double quotes');
    if (typeof value === 'object') return { kind: 'scalar', value: value.value, start, end };
    return { kind: 'scalar', value: whole(start, withoutBlanks(out)), start, end };
  }

  function value(depth: number, key: string | undefined): UclValue {
    const start = index;
    if (depth > maxDepth) throw new UclStop(tooDeep(index));
    switch (text.charAt(index)) {
      case '{':
        index += 1;
        return { kind: 'object', entries: entries(depth, start), start, end: index };
      case '[':
        return array(depth);
      case '"':
        return { kind: 'scalar', value: doubleQuoted(), start, end: index };
      case "'":
        return { kind: 'scalar', value: singleQuoted(), start, end: index };
      default: {
        const lines = heredoc();
        return lines === undefined ? atom(key) : { kind: 'scalar', value: lines, start, end: index };
      }
    }
  }

  function countValue(): void {
    values += 1;
    if (values > maxValues) throw new UclStop(tooMany(maxValues, index));
  }

  function array(depth: number): UclArray {
    const start = index;
    index += 1;
    const items: UclValue[] = [];
    for (;;) {
      skipSpace();
      const char = text.charAt(index);
      if (isAtEnd()) stop(start, 'this array has no end', 'add the ] that closes it');
      if (char === '}') stop(index, 'this } closes nothing', 'add the ] that closes the array before it');
      if (char === ']') break;
      countValue();
      const item = value(depth + 1, undefined);
      items.push(item);
      separate(item);
    }
    index += 1;
    return { kind: 'array', items, start, end: index };
  }

  /** @param opened where the brace stands that is to be closed; undefined: the text is the object */
  function entries(depth: number, opened: number | undefined): readonly UclEntry[] {
    const byKey = new Map<string, [UclGiven, ...UclGiven[]]>();
    for (;;) {
      skipSpace();
      const char = text.charAt(index);
      if (isAtEnd()) {
        if (opened !== undefined) stop(opened, 'this object has no end', 'add the } that closes it');
        break;
      }
      if (char === '}') {
        if (opened === undefined) stop(index, 'this } closes nothing', 'take it out, or add the { that it closes');
        index += 1;
        break;
      }
      if (char === ']') stop(index, 'this ] closes nothing', 'take it out, or add the [ that it closes');
      const [key, given] = entry(depth);
      const before = byKey.get(key);
      if (before === undefined) byKey.set(key, [given]);
      else before.push(given);
      separate(given.value);
    }
    return [...byKey].map(([key, given]) => ({ key, given }));
  }

  function keyName(): string {
    const char = text.charAt(index);
    if (char === '"') return doubleQuoted();
    if (char === "'") return singleQuoted();
    const macro = matchAt(macroForm, index);
    if (macro !== '')
      stop(index, `${macro} is a macro, and macros are not run here`, macroFixes[macro] ?? otherMacroFix);
    if (char === '\0') stop(index, 'a NUL byte; is this a binary file?');
    const name = matchAt(keyForm, index);
    if (name === '')
      stop(
        index,
        `a key is expected, found ${wordAt(index)}`,
        'put it in double quotes if it is one; a list is [ ... ]',
      );
    index += name.length;
    return whole(index - name.length, name);
  }

  /** @param isNamed it stands between the name and the bracket of a section */
  function entry(depth: number, isNamed = false): readonly [key: string, given: UclGiven] {
    countValue();
    const keyStart = index;
    const key = keyName();
    const keyEnd = index;
    const isQuoted = '"\''.includes(text.charAt(keyStart));
    const given = (value: UclValue) => [key, { keyStart, keyEnd, value }] as const;
    skipOnLine();
    const separator = text.charAt(index);
    if (separator === ':' || separator === '=') {
      index += 1;
      const behind = index;
      skipOnLine();
      const char = text.charAt(index);
      if (char === ':' || char === '=')
        stop(index, `a second separator behind ${shown(key, 40)}`, 'put a value that begins so in double quotes');
      return given(endsLine() ? (valueBelow(depth, key) ?? nothing(behind)) : value(depth + 1, key));
    }
    // libucl has it so: `"x"` and then nothing is null, `x` and then nothing an error.
    const isLast = index + matchAt(spaceForm, index).length === text.length;
    if (isQuoted && isLast) return given(nothing(keyEnd));
    if (endsLine() || ',;}]'.includes(separator)) noValue(key, isQuoted ? index : keyEnd);
    if (index === keyEnd && !isQuoted && !'{['.includes(separator))
      stop(index, `${wordAt(index)} cannot be part of a key`, 'put the key in double quotes');
    const isSection = isNamed ? !'{['.includes(separator) : sectionFollows();
    if (!isSection) return given(value(depth + 1, key));
    if (depth + 1 > maxDepth) throw new UclStop(tooDeep(index));
    const start = index;
    const [name, inner] = entry(depth + 1, true);
    return given({ kind: 'object', entries: [{ key: name, given: [inner] }], start, end: index });
  }

  const endsLine = (): boolean => isAtEnd() || '\r\n#'.includes(text.charAt(index));
  const nothing = (at: number): UclScalar => ({ kind: 'scalar', value: null, start: at, end: at });
  const noValue = (key: string, at: number): never =>
    stop(
      at,
      `${shown(key, 40)} has no value on its line`,
      'write KEY: VALUE; a { that opens a section stands on the line of its name',
    );

  /**
   * The value of a key whose line has none, from a line below. libucl takes whatever comes next, be it the next key;
   * here it must look like a value.
   */
  function valueBelow(depth: number, key: string): UclValue | undefined {
    const before = index;
    skipSpace();
    const isOpening = /^(?:[{[]|<<)/.test(text.slice(index, index + 2));
    const quoted = matchAt(quotedForm, index);
    const behind = index + quoted.length;
    const isString = quoted !== '' && !/[:=]/.test(text.charAt(behind + matchAt(blankForm, behind).length));
    if (isOpening || isString) return value(depth + 1, key);
    index = before;
    return undefined;
  }

  /** Whether names and then a bracket are what follows on this line: `install {` of `targets install {`. */
  function sectionFollows(): boolean {
    for (let at = index; ;) {
      const name = matchAt(keyForm, at) || matchAt(quotedForm, at);
      if (name === '') return false;
      at += name.length;
      at += matchAt(blankForm, at).length;
      const isNamed = ':='.includes(text.charAt(at)) && at < text.length;
      if (isNamed) at += 1 + matchAt(blankForm, at + 1).length;
      if (at >= text.length) return false;
      if ('{['.includes(text.charAt(at))) return true;
      if (isNamed) return false;
    }
  }

  function document(): UclArray | UclObject {
    skipSpace();
    const start = index;
    const isBracketed = '{['.includes(text.charAt(index)) && !isAtEnd();
    if (!isBracketed) return { kind: 'object', entries: entries(1, undefined), start, end: index };
    const root = value(1, undefined);
    separate(root);
    if (!isAtEnd())
      stop(index, 'there is more text after the last bracket', 'a file holds one object; take the rest out');
    return root.kind === 'scalar' ? stop(start, 'this is no object') : root;
  }

  try {
    return { ok: true, root: document() };
  } catch (error) {
    if (error instanceof UclStop) return { ok: false, problem: error.problem };
    throw error;
  }
}
