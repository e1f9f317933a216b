import { child, steps } from '../base/json-pointer.js';
import { limited, mostProblems, type Finding, type Problem } from '../base/problem.js';
import { failure, success, type Result } from '../base/result.js';
import { canonicalise } from './canonical.js';
import { fits } from './fits.js';
import { linesOf } from './locate.js';
import { parseText, textProblems, type SpecText } from './parse-text.js';
import { find, toValue, type SourceNode } from './source-tree.js';
import { explainViolations, tellingViolations, type SpokenSchema, type Validate } from './violations.js';

/** What files are that are read as specs are, and are none. */
export interface DocumentKind {
  readonly schema: SpokenSchema['schema'];
  /** The schema as the build compiles it. */
  readonly validate: Validate;
  /** For the sentences about what is wrong. */
  readonly spoken: Omit<SpokenSchema, 'schema'>;
}

/** A file that has the form that its schema says. */
interface ReadDocument {
  /** Of the schema: file names are absolute, keys of the user's own are gone. */
  readonly value: unknown;
  /** A finding of a later calculation, told at its place. */
  readonly problem: (finding: Finding) => Problem;
}

/** Text in any format of a spec → a value of a schema, or every problem of the text, each at its place. */
export async function readDocument(input: SpecText, kind: DocumentKind): Promise<Result<ReadDocument>> {
  const lines = linesOf(input.text);
  const parsed = await parseText(input);
  if (!parsed.ok) return failure(textProblems(input, parsed, lines));
  const { schema, validate, spoken } = kind;
  const written = canonicalise(parsed.root, input.resolveFile, schema);
  const { root, findings: repeats } =
    input.format === 'ucl' && written.kind === 'mapping'
      ? (await import('./ucl.js')).withoutRepeats(written, schema)
      : { root: written, findings: [] };
  const told = (at: SourceNode, finding: Finding, atKey = false): Problem => {
    const path = steps(finding.pointer);
    const { node, entry, isExact } = find(at, path);
    const { line, column } = lines.at(atKey && entry !== undefined ? entry.keyStart : node.start);
    const { code, message, severity = 'error', fix } = finding;
    // What is missing has no place of its own: it is told where it would go.
    const pointer = isExact ? node.pointer : child(node.pointer, path.at(-1) ?? '');
    return {
      code,
      severity,
      message,
      ...(fix === undefined ? {} : { fix }),
      place: { file: input.name, line, column, pointer },
    };
  };
  if (repeats.length === 0 && fits(schema, root, schema.$defs)) {
    return success({ value: toValue(root), problem: (finding) => told(root, finding) });
  }
  const violations = validate(toValue(root)) ? [] : tellingViolations(validate.errors ?? []);
  const findings = explainViolations(violations.slice(0, mostProblems), root, { ...spoken, schema });
  return failure(
    limited(
      [
        ...repeats.map((finding) => told(written, finding)),
        ...findings.map((finding) => told(root, finding, finding.atKey)),
      ],
      Math.max(0, violations.length - mostProblems),
    ),
  );
}
