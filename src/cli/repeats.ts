import type { RunEvent } from '../supervisor/events.js';
import type { Explanation } from '../explain/rule.js';

/** Who has read the reason of a failure this long ago may no longer see it. */
const forgottenMs = 60 * 60 * 1000;

interface Told {
  readonly why: Explanation;
  readonly atMs: number;
  readonly times: number;
}

/**
 * How often the reason of a failure has now come in a row, for those who tell it: a guest that crashes in a loop has the
 * same one each time. It is 1, and the reason to be told in full, where an end of another kind came between, and where
 * the full words are an hour old.
 * @returns for each event of a run, in their order; `forget` where a reader no longer has what was told
 */
export function repeatCounter() {
  // A loader and bhyve take turns, each with reasons of its own.
  const told = new Map<RunEvent['kind'], Told>();
  return {
    count(event: RunEvent): number {
      if (event.kind !== 'exit' && !(event.kind === 'loader' && event.state === 'ended')) return 1;
      const { kind, why, monotonicMs } = event;
      const last = told.get(kind);
      told.delete(kind);
      if (why === undefined) return 1;
      const isSame = last !== undefined && isAlike(last.why, why) && monotonicMs - last.atMs < forgottenMs;
      const times = isSame ? last.times + 1 : 1;
      told.set(kind, { why, atMs: isSame ? last.atMs : monotonicMs, times });
      return times;
    },
    forget(): void {
      told.clear();
    },
  };
}

const isAlike = (one: Explanation, other: Explanation): boolean =>
  one.cause === other.cause && one.next === other.next && String(one.evidence) === String(other.evidence);
