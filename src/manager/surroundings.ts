import type { Clock } from '../host/clock.js';
import type { Host } from '../host/host.js';
import type { RunEvent } from '../supervisor/events.js';
import type { RunOptions } from '../supervisor/run-options.js';
import type { EventRing } from './event-ring.js';
import type { KeptRecords } from './kept-records.js';
import type { OperationBook } from './operation-book.js';
import type { SpecShelf } from './spec-shelf.js';
import type { Life } from './vm-life.js';

/** What the VMs of a manager share. */
export interface Surroundings {
  readonly host: Host;
  readonly clock: Clock;
  readonly ring: EventRing;
  readonly book: OperationBook;
  readonly records: KeptRecords;
  readonly shelf: Pick<SpecShelf, 'bootable'>;
  /** Folder of the run directories. */
  readonly runBase: string;
  /** Of every run. */
  readonly runOptions: RunOptions;
  /** Of this host: `hostBootId`. */
  readonly hostBoot: string;
  /** Nothing is started any more. */
  readonly isEnding: () => boolean;
  /** Aborted then. */
  readonly over: AbortSignal;
  /** Reads its file once more. */
  readonly readSpecOf: (name: string) => Promise<void>;
  readonly onBoot: (name: string, life: Life, event: Extract<RunEvent, { kind: 'boot' | 'adopted' }>) => void;
  /** It has ended. */
  readonly onExit: (name: string) => void;
  /** No run of ours goes on. */
  readonly onIdle: (name: string) => void;
}
