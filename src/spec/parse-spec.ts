import { child, steps } from '../base/json-pointer.js';
import { limited, type Finding, type Place, type Problem, type ProblemOrder } from '../base/problem.js';
import { secretsIn, type Secrets } from '../base/secrets.js';
import { templateMark } from '../base/template.js';
import { shown } from '../base/text.js';
import type { JsonSchema } from '../devices/json-schema.js';
import { canonicalise } from './canonical.js';
import { fieldWords } from './field-words.js';
import { parseJson } from './json.js';
import { linesOf } from './locate.js';
import { longKey } from './long-keys.js';
import { vmSchema } from './schema.js';
import { entryOf, find, toValue, type SourceMapping, type SourceNode } from './source-tree.js';
import { bootableTargets, checkGiveUp, checkTargetNames, repeatedTargets, targetsOf } from './targets.js';
import { parseText, textProblems, type SpecFormat, type SpecText } from './parse-text.js';
import { targetMerger, type MergeFinding } from './merge.js';
import { tooMuchInAll } from './target-limits.js';
import { unfilledValues } from './unfilled.js';
import { validateShape } from './validate.js';
import { treeOfValue } from './value-tree.js';
import type { SchemaFinding } from './violations.js';
import { valueEnds } from './value-ends.js';
import type { VmSpec } from '../fields/vm-spec.js';

export { specFormats, type SpecFormat, type SpecText } from './parse-text.js';

/** A spec that is a value already: the body of a request, what an importer made. */
export interface SpecData extends Pick<SpecText, 'resolveFile' | 'absoluteFile'> {
  /** For messages: where the value is from, `a request`. */
  readonly name: string;
  /** What JSON can say; it may come from anybody. */
  readonly value: unknown;
}

/** A spec that was read: what it says for each target. Immutable; the same target always gives the same. */
export interface Spec {
  /** For messages: the file's name, or `<stdin>`. */
  readonly source: string;
  /** The VM's name. */
  readonly name: string;
  /** What can be booted, `default` first, then in the order of the file. */
  readonly targets: readonly string[];
  /** All of it as the file has it, without what was found to be wrong. */
  written(): object;
  /** The base merged with one of `targets`, afresh. */
  effective(target: string): EffectiveSpec;
}

/** What a spec says for one target, and where in the file it says so. */
export interface EffectiveSpec {
  readonly target: string;
  readonly vm: VmSpec;
  /** What the merge itself found to be wrong. */
  readonly problems: readonly Problem[];
  /** The place of a value of `vm` in the file as written, in the target that brought it. */
  place(pointer: string): Place;
  /** What a pointer into `vm` is about, for people: `emulations[1] virtio-blk "disk.img"`; undefined: the spec. */
  subject(pointer: string): string | undefined;
  /** A finding of a later calculation, told at its place. */
  problem(finding: Finding): Problem;
  /** Whether the file says this field, in the base or in the target; what it does not say has its default in `vm`. */
  isGiven(field: string): boolean;
  /** A section of `vm` with its texts as the file has them: file names that are relative stay so. */
  written(pointer: string): object;
  /** A file name as the file says it, made absolute: the same wherever vmrun is started. */
  absolute(writtenPath: string): string;
  /** What stands for a device of `vm.emulations` in the file: equal for two targets that share it. */
  identity(device: number): object;
}

/** Text that is no spec at all, or a spec with its problems; where there are any, `spec` is what is left without them. */
export type ParsedSpec =
  | { readonly ok: false; readonly problems: readonly Problem[] }
  | {
      readonly ok: true;
      readonly spec: Spec;
      readonly problems: readonly Problem[];
      /** That in which they stand; absent: that of their lines. */
      readonly order?: ProblemOrder;
    };

/** Text → spec: parsed, made canonical, held against the schema; every target name is checked. */
export async function parseSpec(input: SpecText): Promise<ParsedSpec> {
  const lines = linesOf(input.text);
  const parsed = await parseText(input);
  if (!parsed.ok) return { ok: false, problems: textProblems(input, parsed, lines) };
  const { name, text, format } = input;
  const secrets = secretsIn(text, fieldWords, valueEnds(text, format, parsed.root));
  const places = placesIn(name, (offset) => lines.at(offset), secrets);
  return specIn(parsed.root, input, { places, format, mayHaveMarks: templateMark(text) !== undefined });
}

/** Value → spec, in the same way: what would be told at a line is told at a pointer. */
export async function parseSpecValue(input: SpecData): Promise<ParsedSpec> {
  const { name, value } = input;
  const tree = treeOfValue(value);
  if (!tree.ok) {
    const problems = tree.findings.map(({ pointer, ...finding }): Problem => ({
      severity: 'error',
      ...finding,
      place: { file: name, pointer },
    }));
    return { ok: false, problems: limited(problems) };
  }
  const places = placesIn(name, () => ({}), secretsOfTree(tree.root));
  return specIn(tree.root, input, { places, format: 'json', mayHaveMarks: true, order: orderIn(tree.root) });
}

/** As a text would have them: what is missing comes where that begins which it is missing in. */
function orderIn(root: SourceNode): ProblemOrder {
  const numberOf = ({ place }: Problem): number =>
    place === undefined ? 0 : find(root, steps(place.pointer)).node.start;
  return (a, b) => numberOf(a) - numberOf(b);
}

/** Those of the text that the value would be; it is written where something is said of it: mostly nothing is. */
function secretsOfTree(root: SourceNode): Pick<Secrets, 'star'> {
  let secrets: Secrets | undefined;
  const find = (): Secrets => {
    const text = JSON.stringify(toValue(root), undefined, 1);
    const parsed = parseJson(text);
    return secretsIn(text, fieldWords, parsed.ok ? valueEnds(text, 'json', parsed.root) : undefined);
  };
  return { star: (sentence) => (secrets ??= find()).star(sentence) };
}

/** What is known of a tree besides what it says. */
interface About {
  readonly places: Places;
  readonly format: SpecFormat;
  /** Somewhere in it, marks of a template may have been left. */
  readonly mayHaveMarks: boolean;
  readonly order?: ProblemOrder;
}

/** A tree that was read → spec. */
async function specIn(
  read: SourceNode,
  files: Omit<SpecData, 'value'>,
  { places, format, mayHaveMarks, order }: About,
): Promise<ParsedSpec> {
  const long = longKey(read);
  if (long !== undefined) return { ok: false, problems: [places.mergeProblem(long)] };
  const written = canonicalise(read, files.resolveFile);
  if (written.kind !== 'mapping') return { ok: false, problems: [notAnObject(written, places)] };
  const { root, findings: repeats } = await onceEach(written, format);
  const { findings: shape, omitted } = await validateShape(root);
  if (omitted > 0) {
    // What is not known to be wrong could not be left out of what comes next.
    const known = shape.map((finding) => places.problem(root, finding, finding.atKey));
    return { ok: false, problems: limited(known, omitted, order) };
  }
  const sound = shape.length === 0 ? root : withoutFaults(root, shape);
  const targets = targetsOf(root);
  const merge = targetMerger(root, targets);
  const excess = tooMuchInAll(targets, merge);
  if (excess !== undefined) return { ok: false, problems: [places.problem(root, excess)] };
  const names = checkTargetNames(root, targets);
  const merged = [...repeatedTargets(root), ...checkGiveUp(root, targets, merge)];
  const problems = [
    ...repeats.map((finding) => places.problem(written, finding)),
    ...shape.map((finding) => places.problem(root, finding, finding.atKey)),
    ...names.map((finding) => places.problem(root, finding)),
    ...merged.map((finding) => places.mergeProblem(finding)),
    ...(mayHaveMarks ? unfilledValues(root) : []).map((finding) => places.problem(root, finding)),
  ];
  const spec = specOf(sound, files, places);
  return { ok: true, spec, problems, ...(order === undefined ? {} : { order }) };
}

/** JSON and YAML refuse a key that is given again before there is a tree. */
const onceEach = async (root: SourceMapping, format: SpecFormat) =>
  format === 'ucl' ? (await import('./ucl.js')).withoutRepeats(root) : { root, findings: [] };

const notAnObject = (root: SourceNode, places: Places): Problem =>
  places.problem(root, {
    code: 'wrong-type',
    pointer: '',
    message: `a spec is an object with name, cpu and mem, this is ${root.kind === 'sequence' ? 'a list' : shown(toValue(root))}`,
    fix: 'write { "name": "vm0", "cpu": 1, "mem": "1G" }',
  });

function specOf(
  root: SourceMapping,
  { name: source, resolveFile, absoluteFile = resolveFile }: Omit<SpecData, 'value'>,
  places: Places,
): Spec {
  const targets = targetsOf(root);
  const valueOf = valuesOver(root);
  const merge = targetMerger(root, targets);
  return {
    source,
    name: String(toValue(entryOf(root, 'name')?.value ?? root)),
    targets: bootableTargets(targets),
    written: () => writtenSection(root),
    effective(target) {
      const { tree, findings } = merge(target);
      // The schema has checked every layer, and a merge of valid layers is valid: here `unknown` gets its type.
      const vm = withDefaults(valueOf(tree)) as unknown as VmSpec;
      return {
        target,
        vm,
        problems: findings.map((finding) => places.mergeProblem(finding)),
        place: (pointer) => places.place(tree, pointer),
        subject: (pointer) => subjectOf(tree, pointer),
        problem: (finding) => places.problem(tree, finding),
        isGiven: (field) => entryOf(tree, field) !== undefined,
        written: (pointer) => writtenSection(find(tree, steps(pointer)).node),
        absolute: absoluteFile,
        identity: (device) => find(tree, ['emulations', String(device)]).node,
      };
    },
  };
}

function writtenSection(node: SourceNode): object {
  const value = toValue(node, ({ value: own, written }) => (typeof own === 'string' ? (written ?? own) : own));
  return typeof value === 'object' && value !== null ? value : {};
}

/** Makes values of merged trees; what they have of the base is one value in all of them. */
function valuesOver(root: SourceMapping): (tree: SourceMapping) => Readonly<Record<string, unknown>> {
  const shared = new Map<SourceNode, unknown>();
  const share = (node: SourceNode): unknown => shared.set(node, toValue(node)).get(node);
  for (const { key, value } of root.entries) {
    if (key === 'emulations' && value.kind === 'sequence') value.items.forEach(share);
    else if (key !== 'targets') share(value);
  }
  const valueOf = (node: SourceNode): unknown => (shared.has(node) ? shared.get(node) : toValue(node));
  return ({ entries }) =>
    Object.fromEntries(
      entries.map(({ key, value }) => [
        key,
        key === 'emulations' && value.kind === 'sequence' ? value.items.map(valueOf) : valueOf(value),
      ]),
    );
}

/** Fills in the defaults that the schema declares at the root, and inside the objects there. */
function withDefaults(
  value: Readonly<Record<string, unknown>>,
  defaults = (rootDefaults ??= defaultsOf(vmSchema.properties)),
): Readonly<Record<string, unknown>> {
  const out: Record<string, unknown> = { ...value };
  for (const { key, byDefault, below } of defaults) {
    const own = out[key];
    if (own === undefined) {
      if (byDefault !== undefined) out[key] = byDefault;
    } else if (below !== undefined && isPlainObject(own)) out[key] = withDefaults(own, below);
  }
  return out;
}

const isPlainObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** A field with a default, or with fields that may have some. */
interface FieldDefault {
  readonly key: string;
  /** Whole: with the defaults of the fields below it. */
  readonly byDefault: unknown;
  readonly below: readonly FieldDefault[] | undefined;
}

/** Looked up once: a spec has thousands of targets, each made whole by itself. */
let rootDefaults: readonly FieldDefault[] | undefined;

const defaultsOf = (properties: Readonly<Record<string, JsonSchema>> = {}): readonly FieldDefault[] =>
  Object.entries(properties)
    .filter(([key, property]) => key !== 'targets' && (property.default ?? property.properties) !== undefined)
    .map(([key, { default: byDefault, properties: own }]) => {
      const below = own === undefined ? undefined : defaultsOf(own);
      const isMadeWhole = below !== undefined && isPlainObject(byDefault);
      return { key, byDefault: isMadeWhole ? withDefaults(byDefault, below) : byDefault, below };
    });

interface Places {
  place(root: SourceNode, pointer: string, atKey?: boolean): Place;
  problem(root: SourceNode, finding: Finding, atKey?: boolean): Problem;
  mergeProblem(finding: MergeFinding): Problem;
}

/** @param lineAt where an offset is in the text, if there is one */
function placesIn(
  file: string,
  lineAt: (offset: number) => Pick<Place, 'line' | 'column'>,
  { star }: Pick<Secrets, 'star'>,
): Places {
  const place = (root: SourceNode, pointer: string, atKey = false): Place => {
    const path = steps(pointer);
    const { node, entry, isExact } = find(root, path);
    const line = lineAt(atKey && entry !== undefined ? entry.keyStart : node.start);
    // What is missing has no place of its own: it is told where it would go.
    const written = isExact ? node.pointer : child(node.pointer, path.at(-1) ?? '');
    return { file, ...line, pointer: written };
  };
  const told = (finding: Omit<Finding, 'pointer'>, at: Place, subject: string | undefined): Problem => ({
    code: finding.code,
    severity: finding.severity ?? 'error',
    message: star(finding.message),
    ...(finding.fix === undefined ? {} : { fix: star(finding.fix) }),
    place: { ...at, pointer: star(at.pointer) },
    ...(subject === undefined ? {} : { subject: star(subject) }),
  });
  return {
    place,
    problem: (root, finding, atKey) =>
      told(finding, place(root, finding.pointer, atKey), subjectOf(root, finding.pointer)),
    mergeProblem: ({ node, device, ...finding }) => {
      const subject = device === undefined ? layerWords(steps(node.pointer)) : deviceSubject(device);
      return told(finding, { file, ...lineAt(node.start), pointer: node.pointer }, subject);
    },
  };
}

/** Fields that tell one device from another, the first that is there. */
const tellingFields = ['path', 'name', 'src', 'value', 'id'];

function subjectOf(root: SourceNode, pointer: string): string | undefined {
  const path = steps(pointer);
  const list = path.indexOf('emulations');
  if (list !== -1 && path.length > list + 1) {
    const { node, isExact } = find(root, path.slice(0, list + 2));
    if (isExact) return deviceSubject(node);
  }
  if (path[0] === 'targets') return layerWords(steps(find(root, path.slice(0, 2)).node.pointer));
  return layerWords(steps(find(root, path.slice(0, 1)).node.pointer).slice(0, -1));
}

function deviceSubject(device: SourceNode): string {
  const written = steps(device.pointer);
  const list = written.indexOf('emulations');
  const index = written[list + 1];
  const text = (field: string): string | undefined => {
    const value = entryOf(device, field)?.value;
    return value?.kind === 'scalar' && typeof value.value === 'string' ? (value.written ?? value.value) : undefined;
  };
  const telling = tellingFields.map(text).find((word) => word !== undefined);
  return [
    layerWords(written.slice(0, list)),
    index === undefined ? 'emulations' : `emulations[${index}]`,
    text('device'),
    telling === undefined ? undefined : shown(telling, 40),
  ]
    .filter((word) => word !== undefined)
    .join(' ');
}

/** `target install` for the pointer of one, be it a key of `targets` or of a section of that name. */
const layerWords = (path: readonly string[]): string | undefined =>
  path[0] === 'targets' && path.length > 1 ? `target ${path.at(-1) ?? ''}` : undefined;

/** Values that stand in for required fields that are missing, so that the rest can still be checked. */
const standIns: Readonly<Record<string, string | number>> = { name: 'vm', cpu: 1, mem: '1G' };

/**
 * The spec without what the schema refused, so that the calculations after it can say what else is wrong: unknown
 * fields go alone, a device goes whole, so does any other field of the spec or of a target.
 */
function withoutFaults(root: SourceMapping, findings: readonly SchemaFinding[]): SourceMapping {
  const drop = new Set(findings.map(({ pointer, code }) => unitOf(steps(pointer), code)));
  const kept = prune(root, '', drop);
  const mapping: SourceMapping = kept?.kind === 'mapping' ? kept : { ...root, entries: [] };
  const missing = Object.entries(standIns).filter(([key]) => entryOf(mapping, key) === undefined);
  const { start, end } = root;
  return {
    ...mapping,
    entries: [
      ...mapping.entries,
      ...missing.map(([key, value]) => ({
        key,
        keyStart: start,
        keyEnd: start,
        value: { kind: 'scalar', value, start, end, pointer: `/${key}` } as const,
      })),
    ],
  };
}

/** The pointer of what has to go because of a finding. */
function unitOf(path: readonly string[], code: string): string {
  const whole = path.reduce<string>(child, '');
  if (code === 'unknown-field') return whole;
  const list = path.indexOf('emulations');
  const unit = list !== -1 && list < path.length - 1 ? list + 2 : path[0] === 'targets' ? 3 : 1;
  return path.slice(0, unit).reduce<string>(child, '');
}

function prune(node: SourceNode, pointer: string, drop: ReadonlySet<string>): SourceNode | undefined {
  if (drop.has(pointer)) return undefined;
  switch (node.kind) {
    case 'scalar':
      return node;
    case 'sequence':
      return {
        ...node,
        items: node.items.flatMap((item, index) => prune(item, child(pointer, index), drop) ?? []),
      };
    case 'mapping':
      return {
        ...node,
        entries: node.entries.flatMap((entry) => {
          const value = prune(entry.value, child(pointer, entry.key), drop);
          return value === undefined ? [] : [{ ...entry, value }];
        }),
      };
  }
}
