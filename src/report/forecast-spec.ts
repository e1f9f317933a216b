import type { Problem } from '../base/problem.js';
import type { ForecastOptions } from '../forecast/forecast.js';
import { hasOwnWords } from '../machine/own-words.js';
import type { Spec } from '../spec/parse-spec.js';

/** What bhyve will say to some targets of a spec; what knows bhyve is loaded only where that may be anything. */
export async function forecastSpec(
  spec: Spec,
  targets: readonly string[],
  options: ForecastOptions,
): Promise<readonly Problem[]> {
  const isAsked =
    options.withoutHost === true ||
    (options.extraArguments ?? []).length > 0 ||
    targets.some((target) => hasOwnWords(spec.effective(target).vm));
  if (!isAsked) return [];
  const { forecast } = await import('../forecast/forecast.js');
  return forecast(spec, targets, options);
}
