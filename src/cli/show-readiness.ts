import type { Problem, ProblemsError } from '../base/problem.js';
import { listWords } from '../base/text.js';
import type { Platform } from '../devices/device.js';
import { commandOf, type HostFinding } from '../host/findings.js';
import type { TargetReadiness } from '../supervisor/readiness.js';
import type { Colours } from './colours.js';
import { asJson, asLines, type OwnText } from './paint.js';
import { countProblems, problemLines } from './show-problems.js';

/** What `vmrun check` found out. */
export interface CheckReport {
  readonly name: string;
  /** The file of the spec. */
  readonly source: string;
  /** Of the spec, which is good nevertheless. */
  readonly warnings: readonly Problem[];
  readonly targets: readonly TargetReadiness[];
  readonly host: HostLabel;
}

/** The host that was looked at. */
export interface HostLabel extends Partial<Platform> {
  readonly system: string;
  /** When it was captured: ISO 8601; absent where it is this one, now. */
  readonly captured?: string;
}

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
  const lines = [`${colour.bold(name)}: ${outcome}`, ...problemLines(problems, colour), ...mendable(findings)];
  return { ready: asLines(ready), rest: asLines(lines) };
}

/** How many of the findings vmrun can see to. */
function mendable(findings: readonly HostFinding[]): readonly string[] {
  const fixable = findings.filter(({ fix }) => fix !== undefined).length;
  if (fixable === 0) return [];
  const all = findings.length === 1 ? 'it' : 'all of them';
  return ['', `vmrun can mend ${fixable === findings.length ? all : `${fixable} of them`}: run it with --recover`];
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

/** The report for programs: one object, described in the README. */
export const readinessJson = ({ name, source, warnings, targets, host }: CheckReport): OwnText =>
  json({
    name,
    source,
    ready: targets.every(({ isReady }) => isReady),
    problems: warnings.map(plainProblem),
    targets: targets.map(({ target, isReady, findings }) => ({
      target,
      ready: isReady,
      problems: findings.map(({ problem, fix }) => ({
        ...plainProblem(problem),
        ...(fix === undefined ? {} : { mend: { command: commandOf(fix.action), automatic: true } }),
      })),
    })),
    host: {
      system: host.system,
      ...(host.release === undefined ? {} : { release: host.release }),
      ...(host.arch === undefined ? {} : { arch: host.arch }),
      ...(host.captured === undefined ? {} : { captured: host.captured }),
    },
  });

/** The same where a file is not good, so that no host was looked at. */
export const refusalJson = ({ source, problems }: ProblemsError): OwnText =>
  json({ source, ready: false, problems: problems.map(plainProblem), targets: [] });

const json = (value: object): OwnText => asJson(value, 2);

const plainProblem = ({ code, severity, message, fix, subject, place }: Problem): object => ({
  code,
  severity,
  message,
  ...(fix === undefined ? {} : { fix }),
  ...(subject === undefined ? {} : { subject }),
  ...(place === undefined ? {} : { place }),
});
