import { errorWords } from '../base/error-words.js';
import { addAll } from '../base/long-lists.js';
import type { Problem } from '../base/problem.js';
import type { Emit, RunEventBody } from './events.js';

type CleanupName = Extract<RunEventBody, { readonly kind: 'cleanup' }>['what'];

/** Removes what a run has made, one thing after another, whatever happens to each. */
export interface Cleaner {
  /** @param remove returns or rejects with what went wrong; what is gone already is no error */
  readonly remove: (
    what: CleanupName,
    name: string,
    remove: () => Promise<string | undefined> | string | undefined,
  ) => Promise<void>;
  /** What could not be removed, so far. */
  readonly leftBehind: readonly Problem[];
  readonly addLeftBehind: (problems: readonly Problem[]) => void;
}

export function makeCleaner(emit: Emit): Cleaner {
  const leftBehind: Problem[] = [];
  return {
    leftBehind,
    addLeftBehind: (problems) => {
      for (const problem of problems) emit({ kind: 'warning', problem });
      addAll(leftBehind, problems);
    },
    remove: async (what, name, remove) => {
      let error: string | undefined;
      try {
        error = await remove();
      } catch (cause) {
        error = errorWords(cause);
      }
      emit({ kind: 'cleanup', what, name, ...(error === undefined ? {} : { error }) });
      if (error === undefined) return;
      leftBehind.push({
        code: 'cleanup-failed',
        severity: 'warning',
        message: `the ${what} ${name} could not be removed: ${error}`,
        fix: 'remove it by hand',
      });
    },
  };
}
