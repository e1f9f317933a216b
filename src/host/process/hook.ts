import { abort, anyOf } from '../abort.js';
import type { Clock } from '../clock.js';
import { programEnvironment } from './environment.js';
import { startGroup, type ProcessGroup } from './process-group.js';
import { StartError } from './start-error.js';
import { lineSplitter } from './tail.js';

export interface HookOptions {
  /** Added to what every program gets: `programEnvironment`. */
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly clock: Clock;
  /** Aborted: the hook is killed at once. */
  readonly signal: AbortSignal;
  /** Whole lines of what it writes, stdout and stderr alike. */
  readonly onOutput: (text: string) => void;
}

export type HookEnd =
  | { readonly kind: 'exited'; readonly status: number }
  | { readonly kind: 'signalled'; readonly signal: string }
  | { readonly kind: 'timed-out'; readonly timeoutMs: number }
  | { readonly kind: 'aborted' }
  | { readonly kind: 'not-started'; readonly error: string };

/** @throws StartError `no-resources`: it can be tried again; every other failure is an end */
export type RunHook = (argv: readonly string[], options: HookOptions) => Promise<HookEnd>;

/** Runs a program of the user's in a process group of its own, which is killed whole when its time is over. */
export const runHook: RunHook = async (argv, { env, timeoutMs, clock, signal, onOutput }) => {
  let hook: ProcessGroup;
  try {
    hook = await startGroup(argv, programEnvironment(env));
  } catch (error) {
    if (!(error instanceof StartError) || error.reason === 'no-resources') throw error;
    return { kind: 'not-started', error: error.message };
  }
  for (const stream of [hook.stdout, hook.stderr]) {
    const lines = lineSplitter(onOutput);
    stream.setEncoding('utf8').on('data', lines.push).once('close', lines.end);
  }
  const finished = new AbortController();
  const given = anyOf(finished.signal, signal);
  const expired = clock
    .sleep(timeoutMs, given.signal)
    .then((): HookEnd => (signal.aborted ? { kind: 'aborted' } : { kind: 'timed-out', timeoutMs }));
  const end = await Promise.race([hook.exited, expired]);
  abort(finished);
  given.release();
  if (end.kind === 'timed-out' || end.kind === 'aborted') hook.kill('SIGKILL');
  await hook.settle(clock);
  return end;
};
