import { limited, type Finding, type Problem } from '../../base/problem.js';
import { child, steps } from '../../base/json-pointer.js';
import { failure, success, type Result } from '../../base/result.js';
import { withoutQuotations } from '../../base/secrets.js';
import { shown } from '../../base/text.js';
import { parseJson } from '../../spec/json.js';
import { linesOf, type Lines } from '../../spec/locate.js';
import { entryOf, find, toValue, type SourceMapping, type SourceNode } from '../../spec/source-tree.js';
import { explainViolations, type SpokenSchema } from '../../spec/violations.js';
import { factsSchema } from './facts-schema.js';
import { factsVersion, type HostFacts } from './facts.js';
import validate from './generated/validate-host.js';

const spokenSchema: SpokenSchema = {
  schema: factsSchema,
  whole: 'the facts',
  tag: { code: 'unknown-kind', meaning: 'what was found there', noun: 'something that vmrun finds there' },
};

const again = 'capture the host again, on it: vmrun facts -c SPEC';

/**
 * Reads what `captureFacts` gave, written as JSON.
 * @param name of the file, for messages
 * @returns the facts, or all that is wrong with the text, each with its line
 */
export function readFacts(text: string, name: string): Result<HostFacts> {
  const lines = linesOf(text);
  if (text.trim() === '') {
    return failure([{ code: 'empty', severity: 'error', message: 'the file is empty', fix: again }]);
  }
  const parsed = parseJson(text, { what: 'facts' });
  if (!parsed.ok) {
    return failure(
      parsed.problems.map(({ message, offset }) => ({
        code: 'syntax',
        severity: 'error',
        message: withoutQuotations(message),
        fix: again,
        place: { file: name, ...lines.at(offset), pointer: '' },
      })),
    );
  }
  const { root } = parsed;
  const wrongForm = root.kind === 'mapping' ? wrongVersion(root) : notAnObject(root);
  if (wrongForm !== undefined) return failure([problemOf(wrongForm, root, name, lines)]);
  const value = toValue(root);
  if (!validate(value)) {
    const findings = explainViolations(validate.errors ?? [], root, spokenSchema);
    return failure(limited(findings.map((each) => problemOf(each, root, name, lines, each.atKey))));
  }
  // The schema has been checked: here `unknown` gets its type.
  return success(value as HostFacts);
}

const notAnObject = (root: SourceNode): Finding => ({
  code: 'wrong-type',
  pointer: '',
  message: `the facts of a host are an object, this is ${root.kind === 'sequence' ? 'a list' : shown(toValue(root))}`,
  fix: again,
});

/** Another form, or no facts at all: then the rest would be guesswork. */
function wrongVersion(root: SourceMapping): Finding | undefined {
  const version = entryOf(root, 'version')?.value;
  const value = version === undefined ? undefined : toValue(version);
  if (value === factsVersion) return undefined;
  const message =
    value === undefined
      ? 'these are not the facts of a host: they have no "version"'
      : `these facts are of version ${shown(value)}, this vmrun reads version ${factsVersion}`;
  return { code: 'wrong-version', pointer: value === undefined ? '' : '/version', message, fix: again };
}

function problemOf(finding: Finding, root: SourceNode, file: string, lines: Lines, atKey = false): Problem {
  const path = steps(finding.pointer);
  const { node, entry, isExact } = find(root, path);
  const { line, column } = lines.at(atKey && entry !== undefined ? entry.keyStart : node.start);
  const { code, message, fix = again } = finding;
  // What is missing has no place of its own: it is told where it would go.
  const pointer = isExact ? node.pointer : child(node.pointer, path.at(-1) ?? '');
  return { code, severity: 'error', message, fix, place: { file, line, column, pointer } };
}
