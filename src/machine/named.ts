import type { EffectiveSpec } from '../spec/parse-spec.js';

/** The fields that the spec gives a target, those of its groups too: `loader`, `loader.args`. */
export const fieldsNamedIn = (effective: EffectiveSpec): readonly string[] =>
  Object.entries(effective.vm)
    .filter(([field, value]) => effective.isGiven(field) && !isEmpty(value))
    .flatMap(([field, value]: [string, unknown]) => {
      if (!isGroup(value)) return [field];
      // Without the defaults, which the value has by now.
      const keys = Object.keys(effective.written(`/${field}`));
      return keys.length === 0 ? [] : [field, ...keys.map((key) => `${field}.${key}`)];
    });

const isGroup = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isEmpty = (value: unknown): boolean =>
  value === undefined || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
