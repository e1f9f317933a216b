import { ProblemsError, type Problem } from '../base/problem.js';
import type { Result } from '../base/result.js';
import type { Platform } from '../devices/device.js';
import { runDirectoryOf } from '../host/run-directory/run-base.js';
import { explain, type ExplainedArgument } from '../machine/explain.js';
import { guestOf, type Guest } from '../machine/guest.js';
import { loaderCommand, type Programs } from '../machine/loader.js';
import { compareWithLock, type LockComparison } from '../machine/lock-identity.js';
import type { Machine } from '../machine/machine.js';
import { nextBoots, reachedFrom, type NextBoots } from '../machine/next-boots.js';
import { plan, type PlanOptions } from '../machine/plan.js';
import { twinWarnings } from '../machine/twins.js';
import type { Spec } from '../spec/parse-spec.js';
import type { LoadedWithLock } from './load-with-lock.js';

/** One target of a plan. */
export interface TargetPlan {
  readonly machine: Machine;
  readonly guest: Guest;
  /** Words that start bhyve. */
  readonly program: readonly string[];
  /** The loader's command, where there is one. */
  readonly loader?: readonly string[];
  /** Absent: nobody asked why. */
  readonly explained?: readonly ExplainedArgument[];
}

/** What `vmrun plan` found out. */
export interface PlanReport {
  readonly name: string;
  /** The file of the spec. */
  readonly source: string;
  readonly targets: readonly TargetPlan[];
  /** The targets that a run can come to, in the order in which it may. */
  readonly boots: readonly PlannedBoot[];
  /** Of the spec, which is good nevertheless. */
  readonly warnings: readonly Problem[];
  /** Absent: there is no lock file, or it is not to be used. */
  readonly lock?: LockComparison & { readonly file: string };
}

/** A target of the boot sequence. */
export interface PlannedBoot extends NextBoots {
  readonly target: string;
  /** bhyve itself restarts a guest that reboots. */
  readonly isMonitored: boolean;
}

/** For whom a plan is made. */
export interface PlanRequest {
  readonly programs: Programs;
  /** The bhyve that commands are written for where the spec does not say. */
  readonly hostBhyve: Partial<Platform>;
  /** Folder of the run directories. */
  readonly runBase: string;
  /** Say where each argument comes from. Default: false. */
  readonly isExplained?: boolean;
}

/**
 * What a spec comes to.
 * @param names targets of it
 * @throws ProblemsError where what was good when it was loaded cannot be planned for this request
 */
export function planReport(loaded: LoadedWithLock, names: readonly string[], request: PlanRequest): PlanReport {
  const { spec, locked } = loaded;
  const options = planOptions(loaded, request);
  return {
    name: spec.name,
    source: spec.source,
    targets: names.map((target) => targetPlan(loaded, target, request)),
    warnings: [...loaded.warnings, ...twinWarnings(spec, spec.targets, options)],
    boots: bootsFrom(names, (target) => sound(plan(spec, target, options), spec)),
    ...(locked === undefined
      ? {}
      : { lock: { file: locked.file, ...sound(compareWithLock(spec, names, { ...options, ...locked }), spec) } }),
  };
}

/** One target of it. */
export function targetPlan(loaded: LoadedWithLock, target: string, request: PlanRequest): TargetPlan {
  const { spec } = loaded;
  const { bhyve, loaders } = request.programs;
  const options = planOptions(loaded, request);
  const machine = sound(plan(spec, target, options), spec);
  return {
    machine,
    guest: sound(guestOf(spec, target, options), spec),
    program: bhyve,
    ...(machine.loader === undefined ? {} : { loader: loaderCommand(machine.loader, loaders) }),
    ...(request.isExplained === true ? { explained: sound(explain(spec, target, options), spec) } : {}),
  };
}

const planOptions = ({ spec, locked }: LoadedWithLock, { hostBhyve, runBase }: PlanRequest): PlanOptions => ({
  ...hostBhyve,
  identity: locked?.identity,
  runDirectory: runDirectoryOf(runBase, spec.name),
});

/** What was planned when the spec was loaded can be planned again. */
function sound<T>(result: Result<T>, { source }: Spec): T {
  if (result.ok) return result.value;
  throw new ProblemsError('spec', source, result.problems);
}

function bootsFrom(names: readonly string[], machineOf: (target: string) => Machine): readonly PlannedBoot[] {
  const boots = new Map<string, PlannedBoot>();
  reachedFrom(names, (target) => {
    const { policy, isMonitored } = machineOf(target);
    const boot = { target, isMonitored, ...nextBoots(target, policy) };
    boots.set(target, boot);
    return boot;
  });
  return [...boots.values()];
}
