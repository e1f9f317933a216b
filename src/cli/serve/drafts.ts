import type { DraftRequest } from '../../api/native/draft.js';
import type { Clock } from '../../host/clock.js';
import { inThread } from '../../host/process/thread.js';
import { httpError } from '../../server/http-error.js';

/** Somebody who edits a spec waits for no longer. */
const timeoutMs = 10_000;
const heapMb = 256;
/** More who wait means that somebody wants us to be busy. */
const mostWaiting = 16;

/**
 * Plans drafts: whoever may look at VMs may send any text, and a large one takes seconds. So each has a thread of its own,
 * one after the other, and nothing else waits for it.
 * @param file what a thread runs
 */
export function draftPlanner(file: string, clock: Pick<Clock, 'sleep'>) {
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;

  async function planned(request: DraftRequest, signal: AbortSignal): Promise<string> {
    const isGone = (): boolean => signal.aborted;
    if (isGone()) return '';
    const end = await inThread(file, request, clock, { timeoutMs, heapMb, signal });
    if (end.kind === 'failed') throw end.error;
    if (end.kind === 'done' && typeof end.value === 'string') return end.value;
    // Nobody reads what is answered then.
    if (isGone()) return '';
    const fix = 'leave out what it does not need: vmrun plan has no such limit';
    throw httpError(422, 'too-complex', 'planning this spec takes too long, or too much memory', fix);
  }

  return async (request: DraftRequest, signal: AbortSignal): Promise<string> => {
    if (waiting >= mostWaiting)
      throw httpError(503, 'busy', 'too many specs are being planned', 'try again', { 'retry-after': '10' });
    waiting += 1;
    const turn = last.then(() => planned(request, signal));
    last = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      waiting -= 1;
    }
  };
}
