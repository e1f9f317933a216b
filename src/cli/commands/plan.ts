import { addAll } from '../../base/long-lists.js';
import type { Command } from 'commander';
import { inOrder, ProblemsError, type Problem } from '../../base/problem.js';
import type { Result } from '../../base/result.js';
import { explain } from '../../machine/explain.js';
import { guestOf } from '../../machine/guest.js';
import { loaderCommand } from '../../machine/loader.js';
import { compareWithLock } from '../../machine/lock-identity.js';
import type { Machine } from '../../machine/machine.js';
import { plan, type PlanOptions } from '../../machine/plan.js';
import { twinWarnings } from '../../machine/twins.js';
import type { Spec, SpecFormat } from '../../spec/parse-spec.js';
import { readSpec } from '../../spec/read.js';
import { defaultTarget } from '../../spec/targets.js';
import { coloursFor } from '../colours.js';
import { inputFormatOption, lockOptions, makeCommand, takeSpec } from '../command-line.js';
import type { MakeSubcommand } from '../commands.js';
import type { Context } from '../context.js';
import { exitCodes } from '../exit-codes.js';
import { loadSpec } from '../load-spec.js';
import { forecastSeverity, forecastSpec } from '../forecast-spec.js';
import { lockFileFor, type LockFile } from '../lock-file.js';
import { asJson, asLines, type OwnText } from '../paint.js';
import { programsOf } from '../programs.js';
import { runBaseOf } from '../run-base.js';
import { formatProblem } from '../show-problems.js';
import { diffJson, formatDiff, formatPlan, nextTargets, planJson, type TargetPlan } from '../show-plan.js';
import { refuseUnknownTarget } from '../targets.js';

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
      const text = options.diff === undefined ? await show(context, options) : await compare(context, options);
      context.out(text);
      return exitCodes.ok;
    },
    color: () => command.opts<PlanCommandOptions>().color,
  };
};

function refuseContradictions(command: Command, { target, allTargets, explain: why, diff }: PlanCommandOptions): void {
  if (target !== undefined && allTargets === true) command.error('error: -t and --all-targets exclude one another');
  if (why === true && diff !== undefined) command.error('error: --explain and --diff exclude one another');
  if (diff === '-') command.error('error: --diff takes a file, standard input is for the spec');
}

/** A spec with what a plan of it needs. */
interface Loaded {
  readonly spec: Spec;
  readonly locked: LockFile | undefined;
  readonly options: PlanOptions;
  readonly warnings: readonly Problem[];
}

/** @throws ProblemsError where the spec or its lock file is not good */
async function load(config: string, wanted: PlanCommandOptions, context: Context, known?: Loaded): Promise<Loaded> {
  const { lock, inputFormat, ...rest } = wanted;
  const { workingDirectory, hostBhyve } = context;
  const input = readSpec(config, { workingDirectory, format: inputFormat });
  const own = await lockFileFor({ config, lock }, context);
  // A draft of a spec that is locked is to be that spec: what is locked stays.
  const locked = own ?? (lock === false ? undefined : known?.locked);
  const basis = { ...hostBhyve, identity: locked?.identity };
  const severity = forecastSeverity(rest.bhyve, context);
  const loaded = await loadSpec(input, basis, { severity, withoutHost: true });
  const { spec } = loaded;
  const isOther = own === undefined && known !== undefined && known.spec.name !== spec.name;
  if (isOther && locked !== undefined) return load(config, wanted, context);
  const warnings = inOrder([
    ...loaded.warnings,
    ...(await forecastSpec(spec, spec.targets, { ...basis, severity, withoutHost: true })),
  ]);
  if (warnings.some(({ severity }) => severity === 'error')) throw new ProblemsError('spec', input.name, warnings);
  return {
    spec,
    locked,
    warnings: [...(own?.warnings ?? []), ...warnings],
    options: { ...basis, runDirectory: `${runBaseOf(rest, context)}/${spec.name}` },
  };
}

/** What was planned when the spec was loaded can be planned again. */
function sound<T>(result: Result<T>, { source }: Spec): T {
  if (result.ok) return result.value;
  throw new ProblemsError('spec', source, result.problems);
}

function targetPlan(
  { spec, options }: Loaded,
  target: string,
  wanted: PlanCommandOptions,
  context: Context,
): TargetPlan {
  const machine = sound(plan(spec, target, options), spec);
  const { bhyve, loaders } = programsOf({ bhyve: wanted.bhyve, simulate: undefined }, context);
  return {
    machine,
    guest: sound(guestOf(spec, target, options), spec),
    program: bhyve,
    ...(machine.loader === undefined ? {} : { loader: loaderCommand(machine.loader, loaders) }),
    ...(wanted.explain === true ? { explained: sound(explain(spec, target, options), spec) } : {}),
  };
}

async function show(context: Context, wanted: PlanCommandOptions): Promise<OwnText> {
  const loaded = await load(wanted.config, wanted, context);
  const { spec, locked, options } = loaded;
  const names = targetsOf(spec, wanted);
  const targets = names.map((target) => targetPlan(loaded, target, wanted, context));
  const { hostBhyve } = context;
  const warnings = [...loaded.warnings, ...twinWarnings(spec, spec.targets, options)];
  const report = {
    name: spec.name,
    source: spec.source,
    targets,
    warnings,
    boots: bootsFrom(names, (target) => sound(plan(spec, target, options), spec)),
    ...(locked === undefined
      ? {}
      : { lock: { file: locked.file, ...sound(compareWithLock(spec, names, { ...hostBhyve, ...locked }), spec) } }),
  };
  if (wanted.json === true) return asJson(planJson(report), 2);
  const colour = coloursFor(context, wanted.color);
  context.err(asLines(warnings.flatMap((warning) => formatProblem(warning, colour))));
  return formatPlan(report, context.columns?.(1));
}

function targetsOf(spec: Spec, { target = defaultTarget, allTargets }: PlanCommandOptions): readonly string[] {
  if (allTargets === true) return spec.targets;
  refuseUnknownTarget(spec, target);
  return [target];
}

/** The targets that a run can come to from those that are shown, in the order in which they are found. */
function bootsFrom(first: readonly string[], machineOf: (target: string) => Machine): readonly Machine[] {
  const boots = new Map<string, Machine>();
  const waiting = [...first];
  for (let target = waiting.shift(); target !== undefined; target = waiting.shift()) {
    if (boots.has(target)) continue;
    const machine = machineOf(target);
    boots.set(target, machine);
    const { onGiveUp, restart } = machine.policy;
    addAll(waiting, nextTargets(machine).values());
    if (onGiveUp !== undefined && restart.max !== undefined) waiting.push(onGiveUp);
  }
  return [...boots.values()];
}

/** Each spec with the lock file beside it, the second without one with that of the first; that alone can be named. */
async function compare(context: Context, wanted: PlanCommandOptions): Promise<OwnText> {
  const { diff = '', ...rest } = wanted;
  const { inputFormat: _format, lock, ...others } = rest;
  const from = await load(wanted.config, rest, context);
  const to = await load(diff, { ...others, ...(lock === false ? { lock } : {}) }, context, from);
  const names = targetsOf(from.spec, wanted);
  const more = wanted.allTargets === true ? to.spec.targets.filter((target) => !names.includes(target)) : [];
  const side = (loaded: Loaded, target: string): TargetPlan | undefined =>
    loaded.spec.targets.includes(target) ? targetPlan(loaded, target, wanted, context) : undefined;
  const targets = [...names, ...more].map((target) => {
    const [before, after] = [side(from, target), side(to, target)];
    return { target, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) };
  });
  const found = { name: from.spec.name, from: from.spec.source, to: to.spec.source, targets };
  return wanted.json === true ? asJson(diffJson(found), 2) : formatDiff(found, context.columns?.(1));
}
