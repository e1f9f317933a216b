import { nearestName } from '../base/nearest-name.js';
import { child, steps } from '../base/json-pointer.js';
import type { Finding } from '../base/problem.js';
import { listWords, shown } from '../base/text.js';
import type { JsonSchema } from '../devices/json-schema.js';
import { limitWords } from './limit-words.js';
import { definitionName, propertySchema, schemaFor, type Definitions } from './schema-walk.js';
import { entryOf, find, toValue, type SourceNode } from './source-tree.js';

/** One violation of a schema as the code tells it that ajv compiles. */
interface Violation {
  readonly keyword: string;
  /** JSON Pointer into the data. */
  readonly instancePath: string;
  readonly schemaPath: string;
  readonly params: Readonly<Record<string, unknown>>;
}

/** What is wrong by a schema, and how much more there is than anybody reads. */
export interface ShapeFindings {
  readonly findings: readonly SchemaFinding[];
  readonly omitted: number;
}

/** What the build compiles of a schema. */
export interface Validate {
  (data: unknown): boolean;
  errors?: readonly Violation[] | null;
}

/** A finding of the schema; `atKey` where the key is what is wrong, not its value. */
export interface SchemaFinding extends Finding {
  readonly atKey: boolean;
}

/** A schema with what the sentences about its violations need besides. */
export interface SpokenSchema {
  readonly schema: JsonSchema & { readonly $defs: Definitions };
  /** What the whole of it describes: `the spec`. */
  readonly whole: string;
  /** What tells the alternatives of a `discriminator` from each other. */
  readonly tag: {
    /** Of the finding where it is none that is known: `unknown-device`. */
    readonly code: string;
    /** `the model, e.g. "virtio-blk"` */
    readonly meaning: string;
    /** `a device model` */
    readonly noun: string;
    /** The whole of an alternative. */
    readonly example?: string;
  };
  /** What to do about an unknown field that would be known elsewhere, or in another tool. @param known fields here */
  readonly misplaced?: (key: string, path: readonly string[], known: readonly string[]) => string | undefined;
  /** The alternative that a tag nobody knows may stand for. */
  readonly otherTag?: (tag: string) => string | undefined;
  /** What to write instead of a text that is not like its pattern. */
  readonly respelled?: (text: string, schema: JsonSchema, path: readonly string[]) => string | undefined;
}

/** Each violation as one sentence, in the order given; pointers lead into `root`. */
export const explainViolations = (
  violations: readonly Violation[],
  root: SourceNode,
  spoken: SpokenSchema,
): readonly SchemaFinding[] => tellingViolations(violations).map((violation) => findingOf(violation, root, spoken));

/** Those that say what is wrong, and not only that something is. */
export function tellingViolations(violations: readonly Violation[]): readonly Violation[] {
  const isRequired = ({ keyword }: Violation): boolean => keyword === 'required';
  const isOfValues = ({ keyword }: Violation): boolean => keyword === 'enum' || keyword === 'const';
  /** Only where somebody asks for them: there may be as many as values, each as long as all keys above it. */
  const pathsOf = (wanted: string, asks: (violation: Violation) => boolean): ReadonlySet<string> =>
    new Set(
      violations.some(asks)
        ? violations.filter(({ keyword }) => keyword === wanted).map(({ instancePath }) => instancePath)
        : [],
    );
  const withoutTag = pathsOf('discriminator', isRequired);
  const ofWrongType = pathsOf('type', isOfValues);
  return (
    violations
      // A value of another type is none of the values, either.
      .filter((violation) => !isOfValues(violation) || !ofWrongType.has(violation.instancePath))
      // A branch that failed is told by what failed in it, a value without a tag by the discriminator.
      .filter(({ keyword }) => keyword !== 'if' && keyword !== 'oneOf')
      // A key that is no name is told as such.
      .filter(({ schemaPath }) => !schemaPath.includes('/propertyNames/'))
      .filter((violation) => !isRequired(violation) || !withoutTag.has(violation.instancePath))
  );
}

/** What a violation is about. */
interface Violated {
  readonly violation: Violation;
  readonly spoken: SpokenSchema;
  readonly path: readonly string[];
  readonly node: SourceNode;
  /** The schema that speaks about the value. */
  readonly schema: JsonSchema;
  readonly name: string;
  /** As it is written, unless that is a secret. */
  readonly value: string;
}

function findingOf(violation: Violation, root: SourceNode, spoken: SpokenSchema): SchemaFinding {
  const path = steps(violation.instancePath);
  const { node } = find(root, path);
  const schema = schemaAt(root, path, spoken.schema);
  const name = nameOf(path, spoken.whole);
  const value = schema.isSecret === true ? '"***"' : quoted(node);
  return sentenceOf({ violation, spoken, path, node, schema, name, value });
}

function sentenceOf(violated: Violated): SchemaFinding {
  const { violation, spoken, path, node, schema, name, value } = violated;
  const { instancePath: pointer, params } = violation;
  const hint = exampleOf(schema);
  const example = hint === undefined ? undefined : `use e.g. ${hint}`;
  switch (violation.keyword) {
    case 'required':
      return missingField(violated, String(params.missingProperty));
    case 'additionalProperties':
      return unknownField(violated, String(params.additionalProperty));
    case 'propertyNames':
      return wrongKey(violated, String(params.propertyName));
    case 'discriminator':
      return wrongTag(violated, schema.discriminator?.propertyName ?? '');
    case 'type':
      return finding(
        'wrong-type',
        pointer,
        `${name} must be ${typeWords(schema)}, got ${value}${path.length === 0 ? '' : givenTwice(node, schema)}`,
        respelled(node, schema) ?? allowedFix(schema, spoken) ?? example,
      );
    case 'pattern':
      return finding(
        'wrong-text',
        pointer,
        `${value} is not ${schema.patternErrorMessage ?? `like ${String(params.pattern)}`}`,
        respelledText(node, schema, path, spoken) ?? example,
      );
    case 'enum':
    case 'const':
      return notAllowed(violated);
    case 'minimum':
    case 'maximum':
      return finding('out-of-range', pointer, `${name} must be ${range(schema)}, got ${value}`);
    case 'minItems':
    case 'maxItems': {
      const count = node.kind === 'sequence' ? node.items.length : 0;
      return finding('wrong-length', pointer, `${name} must have ${itemRange(schema)} items, got ${count}`);
    }
    case 'minLength':
    case 'minProperties':
      return finding('empty', pointer, `${name} must not be empty`, example && `${example}, or leave it out`);
    default: {
      const words = limitWords(violation.keyword, params.limit);
      return words === undefined
        ? finding('invalid', pointer, `${name}: ${value} breaks the rule "${violation.keyword}" of the schema`)
        : finding('out-of-range', pointer, `${name} must ${words}, got ${value}`);
    }
  }
}

const finding = (code: string, pointer: string, message: string, fix?: string): SchemaFinding => ({
  code,
  pointer,
  message,
  atKey: false,
  ...(fix === undefined ? {} : { fix }),
});

function missingField({ violation, node, schema }: Violated, missing: string): SchemaFinding {
  const property = propertySchema(schema, missing);
  const example = exampleBeside(node, missing, schema) ?? exampleOf(property);
  return finding(
    'required',
    child(violation.instancePath, missing),
    `${missing} is required${property?.description === undefined ? '' : `: ${firstSentence(property.description)}`}`,
    example === undefined ? `add "${missing}"` : `add e.g. "${missing}": ${example}`,
  );
}

function unknownField({ violation, spoken, path, schema }: Violated, key: string): SchemaFinding {
  const fix = spoken.misplaced?.(key, path, Object.keys(schema.properties ?? {})) ?? unknownFieldFix(key, schema);
  const at = child(violation.instancePath, key);
  return { ...finding('unknown-field', at, `${shown(key)} is not a field here`, fix), atKey: true };
}

function wrongKey({ violation, schema }: Violated, key: string): SchemaFinding {
  const message = `${shown(key)} is not ${schema.propertyNames?.patternErrorMessage ?? 'a name'}`;
  const at = child(violation.instancePath, key);
  return { ...finding('wrong-text', at, message, 'write it without them'), atKey: true };
}

function wrongTag({ violation, spoken, node, schema }: Violated, key: string): SchemaFinding {
  const at = child(violation.instancePath, key);
  const tags = (schema.oneOf ?? []).flatMap(({ $ref }) => ($ref === undefined ? [] : [definitionName($ref)]));
  const anyOfThem = `use one of ${listWords(tags, 'or')}`;
  const tag = entryOf(node, key);
  if (tag === undefined) {
    const keys = node.kind === 'mapping' ? node.entries.map((entry) => entry.key) : [];
    const named = keys
      .map((each) => (tags.includes(each) ? each : spoken.otherTag?.(each)))
      .find((each) => each !== undefined);
    const fix = named === undefined ? anyOfThem : `write "${key}": "${named}", and its fields beside that`;
    return finding('required', at, `${key} is required: ${spoken.tag.meaning}`, fix);
  }
  const text = toValue(tag.value);
  const near = typeof text === 'string' ? (spoken.otherTag?.(text) ?? nearestName(text, tags)) : undefined;
  return finding(
    spoken.tag.code,
    at,
    `${quoted(tag.value)} is not ${spoken.tag.noun}`,
    near === undefined ? anyOfThem : `did you mean "${near}"?`,
  );
}

function notAllowed({ violation, node, schema, name, value }: Violated): SchemaFinding {
  const allowed = (schema.enum ?? [schema.const]).map((word) => JSON.stringify(word));
  const text = toValue(node);
  const words = (schema.enum ?? []).filter((word) => typeof word === 'string');
  const near = typeof text === 'string' ? nearestName(text, words) : undefined;
  return finding(
    'not-allowed',
    violation.instancePath,
    `${name} cannot be ${value}`,
    near === undefined ? `use ${listWords(allowed, 'or')}` : `did you mean "${near}"?`,
  );
}

/** What people call a value: its key, or the list it is in with its place there. */
function nameOf(path: readonly string[], whole: string): string {
  const last = path.at(-1) ?? whole;
  return /^\d+$/.test(last) && path.length > 1 ? `${path.at(-2) ?? ''}[${last}]` : last;
}

/** The schema that speaks about the value at a path. */
function schemaAt(root: SourceNode, path: readonly string[], whole: SpokenSchema['schema']): JsonSchema {
  let schema: JsonSchema = whole;
  let node: SourceNode | undefined = root;
  const step = (declared: JsonSchema): void => {
    schema = schemaFor(declared, node, whole.$defs);
  };
  step(schema);
  for (const key of path) {
    if (node?.kind === 'sequence') {
      node = node.items[Number(key)];
      step(schema.items ?? {});
    } else {
      node = node === undefined ? undefined : entryOf(node, key)?.value;
      step(propertySchema(schema, key) ?? {});
    }
  }
  return schema;
}

function unknownFieldFix(key: string, schema: JsonSchema): string {
  const known = Object.keys(schema.properties ?? {});
  const near = nearestName(key, known);
  if (near !== undefined) return `did you mean "${near}"?`;
  return known.length > 0 && known.length <= 12
    ? `the fields here are ${listWords(known)}; a key of your own begins with "x-"`
    : 'take it out; a key of your own begins with "x-"';
}

/** A value for a message: as it is written, structures by their kind. */
function quoted(node: SourceNode): string {
  if (node.kind === 'scalar') {
    const { value, written } = node;
    return typeof value === 'string' || value === null ? shown(written ?? value) : (written ?? String(value));
  }
  if (node.kind === 'sequence') return `a list of ${node.items.length}`;
  return 'an object';
}

const typeNames: Readonly<Record<string, string>> = {
  string: 'text',
  integer: 'an integer',
  number: 'a number',
  boolean: 'true or false',
  object: 'an object',
  array: 'a list',
  null: 'null',
};

const typeWords = (schema: JsonSchema): string =>
  listWords(
    [schema.type ?? []].flat().map((type) => typeNames[type] ?? type),
    'or',
  );

/** What to do about a word that one format takes for a boolean, or a number, and another for text. */
function respelled(node: SourceNode, schema: JsonSchema): string | undefined {
  if (node.kind !== 'scalar') return undefined;
  const types = [schema.type ?? []].flat();
  if (typeof node.value !== 'string') {
    return node.written !== undefined && types.includes('string') ? 'put it in double quotes' : undefined;
  }
  if (!types.includes('boolean')) return undefined;
  // That of a value stands nowhere, and is a text in quotes wherever somebody writes it.
  const isQuoted = node.end === node.start || node.end - node.start > node.value.length;
  const word = /^(?:true|yes|on)$/i.test(node.value)
    ? 'true'
    : /^(?:false|no|off)$/i.test(node.value)
      ? 'false'
      : 'true or false';
  return `write ${word}${isQuoted ? ', without quotes' : ''}`;
}

/** What to write where a value of another type stands: one of those there are, or a whole alternative. */
function allowedFix({ enum: allowed, discriminator }: JsonSchema, { tag }: SpokenSchema): string | undefined {
  if (allowed !== undefined)
    return `use ${listWords(
      allowed.map((word) => JSON.stringify(word)),
      'or',
    )}`;
  return discriminator === undefined || tag.example === undefined ? undefined : `use e.g. ${tag.example}`;
}

/** The text as it should be, where somebody can tell. */
function respelledText(
  node: SourceNode,
  schema: JsonSchema,
  path: readonly string[],
  spoken: SpokenSchema,
): string | undefined {
  if (node.kind !== 'scalar' || typeof node.value !== 'string') return undefined;
  const text = spoken.respelled?.(node.value, schema, path);
  return text === undefined ? undefined : `write ${JSON.stringify(text)}`;
}

/** A key that a UCL file gives twice arrives as a list from `uclcmd`. */
const givenTwice = (node: SourceNode, schema: JsonSchema): string =>
  node.kind === 'sequence' && ![schema.type ?? []].flat().includes('array') ? ' (was it given twice?)' : '';

function range({ minimum, maximum }: JsonSchema): string {
  if (minimum !== undefined && maximum !== undefined) return `${minimum} to ${maximum}`;
  return minimum === undefined ? `at most ${maximum ?? ''}` : `at least ${minimum}`;
}

function itemRange({ minItems, maxItems }: JsonSchema): string {
  if (minItems !== undefined && maxItems !== undefined) return `${minItems} to ${maxItems}`;
  return minItems === undefined ? `at most ${maxItems ?? ''}` : `at least ${minItems}`;
}

function exampleOf(schema: JsonSchema | undefined): string | undefined {
  const example = schema?.examples?.[0] ?? schema?.default;
  if (schema?.properties === undefined || JSON.stringify(example) !== '{}') {
    return example === undefined ? undefined : JSON.stringify(example);
  }
  // An empty object says nothing: its first field does.
  const [first] = Object.entries(schema.properties).flatMap(([key, property]) => {
    const value = property.examples?.[0] ?? property.default;
    return value === undefined ? [] : [{ [key]: value }];
  });
  return JSON.stringify(first ?? example);
}

/** Of a field whose value goes by that of another: from an example of the whole that says the same so far. */
function exampleBeside(node: SourceNode, missing: string, { examples = [] }: JsonSchema): string | undefined {
  const given = toValue(node);
  const says = (value: unknown, key: string): unknown =>
    typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>)[key] : undefined;
  const example = examples.find(
    (each) => says(each, 'type') !== undefined && says(each, 'type') === says(given, 'type'),
  );
  const value = says(example, missing);
  return value === undefined ? undefined : JSON.stringify(value);
}

const firstSentence = (text: string): string => {
  const end = text.search(/[.:;](\s|$)/);
  const sentence = end === -1 ? text : text.slice(0, end);
  return sentence.charAt(0).toLowerCase() + sentence.slice(1);
};
