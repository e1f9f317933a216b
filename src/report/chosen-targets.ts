import type { Spec } from '../spec/parse-spec.js';
import { defaultTarget } from '../spec/targets.js';
import { refuseUnknownTarget } from './targets.js';

/** Which targets of a spec are meant. */
export interface TargetChoice {
  /** Default: that of a run's first boot. */
  readonly target?: string | undefined;
  readonly allTargets?: true | undefined;
}

/** @throws ProblemsError `usage` where the spec has no such target */
export function chosenTargets(spec: Spec, { target = defaultTarget, allTargets }: TargetChoice): readonly string[] {
  if (allTargets === true) return spec.targets;
  refuseUnknownTarget(spec, target);
  return [target];
}
