import { errorWords } from '../base/error-words.js';
import { statSync } from 'node:fs';
import path from 'node:path';
import { codeOf } from '../base/error-code.js';
import { ProblemsError, type Problem } from '../base/problem.js';
import { readSpecFile, specFilesOf } from '../manager/spec-file.js';
import { startPlan, type FolderSpec, type StartPlan } from '../report/start-plan-document.js';
import { forecastSeverity } from '../report/with-forecast.js';
import type { Colours } from './colours.js';
import type { Context } from './context.js';
import type { Call } from './define-command.js';
import { exitCodes } from './exit-codes.js';
import { asLines } from './paint.js';
import { namedBhyve } from './programs.js';
import { countProblems, formatProblem } from './show-problems.js';

/** The option of a command that is about one spec, for a folder of them. */
export const allWords = 'all specs of a folder, as one host';

/** Refuses what is about one spec. @param others by their options; what is not given is undefined */
export function refuseBesideFolder(
  { command, refuse }: Pick<Call<unknown[], never>, 'command' | 'refuse'>,
  others: Readonly<Record<string, unknown>>,
): void {
  if (command.args.length > 0) refuse('--all takes a folder, and no spec beside it');
  for (const [option, value] of Object.entries(others)) {
    if (value !== undefined) refuse(`--all and ${option} exclude one another`);
  }
}

/**
 * Reads the specs of a folder. What is wrong with one file is told with it, and does not hide the others.
 * @throws ProblemsError `unreadable` where there is no such folder
 */
export async function readFolder(folder: string, context: Context): Promise<StartPlan> {
  const whole = path.resolve(context.workingDirectory, folder);
  refuseNoFolder(folder, whole);
  const reading = { hostBhyve: context.hostBhyve, severity: forecastSeverity(namedBhyve({}, context)) };
  const files: FolderSpec[] = [];
  for (const file of filesIn(folder, whole)) {
    const read = await readSpecFile(file, false, undefined, reading);
    if (read === undefined) continue;
    const { name, loaded, problems } = read;
    files.push({ file, name, spec: loaded?.spec, problems });
  }
  return startPlan(folder, files);
}

function refuseNoFolder(folder: string, whole: string): void {
  let why: string | undefined;
  try {
    if (!statSync(whole).isDirectory()) why = 'this is no folder';
  } catch (error) {
    why = codeOf(error) === 'ENOENT' ? 'there is no such folder' : errorWords(error);
  }
  if (why !== undefined) throw unreadable(folder, why);
}

function filesIn(folder: string, whole: string): readonly string[] {
  try {
    return specFilesOf(whole);
  } catch (error) {
    throw unreadable(folder, errorWords(error));
  }
}

const unreadable = (folder: string, message: string): ProblemsError =>
  new ProblemsError('unreadable', folder, [
    { code: 'unreadable', severity: 'error', message, fix: 'name the folder that has the specs, a file for each VM' },
  ]);

/** Tells what is wrong in a folder, each place in the folder as it was named. @returns the exit code */
export function tellFolder(plan: StartPlan, context: Context, colours: Colours): number {
  const problems = plan.problems.map((problem) => asNamed(problem, plan.folder, context));
  if (problems.length > 0) {
    const head = `${colours.bold(plan.folder)}: ${countProblems(problems)}`;
    context.err(asLines([head, ...problems.flatMap((problem) => formatProblem(problem, colours))]));
  }
  return problems.some(({ severity }) => severity === 'error') ? exitCodes.spec : exitCodes.ok;
}

function asNamed(problem: Problem, folder: string, { workingDirectory }: Context): Problem {
  const { place } = problem;
  const whole = `${path.resolve(workingDirectory, folder)}/`;
  if (place?.file.startsWith(whole) !== true) return problem;
  return { ...problem, place: { ...place, file: path.join(folder, place.file.slice(whole.length)) } };
}
