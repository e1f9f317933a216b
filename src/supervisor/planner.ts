import { ProblemsError } from '../base/problem.js';
import type { Machine } from '../machine/machine.js';
import { plan, type PlanOptions } from '../machine/plan.js';
import type { Spec } from '../spec/parse-spec.js';
import { defaultTarget } from '../spec/targets.js';

/** The machine of a target; without one, that of the first boot. @throws ProblemsError */
export type Planner = (target: string | undefined, more: PlanOptions) => Machine;

/** A spec has targets; a machine is one of them, and is what it is. */
export function planner(subject: Spec | Machine, options: PlanOptions): Planner {
  return 'argv' in subject
    ? (target) => sameMachine(subject, target)
    : (target, more) => planned(subject, target, { ...options, ...more });
}

/** The spec has been checked for every target when it was loaded, so a plan that fails is a mistake of the caller. */
function planned(spec: Spec, target = defaultTarget, options: PlanOptions): Machine {
  if (target !== defaultTarget && !spec.targets.includes(target)) throw noTarget(spec.source, target, spec.targets);
  const result = plan(spec, target, options);
  if (!result.ok) throw new ProblemsError('spec', spec.source, result.problems);
  return result.value;
}

function sameMachine(machine: Machine, target = machine.target): Machine {
  if (target === machine.target) return machine;
  throw noTarget(machine.name, target, [machine.target]);
}

const noTarget = (source: string, target: string, known: readonly string[]): ProblemsError =>
  new ProblemsError('usage', source, [
    {
      code: 'unknown-target',
      severity: 'error',
      message: `there is no target ${JSON.stringify(target)}`,
      fix: `there is ${known.join(', ')}`,
    },
  ]);
