import { errorWords } from '../base/error-words.js';
import { placeWords, ProblemsError } from '../base/problem.js';
import { count } from '../base/text.js';
import { aborted } from '../host/abort.js';
import { runDirectoryOf } from '../host/run-directory/run-base.js';
import type { Identity } from '../machine/identity.js';
import type { Machine } from '../machine/machine.js';
import type { Spec } from '../spec/parse-spec.js';
import { refusePidFiles } from './pid-files.js';
import { planner, type Planner } from './planner.js';
import type { RunOptions } from './run-options.js';

/** Gives the spec of the next boot: that of a file as it is by now, say. */
export type SpecSource = () => Spec | Promise<Spec>;

/** The spec that a run goes by, which may be another from one boot to the next. */
export interface SpecAtHand {
  readonly name: string;
  readonly planned: Planner;
  /**
   * Asks the source for that of the next boot; where it cannot be taken, that of before stays.
   * @param target the one that boots
   * @returns why it cannot be taken
   */
  readonly renew: (target: string | undefined) => Promise<string | undefined>;
  /** That which `planned` plans, and what a lock file keeps for it; undefined: it is a machine alone. */
  readonly current: () => { readonly spec: Spec; readonly identity: Identity | undefined } | undefined;
  /** It has booted. */
  readonly keep: () => void;
  /** Goes back to the one that booted last. @returns false where it is that one already, or none has */
  readonly goBack: () => boolean;
}

/** A spec, and what plans its machines. */
interface Taken {
  readonly spec: Spec | Machine;
  readonly identity: Identity | undefined;
  readonly planned: Planner;
}

/**
 * The first spec of a run. A name cannot change while the run goes on: it is what the run is known by.
 * @returns undefined where a stop was asked for before the source had answered
 * @throws what the source throws; ProblemsError as `planner` and `refusePidFiles`
 */
export async function specAtHand(
  subject: Spec | Machine | SpecSource,
  options: RunOptions,
  { runBase, stop }: { readonly runBase: string; readonly stop: AbortSignal },
): Promise<SpecAtHand | undefined> {
  const take = (spec: Spec | Machine, machine?: Machine): Taken => {
    const { platform, servesStdio, extraArguments = [] } = options;
    const identity = identityFor(spec, options);
    const runDirectory = runDirectoryOf(runBase, spec.name);
    const planning = { ...platform, identity, extraArguments, runDirectory, servesStdio };
    const planned = planner(spec, planning, machine);
    refusePidFiles(spec, { ...options, identity }, runBase);
    return { spec, identity, planned };
  };
  const ask = async (source: SpecSource): Promise<Spec | undefined> => {
    const over = new AbortController();
    try {
      return await Promise.race([Promise.resolve(source()), aborted(stop, over.signal).then(() => undefined)]);
    } finally {
      over.abort();
    }
  };
  const first = typeof subject === 'function' ? await ask(subject) : subject;
  if (typeof subject === 'function' && stop.aborted) return undefined;
  if (first === undefined) throw new TypeError('the source of specs has given none');
  let now = take(first, typeof subject === 'function' ? undefined : options.planned);
  let booted: typeof now | undefined;
  const { name } = first;

  return {
    name,
    planned: (target, hostCards) => now.planned(target, hostCards),
    renew: async (target) => {
      if (typeof subject !== 'function') return undefined;
      try {
        const spec = await ask(subject);
        if (stop.aborted || spec === now.spec) return undefined;
        if (spec === undefined) return 'the source of specs has given none';
        if (spec.name !== name) return `its name is ${JSON.stringify(spec.name)} now, and this run is of ${name}`;
        const next = take(spec);
        next.planned(target);
        now = next;
        return undefined;
      } catch (error) {
        return specErrorWords(error);
      }
    },
    current: () => ('argv' in now.spec ? undefined : { spec: now.spec, identity: now.identity }),
    keep: () => {
      booted = now;
    },
    goBack: () => {
      if (booted === undefined || booted === now) return false;
      now = booted;
      return true;
    },
  };
}

/** That of a lock file is of one spec; a machine was planned with its own. */
function identityFor(spec: Spec | Machine, { identity }: RunOptions): Identity | undefined {
  if (typeof identity !== 'function') return identity;
  return 'argv' in spec ? undefined : identity(spec);
}

/** What is wrong with a spec, on one line. */
export function specErrorWords(error: unknown): string {
  if (!(error instanceof ProblemsError)) return errorWords(error);
  const errors = error.problems.filter(({ severity }) => severity === 'error');
  const [first] = errors;
  if (first === undefined) return error.message;
  const { place, message } = first;
  const where = place === undefined ? error.source : placeWords(place);
  return `${where}: ${message}${errors.length > 1 ? `, and ${count(errors.length - 1, 'more problem')}` : ''}`;
}
