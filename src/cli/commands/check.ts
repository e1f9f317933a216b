import path from 'node:path';
import type { Command } from 'commander';
import { inOrder, ProblemsError, type Problem } from '../../base/problem.js';
import type { Platform } from '../../devices/device.js';
import { viewFrom } from '../../host/facts-paths.js';
import { recordedView } from '../../host/facts.js';
import { liveView } from '../../host/live-view.js';
import { loadFacts } from '../../host/load-facts.js';
import { runTool } from '../../host/tools.js';
import { plan } from '../../machine/plan.js';
import type { Spec, SpecFormat } from '../../spec/parse-spec.js';
import { defaultTarget } from '../../spec/targets.js';
import { readiness } from '../../supervisor/readiness.js';
import { twinWarnings } from '../../machine/twins.js';
import { compareWithLock } from '../../machine/lock-identity.js';
import { coloursFor } from '../colours.js';
import { inputFormatOption, lockOptions, makeCommand, takeSpec } from '../command-line.js';
import type { MakeSubcommand } from '../commands.js';
import type { Context } from '../context.js';
import { exitCodes, problemsExitCode } from '../exit-codes.js';
import { forecastSeverity, forecastSpec } from '../forecast-spec.js';
import { loadWithLock } from '../load-with-lock.js';
import type { LockFile } from '../lock-file.js';
import { runBaseOf } from '../run-base.js';
import { formatReadiness, readinessJson, refusalJson, type CheckReport } from '../show-readiness.js';
import { changedByOthers } from '../output-files.js';
import { refuseUnknownTarget } from '../targets.js';
import { fitLines } from '../wrap.js';

interface CheckOptions {
  readonly config: string;
  readonly target?: string;
  readonly allTargets?: true;
  readonly json?: true;
  readonly host?: string;
  readonly lock?: string | boolean;
  readonly inputFormat?: SpecFormat;
  readonly bhyve?: string;
  readonly runDir?: string;
  readonly strict?: true;
  readonly color?: boolean;
}

const examples = `
It changes nothing, so it is safe beside a running VM. Exit status: 0 ready,
65 problems in the spec, 66 a file cannot be read, 69 the host is not ready.

Examples:
  vmrun check -c vm.json --all-targets
  vmrun check vm.json --host server.json   a host that vmrun facts captured`;

/** `vmrun check`: reads, validates, plans, looks at the host, reports. */
export const checkCommand: MakeSubcommand = (context, output) => {
  const command = makeCommand('vmrun check', output)
    .description('Says whether the spec is valid and the host can run it. Changes nothing.')
    .usage('SPEC [options]');
  const specOf = takeSpec(command);
  command
    .option('-t, --target <name>', "this target; default: that of a run's first boot")
    .option('--all-targets', 'every target of the spec')
    .option('--json', 'print the report as JSON, on standard output')
    .option('--host <file>', 'a host captured by vmrun facts, instead of this one')
    .addOption(inputFormatOption())
    .option('--bhyve <path>', 'another bhyve; default: $BHYVE_EXEC or bhyve')
    .option('--strict', 'refuse a spec or hook that others can change')
    .option('--run-dir <dir>', 'folder of the run directories')
    .option('--color', 'colours, also without a terminal')
    .option('--no-color', 'no colours')
    .addHelpText('after', examples);
  for (const option of lockOptions()) command.addOption(option);
  return {
    run: async (words) => {
      command.parse([...words], { from: 'user' });
      const options = { ...command.opts<CheckOptions>(), config: specOf() };
      refuseContradictions(command, options);
      return options.json === true ? reportJson(context, options) : reportText(context, options);
    },
    color: () => command.opts<CheckOptions>().color,
  };
};

function refuseContradictions(command: Command, { target, allTargets, host }: CheckOptions): void {
  if (target !== undefined && allTargets === true) command.error('error: -t and --all-targets exclude one another');
  if (host === '-') command.error('error: --host takes a file, standard input is for the spec');
}

async function reportText(context: Context, options: CheckOptions): Promise<number> {
  const report = await check(context, options);
  const { ready, rest } = formatReadiness(report, coloursFor(context, options.color));
  context.out(fitLines(ready, context.columns?.(1)));
  context.err(rest);
  return exitCodeOf(report);
}

/** What cannot be checked is told in the same form; only a wrong command line is told on stderr. */
async function reportJson(context: Context, options: CheckOptions): Promise<number> {
  try {
    const report = await check(context, options);
    context.out(readinessJson(report));
    return exitCodeOf(report);
  } catch (error) {
    if (!(error instanceof ProblemsError) || error.kind === 'usage') throw error;
    context.out(refusalJson(error));
    return problemsExitCode(error);
  }
}

const exitCodeOf = ({ targets }: CheckReport): number =>
  targets.every(({ isReady }) => isReady) ? exitCodes.ok : exitCodes.host;

/** @throws ProblemsError where the spec, or the file of a captured host, is not good */
async function check(context: Context, options: CheckOptions): Promise<CheckReport> {
  const { workingDirectory, hostBhyve } = context;
  const facts = options.host === undefined ? undefined : loadFacts(options.host, workingDirectory);
  const platform = facts === undefined ? hostBhyve : facts.platform;
  const severity = forecastSeverity(options.bhyve, context);
  const { spec, warnings, locked } = await loadWithLock(options, context, platform, { severity });
  const identity = locked?.identity;
  const runBase = runBaseOf(options, context);
  const names = targetsOf(spec, options);
  const isStrict = options.strict === true;
  const others = facts === undefined ? changedByOthers(options, { spec, identity }, context, isStrict) : [];
  if (isStrict && others.length > 0) throw new ProblemsError('host', spec.source, others);
  const known = [...warnings, ...(await forecastSpec(spec, spec.targets, { ...platform, identity, severity }))];
  if (known.some(({ severity }) => severity === 'error')) throw new ProblemsError('spec', spec.source, inOrder(known));
  const machines = names.map((target) => {
    const planned = plan(spec, target, { ...platform, identity, runDirectory: path.join(runBase, spec.name) });
    if (!planned.ok) throw new ProblemsError('spec', spec.source, planned.problems);
    return planned.value;
  });
  const view = facts === undefined ? liveView({ run: runTool }) : viewFrom(workingDirectory, recordedView(facts));
  const targets = await readiness(machines, {
    view,
    hasBhyve: (options.bhyve ?? context.env.BHYVE_EXEC ?? '') !== '',
    ...(facts === undefined ? { records: { base: runBase, run: runTool } } : {}),
  });
  return {
    name: spec.name,
    source: spec.source,
    warnings: [
      ...others,
      ...inOrder(known),
      ...twinWarnings(spec, spec.targets, { ...platform, identity }),
      ...lockWarnings(spec, names, platform, locked),
    ],
    targets,
    host: { system: view.system, ...view.platform, ...(facts === undefined ? {} : { captured: facts.taken }) },
  };
}

/** What the guest would notice, compared with what is locked. */
function lockWarnings(
  spec: Spec,
  targets: readonly string[],
  platform: Partial<Platform>,
  locked: LockFile | undefined,
): readonly Problem[] {
  if (locked === undefined) return [];
  const compared = compareWithLock(spec, targets, { ...platform, ...locked });
  return compared.ok ? compared.value.warnings : [];
}

function targetsOf(spec: Spec, { target = defaultTarget, allTargets }: CheckOptions): readonly string[] {
  if (allTargets === true) return spec.targets;
  refuseUnknownTarget(spec, target);
  return [target];
}
