import type { Problem } from '../base/problem.js';
import type { Explanation } from '../explain/rule.js';
import type { LifeEnd } from './vm-life.js';

/** What follows the end of a run of ours. */
export type AfterEnd =
  /** Something is in the way of a start, and ends by itself: it is tried again. */
  | { readonly do: 'retry'; readonly problems: readonly Problem[] }
  /** The same, and it is to be stopped: it is stopped in place of the run. */
  | { readonly do: 'stop-other' }
  /** A stop was asked for; a start that had no guest yet has given way to it. */
  | { readonly do: 'stopped' }
  /** Whoever waits for its start is told why there is none. `isBootedAgain`: as one that ended while there was no manager. */
  | { readonly do: 'ended'; readonly problems: readonly Problem[]; readonly isBootedAgain: boolean };

/** Why a VM that was to run does not. */
export interface Failure {
  readonly problems: readonly Problem[];
  readonly why: Explanation | undefined;
}

/**
 * @param isStopAsked somebody waits for its end
 * @param mayGoOn it is wanted to run, and nothing else was asked for
 */
export function afterEnd(
  name: string,
  end: LifeEnd,
  { isStopAsked, mayGoOn }: { readonly isStopAsked: boolean; readonly mayGoOn: boolean },
): AfterEnd {
  if (end.kind === 'failed') {
    const { problems } = end;
    if (isInTheWay(problems) && isStopAsked) return { do: 'stop-other' };
    if (isInTheWay(problems) && mayGoOn) return { do: 'retry', problems };
    return { do: 'ended', problems, isBootedAgain: false };
  }
  const { because } = end.result;
  if (because === 'asked') return { do: 'stopped' };
  // Nobody knows how its bhyve ended.
  const isBootedAgain = because === 'status-unknown' && mayGoOn;
  return { do: 'ended', problems: [endedAtOnce(name, because)], isBootedAgain };
}

/** @returns undefined where a VM has ended as it should */
export function failureOf(end: LifeEnd): Failure | undefined {
  if (end.kind === 'failed') return { problems: end.problems, why: undefined };
  const { because, why } = end.result;
  return why !== undefined || because === 'restart-limit' ? { problems: [], why } : undefined;
}

/** Something runs that was started for this VM, and is no bhyve that can be taken over. */
const isInTheWay = (problems: readonly Problem[]): boolean => problems.some(({ code }) => code === 'orphan');

const endedAtOnce = (name: string, because: string): Problem => ({
  code: 'ended',
  severity: 'error',
  message: `${name} ended before a guest ran (${because})`,
  fix: 'see why in its log',
});
