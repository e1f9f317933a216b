import type { Problem } from '../base/problem.js';
import type { Clock } from '../host/clock.js';
import { describeSystemError, systemError } from '../host/errno.js';
import type { StateFolder } from '../host/files/state-folder.js';

/** What the manager keeps on disk. A disk that is full, or read-only by now, stops no VM: it is told, and tried again. */
export interface KeptRecords {
  readonly read: StateFolder['read'];
  readonly names: StateFolder['names'];
  /** Where a record is on disk. */
  readonly file: (name: string) => string;
  /** @returns what keeps it from being on the disk; it is tried again until it is, or something else is to be kept there */
  readonly keep: (name: string, record: object) => Problem | undefined;
  /** The same in a moment, for what is not asked for by anybody: one after the other, so that others get their turn. */
  readonly keepSoon: (name: string, record: object) => void;
  readonly drop: (name: string) => void;
  /** Tries all that is not on the disk once more, and then never again. */
  readonly end: () => void;
}

const retryMs = 5000;
const betweenMs = 5;

/** @param onWarning gets it once when a file cannot be written; undefined: it works again */
export function keptRecords(
  folder: StateFolder,
  { clock, onWarning }: { readonly clock: Clock; readonly onWarning: (problem: Problem) => void },
): KeptRecords {
  /** What is not on the disk as it should be; undefined: it should not be there. */
  const behind = new Map<string, object | undefined>();
  const soon = new Map<string, object>();
  const over = new AbortController();
  let isRetrying = false;
  const file = (name: string): string => folder.file(`${name}.json`);

  function put(name: string, record: object | undefined): Problem | undefined {
    const wasBehind = behind.has(name);
    soon.delete(name);
    try {
      if (record === undefined) folder.remove(name);
      else folder.write(name, record);
      behind.delete(name);
      return undefined;
    } catch (error) {
      const problem = notKept(file(name), describeSystemError(systemError(error)));
      behind.set(name, record);
      if (!wasBehind) onWarning(problem);
      void retry();
      return problem;
    }
  }

  async function retry(): Promise<void> {
    if (isRetrying) return;
    isRetrying = true;
    const isDue = (): boolean => behind.size > 0 && !over.signal.aborted;
    while (isDue()) {
      await clock.sleep(retryMs, over.signal);
      if (isDue()) putAll();
    }
    isRetrying = false;
  }

  async function putSoon(): Promise<void> {
    while (soon.size > 0) {
      await clock.sleep(betweenMs, over.signal);
      const [next] = soon;
      if (next !== undefined) put(...next);
    }
  }

  function putAll(): void {
    for (const [name, record] of [...soon]) put(name, record);
    for (const [name, record] of [...behind]) put(name, record);
  }

  return {
    read: folder.read,
    names: folder.names,
    file,
    keep: put,
    keepSoon(name, record) {
      soon.set(name, record);
      if (soon.size === 1) void putSoon();
    },
    drop: (name) => {
      put(name, undefined);
    },
    end: () => {
      putAll();
      over.abort();
    },
  };
}

const notKept = (file: string, why: string): Problem => ({
  code: 'not-kept',
  severity: 'warning',
  message: `${file} cannot be written: ${why}; it is tried again`,
  fix: 'make room, or let the file system be written: a manager that is started before that does not know what was asked for last',
});
