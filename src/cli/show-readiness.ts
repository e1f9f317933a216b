import { listWords } from '../base/text.js';
import type { HostFinding } from '../host/look/findings.js';
import type { CheckReport } from '../report/check-report.js';
import type { TargetReadiness } from '../supervisor/readiness.js';
import type { Colours } from './colours.js';
import { asLines, type OwnText } from './paint.js';
import { countProblems, problemLines } from './show-problems.js';

/**
 * The report for people.
 * @returns `ready`, a line for each target that can be booted, and `rest`, all that was found, grouped by device
 */
export function formatReadiness(
  { name, warnings, targets }: CheckReport,
  colour: Colours,
): { readonly ready: OwnText; readonly rest: OwnText } {
  const ready = targets.flatMap(({ target, isReady }) => (isReady ? [`${name}: ready to boot target ${target}`] : []));
  const findings = mergedFindings(targets);
  const problems = [...warnings, ...findings.map(({ problem }) => problem)];
  if (problems.length === 0) return { ready: asLines(ready), rest: asLines([]) };
  const isGood = problems.every(({ severity }) => severity !== 'error');
  const outcome = `${countProblems(problems)}${isGood ? '' : ', the host is not ready; nothing was changed'}`;
  const lines = [`${colour.bold(name)}: ${outcome}`, ...problemLines(problems, colour), ...fixableLine(findings)];
  return { ready: asLines(ready), rest: asLines(lines) };
}

/** How many of the findings vmrun can fix when it is told to. */
function fixableLine(findings: readonly HostFinding[]): readonly string[] {
  const fixable = findings.filter(({ fix, mayFix }) => fix !== undefined && !mayFix).length;
  if (fixable === 0) return [];
  const all = findings.length === 1 ? 'it' : 'all of them';
  return ['', `vmrun can fix ${fixable === findings.length ? all : `${fixable} of them`}: run it with --recover`];
}

/** What several targets share is told once; what not all of them share, with the targets. */
function mergedFindings(targets: readonly TargetReadiness[]): readonly HostFinding[] {
  const merged = new Map<string, { readonly finding: HostFinding; readonly targets: string[] }>();
  for (const { target, findings } of targets) {
    for (const finding of findings) {
      const { code, message, place, subject } = finding.problem;
      const key = JSON.stringify([code, message, place ?? subject]);
      const known = merged.get(key);
      if (known === undefined) merged.set(key, { finding, targets: [target] });
      else if (known.targets.at(-1) !== target) known.targets.push(target);
    }
  }
  return [...merged.values()].map(({ finding, targets: names }) => {
    if (names.length === targets.length) return finding;
    const message = `${finding.problem.message} (target${names.length === 1 ? '' : 's'} ${listWords(names)})`;
    return { ...finding, problem: { ...finding.problem, message } };
  });
}
