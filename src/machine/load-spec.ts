import { inOrder } from '../base/problem.js';
import { failure, success, type Result } from '../base/result.js';
import type { Platform } from '../devices/device.js';
import { parseSpec, type Spec, type SpecText } from '../spec/parse-spec.js';
import { checkTargets } from './plan.js';

/**
 * Text → spec in which every target can be planned, or every problem of the whole file at once.
 * @param host what the command is written for where the spec does not say; as for `plan`
 */
export async function loadSpecText(input: SpecText, host: Partial<Platform> = {}): Promise<Result<Spec>> {
  const parsed = await parseSpec(input);
  if (!parsed.ok) return failure(parsed.problems);
  const problems = inOrder([...parsed.problems, ...checkTargets(parsed.spec, host)]);
  return problems.some(({ severity }) => severity === 'error') ? failure(problems) : success(parsed.spec, problems);
}
