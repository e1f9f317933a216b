import type { Expander } from './expander.js';
import { matches, replaced, trimmed } from './patterns.js';
import { decide, onlySymbol, toGiven, type Run } from './run.js';
import { hasSymbol } from './symbols.js';
import type { Parameter } from './tree.js';
import { arithmetic, joined, keysOf, variableValue, type Value } from './variables.js';

/** What `${…}` comes to. */
export function parameterValue(run: Run, part: Parameter, expander: Expander): Value {
  const { name, operator, operand, source, prefix } = part;
  const unknown = (): string => run.symbols.of({ source, kind: 'output' });
  if (name === '') return unknown();
  let value = variableValue(run, part, expander);
  if (prefix === '!') value = indirect(run, part, value, expander);
  if (prefix === '#') {
    if (typeof value === 'object') return value.some(hasSymbol) ? unknown() : String(value.length);
    return hasSymbol(value ?? '') ? unknown() : String((value ?? '').length);
  }
  if (operator === undefined || operand === undefined) return value;
  if (/^:?[-=+?]$/.test(operator)) return withDefault(run, part, value, expander);
  if (/^(:[ga]?[a-z])+$/.test(operator)) return modified(run, part, value);
  if (operator === ':' && (typeof value === 'object' || name === '@' || name === '*'))
    return slice(run, part, value, expander);
  const change = (one: string): string => (hasSymbol(one) ? unknown() : changed(run, part, one, expander));
  return typeof value === 'object' ? value.map(change) : value === undefined ? undefined : change(value);
}

function withDefault(
  run: Run,
  { id, line, source, operator = '', operand, name }: Parameter,
  value: Value,
  expander: Expander,
): Value {
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
  const word = (): string => (operand === undefined ? '' : expander.text(run, operand));
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

function changed(
  run: Run,
  { operator = '', operand, replacement }: Parameter,
  value: string,
  expander: Expander,
): string {
  if (operand === undefined) return value;
  if (/^[#%]/.test(operator)) return trimmed(value, operator, expander.pattern(run, operand));
  if (operator.startsWith('/')) {
    return replaced(
      value,
      operator,
      expander.pattern(run, operand),
      replacement === undefined ? '' : expander.text(run, replacement),
    );
  }
  if (/^[\^,]/.test(operator)) {
    const form = operand.source === '' ? '?' : expander.pattern(run, operand);
    const turned = (char: string): string => (operator.startsWith('^') ? char.toUpperCase() : char.toLowerCase());
    return value.replaceAll(operator.length === 2 ? /[^]/g : /^[^]/g, (char) =>
      matches(form, char) ? turned(char) : char,
    );
  }
  const [from = '', length] = expander.text(run, operand).split(':');
  const [start, count] = [from, length].map((each) =>
    each === undefined ? undefined : Number(arithmetic(run, each, '')),
  );
  if (start === undefined || Number.isNaN(start)) return value;
  const begin = start < 0 ? Math.max(0, value.length + start) : start;
  return value.slice(begin, count === undefined ? undefined : count < 0 ? count : begin + count);
}

/** `${name[@]:1:2}`: some words of a list; those of the arguments are counted from $0. */
function slice(run: Run, part: Parameter, value: Value, expander: Expander): Value {
  const words = typeof value === 'object' ? value : [value ?? ''];
  const items = part.index === undefined ? [run.scriptPath ?? part.source, ...words] : words;
  const bounds = (part.operand === undefined ? '' : expander.text(run, part.operand)).split(':');
  const [start, count] = bounds.map((each) => Number(arithmetic(run, each, '')));
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

function indirect(run: Run, part: Parameter, value: Value, expander: Expander): Value {
  if (part.index !== undefined) return keysOf(run, part);
  const name = joined(value);
  if (!/^[A-Za-z_]\w*$/.test(name)) return run.symbols.of({ source: part.source, kind: 'output' });
  return variableValue(run, { ...part, name, source: `$${name}` }, expander);
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

/** The script's own value of a name that rc.conf(5) may set. */
function takesOwn({ rcConf, variables }: Run, name: string): void {
  const isSetThere = /^[A-Za-z_]\w*$/.test(name) && !variables.has(name) && !name.endsWith('_enable');
  if (isSetThere && name.startsWith(rcConf?.prefix ?? '')) rcConf?.names.add(name);
}

export const argumentsUpTo = (input: string): readonly string[] =>
  Array.from({ length: Math.min(9, Number(input)) }, (_, at) => String(at + 1));
