import { ProblemsError, type Problem } from '../base/problem.js';
import { loadSpecText } from '../machine/load-spec.js';
import type { Spec, SpecText } from '../spec/parse-spec.js';

/** A spec, with what is to be said of one that is good nevertheless. */
export interface LoadedSpec {
  readonly spec: Spec;
  readonly warnings: readonly Problem[];
}

/** @throws ProblemsError with what is wrong with the spec, or with what the text is instead of one */
export async function loadSpec(input: SpecText, options: Parameters<typeof loadSpecText>[1]): Promise<LoadedSpec> {
  const loaded = await loadSpecText(input, options);
  if (loaded.ok) return { spec: loaded.value, warnings: loaded.warnings };
  // A spec with a mistake is more likely than anything else, and only what is no spec is looked at for what it is.
  const other = (await import('../import/no-spec.js')).whatInstead(input);
  throw new ProblemsError('spec', input.name, other === undefined ? loaded.problems : [other]);
}
