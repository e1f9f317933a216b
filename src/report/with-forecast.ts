import { inOrder, ProblemsError, type Problem } from '../base/problem.js';
import { forecastSpec } from './forecast-spec.js';
import type { LoadedWithLock, LoadingOptions } from './load-with-lock.js';

/** The names of the bhyve whose behaviour is known. */
const ownBhyve = ['', 'bhyve', '/usr/sbin/bhyve'];

/** How grave it is what bhyve refuses: another one than the system's may take it. @param bhyve '' where nobody names one */
export const forecastSeverity = (bhyve: string): Problem['severity'] =>
  ownBhyve.includes(bhyve) ? 'error' : 'warning';

/**
 * A spec with what bhyve will say to its own words, in every target.
 * @throws ProblemsError `spec` where bhyve would refuse them
 */
export async function withForecast(
  loaded: LoadedWithLock,
  { hostBhyve, foresee }: Pick<Required<LoadingOptions>, 'hostBhyve' | 'foresee'>,
): Promise<LoadedWithLock> {
  const { spec, locked } = loaded;
  const foretold = await forecastSpec(spec, spec.targets, { ...hostBhyve, identity: locked?.identity, ...foresee });
  const warnings = inOrder([...loaded.warnings, ...foretold]);
  if (warnings.some(({ severity }) => severity === 'error')) throw new ProblemsError('spec', spec.source, warnings);
  return { ...loaded, warnings };
}
