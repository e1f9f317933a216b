import { ProblemsError } from '../../base/problem.js';
import { loadFacts } from '../../host/look/load-facts.js';
import { checkDocument, refusalDocument } from '../../report/check-document.js';
import { checkReport, isReadyReport, type CheckReport } from '../../report/check-report.js';
import { chosenTargets, type TargetChoice } from '../../report/chosen-targets.js';
import { loadWithLock, type SpecChoice } from '../../report/load-with-lock.js';
import { changedByOthers } from '../../report/spec-files.js';
import { forecastSeverity, withForecast } from '../../report/with-forecast.js';
import type { Colours } from '../colours.js';
import type { Context } from '../context.js';
import { defineCommand } from '../define-command.js';
import { exitCodes, problemsExitCode } from '../exit-codes.js';
import { asJson } from '../paint.js';
import { namedBhyve } from '../programs.js';
import { runBaseOf } from '../run-base.js';
import { bhyveOption, givenSpec, loadingOptions, runDirOption, specOperand, targetOption } from '../shared-options.js';
import { formatReadiness } from '../show-readiness.js';
import { fitLines } from '../wrap.js';

interface CheckOptions extends SpecChoice, TargetChoice {
  readonly json?: true | undefined;
  readonly host?: string | undefined;
  readonly bhyve?: string | undefined;
  readonly runDir?: string | undefined;
  readonly strict?: true | undefined;
}

const notes = `
It changes nothing, so it is safe beside a running VM. Exit status: 0 ready,
65 problems in the spec, 66 a file cannot be read, 69 the host is not ready.

Examples:
  vmrun check -c vm.json --all-targets
  vmrun check vm.json --host server.json   a host that vmrun facts captured`;

/** `vmrun check`: reads, validates, plans, looks at the host, reports. */
export const checkCommand = defineCommand({
  name: 'check',
  description: 'Says whether the spec is valid and the host can run it. Changes nothing.',
  usage: 'SPEC [options]',
  notes,
  declare: (command) =>
    loadingOptions(
      specOperand(command)
        .addOption(targetOption)
        .option('--all-targets', 'every target of the spec')
        .option('--json', 'print the report as JSON, on standard output')
        .option('--host <file>', 'a host captured by vmrun facts, instead of this one'),
    )
      .addOption(bhyveOption)
      .option('--strict', 'refuse a spec or hook that others can change')
      .addOption(runDirOption),
  run: (call) => {
    const { context, colours, refuse } = call;
    const options = { ...call.options, config: givenSpec(call) };
    if (options.target !== undefined && options.allTargets === true) refuse('-t and --all-targets exclude one another');
    if (options.host === '-') refuse('--host takes a file, standard input is for the spec');
    return options.json === true ? reportJson(context, options) : reportText(context, options, colours());
  },
});

async function reportText(context: Context, options: CheckOptions, colours: Colours): Promise<number> {
  const report = await check(context, options);
  const { ready, rest } = formatReadiness(report, colours);
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
