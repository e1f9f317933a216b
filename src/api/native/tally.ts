import type { ManagerEvents } from '../../manager/manager-events.js';

/** What has happened since this API began: counters only ever grow. */
export interface Tally {
  readonly boots: ReadonlyMap<string, number>;
  /** By VM, then by the word of the spec for it, or `other`. */
  readonly exits: ReadonlyMap<string, ReadonlyMap<string, number>>;
  readonly end: () => Promise<unknown>;
}

/** Counts boots and ends of all VMs. */
export function tallyOf(events: ManagerEvents): Tally {
  const boots = new Map<string, number>();
  const exits = new Map<string, Map<string, number>>();
  const reader = events.subscribe();
  void (async () => {
    for await (const event of reader) {
      if (event.kind === 'spec' && event.what === 'removed') {
        boots.delete(event.vm);
        exits.delete(event.vm);
      }
      if (event.kind !== 'run') continue;
      const { vm, event: told } = event;
      if (told.kind === 'boot') boots.set(vm, (boots.get(vm) ?? 0) + 1);
      if (told.kind !== 'exit') continue;
      const own = exits.get(vm) ?? new Map<string, number>();
      const reason = told.reason ?? 'other';
      own.set(reason, (own.get(reason) ?? 0) + 1);
      exits.set(vm, own);
    }
  })();
  return { boots, exits, end: () => reader.return() };
}
