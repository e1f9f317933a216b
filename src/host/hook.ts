import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import type { Readable } from 'node:stream';
import { codeOf } from '../base/error-code.js';
import { anyOf } from './abort.js';
import type { Clock } from './clock.js';
import { signalProcess } from './signal-process.js';
import { startError } from './start-error.js';
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

/** @throws StartError `no-resources`: it can be tried again; every other failure is an end */
export type RunHook = (argv: readonly string[], options: HookOptions) => Promise<HookEnd>;

/** Runs a program of the user's in a process group of its own, which is killed whole when its time is over. */
export const runHook: RunHook = async (argv, { env, timeoutMs, clock, signal, onOutput }) => {
  const hook = await start(argv, env);
  if ('kind' in hook) return hook;
  const { pid, streams } = hook;
  const drained = streams.map((stream) => readLines(stream, onOutput));
  const finished = new AbortController();
  const given = anyOf(finished.signal, signal);
  const expired = clock
    .sleep(timeoutMs, given.signal)
    .then((): HookEnd => ({ kind: signal.aborted ? 'aborted' : 'timed-out' }));
  const end = await Promise.race([hook.exited, expired]);
  finished.abort();
  given.release();
  if (end.kind === 'timed-out' || end.kind === 'aborted') killGroup(pid);
  // What a hook leaves running may hold its output open; we do not wait for that.
  const closed = new AbortController();
  const all = Promise.all([...drained, hook.exited]).then(() => {
    closed.abort();
  });
  await Promise.race([all, clock.sleep(drainMs, closed.signal)]);
  // Where this process itself was busy for that long, what the hook wrote waits unread: one more look at it.
  if (!closed.signal.aborted) await new Promise(setImmediate);
  for (const stream of streams) stream.destroy();
  return end;
};

/** How long output of a hook that has ended is waited for. */
const drainMs = 100;

interface Started {
  readonly pid: number;
  readonly streams: readonly Readable[];
  readonly exited: Promise<HookEnd>;
}

async function start(argv: readonly string[], env: HookOptions['env']): Promise<Started | HookEnd> {
  const [program = '', ...args] = argv;
  let hook: ChildProcess;
  try {
    hook = spawn(program, args, {
      stdio: ['ignore', 'pipe', 'pipe'],
      detached: true,
      env: { ...process.env, ...env },
    });
    // Some failures of fork(2) and execve(2) are thrown, others are an event.
    if (hook.pid === undefined) throw (await once(hook, 'error'))[0];
  } catch (cause) {
    const error = startError(program, cause);
    if (error.reason === 'no-resources') throw error;
    return { kind: 'not-started', error: error.message };
  }
  const exited = new Promise<HookEnd>((resolve) => {
    hook.once('exit', (status, name) => {
      resolve(name === null ? { kind: 'exited', status: status ?? 0 } : { kind: 'signalled', signal: name });
    });
  });
  return { pid: hook.pid, streams: [hook.stdout, hook.stderr].filter((stream) => stream !== null), exited };
}

/** Passes whole lines on. @returns when the stream is closed */
function readLines(stream: Readable, onLines: (text: string) => void): Promise<void> {
  const lines = lineSplitter(onLines);
  stream.setEncoding('utf8').on('data', lines.push);
  stream.on('error', () => undefined);
  return new Promise((resolve) => {
    stream.once('close', () => {
      lines.end();
      resolve();
    });
  });
}

/** One that runs as another user by now, by sudo(8) say, is not ours to kill, and no reason to fail. */
function killGroup(leader: number): void {
  try {
    signalProcess(-leader, 'SIGKILL');
  } catch (error) {
    if (codeOf(error) !== 'EPERM') throw error;
  }
}
