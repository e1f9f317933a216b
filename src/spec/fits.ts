import type { JsonSchema } from '../devices/json-schema.js';
import { expression, schemaFor, type Definitions } from './schema-walk.js';
import { entryOf, type SourceMapping, type SourceNode } from './source-tree.js';

/**
 * Whether a schema allows a value. It says no more, so that it takes a hundredth of the code that says what is wrong,
 * which ajv compiles and which is loaded for a spec that does not fit: a dry run would spend a tenth of its time on it.
 * It knows the keywords that vmrun's schemas use; a test holds it to ajv's answers.
 */
export function fits(declared: JsonSchema, node: SourceNode, definitions: Definitions): boolean {
  const schema = schemaFor(declared, node, definitions);
  // No alternative has this tag.
  if (schema.discriminator !== undefined) return false;
  if (schema.type !== undefined && ![schema.type].flat().some((type) => isOfType(node, type))) return false;
  switch (node.kind) {
    case 'scalar':
      return fitsScalar(schema, node.value);
    case 'sequence': {
      const { items, minItems = 0, maxItems = Infinity } = schema;
      if (node.items.length < minItems || node.items.length > maxItems) return false;
      return items === undefined || node.items.every((item) => fits(items, item, definitions));
    }
    case 'mapping':
      return fitsMapping(schema, node, definitions);
  }
}

function isOfType(node: SourceNode, type: string): boolean {
  if (node.kind === 'sequence') return type === 'array';
  if (node.kind === 'mapping') return type === 'object';
  const { value } = node;
  if (value === null) return type === 'null';
  return type === 'integer' ? Number.isInteger(value) : typeof value === type;
}

function fitsScalar(schema: JsonSchema, value: unknown): boolean {
  if (schema.const !== undefined && schema.const !== value) return false;
  if (schema.enum !== undefined && !schema.enum.includes(value)) return false;
  if (typeof value === 'number') {
    const { minimum = -Infinity, maximum = Infinity } = schema;
    return value >= minimum && value <= maximum;
  }
  if (typeof value !== 'string') return true;
  const { minLength = 0, maxLength = Infinity, pattern } = schema;
  if (minLength > 0 || maxLength < Infinity) {
    const characters = Array.from(value).length;
    if (characters < minLength || characters > maxLength) return false;
  }
  return pattern === undefined || expression(pattern).test(value);
}

function fitsMapping(schema: JsonSchema, node: SourceMapping, definitions: Definitions): boolean {
  if (node.entries.length < (schema.minProperties ?? 0)) return false;
  if (schema.required?.some((key) => entryOf(node, key) === undefined) === true) return false;
  const { pattern: names } = schema.propertyNames ?? {};
  if (names !== undefined && !node.entries.every(({ key }) => expression(names).test(key))) return false;
  const { properties = {}, patternProperties = {}, additionalProperties = true } = schema;
  return node.entries.every(({ key, value }) => {
    const patterns = Object.keys(patternProperties).filter((pattern) => expression(pattern).test(key));
    const rules: (JsonSchema | boolean)[] = patterns.map((pattern) => patternProperties[pattern] ?? true);
    if (Object.hasOwn(properties, key)) rules.push(properties[key] ?? true);
    else if (patterns.length === 0) rules.push(additionalProperties);
    return rules.every((rule) => (typeof rule === 'boolean' ? rule : fits(rule, value, definitions)));
  });
}
