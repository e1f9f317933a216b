import { listWords } from '../../src/base/text.js';
import { printableMessage, type JsonSchema, type JsonType } from '../../src/devices/json-schema.js';
import { code, inlineJson, prose } from './markdown.js';

const nouns: Readonly<Record<JsonType, readonly [one: string, many: string]>> = {
  string: ['text', 'texts'],
  integer: ['integer', 'integers'],
  number: ['number', 'numbers'],
  boolean: ['boolean', 'booleans'],
  object: ['object', 'objects'],
  array: ['list', 'lists'],
  null: ['null', 'nulls'],
};

/** `text`, `integer or object`, `list of file names`. */
export const typeWords = (schema: JsonSchema): string => listWords(typesOf(schema, 0), 'or');

function typesOf(schema: JsonSchema, number: 0 | 1): readonly string[] {
  if (schema.$ref !== undefined || schema.if !== undefined) return [number === 0 ? 'device' : 'devices'];
  if (schema.type === undefined) return [code(inlineJson(schema.const))];
  return [schema.type].flat().map((type) => {
    if (type === 'string' && schema.isFile === true) return number === 0 ? 'file name' : 'file names';
    const noun = nouns[type][number];
    return type === 'array' && schema.items !== undefined
      ? `${noun} of ${listWords(typesOf(schema.items, 1), 'or')}`
      : noun;
  });
}

const has = (schema: JsonSchema, type: JsonType): boolean => [schema.type ?? []].flat().includes(type);

/** What a value must be besides its type: `1 to 65535`, `at most 16 items`. */
export function limitWords(schema: JsonSchema): string {
  const { minimum, maximum, minItems, maxItems, pattern, patternErrorMessage = printableMessage } = schema;
  const values = schema.enum ?? schema.items?.enum;
  const of = schema.items?.enum === undefined ? '' : 'of ';
  return [
    ...(values === undefined
      ? []
      : [
          of +
            listWords(
              values.map((value) => code(inlineJson(value))),
              'or',
            ),
        ]),
    ...(minimum === 0 && maximum === undefined ? [] : range(minimum, maximum)),
    ...(has(schema, 'string') && pattern !== undefined && patternErrorMessage !== printableMessage
      ? [prose(patternErrorMessage)]
      : []),
    ...range(minItems, maxItems).map((words) => `${words} items`.replace(/at least 1 items$/, 'not empty')),
  ].join('; ');
}

function range(least: number | undefined, most: number | undefined): readonly string[] {
  if (least === undefined) return most === undefined ? [] : [`at most ${most}`];
  return [most === undefined ? `at least ${least}` : `${least} to ${most}`];
}

export const defaultWords = (schema: JsonSchema, isRequired: boolean): string => {
  if (isRequired) return '**required**';
  return schema.default === undefined ? '' : code(inlineJson(schema.default));
};

/** Values that the schema shows, or one that follows from it. */
export function examplesOf(schema: JsonSchema): readonly unknown[] {
  const { examples, enum: values, default: byDefault } = schema;
  if (examples !== undefined) return examples;
  if (values !== undefined) return [values.find((value) => value !== byDefault) ?? values[0]];
  if (has(schema, 'boolean')) return [byDefault !== true];
  return byDefault === undefined ? [] : [byDefault];
}

/** A field below another one, with its path: `numa[].mem`. */
export interface NestedField {
  readonly path: string;
  readonly schema: JsonSchema;
  readonly isRequired: boolean;
}

/** Every field below a schema, in its order. Names of the user's own are written NAME. */
export function nestedFields(schema: JsonSchema, path: string): readonly NestedField[] {
  const { properties = {}, required = [], items, additionalProperties } = schema;
  const below = (name: string, part: JsonSchema, isRequired: boolean): readonly NestedField[] => [
    { path: path === '' ? name : `${path}.${name}`, schema: part, isRequired },
    ...nestedFields(part, path === '' ? name : `${path}.${name}`),
  ];
  return [
    ...Object.entries(properties).flatMap(([name, part]) => below(name, part, required.includes(name))),
    ...(items === undefined ? [] : nestedFields(items, `${path}[]`)),
    ...(typeof additionalProperties === 'object' ? below('NAME', additionalProperties, false) : []),
  ];
}

/** The table of fields: their names in front, then what the schema says of them. */
export const fieldRow = ({ path, schema, isRequired }: NestedField): readonly string[] => [
  code(path),
  typeWords(schema),
  defaultWords(schema, isRequired),
  limitWords(schema),
  prose(schema.description ?? ''),
];

export const fieldHead = ['field', 'type', 'default', 'limits', 'meaning'];
