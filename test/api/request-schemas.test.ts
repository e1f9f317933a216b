import { describe, expect, test } from '@jest/globals';
import { requestSchemas } from '../../src/api/native/request-schemas.js';
import { refuseViolations } from '../../src/server/body.js';
import { HttpError } from '../../src/server/http-error.js';
import type { Schema } from '../../src/server/route.js';
import { validatorOf } from '../support/served.js';

const isObject = (value: unknown): value is Schema =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A schema, and all that are in it, with what leads to each. */
function everySchema(schema: Schema, at: string): readonly (readonly [string, Schema])[] {
  const { properties, items } = schema;
  return [
    [at, schema],
    ...(isObject(properties)
      ? Object.entries(properties).flatMap(([name, part]) => (isObject(part) ? everySchema(part, `${at}.${name}`) : []))
      : []),
    ...(isObject(items) ? everySchema(items, `${at}[]`) : []),
  ];
}

const all = Object.entries(requestSchemas).flatMap(([name, schema]) => everySchema(schema, name));

/** A value that breaks each keyword which a schema may have, where there is one. */
const breaking: Readonly<Record<string, (rule: never) => unknown>> = {
  minLength: (length: number) => 'x'.repeat(length - 1),
  maxLength: (length: number) => 'x'.repeat(length + 1),
  pattern: () => '\n',
  minimum: (limit: number) => limit - 1,
  maximum: (limit: number) => limit + 1,
  maxItems: (limit: number) => Array.from({ length: limit + 1 }, () => 1),
  enum: () => 'none of them',
  type: () => null,
  required: () => ({}),
  additionalProperties: () => ({ more: 1 }),
};
const silent = ['properties', 'items', 'description', 'examples', 'patternErrorMessage'];

describe('what a request may hold', () => {
  test.each(all)('%s says in words what breaks it', (_at, schema) => {
    for (const [keyword, rule] of Object.entries(schema)) {
      if (silent.includes(keyword)) continue;
      const broken = breaking[keyword]?.(rule as never);
      expect([keyword, broken]).not.toEqual([keyword, undefined]);
      const judged = { schema, validate: validatorOf({ [keyword]: rule }) };
      const message = messageOf(() => {
        refuseViolations(judged, broken, () => undefined);
      });
      expect(message).not.toMatch(/breaks|pattern|undefined/);
      // A regular expression says nothing to people, nor does the name of a keyword.
      expect(message).not.toContain(keyword === 'pattern' ? String(rule) : keyword);
    }
  });

  test.each([
    [{ minLength: 8 }, 'short', 'has to have at least 8 characters, found "short"'],
    [{ maxLength: 1 }, 'ab', 'has to have at most 1 character, found "ab"'],
    [{ minimum: 1 }, 0, 'has to be at least 1, found 0'],
    [{ maxItems: 1 }, [1, 2], 'has to have at most 1 item, found [1,2]'],
    [{ pattern: '^a$', patternErrorMessage: 'an "a"' }, 'b', 'has to be an "a", found "b"'],
  ])('%j is told as what is asked for', (schema, value, words) => {
    const { patternErrorMessage: _words, ...rules } = schema as Schema;
    const whole = { schema: { properties: { one: schema } }, validate: validatorOf({ properties: { one: rules } }) };
    expect(
      messageOf(() => {
        refuseViolations(whole, { one: value }, () => undefined);
      }),
    ).toBe(`/one ${words}`);
  });
});

function messageOf(act: () => void): string {
  try {
    act();
  } catch (error) {
    if (error instanceof HttpError) return error.problems.map(({ message }) => message).join('; ');
    throw error;
  }
  throw new Error('nothing was refused');
}
