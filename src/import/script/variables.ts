import { calculate } from './arithmetic.js';
import type { Expander } from './expander.js';
import { inputValue, onlySymbol, type Run } from './run.js';
import type { Parameter } from './tree.js';

/** What an expansion comes to: one text, several, or nothing, where a name is not set. */
export type Value = string | readonly string[] | undefined;

export const joined = (value: Value): string => (typeof value === 'object' ? value.join(' ') : (value ?? ''));

/** What `$name` or `${name[index]}` holds. */
export function variableValue(run: Run, { name, source, index }: Parameter, expander: Expander): Value {
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
  if (index !== undefined && isList) return element(run, { name, value, source }, expander.text(run, index));
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
  const place = arithmetic(run, index, index);
  if (!/^-?\d+$/.test(place)) return undefined;
  // The first one of zsh is number 1.
  if (Number(place) < 0) return [...items, ...keyedOf(run, name).map(([, one]) => one)].at(Number(place));
  return run.dialect === 'zsh' && Number(place) >= 0 ? items[Number(place) - 1] : items.at(Number(place));
}
/** `${!name[@]}`: the places of an array, or its keys. */
export function keysOf(run: Run, { name, index, source, line }: Parameter): Value {
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

/** Values under keys, and those behind a gap in an array: these in the order of their places. */
export function keyedOf({ variables }: Run, name: string): readonly (readonly [string, string])[] {
  const found: (readonly [string, string])[] = [];
  for (const [each, value] of variables) {
    if (each.startsWith(`${name}[`)) found.push([each.slice(name.length + 1, -1), joined(value)]);
  }
  return found.every(([key]) => /^\d+$/.test(key)) ? found.sort(([a], [b]) => Number(a) - Number(b)) : found;
}

/** What an arithmetic expression comes to, with the names that it sets. */
export function arithmetic(run: Run, expression: string, source: string): string {
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

/** Names that an expression sets: `n = 1`, `a[1] += 2`, `n++`. */
const setInArithmetic = /([A-Za-z_]\w*)(?:\[[^\]]*\])?\s*(?:\+\+|--|(?:[-+*/%&|^]|<<|>>)?=(?!=))/g;

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
