import { chosenTargets, type TargetChoice } from '../../report/chosen-targets.js';
import { compareSpecs } from '../../report/comparison.js';
import { loadWithLock, type LoadedWithLock, type SpecChoice } from '../../report/load-with-lock.js';
import { planDocument } from '../../report/plan-document.js';
import { planReport, type PlanRequest } from '../../report/plan-report.js';
import { startPlanDocument } from '../../report/start-plan-document.js';
import { forecastSeverity, withForecast } from '../../report/with-forecast.js';
import type { Colours } from '../colours.js';
import type { Context } from '../context.js';
import { defineCommand, type Call } from '../define-command.js';
import { exitCodes } from '../exit-codes.js';
import { asJson, asLines, type OwnText } from '../paint.js';
import { namedBhyve, programsOf } from '../programs.js';
import { runBaseOf } from '../run-base.js';
import { bhyveOption, givenSpec, loadingOptions, runDirOption, specOperand, targetOption } from '../shared-options.js';
import { formatComparison, formatPlan } from '../show-plan.js';
import { formatProblem } from '../show-problems.js';
import { formatStartPlan } from '../show-start-plan.js';
import { allWords, readFolder, refuseBesideFolder, tellFolder } from '../whole-folder.js';

interface PlanChoice extends SpecChoice, TargetChoice {
  readonly explain?: true | undefined;
  readonly diff?: string | undefined;
  readonly json?: true | undefined;
  readonly bhyve?: string | undefined;
  readonly runDir?: string | undefined;
}

const notes = `
What bhyve makes up, a MAC or a serial number, is computed as bhyve does. With a
lock file (vmrun lock) it says what the guest would find changed, and what the
file keeps. --all says which VMs of a folder vmrun serve starts by itself, after
which others and when; its status is 65 if something is wrong with a spec.

Examples:
  vmrun plan vm.json --all-targets
  vmrun plan vm.json --explain          the spec's line for each argument
  vmrun plan vm.json --diff new.json    what the guest would notice
  vmrun plan --all vms                  what starts in which order`;

/** `vmrun plan`: what a spec comes to, for people who want to see it before it runs. Touches nothing. */
export const planCommand = defineCommand({
  name: 'plan',
  description: 'Shows what a spec comes to. Looks at no host, starts nothing.',
  usage: 'SPEC [options]\n       vmrun plan --all DIR [options]',
  notes,
  declare: (command) =>
    loadingOptions(
      specOperand(command)
        .addOption(targetOption)
        .option('--all-targets', 'every target of the spec')
        .option('--explain', 'where each argument of the command comes from')
        .option('--diff <file>', 'what would differ with this spec instead')
        .option('--all <dir>', allWords)
        .option('--json', 'print it as JSON'),
    )
      .addOption(bhyveOption)
      .addOption(runDirOption),
  run: async (call) => {
    const { context, colours, refuse } = call;
    if (call.options.all !== undefined) return showFolder(call, call.options, call.options.all);
    const wanted = { ...call.options, config: givenSpec(call) };
    const { target, allTargets, explain, diff } = wanted;
    if (target !== undefined && allTargets === true) refuse('-t and --all-targets exclude one another');
    if (explain === true && diff !== undefined) refuse('--explain and --diff exclude one another');
    if (diff === '-') refuse('--diff takes a file, standard input is for the spec');
    context.out(diff === undefined ? await show(context, wanted, colours()) : await compare(context, wanted, diff));
    return exitCodes.ok;
  },
});

/** What a folder of specs comes to. @returns the exit code */
async function showFolder(
  call: Pick<Call<unknown[], never>, 'command' | 'context' | 'colours' | 'refuse'>,
  { config, json, target, allTargets, explain, diff, lock }: Omit<PlanChoice, 'config'> & { readonly config?: string },
  folder: string,
): Promise<number> {
  const { context, colours } = call;
  const isLock = lock === true ? undefined : lock;
  refuseBesideFolder(call, {
    '-c': config,
    '-t': target,
    '--all-targets': allTargets,
    '--explain': explain,
    '--diff': diff,
    '--lock': isLock,
  });
  const plan = await readFolder(folder, context);
  context.out(json === true ? asJson(startPlanDocument(plan), 2) : formatStartPlan(plan, context.columns?.(1)));
  return tellFolder(plan, context, colours());
}

async function show(context: Context, wanted: PlanChoice, colours: Colours): Promise<OwnText> {
  const loaded = await load(wanted, context);
  const names = chosenTargets(loaded.spec, wanted);
  const report = planReport(loaded, names, requestOf(wanted, context));
  if (wanted.json === true) return asJson(planDocument(report), 2);
  context.err(asLines(report.warnings.flatMap((warning) => formatProblem(warning, colours))));
  return formatPlan(report, context.columns?.(1));
}

/** Each spec with the lock file beside it, the second without one with that of the first; that alone can be named. */
async function compare(context: Context, wanted: PlanChoice, diff: string): Promise<OwnText> {
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
  const options = { ...context, foresee, draftOf };
  return withForecast(await loadWithLock(choice, options), options);
}

const requestOf = ({ bhyve, explain, runDir }: PlanChoice, context: Context): PlanRequest => ({
  programs: programsOf({ bhyve, simulate: undefined }, context),
  hostBhyve: context.hostBhyve,
  runBase: runBaseOf({ runDir }, context),
  isExplained: explain === true,
});
