import { inOrder } from '../base/problem.js';
import { failure, success, type Result } from '../base/result.js';
import { parseSpec, type Spec, type SpecText } from '../spec/parse-spec.js';
import { checkTargets } from './plan.js';

/** Text → spec in which every target can be planned, or every problem of the whole file at once. */
export async function loadSpecText(input: SpecText): Promise<Result<Spec>> {
  const parsed = await parseSpec(input);
  if (!parsed.ok) return failure(parsed.problems);
  const problems = inOrder([...parsed.problems, ...checkTargets(parsed.spec)]);
  return problems.some(({ severity }) => severity === 'error') ? failure(problems) : success(parsed.spec, problems);
}
