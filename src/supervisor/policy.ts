import type { Policy } from '../machine/machine.js';
import type { RebootReason } from '../spec/vm-spec.js';
import { reasonOf, type RunEnd } from './run-end.js';

/** What the command line says over the spec. */
export interface RebootLimits {
  /** Reasons that replace the spec's `reboot_on`. */
  readonly rebootOn?: readonly RebootReason[];
  /** Never boot again. */
  readonly noReboot?: boolean;
  /** Boot again at most this often. */
  readonly rebootCount?: number;
}

/** What happened so far. Times are monotonic milliseconds. */
export interface History {
  readonly nowMs: number;
  /** How long the boot that has just ended was alive. */
  readonly aliveMs: number;
  /** When each reboot so far was decided, oldest first. */
  readonly reboots: readonly number[];
  /** How many boots before this one, in a row, were short. */
  readonly shortLives: number;
}

/** What to do when bhyve has ended, and why. */
export type Step =
  | { readonly do: 'boot'; readonly target: string; readonly reason: RebootReason; readonly delayMs: number }
  | { readonly do: 'stop'; readonly because: StopReason };

export type StopReason =
  /** Somebody asked for it. */
  | 'asked'
  /** What the guest did is not followed by a boot. */
  | 'guest'
  | 'no-reboot'
  | 'reboot-count'
  /** Too many reboots within the window. */
  | 'restart-limit'
  /** Something could not be removed, and the run was told to fail then. */
  | 'left-behind';

/** A boot that lived shorter counts towards the back-off. */
export const shortLifeMs = 10_000;

/**
 * Decides what follows the end of a boot: a calculation, so it can be read as a table. Reboots that follow one another
 * quickly wait: not at all the first time, then `delay`, doubled each time up to `max_delay`.
 */
export function nextStep(end: RunEnd, target: string, policy: Policy, limits: RebootLimits, history: History): Step {
  const reason = reasonOf(end);
  if (reason === undefined || !(limits.rebootOn ?? policy.rebootOn).includes(reason)) {
    return { do: 'stop', because: 'guest' };
  }
  if (limits.noReboot === true) return { do: 'stop', because: 'no-reboot' };
  const { reboots, nowMs } = history;
  if (limits.rebootCount !== undefined && reboots.length >= limits.rebootCount) {
    return { do: 'stop', because: 'reboot-count' };
  }
  const { max, windowMs } = policy.restart;
  const recent = reboots.filter((at) => nowMs - at < windowMs).length;
  if (max !== undefined && recent >= max) return { do: 'stop', because: 'restart-limit' };
  return { do: 'boot', target: policy.nextTarget[reason] ?? target, reason, delayMs: backOffMs(policy, history) };
}

function backOffMs({ restart }: Policy, { aliveMs, shortLives }: History): number {
  // No delay stays none: doubled often enough, 0 would be no number.
  if (aliveMs >= shortLifeMs || shortLives === 0 || restart.delayMs === 0) return 0;
  return Math.min(restart.delayMs * 2 ** (shortLives - 1), restart.maxDelayMs);
}
