import { execa } from 'execa';
import { startError } from './child.js';
import type { Clock } from './clock.js';
import { signalProcess } from './signal-process.js';
import { lineSplitter } from './tail.js';

export interface HookOptions {
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
  | { readonly kind: 'timed-out' }
  | { readonly kind: 'aborted' }
  | { readonly kind: 'not-started'; readonly error: string };

export type RunHook = (argv: readonly string[], options: HookOptions) => Promise<HookEnd>;

/** Runs a program of the user's in a process group of its own, which is killed whole when its time is over. */
export const runHook: RunHook = async (argv, { env, timeoutMs, clock, signal, onOutput }) => {
  const [program = '', ...args] = argv;
  const hook = execa(program, args, {
    stdin: 'ignore',
    stdout: 'pipe',
    stderr: 'pipe',
    buffer: false,
    reject: false,
    cleanup: false,
    detached: true,
    env: { ...env },
  });
  const { pid } = hook;
  if (pid === undefined) {
    return { kind: 'not-started', error: startError(program, await hook).message };
  }
  const streams = [hook.stdout, hook.stderr];
  const drained = Promise.all(
    streams.map((stream) => {
      const lines = lineSplitter(onOutput);
      stream.setEncoding('utf8').on('data', lines.push);
      return new Promise<void>((resolve) => {
        stream.once('close', () => {
          lines.end();
          resolve();
        });
      });
    }),
  );
  hook.catch(() => undefined);
  const exited = new Promise<HookEnd>((resolve) => {
    hook.once('exit', (status, name) => {
      resolve(name === null ? { kind: 'exited', status: status ?? 0 } : { kind: 'signalled', signal: name });
    });
  });
  const finished = new AbortController();
  const expired = clock
    .sleep(timeoutMs, AbortSignal.any([finished.signal, signal]))
    .then((): HookEnd => ({ kind: signal.aborted ? 'aborted' : 'timed-out' }));
  const end = await Promise.race([exited, expired]);
  finished.abort();
  if (end.kind === 'timed-out' || end.kind === 'aborted') signalProcess(-pid, 'SIGKILL');
  // What a hook leaves running may hold its output open; we do not wait for that.
  await Promise.race([Promise.all([drained, exited]), clock.sleep(drainMs)]);
  for (const stream of streams) stream.destroy();
  return end;
};

/** How long output of a hook that has ended is waited for. */
const drainMs = 100;
