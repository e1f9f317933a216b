import path from 'node:path';
import { ProblemsError, type Problem } from '../base/problem.js';
import type { Machine } from '../machine/machine.js';
import { plan, type PlanOptions } from '../machine/plan.js';
import type { Spec } from '../spec/parse-spec.js';
import { defaultTarget } from '../spec/targets.js';

/** The machine of a target; without one, that of the first boot. @throws ProblemsError */
export type Planner = (target: string | undefined, more: PlanOptions) => Machine;

/**
 * A spec has targets; a machine is one of them, and is what it is.
 * @throws ProblemsError `usage` where a machine would have to become another
 */
export function planner(subject: Spec | Machine, options: PlanOptions): Planner {
  if (!('argv' in subject)) return specPlanner(subject, options);
  refuseOtherTargets(subject);
  return (target, { runDirectory }) => sameMachine(subject, target, runDirectory);
}

/** A boot that follows is that of the same machine, unless the host has told something new about its cards. */
function specPlanner(spec: Spec, options: PlanOptions): Planner {
  const machines = new Map<string, Machine>();
  return (target = defaultTarget, more) => {
    if (more.hostCards !== undefined) return planned(spec, target, { ...options, ...more });
    const key = JSON.stringify([target, more]);
    const machine = machines.get(key) ?? planned(spec, target, { ...options, ...more });
    // The last one alone: a spec may have ten thousand targets.
    if (!machines.has(key)) machines.clear();
    machines.set(key, machine);
    return machine;
  };
}

/** The spec has been checked for every target when it was loaded, so a plan that fails is a mistake of the caller. */
function planned(spec: Spec, target: string, options: PlanOptions): Machine {
  if (!spec.targets.includes(target)) throw refuse(spec.source, noTarget(target, spec.targets));
  const result = plan(spec, target, options);
  if (!result.ok) throw new ProblemsError('spec', spec.source, result.problems);
  return result.value;
}

function refuseOtherTargets({ name, target, policy }: Machine): void {
  const others = [...Object.values(policy.nextTarget), policy.onGiveUp].filter(
    (next) => next !== undefined && next !== target,
  );
  if (others.length === 0) return;
  throw refuse(name, {
    code: 'one-target',
    severity: 'error',
    message: `its next_target or on_give_up names ${others.join(', ')}, and a machine is that of one target, ${target}`,
    fix: 'run the spec',
  });
}

function sameMachine(machine: Machine, target = machine.target, runDirectory: string | undefined): Machine {
  if (target !== machine.target) throw refuse(machine.name, noTarget(target, [machine.target]));
  const { privateConfig, loader } = machine;
  const files = [privateConfig, ...(loader?.files ?? [])].filter((file) => file !== undefined);
  const elsewhere = files.find((file) => runDirectory !== undefined && !isIn(runDirectory, file.path));
  if (elsewhere === undefined || runDirectory === undefined) return machine;
  throw refuse(machine.name, {
    code: 'other-run-directory',
    severity: 'error',
    message: `its command names ${elsewhere.path}, but its run directory is ${runDirectory}`,
    fix: `plan it with runDirectory: ${JSON.stringify(runDirectory)}`,
  });
}

const isIn = (folder: string, file: string): boolean => path.resolve(path.dirname(file)) === path.resolve(folder);

const refuse = (source: string, problem: Problem): ProblemsError => new ProblemsError('usage', source, [problem]);

const noTarget = (target: string, known: readonly string[]): Problem => ({
  code: 'unknown-target',
  severity: 'error',
  message: `there is no target ${JSON.stringify(target)}`,
  fix: `there is ${known.join(', ')}`,
});
