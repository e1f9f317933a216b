import { placeWords, type Problem, type ProblemsError } from '../base/problem.js';
import { count, shortened } from '../base/text.js';
import type { Colours } from './colours.js';
import { asLines, type OwnText } from './paint.js';

/** What a list of problems means for the run, for its first line. */
const outcome: Readonly<Record<ProblemsError['kind'], string>> = {
  spec: 'nothing was started',
  unreadable: 'nothing was started',
  host: 'bhyve was not started',
  'in-use': 'nothing was started',
  usage: 'nothing was started',
  'cannot-create': 'nothing was started',
};

/**
 * All problems of a file or a host for people, grouped by what they are about, in the order given.
 * @param isRun what failed was to start a VM: the first line says what came of that
 */
export function formatProblems({ kind, source, problems }: ProblemsError, colour: Colours, isRun = true): OwnText {
  const head = `${colour.bold(source)}: ${countProblems(problems)}${isRun ? `, ${outcome[kind]}` : ''}`;
  return asLines([head, ...problemLines(problems, colour)]);
}

/** How many there are, warnings apart: `2 problems and 1 warning`, `1 warning`. */
export function countProblems(problems: readonly Problem[]): string {
  const howMany = (one: Problem['severity']): number =>
    problems.reduce((sum, { severity, standsFor = 1 }) => sum + (severity === one ? standsFor : 0), 0);
  const [errors, warnings] = [howMany('error'), howMany('warning')];
  return [
    ...(errors === 0 && warnings > 0 ? [] : [count(errors, 'problem')]),
    ...(warnings === 0 ? [] : [count(warnings, 'warning')]),
  ].join(' and ');
}

/** The groups that follow the first line, each after an empty line. */
export const problemLines = (problems: readonly Problem[], colour: Colours): readonly string[] =>
  [...bySubject(problems)].flatMap(([subject, group]) => [
    '',
    ...(subject === undefined ? [] : [colour.bold(shortened(subject))]),
    ...group.flatMap((problem) => formatProblem(problem, colour)),
  ]);

/** Groups in the order in which each first appears. */
function bySubject(problems: readonly Problem[]): ReadonlyMap<string | undefined, readonly Problem[]> {
  const groups = new Map<string | undefined, Problem[]>();
  for (const problem of problems) {
    const group = groups.get(problem.subject);
    if (group === undefined) groups.set(problem.subject, [problem]);
    else group.push(problem);
  }
  return groups;
}

/** `file:line:column  pointer  message`, then the lines that belong to it, indented. */
export function formatProblem(
  { place, severity, message, fix, excerpt = [] }: Problem,
  colour: Colours,
): readonly string[] {
  const where = place === undefined ? [] : [placeWords(place)];
  // Where there is no line, the words of the place have the pointer already.
  const pointer = place?.line === undefined || place.pointer === '' ? [] : [shortened(place.pointer, 500)];
  const said = shortened(message);
  const what = severity === 'warning' ? `${colour.yellow('warning:')} ${said}` : said;
  const head = [...where.map((text) => colour.cyan(text)), ...pointer, what].join('  ');
  return [
    `  ${head}`,
    ...excerpt.map((line) => `    ${line}`),
    ...(fix === undefined ? [] : [`    ${colour.green('fix:')} ${shortened(fix)}`]),
  ];
}
