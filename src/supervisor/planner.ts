import path from 'node:path';
import { ProblemsError, type Problem } from '../base/problem.js';
import type { Machine } from '../machine/machine.js';
import { plan, type PlanOptions } from '../machine/plan.js';
import type { Spec } from '../spec/parse-spec.js';
import { defaultTarget, unknownTarget } from '../spec/targets.js';

/**
 * The machine of a target; without one, that of the first boot.
 * @param hostCards what the host has told of the cards that it passes through, if it has
 * @throws ProblemsError
 */
export type Planner = (target?: string, hostCards?: PlanOptions['hostCards']) => Machine;

/** How the machines of a run are planned. */
interface Planning extends PlanOptions {
  /** That of the run. */
  readonly runDirectory: string;
  /** As in `RunOptions`. */
  readonly servesStdio?: boolean | undefined;
}

/**
 * A spec has targets; a machine is one of them, and is what it is.
 * @param planned a machine of the spec that was planned in the same way
 * @throws ProblemsError `usage` where a machine would have to become another
 */
export function planner(subject: Spec | Machine, options: Planning, planned?: Machine): Planner {
  const known = 'argv' in subject ? subject : planned;
  if (known !== undefined) refuseElsewhere(known, options);
  if (!('argv' in subject)) return specPlanner(subject, options, planned);
  refuseOtherTargets(subject);
  const machine = withStdio(subject, options);
  return (target = machine.target) => {
    if (target !== machine.target) throw refuse(machine.name, unknownTarget(target, [machine.target]));
    return machine;
  };
}

/** A console on stdio is that of the terminal, or the one that vmrun serves; bhyve's command is the same. */
function withStdio(machine: Machine, { servesStdio = false }: Planning): Machine {
  const { loader } = machine;
  if (!servesStdio || !(machine.usesStdio || loader?.usesStdio === true)) return machine;
  return {
    ...machine,
    ...served(machine),
    ...(loader === undefined ? {} : { loader: { ...loader, ...served(loader) } }),
  };
}

const served = ({ usesStdio, servesConsole }: Pick<Machine, 'usesStdio' | 'servesConsole'>) => ({
  usesStdio: false,
  servesConsole: usesStdio || servesConsole,
});

/**
 * A boot that follows is that of the same machine, unless the host has told something new about its cards. The last one
 * alone is kept: a spec may have ten thousand targets.
 */
function specPlanner(spec: Spec, options: Planning, planned: Machine | undefined): Planner {
  let last = planned?.name === spec.name ? withStdio(planned, options) : undefined;
  return (target = defaultTarget, hostCards) => {
    if (hostCards !== undefined) return machineOf(spec, target, { ...options, hostCards });
    if (last?.target !== target) last = machineOf(spec, target, options);
    return last;
  };
}

/** The spec has been checked for every target when it was loaded, so a plan that fails is a mistake of the caller. */
function machineOf(spec: Spec, target: string, options: Planning): Machine {
  if (!spec.targets.includes(target)) throw refuse(spec.source, unknownTarget(target, spec.targets));
  const result = plan(spec, target, options);
  if (!result.ok) throw new ProblemsError('spec', spec.source, result.problems);
  return withStdio(result.value, options);
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

function refuseElsewhere({ name, privateConfig, loader }: Machine, { runDirectory }: Planning): void {
  const files = [privateConfig, ...(loader?.files ?? [])].filter((file) => file !== undefined);
  const elsewhere = files.find((file) => !isIn(runDirectory, file.path));
  if (elsewhere === undefined) return;
  throw refuse(name, {
    code: 'other-run-directory',
    severity: 'error',
    message: `its command names ${elsewhere.path}, but its run directory is ${runDirectory}`,
    fix: `plan it with runDirectory: ${JSON.stringify(runDirectory)}`,
  });
}

const isIn = (folder: string, file: string): boolean => path.resolve(path.dirname(file)) === path.resolve(folder);

const refuse = (source: string, problem: Problem): ProblemsError => new ProblemsError('usage', source, [problem]);
