import { ProblemsError, type Problem } from '../base/problem.js';
import { runDirectoryOf } from '../host/run-directory/run-base.js';
import type { Identity } from '../machine/identity.js';
import type { Programs } from '../machine/loader.js';
import { filesOfTargets, type NamedFile } from '../machine/named-files.js';
import { ownSpec, specFiles } from '../report/spec-files.js';
import type { Spec } from '../spec/parse-spec.js';
import { standardInput } from '../spec/read.js';
import { outputProblems, type OutputFile } from '../supervisor/output-files.js';
import type { Context } from './context.js';
import type { CliOptions } from './options.js';

/** What is loaded, and how it is run. */
interface Loaded {
  readonly spec: Spec;
  readonly identity: Identity | undefined;
  readonly programs: Programs;
  readonly runBase: string;
}

/**
 * Refuses to run where a file that the command line wants written is one that something else needs, before any of them is
 * opened.
 * @throws ProblemsError `cannot-create`
 */
export function refuseRunOutputs(
  options: CliOptions,
  { spec, identity, programs, runBase }: Loaded,
  { workingDirectory, hostBhyve }: Context,
): void {
  const outputs = outputsOf(options);
  const unnamed = outputs.filter(({ path }) => path === standardError);
  if (unnamed.length > 0) throw new ProblemsError('usage', 'vmrun', unnamed.map(noFile));
  if (outputs.length === 0) return;
  const runDirectory = runDirectoryOf(runBase, spec.name);
  const named = function* (): Generator<NamedFile> {
    yield* specFiles(options);
    yield* filesOfTargets(spec, { ...hostBhyve, identity, runDirectory, extraArguments: options.bhyveArguments });
    for (const command of [programs.bhyve, ...Object.values(programs.loaders)]) {
      for (const word of command) if (word.includes('/')) yield { path: word, owner: 'the program that is run' };
    }
  };
  const isSpecInput = options.config === standardInput;
  refuse(outputProblems(outputs, { folder: workingDirectory, named: named(), isSpecInput, runDirectory }));
}

/**
 * The same of the file that a spec is locked in, which no run is there for.
 * @param spec undefined: it is not loaded yet
 * @throws ProblemsError `cannot-create`
 */
export function refuseLockFile(
  file: string,
  { config, spec }: { readonly config: string; readonly spec?: Spec },
  { workingDirectory, hostBhyve }: Context,
): void {
  const named = spec === undefined ? [ownSpec(config)] : filesOfTargets(spec, hostBhyve);
  const isSpecInput = config === standardInput;
  refuse(outputProblems([{ option: '--lock', path: file }], { folder: workingDirectory, named, isSpecInput }));
}

function refuse(problems: readonly Problem[]): void {
  if (problems.length > 0) throw new ProblemsError('cannot-create', 'vmrun', problems);
}

function outputsOf({ log, events, consoleLog, pidFile, supervisorPidFile }: CliOptions): readonly OutputFile[] {
  const pidFiles = { '--pid-file': pidFile, '--supervisor-pid-file': supervisorPidFile };
  const lines = { '--log': log, '--events': events };
  return [
    ...Object.entries(lines).flatMap(([option, path]) =>
      path === undefined || path === standardError ? [] : [{ option, path }],
    ),
    ...(consoleLog === undefined ? [] : [{ option: '--console-log', path: consoleLog }]),
    ...Object.entries(pidFiles).flatMap(([option, path]) =>
      path === undefined ? [] : [{ option, path, isPidFile: true as const }],
    ),
  ];
}

/** Only lines of text go to standard error. */
const noFile = ({ option }: OutputFile): Problem => ({
  code: 'output-file',
  severity: 'error',
  message: `${option} -: a file is needed here, and - is none`,
  fix: `leave ${option} out, or name a file; one that is called so is ./-`,
});

/** As `--log` and `--events` name it. */
export const standardError = '-';
