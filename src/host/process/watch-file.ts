import { watch, type FSWatcher } from 'node:fs';
import { errorWords } from '../../base/error-words.js';
import { abort } from '../abort.js';
import type { Clock } from '../clock.js';

interface WatchFileOptions {
  /** What is in the file, or was done to it, may have changed. */
  readonly onChange: () => void;
  /** The kernel does not tell of changes, and why; the file is then looked at every second. */
  readonly onBlind: (error: string) => void;
  readonly clock: Clock;
}

const lookMs = 1000;

/**
 * Notices when a file changes: inotify(7), kqueue(2). Where the kernel has no room for another watch, by looking.
 * @returns what ends it
 */
export function watchFile(file: string, { onChange, onBlind, clock }: WatchFileOptions): () => void {
  let watcher: FSWatcher | undefined;
  let looking: AbortController | undefined;
  let isOver = false;
  const close = (): void => {
    watcher?.close();
    watcher = undefined;
  };
  const goBlind = (error: unknown): void => {
    close();
    if (isOver) return;
    onBlind(`looked at once a second, since the kernel watches no more files: ${errorWords(error)}`);
    // Made here: most files are watched, and at every boot some of them.
    looking = new AbortController();
    void lookAgainAndAgain(looking.signal);
  };
  const lookAgainAndAgain = async (signal: AbortSignal): Promise<void> => {
    for (;;) {
      await clock.sleep(lookMs, signal);
      if (signal.aborted) return;
      onChange();
    }
  };
  try {
    watcher = watch(file, { persistent: false }, onChange).on('error', goBlind);
  } catch (error) {
    goBlind(error);
  }
  return () => {
    isOver = true;
    close();
    if (looking !== undefined) abort(looking);
  };
}
