import { ProblemsError } from '../base/problem.js';
import type { Spec } from '../spec/parse-spec.js';
import { unknownTarget } from '../spec/targets.js';

/** @throws ProblemsError `usage` where the spec has no such target */
export function refuseUnknownTarget({ source, targets }: Spec, target: string): void {
  if (!targets.includes(target)) throw new ProblemsError('usage', source, [unknownTarget(target, targets)]);
}
