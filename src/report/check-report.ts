import { ProblemsError, type Problem } from '../base/problem.js';
import type { Platform } from '../devices/device.js';
import { viewFrom } from '../host/look/facts-paths.js';
import { recordedView, type HostFacts } from '../host/look/facts.js';
import { liveView } from '../host/look/live-view.js';
import { runDirectoryOf } from '../host/run-directory/run-base.js';
import { runTool } from '../host/process/tools.js';
import { compareWithLock } from '../machine/lock-identity.js';
import { plan } from '../machine/plan.js';
import { twinWarnings } from '../machine/twins.js';
import { readiness, type TargetReadiness } from '../supervisor/readiness.js';
import type { LoadedWithLock } from './load-with-lock.js';

/** Whether a host can run targets of a spec, and what stands between. */
export interface CheckReport {
  readonly name: string;
  /** The file of the spec. */
  readonly source: string;
  /** Of the spec, which is good nevertheless. */
  readonly warnings: readonly Problem[];
  readonly targets: readonly TargetReadiness[];
  readonly host: HostLabel;
}

/** The host that was looked at. */
export interface HostLabel extends Partial<Platform> {
  readonly system: string;
  /** When it was captured: ISO 8601; absent where it is this one, now. */
  readonly captured?: string;
}

/** Where to look, and for whom. */
export interface CheckRequest {
  /** A captured host. Default: this one. */
  readonly facts?: HostFacts | undefined;
  /** The bhyve that commands are written for where the spec does not say: that of the host. */
  readonly hostBhyve: Partial<Platform>;
  /** Absolute; relative file names of the spec start here. */
  readonly workingDirectory: string;
  /** Folder of the run directories. */
  readonly runBase: string;
  /** FreeBSD's tools may be asked though the system is another. */
  readonly hasBhyve: boolean;
}

export const isReadyReport = ({ targets }: CheckReport): boolean => targets.every(({ isReady }) => isReady);

/**
 * What a run of each target would find now; nothing is changed.
 * @param names targets of the spec
 * @throws ProblemsError where what was good when it was loaded cannot be planned for this request
 */
export async function checkReport(
  loaded: LoadedWithLock,
  names: readonly string[],
  { facts, hostBhyve, workingDirectory, runBase, hasBhyve }: CheckRequest,
): Promise<CheckReport> {
  const { spec, locked } = loaded;
  const options = { ...hostBhyve, identity: locked?.identity };
  const machines = names.map((target) => {
    const planned = plan(spec, target, { ...options, runDirectory: runDirectoryOf(runBase, spec.name) });
    if (!planned.ok) throw new ProblemsError('spec', spec.source, planned.problems);
    return planned.value;
  });
  const view = facts === undefined ? liveView({ run: runTool }) : viewFrom(workingDirectory, recordedView(facts));
  const targets = await readiness(machines, {
    view,
    hasBhyve,
    ...(facts === undefined ? { records: { base: runBase, run: runTool } } : {}),
  });
  return {
    name: spec.name,
    source: spec.source,
    warnings: [
      ...loaded.warnings,
      ...twinWarnings(spec, spec.targets, options),
      ...lockWarnings(loaded, names, hostBhyve),
    ],
    targets,
    host: { system: view.system, ...view.platform, ...(facts === undefined ? {} : { captured: facts.taken }) },
  };
}

/** What the guest would notice, compared with what is locked. */
function lockWarnings(
  { spec, locked }: LoadedWithLock,
  names: readonly string[],
  hostBhyve: Partial<Platform>,
): readonly Problem[] {
  if (locked === undefined) return [];
  const compared = compareWithLock(spec, names, { ...hostBhyve, ...locked });
  return compared.ok ? compared.value.warnings : [];
}
