import { watch, type FSWatcher } from 'node:fs';
import type { Clock } from '../clock.js';

export interface WatchListener {
  /** What is in the file, or was done to it, may have changed. */
  readonly onChange: () => void;
  /** The kernel does not tell of changes, and why; the file is then looked at every second. */
  readonly onBlind: (error: string) => void;
}

export interface FileWatch {
  /** Whom to tell from now on, and nobody else. */
  readonly tell: (listener: WatchListener | undefined) => void;
  readonly close: () => void;
}

const lookMs = 1000;

/** Notices when a file changes: inotify(7), kqueue(2). Where the kernel has no room for another watch, by looking. */
export function watchFile(file: string, clock: Clock): FileWatch {
  const over = new AbortController();
  let watcher: FSWatcher | undefined;
  let listener: WatchListener | undefined;
  let blindness: string | undefined;
  const goBlind = (error: unknown): void => {
    watcher?.close();
    watcher = undefined;
    if (over.signal.aborted) return;
    blindness = `no notice of what is written: ${String(error).replace(/^Error: /, '')}`;
    listener?.onBlind(blindness);
    void lookAgainAndAgain();
  };
  const lookAgainAndAgain = async (): Promise<void> => {
    for (;;) {
      await clock.sleep(lookMs, over.signal);
      if (over.signal.aborted) return;
      listener?.onChange();
    }
  };
  try {
    watcher = watch(file, { persistent: false }, () => listener?.onChange()).on('error', goBlind);
  } catch (error) {
    goBlind(error);
  }
  return {
    tell(next) {
      listener = next;
      if (blindness !== undefined) next?.onBlind(blindness);
    },
    close() {
      listener = undefined;
      over.abort();
      watcher?.close();
      watcher = undefined;
    },
  };
}
