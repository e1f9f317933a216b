import { exitReasons, type ExitReason } from '../fields/exits.js';
import type { Policy } from '../fields/policy.js';

/** The target that follows a boot that has ended for a reason; undefined: the run ends. */
export const targetAfter = (
  target: string,
  reason: ExitReason,
  { rebootOn, nextTarget }: Pick<Policy, 'rebootOn' | 'nextTarget'>,
): string | undefined => (rebootOn.includes(reason) ? (nextTarget[reason] ?? target) : undefined);

/** The one that is booted where the budget of `restart` is spent; undefined: the run ends, as where it is the same. */
export const targetOnGiveUp = (target: string, { onGiveUp }: Pick<Policy, 'onGiveUp'>): string | undefined =>
  onGiveUp === target ? undefined : onGiveUp;

/** All that may follow a boot of a target, whenever it ends. */
export interface NextBoots {
  /** The next target by reason, in the order of `exitReasons`; a reason that is absent ends the run. */
  readonly after: ReadonlyMap<ExitReason, string>;
  /** What follows instead where the budget of `restart` is spent; absent where it cannot be. */
  readonly giveUp?: {
    /** So many may follow within the window; 0: none ever. */
    readonly max: number;
    readonly windowMs: number;
    /** Absent: the run ends. */
    readonly to?: string;
  };
}

/** What `decide` of src/supervisor/policy.ts may come to. @param policy that of the target's machine */
export function nextBoots(target: string, policy: Policy): NextBoots {
  const { max, windowMs } = policy.restart;
  const after = new Map(
    exitReasons.flatMap((reason) => {
      const to = targetAfter(target, reason, policy);
      return to === undefined ? [] : [[reason, to] as const];
    }),
  );
  // Nothing is ever within a window of no time.
  if (max === undefined || after.size === 0 || (max > 0 && windowMs === 0)) return { after };
  const to = targetOnGiveUp(target, policy);
  return { after, giveUp: { max, windowMs, ...(to === undefined ? {} : { to }) } };
}

/** The targets that a run can come to from some, these first, in the order in which it may. */
export function reachedFrom(start: Iterable<string>, nextOf: (target: string) => NextBoots): ReadonlySet<string> {
  const reached = new Set(start);
  for (const target of reached) {
    const { after, giveUp } = nextOf(target);
    // A set is walked to what is added on the way.
    if (giveUp?.max !== 0) for (const next of after.values()) reached.add(next);
    if (giveUp?.to !== undefined) reached.add(giveUp.to);
  }
  return reached;
}
