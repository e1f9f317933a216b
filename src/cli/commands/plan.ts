import type { Command } from 'commander';
import { chosenTargets } from '../../report/chosen-targets.js';
import { compareSpecs } from '../../report/comparison.js';
import { loadWithLock, type LoadedWithLock, type SpecChoice } from '../../report/load-with-lock.js';
import { planDocument } from '../../report/plan-document.js';
import { planReport, type PlanRequest } from '../../report/plan-report.js';
import { forecastSeverity, withForecast } from '../../report/with-forecast.js';
import type { SpecFormat } from '../../spec/parse-spec.js';
import { coloursFor } from '../colours.js';
import { inputFormatOption, lockOptions, makeCommand, takeSpec } from '../command-line.js';
import type { MakeSubcommand } from '../subcommand.js';
import type { Context } from '../context.js';
import { exitCodes } from '../exit-codes.js';
import { asJson, asLines, type OwnText } from '../paint.js';
import { namedBhyve, programsOf } from '../programs.js';
import { runBaseOf } from '../run-base.js';
import { formatComparison, formatPlan } from '../show-plan.js';
import { formatProblem } from '../show-problems.js';

interface PlanCommandOptions {
  readonly config: string;
  readonly target?: string;
  readonly allTargets?: true;
  readonly explain?: true;
  readonly diff?: string;
  readonly json?: true;
  readonly lock?: string | boolean;
  readonly inputFormat?: SpecFormat;
  readonly bhyve?: string;
  readonly runDir?: string;
  readonly color?: boolean;
}

const examples = `
What bhyve makes up, a MAC or a serial number, is computed as bhyve does. With a
lock file (vmrun lock) it says what the guest would find changed, and what the
file keeps.

Examples:
  vmrun plan vm.json --all-targets
  vmrun plan vm.json --explain          the spec's line for each argument
  vmrun plan vm.json --diff new.json    what the guest would notice`;

/** `vmrun plan`: what a spec comes to, for people who want to see it before it runs. Touches nothing. */
export const planCommand: MakeSubcommand = (context, output) => {
  const command = makeCommand('vmrun plan', output)
    .description('Shows what a spec comes to. Looks at no host, starts nothing.')
    .usage('SPEC [options]');
  const specOf = takeSpec(command);
  command
    .option('-t, --target <name>', "this target; default: that of a run's first boot")
    .option('--all-targets', 'every target of the spec')
    .option('--explain', 'where each argument of the command comes from')
    .option('--diff <file>', 'what would differ with this spec instead')
    .option('--json', 'print it as JSON');
  for (const option of lockOptions()) command.addOption(option);
  command
    .addOption(inputFormatOption())
    .option('--bhyve <path>', 'another bhyve; default: $BHYVE_EXEC or bhyve')
    .option('--run-dir <dir>', 'folder of the run directories')
    .option('--color', 'colours, also without a terminal')
    .option('--no-color', 'no colours')
    .addHelpText('after', examples);
  return {
    run: async (words) => {
      command.parse([...words], { from: 'user' });
      const options = { ...command.opts<PlanCommandOptions>(), config: specOf() };
      refuseContradictions(command, options);
      const { diff } = options;
      context.out(diff === undefined ? await show(context, options) : await compare(context, options, diff));
      return exitCodes.ok;
    },
    color: () => command.opts<PlanCommandOptions>().color,
  };
};

function refuseContradictions(command: Command, { target, allTargets, explain, diff }: PlanCommandOptions): void {
  if (target !== undefined && allTargets === true) command.error('error: -t and --all-targets exclude one another');
  if (explain === true && diff !== undefined) command.error('error: --explain and --diff exclude one another');
  if (diff === '-') command.error('error: --diff takes a file, standard input is for the spec');
}

async function show(context: Context, wanted: PlanCommandOptions): Promise<OwnText> {
  const loaded = await load(wanted, context);
  const names = chosenTargets(loaded.spec, wanted);
  const report = planReport(loaded, names, requestOf(wanted, context));
  if (wanted.json === true) return asJson(planDocument(report), 2);
  const colour = coloursFor(context, wanted.color);
  context.err(asLines(report.warnings.flatMap((warning) => formatProblem(warning, colour))));
  return formatPlan(report, context.columns?.(1));
}

/** Each spec with the lock file beside it, the second without one with that of the first; that alone can be named. */
async function compare(context: Context, wanted: PlanCommandOptions, diff: string): Promise<OwnText> {
  const from = await load(wanted, context);
  const { bhyve, lock } = wanted;
  const to = await load({ config: diff, bhyve, lock: lock === false ? false : undefined }, context, from);
  const names = chosenTargets(from.spec, wanted);
  const more = wanted.allTargets === true ? to.spec.targets.filter((target) => !names.includes(target)) : [];
  const compared = compareSpecs(from, to, [...names, ...more], requestOf(wanted, context));
  return wanted.json === true ? asJson(compared, 2) : formatComparison(compared, context.columns?.(1));
}

/** @throws ProblemsError where the spec or its lock file is not good, or bhyve would refuse its own words in it */
async function load(
  choice: SpecChoice & { readonly bhyve?: string | undefined },
  context: Context,
  draftOf?: LoadedWithLock,
): Promise<LoadedWithLock> {
  const foresee = { severity: forecastSeverity(namedBhyve(choice, context)), withoutHost: true };
  const options = { ...context, foresee, ...(draftOf === undefined ? {} : { draftOf }) };
  return withForecast(await loadWithLock(choice, options), options);
}

const requestOf = ({ bhyve, explain, runDir }: PlanCommandOptions, context: Context): PlanRequest => ({
  programs: programsOf({ bhyve, simulate: undefined }, context),
  hostBhyve: context.hostBhyve,
  runBase: runBaseOf({ runDir }, context),
  isExplained: explain === true,
});
