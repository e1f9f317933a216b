import type { Command } from 'commander';
import { ProblemsError } from '../../base/problem.js';
import { loadFacts } from '../../host/look/load-facts.js';
import { checkDocument, refusalDocument } from '../../report/check-document.js';
import { checkReport, isReadyReport, type CheckReport } from '../../report/check-report.js';
import { chosenTargets } from '../../report/chosen-targets.js';
import { loadWithLock } from '../../report/load-with-lock.js';
import { changedByOthers } from '../../report/spec-files.js';
import { forecastSeverity, withForecast } from '../../report/with-forecast.js';
import type { SpecFormat } from '../../spec/parse-spec.js';
import { coloursFor } from '../colours.js';
import { inputFormatOption, lockOptions, makeCommand, takeSpec } from '../command-line.js';
import type { MakeSubcommand } from '../subcommand.js';
import type { Context } from '../context.js';
import { exitCodes, problemsExitCode } from '../exit-codes.js';
import { asJson } from '../paint.js';
import { namedBhyve } from '../programs.js';
import { runBaseOf } from '../run-base.js';
import { formatReadiness } from '../show-readiness.js';
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
    context.out(asJson(checkDocument(report), 2));
    return exitCodeOf(report);
  } catch (error) {
    if (!(error instanceof ProblemsError) || error.kind === 'usage') throw error;
    context.out(asJson(refusalDocument(error), 2));
    return problemsExitCode(error);
  }
}

const exitCodeOf = (report: CheckReport): number => (isReadyReport(report) ? exitCodes.ok : exitCodes.host);

/** @throws ProblemsError where the spec, or the file of a captured host, is not good */
async function check(context: Context, options: CheckOptions): Promise<CheckReport> {
  const { workingDirectory } = context;
  const bhyve = namedBhyve(options, context);
  const facts = options.host === undefined ? undefined : loadFacts(options.host, workingDirectory);
  const hostBhyve = facts === undefined ? context.hostBhyve : facts.platform;
  const loading = { workingDirectory, hostBhyve, foresee: { severity: forecastSeverity(bhyve) } };
  const loaded = await loadWithLock(options, loading);
  const { spec } = loaded;
  const runBase = runBaseOf(options, context);
  const names = chosenTargets(spec, options);
  const isStrict = options.strict === true;
  const program = bhyve === '' ? 'bhyve' : bhyve;
  const judged = { spec, identity: loaded.locked?.identity, bhyve: program, searchPath: context.env.PATH, isStrict };
  const others = facts === undefined ? changedByOthers(options, judged, loading) : [];
  if (isStrict && others.length > 0) throw new ProblemsError('host', spec.source, others);
  const { warnings } = await withForecast(loaded, loading);
  const request = { facts, hostBhyve, workingDirectory, runBase, hasBhyve: bhyve !== '' };
  return checkReport({ ...loaded, warnings: [...others, ...warnings] }, names, request);
}
