import { child } from '../base/json-pointer.js';
import type { JsonSchema } from '../devices/json-schema.js';
import { parseUcl as parse } from '../ucl/parse-ucl.js';
import type { UclGiven, UclValue } from '../ucl/ucl-tree.js';
import { vmSchema } from './schema.js';
import { propertySchema, schemaFor } from './schema-walk.js';
import {
  entryOf,
  maxDepth,
  maxValues,
  tooDeep,
  tooMany,
  type ParseResult,
  type SourceEntry,
  type SourceMapping,
  type SourceNode,
  type SourceSequence,
} from './source-tree.js';
import type { SchemaFinding, SpokenSchema } from './violations.js';

/** Parses UCL into a tree with positions. A key that is given again has the list of its values, as `uclcmd` prints it. */
export function parseUcl(text: string): ParseResult {
  // To libucl a byte order mark is a letter of the first key. Nobody who sees that key in an editor means it.
  const parsed = parse(text.replace(/^\ufeff/, ' '), { maxDepth, tooDeep, maxValues, tooMany });
  if (!parsed.ok) return { ok: false, problems: [parsed.problem] };

  function convert(value: UclValue, pointer: string): SourceNode {
    const { start, end } = value;
    switch (value.kind) {
      case 'scalar': {
        const node = { kind: 'scalar', value: value.value, start, end, pointer } as const;
        const written = text.slice(start, end);
        const isPlain = node.value === null || typeof node.value === 'string' || String(node.value) === written;
        return isPlain ? node : { ...node, written };
      }
      case 'array': {
        const items = value.items.map((item, index) => convert(item, child(pointer, index)));
        return { kind: 'sequence', items, start, end, pointer };
      }
      case 'object': {
        const entries = value.entries.map(({ key, given }): SourceEntry => {
          const [{ keyStart, keyEnd }] = given;
          return { key, keyStart, keyEnd, value: oneOrList(given, child(pointer, key)) };
        });
        return { kind: 'mapping', entries, start, end, pointer };
      }
    }
  }

  function oneOrList(given: readonly [UclGiven, ...UclGiven[]], pointer: string): SourceNode {
    const [first, second] = given;
    if (second === undefined) return convert(first.value, pointer);
    return {
      kind: 'sequence',
      items: given.map(({ value }, index) => convert(value, child(pointer, index))),
      start: second.keyStart,
      end: given.at(-1)?.value.end ?? second.value.end,
      pointer,
      isRepeated: true,
    };
  }

  return { ok: true, root: convert(parsed.root, '') };
}

/**
 * Finds the fields that take one value and are given several. A list in the spec may be made of a key given again; for
 * a field that takes text or a list the two would mean different things.
 * @param root canonical
 * @returns a finding at each second key, and the spec with the first value alone, for what else there is to say of it
 */
export function withoutRepeats(
  root: SourceMapping,
  whole: SpokenSchema['schema'] = vmSchema,
): {
  readonly root: SourceMapping;
  readonly findings: readonly SchemaFinding[];
} {
  const findings: SchemaFinding[] = [];

  function first(node: SourceSequence, schema: JsonSchema, pointer: string): SourceNode {
    const isMaybeList = [schema.type ?? []].flat().includes('array');
    findings.push({
      code: 'given-twice',
      pointer,
      message: `${pointer.slice(pointer.lastIndexOf('/') + 1)} is given ${times(node.items.length)}`,
      fix: isMaybeList ? 'keep one of them, or write one list: [a, b]' : 'keep one of them',
      atKey: false,
    });
    return node.items.find((item) => item.kind !== 'scalar' || item.value !== null) ?? nothingAt(node);
  }

  function walk(given: SourceNode, declared: JsonSchema, pointer: string): SourceNode {
    const node = given.kind === 'mapping' ? withOneTag(given, declared, pointer) : given;
    const schema = schemaFor(declared, node, whole.$defs);
    switch (node.kind) {
      case 'scalar':
        return node;
      case 'sequence': {
        if (node.isRepeated && schema.type !== 'array') return walk(first(node, schema, pointer), declared, pointer);
        const { items } = schema;
        if (items === undefined) return node;
        return { ...node, items: node.items.map((item, index) => walk(item, items, child(pointer, index))) };
      }
      case 'mapping':
        return walkMapping(node, schema, pointer);
    }
  }

  function walkMapping(node: SourceMapping, schema: JsonSchema, pointer: string): SourceMapping {
    const entries = node.entries.flatMap((entry): SourceEntry | readonly [] => {
      const property = propertySchema(schema, entry.key);
      if (property === undefined) return entry;
      const value = walk(entry.value, property, child(pointer, entry.key));
      // Given as null each time.
      return value.kind === 'scalar' && value.value === null ? [] : { ...entry, value };
    });
    return { ...node, entries };
  }

  /** The schema of a device depends on its model, which may be given twice as well. */
  function withOneTag(node: SourceMapping, declared: JsonSchema, pointer: string): SourceMapping {
    const { discriminator } = schemaFor(declared, node, whole.$defs);
    const tag = discriminator === undefined ? undefined : entryOf(node, discriminator.propertyName);
    if (tag?.value.kind !== 'sequence' || tag.value.isRepeated !== true) return node;
    const value = first(tag.value, {}, child(pointer, tag.key));
    return { ...node, entries: node.entries.map((entry) => (entry === tag ? { ...entry, value } : entry)) };
  }

  return { root: walkMapping(root, whole, ''), findings };
}

const nothingAt = ({ start, end, pointer }: SourceSequence): SourceNode => ({
  kind: 'scalar',
  value: null,
  start,
  end,
  pointer,
});

const times = (number: number): string => (number === 2 ? 'twice' : `${number} times`);
