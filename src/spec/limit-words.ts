import { count } from '../base/text.js';

/**
 * What a keyword of JSON Schema that has a limit asks for, after `must` or `has to`: `have at least 8 characters`.
 * Undefined: it is none of these.
 */
export function limitWords(keyword: string, limit: unknown): string | undefined {
  if (typeof limit !== 'number') return undefined;
  const form = limits[keyword];
  return form?.(limit);
}

const limits: Readonly<Record<string, (limit: number) => string>> = {
  minLength: (limit) => `have at least ${count(limit, 'character')}`,
  maxLength: (limit) => `have at most ${count(limit, 'character')}`,
  minItems: (limit) => `have at least ${count(limit, 'item')}`,
  maxItems: (limit) => `have at most ${count(limit, 'item')}`,
  minProperties: (limit) => `have at least ${count(limit, 'member')}`,
  maxProperties: (limit) => `have at most ${count(limit, 'member')}`,
  minimum: (limit) => `be at least ${limit}`,
  maximum: (limit) => `be at most ${limit}`,
  exclusiveMinimum: (limit) => `be more than ${limit}`,
  exclusiveMaximum: (limit) => `be less than ${limit}`,
};
