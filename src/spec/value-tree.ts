import { child } from '../base/json-pointer.js';
import type { Finding } from '../base/problem.js';
import { shown, shortened } from '../base/text.js';
import { isOwnKey } from './canonical.js';
import {
  maxDepth,
  maxSpecBytes,
  maxValues,
  tooDeep,
  tooMany,
  type Position,
  type SourceEntry,
  type SourceNode,
  type SyntaxProblem,
} from './source-tree.js';

type ValueTree =
  { readonly ok: true; readonly root: SourceNode } | { readonly ok: false; readonly findings: readonly Finding[] };

/**
 * The tree of a value that came without a text, where a pointer is all that there is to say of a place. It is taken as
 * JSON.stringify would write it where nothing is lost by that: its own enumerable fields count, one that is undefined is
 * not there, -0 is 0. What JSON would drop, change or refuse is a finding: a function, NaN, a bigint, a Date, a Map, an
 * instance of any other class, a hole in a list, a circle. So no code of the caller's runs but getters and the traps of
 * proxies, each once; and below an `x-` key nobody looks. Nobody reads text beyond what a file may have, either.
 */
export function treeOfValue(value: unknown): ValueTree {
  const findings: Finding[] = [];
  /** What a value stands in, each with its pointer. */
  const around = new Map<object, string>();
  let values = 0;
  /** In the strings and keys so far: no file of a permitted size has more. */
  let characters = 0;

  /** @returns what there is in place of the value: nothing */
  const refuse = (pointer: string, message: string, fix = plainData): SourceNode | undefined => {
    findings.push({ code: 'not-json', pointer, message, fix });
    if (findings.length > maxValues) throw new Limit(tooMany(maxValues, 0), pointer);
    return undefined;
  };

  /** Told before anything else walks the text. @param pointer to where it stands, without a key that is too long */
  function countText(text: string, pointer: string, what: 'string' | 'key'): void {
    characters += text.length;
    if (characters > maxSpecBytes) throw new Limit(tooLong(text, what), pointer);
  }

  /** The answer is the caller's code to give. */
  function ask<T>(pointer: string, question: () => T): { readonly answer: T } | undefined {
    try {
      return { answer: question() };
    } catch {
      refuse(pointer, 'this cannot be read: a getter or a proxy throws');
      return undefined;
    }
  }

  function walk(value: unknown, pointer: string, depth: number): SourceNode | undefined {
    values += 1;
    if (values > maxValues) throw new Limit(tooMany(maxValues, 0), pointer);
    if (depth > maxDepth) throw new Limit(tooDeep(0), pointer);
    const at: Position = { start: values, end: values, pointer };
    switch (typeof value) {
      case 'boolean':
        return { kind: 'scalar', value, ...at };
      case 'number':
        if (!Number.isFinite(value)) return refuse(pointer, `${value} is not a number in JSON`);
        return { kind: 'scalar', value: value === 0 ? 0 : value, ...at };
      case 'string':
        countText(value, pointer, 'string');
        if (!value.isWellFormed()) return refuse(pointer, halfPair, wholePair);
        return { kind: 'scalar', value, ...at };
      case 'object':
        return value === null ? { kind: 'scalar', value, ...at } : container(value, at, depth);
      case 'undefined':
        return refuse(pointer, 'there is no value here');
      case 'bigint':
        return refuse(pointer, 'a bigint is not a value in JSON', 'give a number, or its digits as text');
      case 'function':
      case 'symbol':
        return refuse(pointer, `a ${typeof value} is not a value in JSON`);
    }
  }

  function container(value: object, at: Position, depth: number): SourceNode | undefined {
    const { pointer } = at;
    const outer = around.get(value);
    if (outer !== undefined) {
      const what = outer === '' ? 'the spec' : shortened(outer, mostPointer);
      return refuse(pointer, `this is ${what} again, which it stands in: a circle`, 'give a copy, or leave it out');
    }
    const shape = ask(pointer, () => shapeOf(value))?.answer;
    if (shape === undefined) return undefined;
    around.set(value, pointer);
    const node =
      shape === 'list'
        ? sequence(value, at, depth)
        : shape === 'object'
          ? mapping(value, at, depth)
          : refuse(pointer, `an instance of ${shown(shape.className)} is not a value in JSON`);
    around.delete(value);
    return node;
  }

  function sequence(list: object, place: Position, depth: number): SourceNode {
    const length = ask(place.pointer, () => Number(Reflect.get(list, 'length')))?.answer ?? 0;
    const items: SourceNode[] = [];
    for (let index = 0; index < length; index += 1) {
      const at = child(place.pointer, index);
      const item = ask(at, (): unknown => Reflect.get(list, index));
      const node = item && walk(item.answer, at, depth + 1);
      if (node !== undefined) items.push(node);
    }
    return { kind: 'sequence', items, ...place };
  }

  function mapping(object: object, place: Position, depth: number): SourceNode {
    const keys = ask(place.pointer, () => Object.keys(object))?.answer ?? [];
    const entries: SourceEntry[] = [];
    for (const key of keys) {
      if (isOwnKey(key)) continue;
      countText(key, place.pointer, 'key');
      const at = child(place.pointer, key);
      if (!key.isWellFormed()) refuse(at, halfPair, wholePair);
      const field = ask(at, (): unknown => Reflect.get(object, key));
      if (field?.answer === undefined) continue;
      const value = walk(field.answer, at, depth + 1);
      if (value !== undefined) entries.push({ key, keyStart: value.start, keyEnd: value.start, value });
    }
    return { kind: 'mapping', entries, ...place };
  }

  try {
    const root = walk(value, '', 1);
    return root === undefined || findings.length > 0 ? { ok: false, findings } : { ok: true, root };
  } catch (error) {
    if (error instanceof Limit) return { ok: false, findings: [error.finding] };
    throw error;
  }
}

const plainData = 'give text, a number, true, false, null, a list or a plain object, as JSON.parse does';
/** A message quotes more of no pointer. */
const mostPointer = 400;

const tooLong = (text: string, what: 'string' | 'key'): Omit<SyntaxProblem, 'offset'> => ({
  message:
    `the strings and keys have more than ${maxSpecBytes.toLocaleString('en')} characters, which is what a file may have, ` +
    `with this ${what} of ${text.length.toLocaleString('en')}: ${shown(text.slice(0, 20))}${text.length > 20 ? '...' : ''}`,
  fix: 'a spec needs far fewer; was it generated by mistake?',
});

const halfPair = 'half of a surrogate pair in a string';
const wholePair = 'give both halves, or the character itself';

class Limit extends Error {
  readonly finding: Finding;
  constructor({ message, fix = plainData }: Omit<SyntaxProblem, 'offset'>, pointer: string) {
    super(message);
    this.finding = { code: 'not-json', pointer, message, fix };
  }
}

/** An object is plain where nothing stands between it and what every object inherits, be that of another realm. */
function shapeOf(value: object): 'list' | 'object' | { readonly className: string } {
  if (Array.isArray(value)) return 'list';
  const prototype: unknown = Object.getPrototypeOf(value);
  if (typeof prototype !== 'object' || prototype === null || Object.getPrototypeOf(prototype) === null) return 'object';
  return { className: nameOf(ownValue(prototype, 'constructor')) };
}

const nameOf = (made: unknown): string => {
  const name = typeof made === 'function' ? ownValue(made, 'name') : undefined;
  return typeof name === 'string' && name !== '' ? name : 'a class';
};

/** Without a call of a getter. */
const ownValue = (object: object, key: string): unknown => Object.getOwnPropertyDescriptor(object, key)?.value;
