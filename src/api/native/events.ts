import type { ManagerEvent } from '../../manager/manager-events.js';
import type { Answer, Asked, StreamEvent } from '../../server/route.js';
import { httpError } from '../../server/http-error.js';
import type { NativeSite } from './site.js';
import { mayOnVm, seesEvent } from './visible.js';

type Source = ReturnType<NonNullable<Answer['events']>>;

/** Events that the asker may see, now: what he may not see any more is left out from then on. */
export function listenToEvents(site: NativeSite, { asker, query: { vm }, headers }: Asked): Answer {
  if (vm !== undefined && (site.manager.vm(vm) === undefined || !mayOnVm(site, asker, 'view', vm)))
    throw httpError(404, 'unknown-vm', `there is no VM ${JSON.stringify(vm)}`, 'GET /api/v1/vms lists them');
  const after = headers['last-event-id'];
  return {
    events: () => {
      const options = {
        ...(after === undefined || after === '' ? {} : { after }),
        ...(vm === undefined ? {} : { vm }),
      };
      return streamOf(site.manager.events.subscribe(options), (event) => seesEvent(site, asker, event));
    },
  };
}

/** Events as a stream has them, of those that somebody may see. */
export function streamOf(
  events: ReturnType<NativeSite['manager']['events']['subscribe']>,
  isSeen: (event: ManagerEvent) => boolean,
): Source {
  const source: Source = {
    after: events.after,
    async next() {
      for (;;) {
        const result = await events.next();
        if (result.done === true) return { done: true, value: undefined };
        if (isSeen(result.value)) return { done: false, value: asStreamEvent(result.value) };
      }
    },
    return: async () => {
      await events.return();
      return { done: true, value: undefined };
    },
    [Symbol.asyncIterator]: () => source,
  };
  return source;
}

const asStreamEvent = (event: ManagerEvent): StreamEvent => ({ id: event.id, event: event.kind, data: event });
