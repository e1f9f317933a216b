import { ProblemsError } from '../base/problem.js';
import type { Spec } from '../spec/parse-spec.js';
import { isTarget, targetHint } from '../spec/targets.js';

/** @throws ProblemsError `usage` where the spec has no such target */
export function refuseUnknownTarget(spec: Spec, target: string): void {
  const targets = new Map(spec.targets.map((name) => [name, name]));
  if (isTarget(targets, target)) return;
  throw new ProblemsError('usage', spec.source, [
    {
      code: 'unknown-target',
      severity: 'error',
      message: `there is no target ${JSON.stringify(target)}`,
      fix: targetHint(targets, target),
    },
  ]);
}
