/**
 * For a signal of which nobody reads why: the reason that Node makes is an error with a stack, and costs more than the
 * rest of it.
 */
export function abort(controller: AbortController): void {
  if (!controller.signal.aborted) controller.abort(noReason);
}

const noReason = 'over';

/** Resolves when one of the signals is aborted; it listens to none of them then. */
export const aborted = (...signals: readonly AbortSignal[]): Promise<void> =>
  new Promise((resolve) => {
    const done = (): void => {
      for (const signal of signals) signal.removeEventListener('abort', done);
      resolve();
    };
    for (const signal of signals) signal.addEventListener('abort', done);
    if (signals.some((signal) => signal.aborted)) done();
  });

export interface Linked {
  readonly signal: AbortSignal;
  /** Listens no longer. */
  readonly release: () => void;
}

/**
 * Aborted when one of the signals is. Unlike `AbortSignal.any` it can be let go of: what that makes lives as long as the
 * longest-lived of its sources, one for each boot of a run that goes on for a year.
 */
export function anyOf(...signals: readonly AbortSignal[]): Linked {
  const controller = new AbortController();
  const pass = (): void => {
    abort(controller);
  };
  for (const signal of signals) signal.addEventListener('abort', pass);
  if (signals.some((signal) => signal.aborted)) pass();
  return {
    signal: controller.signal,
    release: () => {
      for (const signal of signals) signal.removeEventListener('abort', pass);
    },
  };
}
