import type { Problem } from '../base/problem.js';
import type { ForecastOptions } from '../forecast/forecast.js';
import { hasOwnWords } from '../machine/own-words.js';
import type { Spec } from '../spec/parse-spec.js';

/** What bhyve will say to a spec in any target of it; what knows bhyve is loaded only where the spec uses its words. */
export async function forecastSpec(spec: Spec, options: ForecastOptions): Promise<readonly Problem[]> {
  const isAsked =
    (options.extraArguments ?? []).length > 0 || spec.targets.some((target) => hasOwnWords(spec.effective(target).vm));
  if (!isAsked) return [];
  const { forecast } = await import('../forecast/forecast.js');
  return forecast(spec, spec.targets, options);
}
