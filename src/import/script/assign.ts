import { listWords } from '../../base/text.js';
import type { Expander } from './expander.js';
import type { Run } from './run.js';
import { literalOf, type Assignment, type Simple } from './tree.js';
import { arithmetic, keyedOf } from './variables.js';

/** Values go to variables, or into the environment of one command. */
export function assign(run: Run, { name, isAdded, index, value }: Assignment, expander: Expander): void {
  const before = run.variables.get(name);
  if (!('source' in value)) {
    const keyed = value.filter(({ source }) => /^\[[^\]]+\]=/.test(source));
    for (const word of keyed) {
      const [, key = '', one = ''] = /^\[([^\]]+)\]=([^]*)$/.exec(expander.text(run, word)) ?? [];
      setElement(run, name, { key, source: key, text: one, isAdded: false });
    }
    if (keyed.length > 0 && keyed.length === value.length) return;
    const plain = value.filter((word) => !keyed.includes(word));
    if (!isAdded && keyed.length === 0) for (const [key] of keyedOf(run, name)) run.variables.delete(`${name}[${key}]`);
    const items = expander.fields(run, plain).map(({ text }) => text);
    const kept = isAdded ? (typeof before === 'object' ? before : before === undefined ? [] : [before]) : [];
    run.variables.set(name, [...kept, ...items]);
    return;
  }
  // csh takes one word, or all that a command prints.
  const words = run.dialect === 'csh' ? expander.fields(run, [value]).map((field) => field.text) : undefined;
  if (words !== undefined && index === undefined && value.parts.some((part) => part.kind === 'command')) {
    run.variables.set(name, words);
    return;
  }
  const text = words === undefined ? expander.text(run, value) : (words[0] ?? '');
  if (index !== undefined) {
    setElement(run, name, { key: expander.text(run, index), source: index.source, text, isAdded });
    return;
  }
  const old = typeof before === 'object' ? (before[0] ?? '') : (before ?? '');
  run.variables.set(name, declared(run, name, isAdded ? old : '', text));
}

/** What `declare` has a variable make of each value. */
function declared(run: Run, name: string, old: string, text: string): string {
  const letters = run.attributes.get(name) ?? '';
  if (letters.includes('n')) return run.symbols.of({ source: `$${name}`, kind: 'output' });
  if (letters.includes('i')) return arithmetic(run, old === '' ? text : `(${old})+(${text})`, text);
  if (letters.includes('u')) return (old + text).toUpperCase();
  return letters.includes('l') ? (old + text).toLowerCase() : old + text;
}

/** Under a key, or in its place in an array. */
function setElement(
  run: Run,
  name: string,
  {
    key,
    source,
    text,
    isAdded,
  }: { readonly key: string; readonly source: string; readonly text: string; readonly isAdded: boolean },
): void {
  const before = run.variables.get(name);
  const items = typeof before === 'object' ? [...before] : before === undefined ? [] : [before];
  const isKey = run.attributes.get(name)?.includes('A') === true;
  const place = isKey ? key : arithmetic(run, key, source);
  const at = Number(place);
  if (isKey || !/^\d{1,4}$/.test(place) || at > items.length) {
    const id = `${name}[${place}]`;
    const old = run.variables.get(id);
    run.variables.set(id, isAdded && typeof old === 'string' ? old + text : text);
    return;
  }
  items[at] = isAdded ? (items[at] ?? '') + text : text;
  run.variables.set(name, items);
}

/** `local NAME`: the function that it stands in has its own. */
export function hide(run: Run, { assignments, words }: Simple): void {
  const names = [
    ...assignments.map(({ name }) => name),
    ...words.slice(1).flatMap((word) => /^[A-Za-z_]\w*$/.exec(literalOf(word) ?? '') ?? []),
  ];
  for (const name of names) {
    if (run.hidden !== undefined && !run.hidden.has(name)) run.hidden.set(name, run.variables.get(name));
  }
}

/** `declare -u NAME=web`: what the shell makes of every value of a name. */
export function declareAs(run: Run, { assignments, words, line }: Simple): void {
  const texts = words.slice(1).map((word) => literalOf(word) ?? '');
  const flags = texts.flatMap((text) => /^-([A-Za-z]+)$/.exec(text)?.[1] ?? []).join('');
  const names = [...assignments.map(({ name }) => name), ...texts.filter((text) => /^[A-Za-z_]\w*$/.test(text))];
  if (!/[nuliA]/.test(flags)) return;
  for (const name of names) run.attributes.set(name, flags);
  if (!flags.includes('n')) return;
  const message = `${listWords(names)} ${names.length === 1 ? 'stands' : 'stand'} for another variable here (-n), which is not followed`;
  run.lost.push({ line, code: 'not-read', message, fix: 'use the other variable by its name' });
}
