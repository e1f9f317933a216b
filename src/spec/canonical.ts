import type { JsonSchema } from '../devices/json-schema.js';
import { vmSchema } from './schema.js';
import { propertySchema, schemaFor } from './schema-walk.js';
import { type SourceEntry, type SourceMapping, type SourceNode } from './source-tree.js';
import type { SpokenSchema } from './violations.js';

/**
 * The spec as it is meant: what `uclcmd` and the original tool's files spell otherwise takes its one form, before
 * anything is validated. Nulls and the user's own `x-` keys are gone, one item stands as an array of one, `targets`
 * given as a list of sections is one object, digits and integers are what the schema wants, file names are absolute.
 * Values keep the place they were read from. What does not fit is left for the validator to report.
 * @param resolveFile makes a relative file name absolute
 * @param whole the schema of another kind of file
 */
export function canonicalise(
  root: SourceNode,
  resolveFile: (path: string) => string,
  whole: SpokenSchema['schema'] = vmSchema,
): SourceNode {
  const targetsSchema = vmSchema.properties?.targets;

  function walk(node: SourceNode, declared: JsonSchema): SourceNode {
    const schema = schemaFor(declared, node, whole.$defs);
    if (schema === targetsSchema) return walkMapping(joinSections(node), schema);
    const types = [schema.type ?? []].flat();
    if (types.includes('array') && !types.some((type) => type === typeName(node)) && !isNull(node)) {
      const { start, end, pointer } = node;
      return { kind: 'sequence', items: [walk(node, schema.items ?? {})], start, end, pointer };
    }
    switch (node.kind) {
      case 'scalar':
        return scalar(node, schema, types);
      case 'sequence': {
        // Of a key that a UCL file gives again for a field that takes one value: each is what it would be alone.
        const items = schema.items ?? (node.isRepeated ? declared : undefined);
        if (items === undefined) return node;
        const walked = replaced(node.items, (item) => walk(item, items));
        return walked === node.items ? node : { ...node, items: walked };
      }
      case 'mapping':
        return walkMapping(node, schema);
    }
  }

  function walkMapping(node: SourceNode, schema: JsonSchema): SourceNode {
    if (node.kind !== 'mapping') return node;
    const entries = replaced(node.entries, (entry): SourceEntry | undefined => {
      if (isOwnKey(entry.key) || isNull(entry.value)) return undefined;
      const property = propertySchema(schema, entry.key);
      const value = property === undefined ? entry.value : walk(entry.value, property);
      return value === entry.value ? entry : { ...entry, value };
    });
    return entries === node.entries ? node : { ...node, entries };
  }

  function scalar(node: SourceNode & { kind: 'scalar' }, schema: JsonSchema, types: readonly string[]): SourceNode {
    const { value, written } = node;
    if (typeof value === 'number') {
      const digits = written ?? String(value);
      const isUnsafe = Number.isInteger(value) && !Number.isSafeInteger(value);
      const takesDigits = schema.takesDigits === true && (isUnsafe || !types.includes('integer'));
      return takesDigits && /^-?\d+$/.test(digits) ? { ...node, value: digits } : node;
    }
    if (typeof value !== 'string') return node;
    if (types.includes('integer') && !types.includes('string') && /^-?\d{1,15}$/.test(value)) {
      return { ...node, value: Number(value), written: value };
    }
    if (schema.isFile !== true || value === '') return node;
    const file = resolveFile(value);
    return file === value ? node : { ...node, value: file, written: value };
  }

  return walk(root, whole);
}

/** A key of the user's own, which says nothing to vmrun. */
export const isOwnKey = (key: string): boolean => key.startsWith('x-');

/** The items as `change` makes them, without those that it makes undefined; the same list where none is another. */
function replaced<T>(items: readonly T[], change: (item: T) => T | undefined): readonly T[] {
  let others: T[] | undefined;
  for (const [index, item] of items.entries()) {
    const changed = change(item);
    if (changed !== item) others ??= items.slice(0, index);
    if (changed !== undefined) others?.push(changed);
  }
  return others ?? items;
}

const isNull = (node: SourceNode): boolean => node.kind === 'scalar' && node.value === null;

function typeName(node: SourceNode): string {
  switch (node.kind) {
    case 'sequence':
      return 'array';
    case 'mapping':
      return 'object';
    case 'scalar':
      return typeof node.value;
  }
}

/** UCL sections of one name arrive as an array of objects; their keys become one object, in order. */
function joinSections(node: SourceNode): SourceNode {
  if (node.kind !== 'sequence') return node;
  const sections = node.items.filter((item): item is SourceMapping => item.kind === 'mapping');
  if (sections.length !== node.items.length) return node;
  return { ...node, kind: 'mapping', entries: sections.flatMap(({ entries }) => entries) };
}
