import { calculate } from './arithmetic.js';
import { inBraces } from './braces.js';
import { matches, quotedPattern, replaced, trimmed } from './patterns.js';
import { createSplitter, separatorOf } from './split.js';
import {
  isBashLike,
  countText,
  decide,
  inputValue,
  onlySymbol,
  toGiven,
  type EmptyValue,
  type Field,
  type Run,
} from './run.js';
import { hasSymbol, plainText } from './symbols.js';
import type { List, Parameter, Part, Word } from './tree.js';

/** What an expansion comes to: one text, several, or nothing, where a name is not set. */
type Value = string | readonly string[] | undefined;

/** Follows the commands of `$(…)`, and gives what they print. */
export type Capture = (run: Run, body: List, source: string) => string;

export interface Expander {
  /** The words of a command: unquoted expansions are split. */
  readonly fields: (run: Run, words: readonly Word[]) => readonly Field[];
  /** A word that is not split. */
  readonly text: (run: Run, word: Word) => string;
  /** A word as a pattern: what is quoted stands for itself. */
  readonly pattern: (run: Run, word: Word) => string;
  readonly number: (run: Run, text: string, source: string) => string;
}

export function createExpander(capture: Capture): Expander {
  return { fields, text, pattern, number };

  function fields(run: Run, words: readonly Word[]): readonly Field[] {
    const empty: EmptyValue[] = [];
    let before = '';
    const result = words.flatMap((word) => {
      const found = (isBashLike(run) ? inBraces(word, run.dialect) : [word]).flatMap((each) => fieldsOf(run, each));
      const takesValue = /^-[A-Za-z]*[cfgGkKlmnoprsU]$/.test(before);
      if (found.length === 0 && takesValue) empty.push({ option: before, source: word.source, line: word.line });
      before = found.at(-1)?.text ?? before;
      return found;
    });
    run.emptyValues = empty;
    return result;
  }

  function fieldsOf(run: Run, word: Word): readonly Field[] {
    const splitter = createSplitter(run, word.line);
    for (const part of withHome(run, word)) {
      const value = valueOf(run, part);
      const isHole = value === undefined || (value === '' && part.kind === 'parameter' && isUnset(run, part));
      if (isHole && part.kind === 'parameter') splitter.hole(part);
      if (typeof value === 'object') {
        const isWhole = isWholeOfZsh(run, part);
        const isJoined = part.isQuoted && (isStar(part) || isWhole);
        const items = isJoined ? [value.join(separatorOf(run))] : isWhole ? value.filter((item) => item !== '') : value;
        items.forEach((item, index) => {
          if (index > 0) splitter.end();
          splitter.add(item, part.isQuoted || isWhole ? 'quoted' : 'split');
        });
      } else if (part.isQuoted) splitter.add(value ?? '', 'quoted');
      else splitter.add(value ?? '', part.kind === 'text' ? 'plain' : 'split');
    }
    return splitter.fields();
  }

  function text(run: Run, word: Word): string {
    let result = '';
    const holes: { readonly source: string; readonly at: number }[] = [];
    for (const part of withHome(run, word)) {
      const value = argumentsAsText(run, part) ?? valueOf(run, part);
      if (value === undefined && part.kind === 'parameter') holes.push({ source: part.source, at: result.length });
      result += typeof value === 'object' ? value.join(isStar(part) ? separatorOf(run) : ' ') : (value ?? '');
    }
    const tokens = holes.length === 0 ? [] : [...result.matchAll(/\S+/g)];
    let next = 0;
    for (const { source, at } of holes) {
      while ((tokens[next]?.index ?? at) + (tokens[next]?.[0].length ?? 0) < at) next += 1;
      const found = tokens[next];
      if (found !== undefined && found.index <= at && found[0].length > 2) {
        run.holes.push({ source, line: word.line, token: found[0] });
      }
    }
    return result;
  }

  function pattern(run: Run, word: Word): string {
    return word.parts
      .map((part) => {
        const value = joined(valueOf(run, part));
        return part.isQuoted ? quotedPattern(value) : value;
      })
      .join('');
  }

  function valueOf(run: Run, part: Part): Value {
    switch (part.kind) {
      case 'text':
        return part.text;
      case 'command': {
        if (part.isFile === true) return process(run, part);
        const printed = capture(run, part.body, part.source);
        // Each line of it is a word of csh, in quotes, too.
        return run.dialect === 'csh' && part.isQuoted && printed.includes('\n') ? printed.split('\n') : printed;
      }
      case 'arithmetic':
        return number(run, text(run, part.word), part.source);
      case 'parameter': {
        const value = parameter(run, part);
        if (typeof value === 'string') countText(run, value, part.line);
        else for (const item of value ?? []) countText(run, item, part.line);
        return value;
      }
    }
  }

  /** `<(…)`: a file with what the commands print. */
  function process(run: Run, { body, source }: Extract<Part, { kind: 'command' }>): string {
    const printed = capture(run, body, source);
    const name = `/dev/fd/${source}`;
    run.files.set(name, printed === '' ? '' : `${printed}\n`);
    return name;
  }

  function number(run: Run, expression: string, source: string): string {
    const result = calculate(expression.replaceAll('$', ''), {
      get: (name) => {
        const value = run.variables.get(name) ?? usual(run, name);
        const scalar = typeof value === 'object' ? value[0] : value;
        if (scalar === undefined || scalar === '') return run.assigned.has(name) ? 0 : undefined;
        return /^\s*-?\d+\s*$/.test(scalar) ? Number(scalar) : undefined;
      },
      set: (name, value) => void run.variables.set(name, String(value)),
    });
    if (result !== undefined) return String(result);
    // Nobody knows what it sets, either.
    for (const [, name = ''] of expression.matchAll(setInArithmetic)) {
      run.variables.set(name, run.symbols.of({ source: `$${name}`, kind: 'output' }));
    }
    return run.symbols.of({ source, kind: 'output' });
  }

  function parameter(run: Run, part: Parameter): Value {
    const { name, operator, operand, source, prefix } = part;
    const unknown = (): string => run.symbols.of({ source, kind: 'output' });
    if (name === '') return unknown();
    let value = plainValue(run, part);
    if (prefix === '!') value = indirect(run, part, value);
    if (prefix === '#') {
      if (typeof value === 'object') return value.some(hasSymbol) ? unknown() : String(value.length);
      return hasSymbol(value ?? '') ? unknown() : String((value ?? '').length);
    }
    if (operator === undefined || operand === undefined) return value;
    if (/^:?[-=+?]$/.test(operator)) return withDefault(run, part, value);
    if (/^(:[ga]?[a-z])+$/.test(operator)) return modified(run, part, value);
    if (operator === ':' && (typeof value === 'object' || name === '@' || name === '*')) return slice(run, part, value);
    const change = (one: string): string => (hasSymbol(one) ? unknown() : changed(run, part, one));
    return typeof value === 'object' ? value.map(change) : value === undefined ? undefined : change(value);
  }

  function withDefault(run: Run, { id, line, source, operator = '', operand, name }: Parameter, value: Value): Value {
    const one = joined(value);
    const symbol = onlySymbol(one);
    const input = symbol === undefined ? undefined : run.symbols.meaning(symbol);
    let isMissing = value === undefined || (operator.startsWith(':') && one === '');
    if (input?.plain === '' && input.input !== undefined) {
      isMissing = true;
      if (input.kind === 'argument') {
        const others = [toGiven(argumentsUpTo(input.input), `${input.source} is given`)];
        isMissing = decide(run, { site: id, line, branch: 0, others }) === 0;
      }
    }
    if (isMissing && /[-=]$/.test(operator)) takesOwn(run, name);
    const word = (): string => (operand === undefined ? '' : text(run, operand));
    switch (operator.slice(-1)) {
      case '+':
        return isMissing ? '' : word();
      case '?':
        return isMissing ? run.symbols.of({ source, kind: 'variable', input: name }) : value;
      case '=': {
        const result = isMissing ? word() : one;
        run.variables.set(name, result);
        return result;
      }
      default:
        return isMissing ? word() : value;
    }
  }

  function changed(run: Run, { operator = '', operand, replacement }: Parameter, value: string): string {
    if (operand === undefined) return value;
    if (/^[#%]/.test(operator)) return trimmed(value, operator, pattern(run, operand));
    if (operator.startsWith('/')) {
      return replaced(value, operator, pattern(run, operand), replacement === undefined ? '' : text(run, replacement));
    }
    if (/^[\^,]/.test(operator)) {
      const form = operand.source === '' ? '?' : pattern(run, operand);
      const turned = (char: string): string => (operator.startsWith('^') ? char.toUpperCase() : char.toLowerCase());
      return value.replaceAll(operator.length === 2 ? /[^]/g : /^[^]/g, (char) =>
        matches(form, char) ? turned(char) : char,
      );
    }
    const [from = '', length] = text(run, operand).split(':');
    const [start, count] = [from, length].map((each) =>
      each === undefined ? undefined : Number(number(run, each, '')),
    );
    if (start === undefined || Number.isNaN(start)) return value;
    const begin = start < 0 ? Math.max(0, value.length + start) : start;
    return value.slice(begin, count === undefined ? undefined : count < 0 ? count : begin + count);
  }

  /** `${name[@]:1:2}`: some words of a list; those of the arguments are counted from $0. */
  function slice(run: Run, part: Parameter, value: Value): Value {
    const words = typeof value === 'object' ? value : [value ?? ''];
    const items = part.index === undefined ? [run.scriptPath ?? part.source, ...words] : words;
    const bounds = (part.operand === undefined ? '' : text(run, part.operand)).split(':');
    const [start, count] = bounds.map((each) => Number(number(run, each, '')));
    const begin = start !== undefined && start < 0 ? items.length + start : start;
    if (begin === undefined || Number.isNaN(begin) || Number.isNaN(count))
      return run.symbols.of({ source: part.source, kind: 'output' });
    return items.slice(begin, count === undefined ? undefined : begin + count);
  }

  /** `$name:h`, `$name:gt`: as csh(1) has it, of the first word or of all. */
  function modified(run: Run, { operator = '', source }: Parameter, value: Value): Value {
    let items = typeof value === 'object' ? value : [value ?? ''];
    for (const [, global, letter = ''] of operator.matchAll(/:([ga]?)([a-z])/g)) {
      const one = (text: string): string =>
        hasSymbol(text) ? run.symbols.of({ source, kind: 'output' }) : modify(text, letter);
      items = items.map((item, at) => (at === 0 || global !== '' ? one(item) : item));
    }
    return items;
  }

  function indirect(run: Run, part: Parameter, value: Value): Value {
    if (part.index !== undefined) return keys(run, part);
    const name = joined(value);
    if (!/^[A-Za-z_]\w*$/.test(name)) return run.symbols.of({ source: part.source, kind: 'output' });
    return plainValue(run, { ...part, name, source: `$${name}` });
  }

  /** `${!name[@]}`: the places of an array, or its keys. */
  function keys(run: Run, { name, index, source, line }: Parameter): Value {
    if (index?.source !== '@' && index?.source !== '*') return run.symbols.of({ source, kind: 'output' });
    const value = run.variables.get(name);
    const count = typeof value === 'object' ? value.length : value === undefined ? 0 : 1;
    const keyed = keyedOf(run, name).map(([key]) => key);
    if (keyed.filter((key) => !/^\d+$/.test(key)).length > 1) {
      run.lost.push({
        line,
        code: 'order',
        message: `the order in which bash goes through the keys of ${name} is known only when the script runs; here it is that of the script`,
      });
    }
    return [...Array.from({ length: count }, (_, at) => String(at)), ...keyed];
  }

  function plainValue(run: Run, { name, source, index }: Parameter): Value {
    const { symbols, positional } = run;
    switch (name) {
      case '@':
      case '*':
        if (run.isPlainCall) run.argumentUses += 1;
        return positional;
      case '#':
        return run.isPlainCall
          ? symbols.of({ source, kind: 'argument', input: '#', plain: '0' })
          : String(positional.length);
      case '?':
        return run.status.kind === 'known'
          ? String(run.status.code)
          : symbols.of({ source, kind: 'status', plain: run.status.isNegated ? '1' : '0' });
      case '$':
      case '!':
        return symbols.of({ source, kind: 'output' });
      case '-':
        return '';
      case '0':
        return run.scriptPath ?? symbols.of({ source, kind: 'output' });
    }
    if (/^\d+$/.test(name)) {
      const given = positional[Number(name) - 1];
      if (given !== undefined) return given;
      if (run.isPlainCall) return inputValue(run, name, source);
      // Who gives one argument may give a second one.
      return run.shifted === undefined ? undefined : inputValue(run, String(Number(name) + run.shifted), source);
    }
    const value = run.variables.get(name);
    const isWhole = index === undefined || index.source === '@' || index.source === '*';
    const isList = run.dialect !== 'csh' || value !== undefined || !isWhole;
    if (index !== undefined && isList) return element(run, { name, value, source }, text(run, index));
    if (run.rcConf?.before.has(name) === true) run.rcConf.names.add(name);
    if (value !== undefined) return typeof value === 'object' && run.dialect !== 'zsh' ? value[0] : value;
    if (run.assigned.has(name)) return undefined;
    const commented = run.commented.get(name);
    if (commented === undefined) return usual(run, name) ?? inputValue(run, name, source);
    run.lost.push({
      line: commented,
      code: 'commented-out',
      message: `$${name} is set on a line that is commented out; nothing stands in its place`,
    });
    return undefined;
  }

  function element(
    run: Run,
    { name, value, source }: { readonly name: string; readonly value: Value; readonly source: string },
    index: string,
  ): Value {
    const items = typeof value === 'string' ? [value] : (value ?? []);
    if (index === '@' || index === '*') return [...items, ...keyedOf(run, name).map(([, one]) => one)];
    const keyed = run.variables.get(`${name}[${index}]`);
    if (keyed !== undefined) return joined(keyed);
    // Of an array that nobody knows, nor are its parts known.
    const symbol = typeof value === 'string' ? onlySymbol(value) : undefined;
    if (symbol !== undefined && index !== '0' && run.symbols.meaning(symbol).kind === 'output') {
      return run.symbols.of({ source, kind: 'output' });
    }
    const place = number(run, index, index);
    if (!/^-?\d+$/.test(place)) return undefined;
    // The first one of zsh is number 1.
    if (Number(place) < 0) return [...items, ...keyedOf(run, name).map(([, one]) => one)].at(Number(place));
    return run.dialect === 'zsh' && Number(place) >= 0 ? items[Number(place) - 1] : items.at(Number(place));
  }
}

/** What csh(1) makes of a file name: its folder, its last part, without its end, its end. */
function modify(text: string, letter: string): string {
  const slash = text.lastIndexOf('/');
  const dot = text.lastIndexOf('.') > slash ? text.lastIndexOf('.') : -1;
  switch (letter) {
    case 'h':
      return slash <= 0 ? text : text.slice(0, slash);
    case 't':
      return text.slice(slash + 1);
    case 'r':
      return dot === -1 ? text : text.slice(0, dot);
    case 'e':
      return dot === -1 ? '' : text.slice(dot + 1);
    case 'u':
      return text.slice(0, 1).toUpperCase() + text.slice(1);
    default:
      return text.slice(0, 1).toLowerCase() + text.slice(1);
  }
}

/** Names that an expression sets: `n = 1`, `a[1] += 2`, `n++`. */
const setInArithmetic = /([A-Za-z_]\w*)(?:\[[^\]]*\])?\s*(?:\+\+|--|(?:[-+*/%&|^]|<<|>>)?=(?!=))/g;

/** Values under keys, and those behind a gap in an array: these in the order of their places. */
export function keyedOf({ variables }: Run, name: string): readonly (readonly [string, string])[] {
  const found: (readonly [string, string])[] = [];
  for (const [each, value] of variables) {
    if (each.startsWith(`${name}[`)) found.push([each.slice(name.length + 1, -1), joined(value)]);
  }
  return found.every(([key]) => /^\d+$/.test(key)) ? found.sort(([a], [b]) => Number(a) - Number(b)) : found;
}

/** What a shell sets by itself. */
function usual({ directory, folder }: Run, name: string): string | undefined {
  switch (name) {
    case 'PWD':
      return directory ?? folder;
    case 'UID':
    case 'EUID':
      return '0';
    case 'OPTIND':
      return '1';
    case 'IFS':
      return ' \t\n';
    default:
      return undefined;
  }
}

const joined = (value: Value): string => (typeof value === 'object' ? value.join(' ') : (value ?? ''));

const isStar = (part: Part): boolean => part.kind === 'parameter' && (part.name === '*' || part.index?.source === '*');

/** `$list` of zsh is all that is in it, but for what is empty. */
const isWholeOfZsh = ({ dialect }: Run, part: Part): boolean =>
  dialect === 'zsh' && part.kind === 'parameter' && part.index === undefined && /^\w+$/.test(part.name);

/** The script's own value of a name that rc.conf(5) may set. */
function takesOwn({ rcConf, variables }: Run, name: string): void {
  const isSetThere = /^[A-Za-z_]\w*$/.test(name) && !variables.has(name) && !name.endsWith('_enable');
  if (isSetThere && name.startsWith(rcConf?.prefix ?? '')) rcConf?.names.add(name);
}

/** `O=$*` in a call without arguments: whatever the caller gives. */
function argumentsAsText(run: Run, part: Part): string | undefined {
  if (part.kind !== 'parameter' || !/^[@*]$/.test(part.name) || part.operator !== undefined) return undefined;
  if (part.prefix !== undefined || !run.isPlainCall || run.positional.length > 0) return undefined;
  return run.symbols.of({ source: part.source, kind: 'argument', plain: '' });
}

const isUnset = ({ variables }: Run, { name, operator }: Parameter): boolean =>
  operator === undefined && /^[A-Za-z_]\w*$/.test(name) && !variables.has(name);

export const argumentsUpTo = (input: string): readonly string[] =>
  Array.from({ length: Math.min(9, Number(input)) }, (_, at) => String(at + 1));

/** The parts of a word; an unquoted `~` in front is the folder of whoever calls the script. */
function withHome(run: Run, { parts }: Word): readonly Part[] {
  const [first, ...rest] = parts;
  if (first?.kind !== 'text' || first.isQuoted || !/^~(?:\/|$)/.test(first.text)) return parts;
  const home = run.variables.get('HOME');
  const text = typeof home === 'string' ? home : run.symbols.of({ source: '~', kind: 'variable' });
  return [{ kind: 'text', text: text + first.text.slice(1), isQuoted: true }, ...rest];
}

/** As a condition sees it without arguments, for words that only choose what is done. */
export const seenText = (run: Run, text: string): string => plainText(text, run.symbols) ?? text;
