import type { JsonSchema } from '../devices/json-schema.js';
import { entryOf, type SourceNode } from './source-tree.js';

/** What stands below `$defs`, by name. An alternative of a `discriminator` has the name of its tag. */
export type Definitions = Readonly<Record<string, JsonSchema>>;

/** Follows `$ref`, `discriminator` and `if` to the schema that speaks about a value. */
export function schemaFor(schema: JsonSchema, node: SourceNode | undefined, definitions: Definitions): JsonSchema {
  const entry = (key: string) => (node === undefined ? undefined : entryOf(node, key));
  if (schema.$ref !== undefined) {
    return schemaFor(definitions[definitionName(schema.$ref)] ?? {}, node, definitions);
  }
  if (schema.if !== undefined) {
    const holds = schema.if.required?.every((key) => entry(key) !== undefined) ?? false;
    return schemaFor((holds ? schema.then : schema.else) ?? {}, node, definitions);
  }
  if (schema.discriminator !== undefined) {
    const tag = entry(schema.discriminator.propertyName)?.value;
    const name = tag?.kind === 'scalar' && typeof tag.value === 'string' ? tag.value : '';
    const isAlternative = schema.oneOf?.some(({ $ref }) => $ref === `#/$defs/${name}`) ?? false;
    return (isAlternative ? definitions[name] : undefined) ?? schema;
  }
  return schema;
}

/** `#/$defs/target` → `target` */
export const definitionName = (reference: string): string => reference.replace('#/$defs/', '');

const expressions = new Map<string, RegExp>();

/** The pattern of a schema as ajv makes it. */
export function expression(pattern: string): RegExp {
  const known = expressions.get(pattern) ?? new RegExp(pattern, 'u');
  expressions.set(pattern, known);
  return known;
}

/** The schema of a property, by its name or by the pattern of a map. */
export const propertySchema = (schema: JsonSchema, key: string): JsonSchema | undefined => {
  const named = Object.hasOwn(schema.properties ?? {}, key) ? schema.properties?.[key] : undefined;
  if (named !== undefined || key.startsWith('x-')) return named;
  const matching = Object.entries(schema.patternProperties ?? {}).find(([pattern]) =>
    expression(pattern).test(key),
  )?.[1];
  if (typeof matching === 'object') return matching;
  return schema.additionalProperties === false ? undefined : schema.additionalProperties;
};
