import { watch, type FSWatcher } from 'node:fs';
import type { Clock } from '../clock.js';

export interface WatchFileOptions {
  /** What is in the file, or was done to it, may have changed. */
  readonly onChange: () => void;
  /** The kernel does not tell of changes, and why; the file is then looked at every second. */
  readonly onBlind: (error: string) => void;
  readonly clock: Clock;
  /** Ends it. */
  readonly signal: AbortSignal;
}

const lookMs = 1000;

/** Notices when a file changes: inotify(7), kqueue(2). Where the kernel has no room for another watch, by looking. */
export function watchFile(file: string, { onChange, onBlind, clock, signal }: WatchFileOptions): void {
  let watcher: FSWatcher | undefined;
  const close = (): void => {
    watcher?.close();
    watcher = undefined;
  };
  const goBlind = (error: unknown): void => {
    close();
    if (signal.aborted) return;
    onBlind(
      `looked at once a second, since the kernel watches no more files: ${String(error).replace(/^Error: /, '')}`,
    );
    void lookAgainAndAgain();
  };
  const lookAgainAndAgain = async (): Promise<void> => {
    for (;;) {
      await clock.sleep(lookMs, signal);
      if (signal.aborted) return;
      onChange();
    }
  };
  signal.addEventListener('abort', close);
  try {
    watcher = watch(file, { persistent: false }, onChange).on('error', goBlind);
  } catch (error) {
    goBlind(error);
  }
}
