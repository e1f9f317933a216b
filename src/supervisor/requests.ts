import type { Problem } from '../base/problem.js';
import type { Clock } from '../host/clock.js';
import type { GuestAct } from './guest-act.js';
import type { StopSignals } from './stop-signals.js';

/** What a run can be asked for while it goes on. */
export type RunRequest =
  /**
   * Power off, and boot no more. The guest has `timeoutMs` (default: the `stop_timeout` of its spec) and is then ended by
   * force; with `now` at once. Of several stops the one whose time is over first holds.
   */
  | { readonly kind: 'stop'; readonly timeoutMs?: number; readonly now?: boolean }
  /** Press the power button of the guest, once. What it makes of that is its own, and what follows the spec's. */
  | { readonly kind: 'power-button' }
  /** Reset the guest as its reset button would. Refused where the spec, or a limit, would not boot it again. */
  | { readonly kind: 'reset' }
  /** Stop bhyve where it is, with its devices: SIGSTOP. The guest's clock stands still meanwhile. */
  | { readonly kind: 'pause' }
  /** Let a paused one go on. */
  | { readonly kind: 'resume' }
  /** Send the guest a non-maskable interrupt; amd64 alone. */
  | { readonly kind: 'nmi' };

/** What became of a request: it is done, or a problem says why not. */
export type RequestOutcome =
  | { readonly kind: 'done' }
  /**
   * `code` of the problem: `ended` (the run is over), `no-guest` (none runs just now), `stopping`, `paused`,
   * `would-end` (no boot would follow a reset), `no-such-button` (arm64 has neither power button nor NMI), `bhyvectl` (it
   * failed), `in-use` (another process runs the VM that is to stop), `not-ended` (bhyve does not end, though it was killed or
   * reset), `invalid` (there is no such request).
   */
  | { readonly kind: 'not-done'; readonly problem: Problem };

/** A guest that runs, for who asks something of it. */
interface GuestControls {
  /** @returns why it cannot be done */
  readonly act: (what: GuestAct) => Promise<Problem | undefined>;
  /** Bhyve itself resets its guest, and goes on. */
  readonly isMonitored: boolean;
  /** Aborted when its bhyve has ended. */
  readonly ended: AbortSignal;
}

/** What a run knows of those who ask it for something. */
export interface RunSignals extends StopSignals {
  /** When a stop was asked for, and when the guest's time is over, by the monotonic clock. @param stopTimeoutMs of its spec */
  readonly stopTimes: (stopTimeoutMs: number) => { readonly askedMs: number; readonly dueMs: number };
  /** Aborted when that comes earlier than was said before. */
  readonly shortened: () => AbortSignal;
  /** A guest runs, and takes requests until its bhyve has ended. */
  readonly guestRuns: (guest: GuestControls) => void;
  /** It was killed, and does not end. */
  readonly doesNotEnd: (problem: Problem) => void;
  /** Says whether a boot would follow a reset now; a problem tells why not. */
  readonly onReset: (look: () => Problem | undefined) => void;
}

interface Requests {
  readonly signals: RunSignals;
  readonly request: (asked: RunRequest) => Promise<RequestOutcome>;
  /** The run is over. @param left what goes on all the same */
  readonly end: (left?: Problem) => void;
}

const outcomeOf = (problem: Problem | undefined): RequestOutcome =>
  problem === undefined ? { kind: 'done' } : { kind: 'not-done', problem };

const isEnded: Problem = { code: 'ended', severity: 'error', message: 'the run is over' };
const isStopping: Problem = { code: 'stopping', severity: 'error', message: 'the VM is being stopped' };
const noGuest: Problem = {
  code: 'no-guest',
  severity: 'error',
  message: 'no guest runs just now: it has ended, or has yet to be started',
  fix: 'ask again later',
};
const notReset: Problem = {
  code: 'not-ended',
  severity: 'error',
  message: 'bhyve was reset by force and has not ended',
  fix: 'stop the VM now',
};

/** What bhyve is given to end once it was reset by force. */
const resetMs = 10_000;

/** Takes what a run is asked for. No request waits for ever, whatever becomes of the VM. */
export function takeRequests({ clock }: { readonly clock: Clock }): Requests {
  const stopping = new AbortController();
  const hurrying = new AbortController();
  const over = new AbortController();
  let shortening = new AbortController();
  let left: Problem | undefined;
  let guest: GuestControls | undefined;
  let wouldEnd: () => Problem | undefined = () => undefined;
  /** The first stop; the first that leaves the time to the spec; the earliest end that another gave. */
  const times = { askedMs: Infinity, fromMs: Infinity, dueMs: Infinity };
  /** Those who wait for the next guest, or for the end of a stop. */
  const waiting = { guest: new Set<() => void>(), stop: new Set<(problem: Problem | undefined) => void>() };
  let last: Promise<unknown> = Promise.resolve();

  const isOver = (): boolean => over.signal.aborted;

  function stop({ timeoutMs, now = false }: Extract<RunRequest, { kind: 'stop' }>): Promise<RequestOutcome> {
    if (isOver()) return Promise.resolve(outcomeOf(left));
    const nowMs = clock.monotonicMs();
    times.askedMs = Math.min(times.askedMs, nowMs);
    if (timeoutMs === undefined) times.fromMs = Math.min(times.fromMs, nowMs);
    else times.dueMs = Math.min(times.dueMs, nowMs + timeoutMs);
    const before = shortening;
    shortening = new AbortController();
    const outcome = new Promise<RequestOutcome>((resolve) => {
      waiting.stop.add((problem) => {
        resolve(outcomeOf(problem));
      });
    });
    if (now) hurrying.abort();
    stopping.abort();
    before.abort();
    if (left !== undefined) endStops(left);
    return outcome;
  }

  function endStops(problem: Problem | undefined): void {
    for (const resolve of waiting.stop) resolve(problem);
    waiting.stop.clear();
  }

  /** @returns why it cannot be done, or the guest whose next boot it is done with */
  async function act(
    what: GuestAct,
  ): Promise<{ readonly problem?: Problem | undefined; readonly reset?: GuestControls }> {
    const own = guest;
    if (isOver()) return { problem: isEnded };
    if (stopping.signal.aborted) return { problem: isStopping };
    if (own === undefined || own.ended.aborted) return { problem: noGuest };
    const isLastBoot = what === 'reset' && !own.isMonitored;
    const problem = (isLastBoot ? wouldEnd() : undefined) ?? (await own.act(what));
    return problem === undefined && isLastBoot ? { reset: own } : { problem };
  }

  /** A reset is done when the guest runs again. */
  async function nextGuest(own: GuestControls): Promise<Problem | undefined> {
    const next = new Promise<void>((resolve) => {
      if (guest === own && !isOver()) waiting.guest.add(resolve);
      else resolve();
    });
    if (!own.ended.aborted) await clock.sleep(resetMs, own.ended);
    if (!own.ended.aborted) return notReset;
    await next;
    return guest === own ? isEnded : undefined;
  }

  const signals: RunSignals = {
    stop: stopping.signal,
    hurry: hurrying.signal,
    stopTimes: (stopTimeoutMs) => ({
      askedMs: times.askedMs,
      dueMs: Math.min(times.dueMs, times.fromMs + stopTimeoutMs),
    }),
    shortened: () => shortening.signal,
    guestRuns: (runs) => {
      guest = runs;
      wakeForGuest();
    },
    doesNotEnd: (problem) => {
      left = problem;
      endStops(problem);
    },
    onReset: (look) => {
      wouldEnd = look;
    },
  };

  function wakeForGuest(): void {
    for (const resolve of waiting.guest) resolve();
    waiting.guest.clear();
  }

  return {
    signals,
    request(asked) {
      const invalid = whatIsWrong(asked);
      if (invalid !== undefined)
        return Promise.resolve(outcomeOf({ code: 'invalid', severity: 'error', message: invalid }));
      if (asked.kind === 'stop') return stop(asked);
      const { kind } = asked;
      // One after the other, so that what was asked for last is what holds; the boot after a reset is not waited for.
      const turn = last.then(() => act(kind));
      last = turn;
      return turn.then(async ({ problem, reset }) => outcomeOf(reset === undefined ? problem : await nextGuest(reset)));
    },
    end(problem) {
      left = problem;
      over.abort();
      endStops(problem);
      wakeForGuest();
    },
  };
}

const kinds: readonly RunRequest['kind'][] = ['stop', 'power-button', 'reset', 'pause', 'resume', 'nmi'];

/** What a program without types may ask for. */
function whatIsWrong(asked: RunRequest | null | undefined): string | undefined {
  if (asked === null || asked === undefined || !kinds.includes(asked.kind))
    return `there is no request ${JSON.stringify(asked?.kind)}: it is ${kinds.join(', ')}`;
  if (asked.kind !== 'stop' || asked.timeoutMs === undefined) return undefined;
  const { timeoutMs } = asked;
  if (typeof timeoutMs === 'number' && timeoutMs >= 0) return undefined;
  return `timeoutMs is ${JSON.stringify(timeoutMs)}, and has to be a number of milliseconds from 0 on`;
}
