import type { EffectiveSpec } from '../spec/parse-spec.js';

/** The fields that the spec gives a target, those of its groups too: `loader`, `loader.args`. */
export const fieldsNamedIn = (effective: EffectiveSpec): readonly string[] =>
  Object.entries(effective.vm)
    .filter(([field, value]) => effective.isGiven(field) && !isEmpty(value))
    .flatMap(([field, value]: [string, unknown]) =>
      isGroup(value) ? [field, ...Object.keys(value).map((key) => `${field}.${key}`)] : [field],
    );

const isGroup = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isEmpty = (value: unknown): boolean =>
  value === undefined || (typeof value === 'object' && value !== null && Object.keys(value).length === 0);
