import type { Problem } from '../base/problem.js';
import type { RunEvent } from '../supervisor/events.js';
import type { Operation } from './operations.js';
import type { Wanted } from './vm-view.js';

/** What happened to a VM, or to the manager. */
export type ManagerEventBody =
  /** Of its run, as the library tells it. */
  | { readonly kind: 'run'; readonly vm: string; readonly event: RunEvent }
  | { readonly kind: 'wanted'; readonly vm: string; readonly wanted: Wanted }
  | { readonly kind: 'operation'; readonly vm: string; readonly operation: Operation }
  /** It belongs to this group from now on. */
  | { readonly kind: 'group'; readonly vm: string; readonly group: string }
  /** Its `ready` has come true, or will not in time. */
  | { readonly kind: 'ready'; readonly vm: string; readonly isReady: boolean; readonly why?: string }
  /** A file was added, has another content, or is gone; with what is wrong with it. */
  | {
      readonly kind: 'spec';
      readonly vm: string;
      readonly what: 'added' | 'changed' | 'removed';
      readonly problems: readonly Problem[];
    }
  /** Something of the manager's own does not work, or works again: a file of its state folder. */
  | { readonly kind: 'warning'; readonly vm?: string; readonly problem: Problem }
  /** In the place of events that this reader does not get. The first of a reader whose `after` is not known any more. */
  | { readonly kind: 'gap'; readonly count?: number };

/** `id` grows within one manager: `EPOCH-NUMBER`; another manager has another epoch. */
export type ManagerEvent = { readonly id: string; readonly time: string } & ManagerEventBody;

export interface ManagerEvents {
  /**
   * Each reader gets all events from now on, or all after the one with the id `after` as far as they are kept (10,000): what
   * is not is told as a gap. `fromFirst` and no `after`: all since the manager began, in the same way. A reader that is too slow loses the oldest beyond its bound, and is told.
   */
  readonly subscribe: (options?: {
    readonly after?: string;
    readonly fromFirst?: boolean;
    readonly vm?: string;
    readonly bound?: number;
  }) => AsyncIterableIterator<ManagerEvent> & {
    /** It begins with what comes after this event, for a reader that is cut off before the first; undefined: with a gap. */
    readonly after: string | undefined;
    readonly return: () => Promise<IteratorResult<ManagerEvent>>;
  };
}
