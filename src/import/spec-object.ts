import type { SpecObject, SpecValue } from '../base/spec-value.js';
import { inOrderOf } from '../fields/registry.js';

export type { SpecObject, SpecValue };

/** The order in which a reader wants a VM told: what it is, what it starts from, what is in it, how it is run. */
const order = inOrderOf('written').flatMap(({ name }) => (name === 'name' ? [name, 'x-description'] : [name]));

const rank = (key: string): number => {
  const at = order.indexOf(key);
  return at === -1 ? order.length : at;
};

/** The same spec with its fields in that order. */
export const inReadingOrder = (spec: SpecObject): SpecObject =>
  Object.fromEntries(Object.entries(spec).sort(([a], [b]) => rank(a) - rank(b)));

export const isObject = (value: unknown): value is SpecObject =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** The object without the value at a path; what the path does not lead to is no matter. */
export function without(object: SpecObject, [key, ...rest]: readonly string[]): SpecObject {
  if (key === undefined) return object;
  return Object.fromEntries(
    Object.entries(object).flatMap(([name, value]): (readonly [string, SpecValue])[] => {
      if (name !== key) return [[name, value]];
      if (rest.length === 0) return [];
      return [[name, withoutBelow(value, rest)]];
    }),
  );
}

function withoutBelow(value: SpecValue, path: readonly string[]): SpecValue {
  const [index, ...rest] = path;
  if (Array.isArray(value)) {
    return (value as readonly SpecValue[]).map((item, at) =>
      String(at) === index && rest.length > 0 ? withoutBelow(item, rest) : item,
    );
  }
  return isObject(value) ? without(value, path) : value;
}
