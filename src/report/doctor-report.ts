import { readLastLines } from '../base/bounded-file.js';
import { errorWords } from '../base/error-words.js';
import { ProblemsError, type Problem } from '../base/problem.js';
import { asksFrom } from '../host/look/facts-paths.js';
import { asksOf, captureFacts, type HostFacts } from '../host/look/facts.js';
import type { HostView } from '../host/look/view.js';
import { plan } from '../machine/plan.js';
import { listRuns } from '../supervisor/runs.js';
import { chosenTargets } from './chosen-targets.js';
import { loadWithLock, type LoadedWithLock, type LoadingOptions, type SpecChoice } from './load-with-lock.js';
import { planDocument, type PlanDocument } from './plan-document.js';
import { planReport, type PlanRequest } from './plan-report.js';
import { runsDocument, type RunsDocument } from './runs-document.js';

/** What `vmrun doctor` found out, with all that must not leave the host. */
export interface DoctorReport {
  readonly versions: Readonly<Record<string, string>>;
  readonly host: HostFacts;
  readonly spec?: SpecPart | undefined;
  readonly run?: RunPart | undefined;
}

/** What there is to say of a spec. */
interface SpecPart {
  /** The file. */
  readonly source: string;
  /** What it says; absent where it could not be read. */
  readonly written?: object;
  readonly plan?: PlanDocument;
  /** Why one of them is not there. */
  readonly problems: readonly Problem[];
}

/** What is known of the runs of a name. */
export interface RunPart {
  readonly name: string;
  /** Real and simulated; empty: none runs, and none has left anything. */
  readonly runs: RunsDocument;
  /** What could not be looked at, another user's say. */
  readonly unknown: readonly string[];
  /** The end of its log, or why there is none. */
  readonly log:
    { readonly file: string; readonly lines: readonly string[] } | { readonly file: string; readonly error: string };
}

/** Whom and what a report is about. */
interface DoctorRequest {
  readonly versions: DoctorReport['versions'];
  readonly view: HostView;
  readonly loading: LoadingOptions;
  readonly planning: PlanRequest;
  /** Where runs are looked for. */
  readonly runBases: { readonly real: string; readonly simulated: string };
  readonly spec?: (SpecChoice & { readonly target?: string | undefined }) | undefined;
  /** Of a run; default: that of the spec. */
  readonly name?: string | undefined;
  /** The log of the run of a name. */
  readonly logOf: (name: string) => string;
}

/** The end of a log that is in a report: some hundred lines. */
const logBytes = 16 * 1024;

/** Gathers a report. Nothing is changed; what cannot be found out is in it with the reason. */
export async function doctorReport(request: DoctorRequest): Promise<DoctorReport> {
  const { versions, view, spec: choice, name } = request;
  const spec = choice === undefined ? undefined : await specPart(choice, request);
  const asks = asksFrom(request.loading.workingDirectory, asksOf(spec?.requirements ?? []));
  const host = await captureFacts(view, asks);
  const known = name ?? spec?.name;
  return {
    versions,
    host,
    spec: spec?.part,
    run: known === undefined ? undefined : await runPart(known, request),
  };
}

async function specPart(choice: NonNullable<DoctorRequest['spec']>, { loading, planning }: DoctorRequest) {
  const source = choice.config;
  let loaded: LoadedWithLock;
  try {
    loaded = await loadWithLock(choice, loading);
  } catch (error) {
    return { part: { source, problems: problemsOf(error) }, requirements: [] };
  }
  const { spec, locked } = loaded;
  const written = spec.written();
  try {
    const names = chosenTargets(spec, choice);
    const machines = names.map((target) => plan(spec, target, { ...loading.hostBhyve, identity: locked?.identity }));
    const requirements = machines.flatMap((planned) => (planned.ok ? planned.value.requirements : []));
    const part = {
      source,
      written,
      plan: planDocument(planReport(loaded, names, planning)),
      problems: loaded.warnings,
    };
    return { name: spec.name, part, requirements };
  } catch (error) {
    return { name: spec.name, part: { source, written, problems: problemsOf(error) }, requirements: [] };
  }
}

/** What the user can fix is in the report; all else is a bug. */
function problemsOf(error: unknown): readonly Problem[] {
  if (error instanceof ProblemsError) return error.problems;
  throw error;
}

async function runPart(name: string, { runBases, logOf }: DoctorRequest): Promise<RunPart> {
  const unknown: string[] = [];
  const runsIn = async (runBase: string) => {
    const onUnknown = (other: string, error: unknown): void => {
      if (other === name) unknown.push(errorWords(error));
    };
    return (await listRuns({ runBase, onUnknown })).filter((run) => run.name === name);
  };
  const [real, simulated] = await Promise.all([runsIn(runBases.real), runsIn(runBases.simulated)]);
  return { name, runs: runsDocument(real, simulated), unknown, log: logPart(logOf(name)) };
}

function logPart(file: string): RunPart['log'] {
  try {
    return { file, lines: readLastLines(file, logBytes) };
  } catch (error) {
    return { file, error: errorWords(error) };
  }
}
