/**
 * vmrun as a library, for people who write VM managers: specs in, running VMs out. Nothing here prints, exits, keeps
 * global state or installs signal handlers; many VMs can run in one process.
 * @packageDocumentation
 */
import type { ImportFormat } from './import/formats.js';
import type { Imported } from './import/import-text.js';
import { loadSpecText } from './machine/load-spec.js';
import { ProblemsError } from './base/problem.js';
import type { Result } from './base/result.js';
import type { Platform } from './devices/device.js';
import type { Identity } from './machine/identity.js';
import { systemPlatform } from './host/look/system-names.js';
import { readSpec, type ReadOptions } from './spec/read.js';
import type { Spec } from './spec/parse-spec.js';

export { ProblemsError, type Finding, type Place, type Problem } from './base/problem.js';
export { formatAddress, type PciAddress } from './base/pci-address.js';
export type { Result } from './base/result.js';
export { quoteCommand } from './base/shell.js';
export type { Arch, Platform, Release, Requirement, Variable } from './devices/device.js';
export type { ExitReason } from './fields/exits.js';
export type { Policy } from './fields/policy.js';
export type { VmSpec } from './fields/vm-spec.js';
export { forecast, type ForecastOptions } from './forecast/forecast.js';
export { bootGraph, type BootGraph, type BootTarget, type Exit } from './graph/boot-graph.js';
export { drawGraph, graphFormats, type GraphFormat } from './graph/draw.js';
export {
  machineGraph,
  type Connection,
  type MachineBus,
  type MachineDevice,
  type MachineGraph,
} from './graph/machine-graph.js';
export type { Picture } from './graph/picture.js';
export type { Look } from './graph/text.js';
export type { Clock } from './host/clock.js';
export { asksOf, captureFacts, recordedView, type HostAsks, type HostFacts } from './host/look/facts.js';
export type { HostFinding, HostFix } from './host/look/findings.js';
export { systemHost, type Host } from './host/host.js';
export type { FileIdentity, Force, LastEnd, Phase, RestartBudget, RunState } from './host/run-directory/run-state.js';
export { noVmm, type Vmm } from './host/look/vmm.js';
export { checkHost, type HostReport } from './host/look/check.js';
export { liveView, type LiveViewOptions } from './host/look/live-view.js';
export { readFacts } from './host/look/read-facts.js';
export { StartError } from './host/process/start-error.js';
export { runTool, type RunTool, type ToolResult } from './host/process/tools.js';
export type { FileView, HostView, PortView, SocketView } from './host/look/view.js';
export { loadIdentity, writeIdentityFile } from './host/files/identity-file.js';
export type { ImportFormat } from './import/formats.js';
export type { Imported } from './import/import-text.js';
export type { SpecObject } from './base/spec-value.js';
export { differences, type MachineChange } from './machine/difference.js';
export { explain, type ExplainedArgument, type Source } from './machine/explain.js';
export { guestChanges, type GuestChange } from './machine/guest-changes.js';
export { guestOf, type Guest, type GuestDevice } from './machine/guest.js';
export type { GuestNames } from './machine/guest-names.js';
export { formatIdentity, readIdentity } from './machine/identity-text.js';
export type { Identity, LockedDevice, LockedTarget } from './machine/identity.js';
export { loadSpecText, loadSpecValue } from './machine/load-spec.js';
export {
  compareWithLock,
  lockIdentity,
  type LockComparison,
  type Locked,
  type LockOptions,
} from './machine/lock-identity.js';
export type { LoaderPrograms, Programs } from './machine/loader.js';
export type { NextBoots } from './machine/next-boots.js';
export type { Loader, Machine, MachineRequirement, PlannedDevice } from './machine/machine.js';
export { plan, type PlanOptions } from './machine/plan.js';
export {
  checkDocument,
  type CheckDocument,
  type FindingDocument,
  type ProblemDocument,
} from './report/check-document.js';
export { checkReport, type CheckReport, type CheckRequest, type HostLabel } from './report/check-report.js';
export { compareSpecs, type ComparisonDocument, type TargetComparison } from './report/comparison.js';
export { graphReport } from './report/graph-report.js';
export { loadWithLock, type LoadedWithLock, type LoadingOptions, type SpecChoice } from './report/load-with-lock.js';
export type { LockChoice, LockFile } from './report/lock-file.js';
export {
  planDocument,
  type BootDocument,
  type DeviceDocument,
  type PlanDocument,
  type TargetDocument,
} from './report/plan-document.js';
export {
  planReport,
  type PlannedBoot,
  type PlanReport,
  type PlanRequest,
  type TargetPlan,
} from './report/plan-report.js';
export { runsDocument, type ListedRun, type RunsDocument } from './report/runs-document.js';
export {
  startPlan,
  startPlanDocument,
  type FolderSpec,
  type StartDocument,
  type StartPlan,
  type StartPlanDocument,
} from './report/start-plan-document.js';
export { forecastSeverity, withForecast } from './report/with-forecast.js';
export type { EffectiveSpec, Spec, SpecData, SpecFormat, SpecText } from './spec/parse-spec.js';
export { lockFileOf, readSpec, type ReadOptions } from './spec/read.js';
export { defaultTarget } from './spec/targets.js';
export type { SubscribeOptions, Subscription } from './supervisor/event-stream.js';
export type { ConsoleOutput, ConsoleSubscribeOptions, ConsoleSubscription } from './supervisor/console-readers.js';
export type { RunConsole, ConsoleSeat, SeatOptions, Writer } from './supervisor/console.js';
export type { RunEvent } from './supervisor/events.js';
export type { Explanation } from './explain/rule.js';
export type { LoadEnd } from './supervisor/load-end.js';
export type { RebootLimits, StopReason } from './supervisor/policy.js';
export type { SpecSource } from './supervisor/spec-source.js';
export { readiness, type ReadinessOptions, type TargetReadiness } from './supervisor/readiness.js';
export type { RequestOutcome, RunRequest } from './supervisor/requests.js';
export { readKeptSpec, type KeptSpec, type KeptSpecOptions } from './supervisor/kept-spec.js';
export { run } from './supervisor/run.js';
export type { Run, RunOptions, RunResult } from './supervisor/run-options.js';
export {
  listRun,
  listRuns,
  stopRun,
  type KnownRun,
  type ListRunsOptions,
  type ManagerStop,
  type RunsOptions,
  type StopOutcome,
  type StopRunOptions,
  type StopWait,
} from './supervisor/runs.js';
export type { LoadFailure, RunEnd } from './explain/run-end.js';

/**
 * Reads, checks and returns the spec in a file; every target of it can be planned. Where it names no release and no
 * architecture, those of this host are meant.
 * @param file a path, or `-` for standard input
 * @param options `identity` is what a lock file keeps, from `loadIdentity(lockFileOf(file))`; give it to `plan` and
 * `run` too. None is looked for.
 * @throws ProblemsError `spec` with every problem of the file, `unreadable` where it cannot be read
 */
export async function loadSpec(
  file: string,
  { identity, ...options }: Partial<ReadOptions> & { readonly identity?: Identity | undefined } = {},
): Promise<Spec> {
  const text = readSpec(file, { workingDirectory: process.cwd(), ...options });
  const loaded = await loadSpecText(text, { ...systemPlatform(), identity });
  if (!loaded.ok) throw new ProblemsError('spec', text.name, loaded.problems);
  return loaded.value;
}

/** How a text of another way to run a VM is read. */
export interface ImportOptions {
  /** What messages call it: the name of its file. Default: `<text>`. */
  readonly name?: string;
  /** Absolute; where file names without a `/` in front start. Default: the working directory. */
  readonly folder?: string;
  /** What it is. Default: told by the text. */
  readonly format?: ImportFormat;
  /** Of the VM, where the text is to be overruled, or has none. */
  readonly vmName?: string;
  /** ZFS dataset that vm-bhyve or iohyve keeps its VMs in. */
  readonly dataset?: string;
  /** What the original is written for: it goes into the spec. Default: nothing does. */
  readonly platform?: Partial<Platform>;
  /** The content of a file that the text names; undefined where it cannot be read. Default: none can. */
  readonly readFile?: (path: string) => string | undefined;
  /** Number of the first tap that may be named where the original makes one at each start. Default: 0. */
  readonly firstTap?: number;
}

/**
 * Makes a spec of what another way to run a VM has: a script with bhyve's command line, bhyve_config(5), what vm-bhyve,
 * iohyve or libvirt keep. Nothing of it is run.
 * @returns the spec as an object, to be written as JSON or YAML; warnings say what could not be carried or was made up,
 * and its `problems` what has to be fixed by hand before it is a spec. Problems where nothing could be imported
 */
export async function importText(
  text: string,
  { name = '<text>', folder = process.cwd(), platform = {}, ...options }: ImportOptions = {},
): Promise<Result<Imported>> {
  const { importText: read } = await import('./import/import-text.js');
  const asked = { readFile: () => undefined, firstTap: 0, ...options };
  return read({ name, text, folder }, { ...asked, platform, host: systemPlatform() });
}
