import { inOrder, limited, ProblemsError, type Problem } from '../base/problem.js';
import type { ForecastOptions } from '../forecast/forecast.js';
import { loadSpecText } from '../machine/load-spec.js';
import { parseSpec, type Spec, type SpecText } from '../spec/parse-spec.js';
import { forecastSpec } from './forecast-spec.js';

/** A spec, with what is to be said of one that is good nevertheless. */
interface LoadedSpec {
  readonly spec: Spec;
  readonly warnings: readonly Problem[];
}

type LoadOptions = Parameters<typeof loadSpecText>[1];

/** What is to be told of a spec with faults, besides these: what bhyve will say to its own words. */
export type Foresee = Pick<ForecastOptions, 'severity' | 'withoutHost'>;

/** @throws ProblemsError with what is wrong with the spec, or with what the text is instead of one */
export async function loadSpec(input: SpecText, options: LoadOptions, foresee?: Foresee): Promise<LoadedSpec> {
  const loaded = await loadSpecText(input, options);
  if (loaded.ok) return { spec: loaded.value, warnings: loaded.warnings };
  // A spec with a mistake is more likely than anything else, and only what is no spec is looked at for what it is.
  const other = (await import('../import/no-spec.js')).whatInstead(input);
  if (other !== undefined) throw new ProblemsError('spec', input.name, [other]);
  const more = foresee === undefined ? [] : await foreseen(input, { ...options, ...foresee, despite: loaded.problems });
  throw new ProblemsError('spec', input.name, limited(inOrder([...loaded.problems, ...more])));
}

async function foreseen(input: SpecText, options: ForecastOptions): Promise<readonly Problem[]> {
  const parsed = await parseSpec(input);
  return parsed.ok ? forecastSpec(parsed.spec, parsed.spec.targets, options) : [];
}
