import { Worker } from 'node:worker_threads';
import { abort, anyOf } from '../abort.js';
import type { Clock } from '../clock.js';

/** What a thread may take. */
interface ThreadLimits {
  readonly timeoutMs: number;
  /** Memory for its values. */
  readonly heapMb: number;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** `failed`: an error that it has thrown. `ended`: it was too long or too large, or nobody waits for it any more. */
type ThreadEnd =
  | { readonly kind: 'done'; readonly value: unknown }
  | { readonly kind: 'failed'; readonly error: unknown }
  | { readonly kind: 'ended' };

/**
 * Computes in a thread of its own, which ends with that, so that nobody else waits for it.
 * @param file of a CommonJS module, whose `answer` takes the data and gives a promise of what it comes to: both are copied
 */
export async function inThread(
  file: string,
  data: unknown,
  clock: Pick<Clock, 'sleep'>,
  { timeoutMs, heapMb, signal }: ThreadLimits,
): Promise<ThreadEnd> {
  const script = `const { parentPort, workerData } = require('node:worker_threads');
require(workerData.file).answer(workerData.data).then((value) => { parentPort.postMessage(value); });`;
  const worker = new Worker(script, {
    eval: true,
    workerData: { file, data },
    resourceLimits: { maxOldGenerationSizeMb: heapMb },
    execArgv: [],
    env: {},
  });
  const over = new AbortController();
  const either = anyOf(signal, over.signal);
  let end: ThreadEnd = { kind: 'ended' };
  const settle = (found: ThreadEnd): void => {
    end = found;
    abort(over);
  };
  worker.once('message', (value: unknown) => {
    settle({ kind: 'done', value });
  });
  worker.once('error', (error: NodeJS.ErrnoException) => {
    settle(error.code === 'ERR_WORKER_OUT_OF_MEMORY' ? { kind: 'ended' } : { kind: 'failed', error });
  });
  worker.once('exit', () => {
    abort(over);
  });
  await clock.sleep(timeoutMs, either.signal);
  either.release();
  await worker.terminate();
  return end;
}
