import { CommanderError } from 'commander';
import { ProblemsError } from '../base/problem.js';
import { defaultRunBase } from '../host/run-base.js';
import { loadSpecText } from '../machine/load-spec.js';
import { plan } from '../machine/plan.js';
import { readSpec } from '../spec/read.js';
import { isTarget, targetHint } from '../spec/targets.js';
import type { Spec } from '../spec/parse-spec.js';
import { printCommand } from './commands/print-command.js';
import type { Context } from './context.js';
import { exitCodes, problemsExitCode } from './exit-codes.js';
import type { CliOptions } from './options.js';
import { makeProgram } from './program.js';
import { programsOf } from './programs.js';

declare const VMRUN_VERSION: string;

/** The whole command: words in, exit code out. Everything that a dry run does not need is loaded when it is needed. */
export async function vmrun(words: readonly string[], context: Context): Promise<number> {
  let code: number = exitCodes.ok;
  let options: CliOptions | undefined;
  const output = { writeOut: context.out, writeErr: context.err };
  const parse = makeProgram(VMRUN_VERSION, output, async (parsed) => {
    options = parsed;
    code = await perform(parsed, context);
  });
  try {
    await parse(words);
  } catch (error) {
    return await report(error, context, options);
  }
  return code;
}

async function perform(options: CliOptions, context: Context): Promise<number> {
  const { workingDirectory, env, uid, hostBhyve } = context;
  const input = readSpec(options.config, {
    workingDirectory,
    ...(options.inputFormat === undefined ? {} : { format: options.inputFormat }),
  });
  const loaded = await loadSpecText(input, hostBhyve);
  if (!loaded.ok) throw new ProblemsError('spec', input.name, loaded.problems);
  const spec = loaded.value;
  const target = options.target ?? 'default';
  refuseUnknownTarget(spec, target);
  const isSimulated = options.simulate !== undefined;
  const programs = programsOf(options, context);
  // A simulated run must be possible beside the real one of the same name.
  const runBase =
    (options.runDir ?? defaultRunBase(env, uid)).replace(/(?<=.)\/+$/, '') + (isSimulated ? '-simulated' : '');
  const planned = plan(spec, target, {
    ...hostBhyve,
    runDirectory: `${runBase}/${spec.name}`,
    extraArguments: options.bhyveArguments,
  });
  if (!planned.ok) throw new ProblemsError('spec', input.name, planned.problems);
  if (loaded.warnings.length > 0 && !options.quiet) await warn(loaded.warnings, context, options);
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
  return runVm(context, { spec, machine: planned.value, programs, runBase, options, colour });
}

function refuseUnknownTarget(spec: Spec, target: string): void {
  const targets = new Map(spec.targets.map((name) => [name, name]));
  if (isTarget(targets, target)) return;
  throw new ProblemsError('usage', spec.source, [
    {
      code: 'unknown-target',
      severity: 'error',
      message: `there is no target ${JSON.stringify(target)}`,
      fix: targetHint(targets, target),
    },
  ]);
}

async function warn(problems: ProblemsError['problems'], context: Context, options: CliOptions): Promise<void> {
  const [{ formatProblem }, { coloursFor }] = await Promise.all([import('./show-problems.js'), import('./colours.js')]);
  const colour = coloursFor(context, options.color);
  for (const problem of problems) context.err(`${formatProblem(problem, colour).join('\n')}\n`);
}

/** Turns what was thrown into words and an exit code. */
async function report(error: unknown, context: Context, options: CliOptions | undefined): Promise<number> {
  if (error instanceof CommanderError) {
    // commander has printed its message; help and version are no failure.
    if (error.exitCode === 0) return exitCodes.ok;
    context.err('Try vmrun --help.\n');
    return exitCodes.usage;
  }
  const [{ formatProblems }, { coloursFor }, { StartError }] = await Promise.all([
    import('./show-problems.js'),
    import('./colours.js'),
    import('../host/child.js'),
  ]);
  const colour = coloursFor(context, options?.color);
  if (error instanceof ProblemsError) {
    context.err(formatProblems(error, colour));
    return problemsExitCode(error);
  }
  if (error instanceof StartError) {
    const { startErrorLines } = await import('./show-start-error.js');
    context.err(startErrorLines(error, colour));
    return exitCodes.host;
  }
  if (error instanceof Error && 'syscall' in error) {
    context.err(`vmrun: a system call failed: ${error.message}\n`);
    return exitCodes.system;
  }
  const text = error instanceof Error ? (error.stack ?? error.message) : String(error);
  context.err(`vmrun: this is a bug in vmrun, please report it:\n${text}\n`);
  return exitCodes.internal;
}
