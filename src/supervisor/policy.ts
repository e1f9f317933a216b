import type { Policy } from '../fields/policy.js';
import type { RestartBudget } from '../host/run-directory/run-state.js';
import { targetAfter, targetOnGiveUp } from '../machine/next-boots.js';
import type { ExitReason } from '../fields/exits.js';
import { reasonOf, type RunEnd } from '../explain/run-end.js';

/** What the command line says over the spec. */
export interface RebootLimits {
  /** Reasons that replace the spec's `reboot_on`. */
  readonly rebootOn?: readonly ExitReason[] | undefined;
  /** Never boot again. */
  readonly noReboot?: boolean | undefined;
  /** Boot again at most this often. */
  readonly rebootCount?: number | undefined;
}

/** The end of a boot. */
interface Ended {
  readonly end: RunEnd;
  /** The target that has run; its machine's policy decides. */
  readonly target: string;
  /** How long bhyve lived. */
  readonly aliveMs: number;
  /** Now, by a monotonic clock. */
  readonly nowMs: number;
}

/** All that the boots before leave behind for the decision. Its size does not grow with the run. */
export interface Past {
  /** Reboots of the whole run, give-ups among them. */
  readonly reboots: number;
  /**
   * When each reboot was decided that counts for `restart.max`, oldest first: those since the last stable run or
   * give-up, as many of them as can matter.
   */
  readonly counted: readonly number[];
  /** How many boots in a row, up to now, were no stable run; a give-up begins again. */
  readonly shortLives: number;
  /** The target of `on_give_up` has been booted, and no run has been stable since. */
  readonly hasGivenUp: boolean;
}

/** Before the first boot. */
export const noPast: Past = { reboots: 0, counted: [], shortLives: 0, hasGivenUp: false };

/** What to do when bhyve has ended, and why. */
export type Step =
  | {
      readonly do: 'boot';
      readonly target: string;
      readonly reason: ExitReason;
      /** How long to wait first. */
      readonly delayMs: number;
      /** The budget of `restart` is spent, and the target is that of `on_give_up`. */
      readonly gaveUp?: true;
    }
  | { readonly do: 'stop'; readonly because: StopReason };

/** Why no boot follows. */
export type StopReason =
  /** Somebody asked for it. */
  | 'asked'
  /** What the guest did is not followed by a boot. */
  | 'guest'
  | 'no-reboot'
  | 'reboot-count'
  /** Too many reboots within the window. */
  | 'restart-limit'
  /** Nobody can tell what the guest did: the shell that waited for bhyve was killed. */
  | 'status-unknown'
  /** Something could not be removed, and the run was told to fail then. */
  | 'left-behind';

/** What a decision is and what is to be remembered for the next one. */
export interface Decision {
  readonly step: Step;
  readonly past: Past;
}

/**
 * Reboots that are remembered although the policy at hand does not ask for so many: the next target's may, where the
 * targets of one run have limits of their own.
 */
const alwaysRemembered = 1000;

/**
 * Decides what follows the end of a boot: a calculation, so it can be read as a table. The first line that fits:
 *
 * | the boot ended | step |
 * |---|---|
 * | nobody knows how | stop: `status-unknown` |
 * | for a reason that `reboot_on` does not name | stop: `guest` |
 * | and the command line forbids reboots | stop: `no-reboot` |
 * | and it allows no more of them | stop: `reboot-count` |
 * | after `restart.max` reboots within `restart.window`, with `on_give_up` | boot that target, at once |
 * | the same without it, in that target already, or after a give-up without a stable run since | stop: `restart-limit` |
 * | otherwise | boot `next_target` for the reason, or the same target, after the pause |
 *
 * A boot that lived `restart.stable` is a stable run. It forgets what came before: the reboots that count for `max`, the
 * pauses, and a give-up. So does a give-up, but for itself: its target has a budget of its own.
 *
 * The pause before a boot: none after a stable run, none after the first short life, then `delay`, doubled with each
 * short life that follows, up to `max_delay`.
 * @param policy that of the machine that has run
 */
export function decide(ended: Ended, past: Past, policy: Policy, limits: RebootLimits): Decision {
  const { end, target, aliveMs, nowMs } = ended;
  const { restart } = policy;
  const isStable = aliveMs >= restart.stableMs;
  const since: Past = isStable ? { ...noPast, reboots: past.reboots } : past;
  const stop = (because: StopReason): Decision => ({ step: { do: 'stop', because }, past: since });
  const reason = reasonOf(end);
  if (reason === undefined) return stop('status-unknown');
  const next = targetAfter(target, reason, { ...policy, rebootOn: limits.rebootOn ?? policy.rebootOn });
  if (next === undefined) return stop('guest');
  if (limits.noReboot === true) return stop('no-reboot');
  if (limits.rebootCount !== undefined && past.reboots >= limits.rebootCount) return stop('reboot-count');
  const reboots = past.reboots + 1;
  if (isSpent(restart, since.counted, nowMs)) {
    const onGiveUp = targetOnGiveUp(target, policy);
    if (onGiveUp === undefined || since.hasGivenUp) return stop('restart-limit');
    return {
      step: { do: 'boot', target: onGiveUp, reason, delayMs: 0, gaveUp: true },
      past: { reboots, counted: [], shortLives: 0, hasGivenUp: true },
    };
  }
  const remembered = Math.max(alwaysRemembered, restart.max ?? 0);
  return {
    step: { do: 'boot', target: next, reason, delayMs: backOffMs(restart, since.shortLives) },
    past: {
      reboots,
      counted: [...since.counted, nowMs].slice(-remembered),
      shortLives: isStable ? 0 : since.shortLives + 1,
      hasGivenUp: since.hasGivenUp,
    },
  };
}

/**
 * What others are told of the budget. @returns undefined where there is no limit, or one that nobody lives to see
 * @param now both clocks, at one moment
 */
export function budgetOf(
  { restart: { max, windowMs, stableMs } }: Policy,
  { counted }: Past,
  now: { readonly wallMs: number; readonly monotonicMs: number },
): RestartBudget | undefined {
  if (max === undefined || max > alwaysRemembered) return undefined;
  // What is older than the last `max` of them never matters.
  const reboots = max === 0 ? [] : counted.slice(-max);
  const atOf = (at: number): string => new Date(now.wallMs - (now.monotonicMs - at)).toISOString();
  return { max, windowMs, stableMs, reboots: reboots.map(atOf) };
}

/**
 * How many reboots the budget of a run still allows, were its bhyve to end now.
 * @param bootSince of the bhyve that runs, if one does
 */
export function rebootsLeft(
  { max, windowMs, stableMs, reboots }: RestartBudget,
  { bootSince, now }: { readonly bootSince: string | undefined; readonly now: Date },
): number {
  const ageMs = (at: string): number => now.getTime() - Date.parse(at);
  if (bootSince !== undefined && ageMs(bootSince) >= stableMs) return max;
  return Math.max(0, max - reboots.filter((at) => ageMs(at) < windowMs).length);
}

/** Whether `max` reboots are in the window already. */
function isSpent({ max, windowMs }: Policy['restart'], counted: readonly number[], nowMs: number): boolean {
  return max !== undefined && counted.filter((at) => nowMs - at < windowMs).length >= max;
}

/** @param shortLives before the one that has just ended, in a row */
function backOffMs({ delayMs, maxDelayMs }: Policy['restart'], shortLives: number): number {
  // No delay stays none: doubled often enough, 0 would be no number.
  if (shortLives === 0 || delayMs === 0) return 0;
  return Math.min(delayMs * 2 ** (shortLives - 1), maxDelayMs);
}
