import type { Readable } from 'node:stream';
import { abort } from '../abort.js';
import type { ProcessEnd } from './child.js';
import type { Clock } from '../clock.js';
import { startError } from './start-error.js';
import { startProcess, type StartedProcess } from './start-process.js';
import { takeTurn } from './turn.js';

/** A program that leads a process group, so that it can be ended with all that it has started. */
export interface ProcessGroup {
  readonly stdout: Readable;
  readonly stderr: Readable;
  /** How the program itself ended. */
  readonly exited: Promise<ProcessEnd>;
  /** To the program, and to what it has started that is still in its group. */
  readonly kill: (signal: 'SIGTERM' | 'SIGKILL') => void;
  /**
   * Resolves when the program has ended and what it wrote has been read, or a moment later: what it leaves running may
   * hold its output open. The streams are closed then.
   */
  readonly settle: (clock: Clock) => Promise<void>;
}

/** How long the output of a program that has ended, and the end of one that was killed, are waited for. */
const settleMs = 100;

/**
 * Starts a program without a shell, with nothing on its standard input.
 * @param env the whole of it; the program is looked up in its `PATH`
 * @throws StartError
 */
export async function startGroup(
  argv: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
): Promise<ProcessGroup> {
  const { exit: exited, signalGroup: kill, stdout, stderr } = await start(argv, env);
  const closed = [stdout, stderr].map((stream) => {
    stream.on('error', () => undefined);
    return new Promise<void>((resolve) => stream.once('close', resolve));
  });
  return {
    stdout,
    stderr,
    exited,
    kill,
    async settle(clock) {
      const settled = new AbortController();
      const all = Promise.all([exited, ...closed]).then(() => {
        abort(settled);
      });
      await Promise.race([all, clock.sleep(settleMs, settled.signal)]);
      // Where this process itself was busy for that long, what there is to read waits unread: one more look at it.
      if (!settled.signal.aborted) await new Promise(setImmediate);
      for (const stream of [stdout, stderr]) stream.destroy();
      await Promise.all(closed);
    },
  };
}

interface Started extends StartedProcess {
  readonly stdout: Readable;
  readonly stderr: Readable;
}

async function start(argv: readonly string[], env: Readonly<Record<string, string | undefined>>): Promise<Started> {
  const [program = '', ...args] = argv;
  await takeTurn();
  try {
    const started = await startProcess(program, args, { stdio: ['ignore', 'pipe', 'pipe'], detached: true, env });
    const { stdout, stderr } = started.streams;
    if (stdout === null || stderr === null) throw new Error('there are no pipes to it');
    return { ...started, stdout, stderr };
  } catch (cause) {
    throw startError(program, cause);
  }
}
