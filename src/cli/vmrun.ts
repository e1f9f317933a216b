import type { CommanderError } from '@commander-js/extra-typings';
import { codeOf, isSystemCode } from '../base/error-code.js';
import { errorWords } from '../base/error-words.js';
import { ProblemsError } from '../base/problem.js';
import { runDirectoryOf, simulatedBase } from '../host/run-directory/run-base.js';
import { plan } from '../machine/plan.js';
import { loadWithLock } from '../report/load-with-lock.js';
import { refuseUnknownTarget } from '../report/targets.js';
import { commands } from './commands.js';
import { printCommand } from './commands/print-command.js';
import type { CommandOutput } from './command-line.js';
import type { Context } from './context.js';
import { exitCodes, problemsExitCode } from './exit-codes.js';
import type { CliOptions } from './options.js';
import { asLines, asText, type OwnText } from './paint.js';
import { programsOf } from './programs.js';
import { readPlainWords } from './read-words.js';
import { runBaseOf } from './run-base.js';
import { findCommand, type FoundCommand } from './subcommand.js';
import { fitLines, usualWidth } from './wrap.js';

declare const VMRUN_VERSION: string;

/**
 * The whole command: words in, exit code out. A command comes first, so `vmrun -c check` is a run of the spec "check".
 * Everything that a dry run does not need is loaded when it is needed.
 */
export async function vmrun(words: readonly string[], context: Context): Promise<number> {
  const command = findCommand(words, commands);
  return command === undefined ? runOrPrint(words, context) : runCommand(command, words, context);
}

/** The main form, `vmrun -c FILE`. */
async function runOrPrint(words: readonly string[], context: Context): Promise<number> {
  let options: CliOptions | undefined;
  try {
    options = readPlainWords(words) ?? (await readWithCommander(words, context));
    return await perform(options, context);
  } catch (error) {
    return await report(error, context, 'vmrun', options?.color);
  }
}

async function readWithCommander(words: readonly string[], context: Context): Promise<CliOptions> {
  const { makeProgram } = await import('./program.js');
  return makeProgram(VMRUN_VERSION, outputOf(context), Object.keys(commands))(words);
}

async function runCommand({ path, entry }: FoundCommand, words: readonly string[], context: Context): Promise<number> {
  const makeSubcommand = await entry.load();
  const subcommand = makeSubcommand(context, outputOf(context), commands);
  try {
    return await subcommand.run(words.slice(path.length));
  } catch (error) {
    return await report(error, context, ['vmrun', ...path].join(' '), subcommand.color());
  }
}

const outputOf = ({ out, err, columns }: Context): CommandOutput => ({
  writeOut: (text) => {
    out(asText(text));
  },
  writeErr: (text) => {
    err(asText(text));
  },
  width: () => columns?.(1) ?? usualWidth,
});

async function perform(options: CliOptions, context: Context): Promise<number> {
  const { hostBhyve } = context;
  const { spec, warnings, locked } = await loadWithLock(options, context);
  const identity = locked?.identity;
  const target = options.target ?? 'default';
  refuseUnknownTarget(spec, target);
  const isSimulated = options.simulate !== undefined;
  const programs = programsOf(options, context);
  const base = runBaseOf(options, context);
  const runBase = isSimulated ? simulatedBase(base) : base;
  const planned = plan(spec, target, {
    ...hostBhyve,
    identity,
    runDirectory: runDirectoryOf(runBase, spec.name),
    extraArguments: options.bhyveArguments,
  });
  if (!planned.ok) throw new ProblemsError('spec', spec.source, planned.problems);
  if (warnings.length > 0 && !options.quiet) await warn(warnings, context, options);
  if (options.debug) {
    const { printDebug } = await import('./commands/print-debug.js');
    printDebug(context, spec.effective(target).vm, planned.value, programs);
    return exitCodes.ok;
  }
  if (options.dryRun) {
    await printCommand(context, planned.value, programs, options.format);
    return exitCodes.ok;
  }
  const { runVm } = await import('./commands/run-vm.js');
  const { coloursFor } = await import('./colours.js');
  const colour = coloursFor(context, options.color);
  return runVm(context, { spec, machine: planned.value, identity, programs, runBase, options, colour });
}

async function warn(problems: ProblemsError['problems'], context: Context, options: CliOptions): Promise<void> {
  const [{ formatProblem }, { coloursFor }] = await Promise.all([import('./show-problems.js'), import('./colours.js')]);
  const colour = coloursFor(context, options.color);
  context.err(asLines(problems.flatMap((problem) => formatProblem(problem, colour))));
}

/** Told without its class, which only those load who need commander. */
const isCommandersError = (error: unknown): error is CommanderError =>
  error instanceof Error && codeOf(error).startsWith('commander.');

/** Turns what was thrown into words and an exit code. */
async function report(error: unknown, context: Context, command: string, color: boolean | undefined): Promise<number> {
  // Once a run has begun, what goes to stderr is no longer made to fit.
  const say = (text: OwnText): void => {
    context.err(fitLines(text, context.columns?.(2)));
  };
  if (isCommandersError(error)) {
    // It has printed its message; help and version are no failure.
    if (error.exitCode === 0) return exitCodes.ok;
    say(asLines([`Try ${command} --help.`]));
    return exitCodes.usage;
  }
  const [{ formatProblems }, { coloursFor }, { StartError }] = await Promise.all([
    import('./show-problems.js'),
    import('./colours.js'),
    import('../host/process/start-error.js'),
  ]);
  const colour = coloursFor(context, color);
  if (error instanceof ProblemsError) {
    say(formatProblems(error, colour, command === 'vmrun'));
    return problemsExitCode(error);
  }
  if (error instanceof StartError) {
    const { startErrorLines } = await import('./show-start-error.js');
    say(startErrorLines(error, colour));
    return exitCodes.host;
  }
  if (error instanceof Error && ('syscall' in error || isSystemCode(codeOf(error)))) {
    say(asLines([`vmrun: ${errorWords(error)}`]));
    return exitCodes.system;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  say(asLines(['vmrun: this is a bug in vmrun, please report it:', ...text.split('\n').map((line) => `  ${line}`)]));
  return exitCodes.internal;
}
