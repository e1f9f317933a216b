import type { JsonSchema } from '../devices/json-schema.js';
import { definitionRef, vmSchema } from './schema.js';

const schemaId = 'urn:vmrun:schema:vm';

/**
 * The same schema with every part that stands in it more than once written once, below `$defs`: a third of the size,
 * for readers, and for the code that is compiled from it.
 */
export function sharedSchema(): JsonSchema & { readonly $defs: Readonly<Record<string, JsonSchema>> } {
  const uses = new Map<JsonSchema, number>();
  const walk = (schema: JsonSchema): void => {
    uses.set(schema, (uses.get(schema) ?? 0) + 1);
    if (uses.get(schema) === 1) for (const [, part] of partsOf(schema)) walk(part);
  };
  const roots = [vmSchema, ...Object.values(vmSchema.$defs)];
  roots.forEach(walk);
  const names = new Map<JsonSchema, string>();
  const taken = new Set(Object.keys(vmSchema.$defs));
  const $defs: Record<string, JsonSchema> = {};
  const share = (schema: JsonSchema, key: string): JsonSchema => {
    if ((uses.get(schema) ?? 0) < 2 || schema.$ref !== undefined) return rewrite(schema);
    let name = names.get(schema);
    if (name === undefined) {
      name = key;
      for (let number = 2; taken.has(name); number += 1) name = `${key}${number}`;
      taken.add(name);
      names.set(schema, name);
      $defs[name] = rewrite(schema);
    }
    return definitionRef(name);
  };
  const rewrite = (schema: JsonSchema): JsonSchema => ({
    ...schema,
    ...(schema.properties === undefined
      ? {}
      : {
          properties: Object.fromEntries(
            Object.entries(schema.properties).map(([key, part]) => [key, share(part, key)]),
          ),
        }),
    ...(schema.items === undefined ? {} : { items: rewrite(schema.items) }),
  });
  for (const [name, schema] of Object.entries(vmSchema.$defs)) $defs[name] = rewrite(schema);
  const root = rewrite(vmSchema);
  return { ...root, $defs };
}

/** The schemas right below a schema that may be shared, with the key they have there. */
const partsOf = ({ properties = {}, items }: JsonSchema): readonly (readonly [string, JsonSchema])[] => [
  ...Object.entries(properties),
  ...(items === undefined ? [] : [['item', items] as const]),
];

const internalKeywords = new Set(['isFile', 'takesDigits', 'isSecret']);

/**
 * The schema as it is published: plain JSON Schema 2020-12, which also lets through what the loader corrects (an integer
 * for text of digits, digits for an integer, one item for an array of one, null for nothing).
 */
export function publishedSchema(): object {
  const { $defs, ...root } = sharedSchema();
  return {
    $schema: 'https://json-schema.org/draft/2020-12/schema',
    $id: schemaId,
    ...publish(root),
    $defs: Object.fromEntries(
      // What `sharedSchema` has added are properties.
      Object.entries($defs).map(([name, schema]) => [
        name,
        name in vmSchema.$defs ? publish(schema) : tolerant(schema),
      ]),
    ),
  };
}

/** The same of a file of another kind, which is read as specs are. @param name of the schema */
export const publishedDocumentSchema = (name: string, schema: JsonSchema): object => ({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  $id: `urn:vmrun:schema:${name}`,
  ...publish(schema),
});

function publish(schema: JsonSchema): Record<string, unknown> {
  const out: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(schema) as [string, unknown][]) {
    if (!internalKeywords.has(key) && key !== 'discriminator') out[key] = value;
  }
  const { properties, patternProperties, items, additionalProperties, oneOf, then, else: otherwise } = schema;
  if (properties !== undefined) out.properties = mapValues(properties, (value) => tolerant(value));
  if (patternProperties !== undefined) {
    out.patternProperties = mapValues(patternProperties, (value) => (value === true ? value : tolerant(value)));
  }
  if (items !== undefined) out.items = withDigits(items);
  if (typeof additionalProperties === 'object') out.additionalProperties = tolerant(additionalProperties);
  if (oneOf !== undefined) out.oneOf = oneOf.map(publish);
  if (then !== undefined) out.then = publish(then);
  if (otherwise !== undefined) out.else = publish(otherwise);
  return out;
}

/** An item as files may spell it; unlike a property it cannot be null. */
const withDigits = (schema: JsonSchema): Record<string, unknown> =>
  schema.takesDigits === true ? { ...publish(schema), type: [schema.type ?? [], 'integer'].flat() } : publish(schema);

const mapValues = <A, B>(record: Readonly<Record<string, A>>, change: (value: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(record).map(([key, value]) => [key, change(value)]));

const isTargets = ({ additionalProperties }: JsonSchema): boolean =>
  typeof additionalProperties === 'object' && additionalProperties.$ref === '#/$defs/target';

/** A property as files may spell it: what `canonical.ts` takes for what is meant. */
function tolerant(schema: JsonSchema): Record<string, unknown> {
  const out = publish(schema);
  const types = [schema.type ?? []].flat();
  if (types.length === 0) return out;
  if (isTargets(schema)) {
    const { propertyNames } = schema;
    const section = { type: 'object', propertyNames, additionalProperties: publish(definitionRef('target')) };
    return withAlternatives(out, [{ type: 'array', items: section }]);
  }
  if (types.includes('array') && !types.includes('string') && schema.items !== undefined) {
    return withAlternatives(out, [publish(schema.items)]);
  }
  const takesText = types.includes('integer') && !types.includes('string');
  const takesInteger = schema.takesDigits === true && !types.includes('integer');
  return {
    ...out,
    type: [...types, ...(takesText ? ['string'] : []), ...(takesInteger ? ['integer'] : []), 'null'],
    ...(takesText ? { pattern: '^-?\\d+$', patternErrorMessage: 'an integer' } : {}),
    ...(schema.enum === undefined
      ? {}
      : { enum: [...schema.enum, ...(takesText ? schema.enum.map(String) : []), null] }),
  };
}

const withAlternatives = (
  { description, default: byDefault, examples, ...strict }: Record<string, unknown>,
  also: readonly Record<string, unknown>[],
): Record<string, unknown> => ({
  ...(description === undefined ? {} : { description }),
  ...(byDefault === undefined ? {} : { default: byDefault }),
  ...(examples === undefined ? {} : { examples }),
  anyOf: [strict, ...also, { type: 'null' }],
});
