import type { ServerResponse } from 'node:http';
import type { Clock } from '../host/clock.js';
import { aborted, anyOf, abort } from '../host/abort.js';
import type { Answer, StreamEvent } from './route.js';

/** Idle proxies cut what says nothing for a minute. */
export const commentMs = 15_000;

export interface StreamOptions {
  readonly clock: Pick<Clock, 'sleep'>;
  /** Aborted when the server is to end: the client is told. */
  readonly ending: AbortSignal;
  /** How long a client may leave unread what was sent. */
  readonly patienceMs: number;
  /** Asked at each comment. */
  readonly isWelcome: () => boolean;
}

type Source = ReturnType<NonNullable<Answer['events']>>;

/**
 * Writes events as they come, until the client has gone, reads nothing any more, is not welcome any more, or the server
 * ends. An event waits for the client to read the one before; what the source does meanwhile is its own affair.
 */
export async function writeEvents(response: ServerResponse, source: Source, options: StreamOptions): Promise<void> {
  const { clock, ending, patienceMs, isWelcome } = options;
  const gone = new AbortController();
  const leave = (): void => {
    abort(gone);
  };
  response.once('close', leave);
  const over = anyOf(gone.signal, ending);

  /** What is written at the same time waits in one line: events and comments. */
  let last = Promise.resolve(true);
  const write = (text: string): Promise<boolean> => (last = last.then(() => writeText(text)));

  async function writeText(text: string): Promise<boolean> {
    if (gone.signal.aborted) return false;
    if (response.write(text)) return true;
    const drained = new AbortController();
    const onDrain = (): void => {
      abort(drained);
    };
    response.once('drain', onDrain);
    const waiting = anyOf(drained.signal, gone.signal);
    await clock.sleep(patienceMs, waiting.signal);
    waiting.release();
    response.off('drain', onDrain);
    if (drained.signal.aborted) return true;
    // It reads nothing: what waits for it would wait for ever.
    response.destroy();
    leave();
    return false;
  }

  async function comment(): Promise<void> {
    for (;;) {
      await clock.sleep(commentMs, over.signal);
      if (over.signal.aborted) return;
      if (!isWelcome()) {
        await write(asText({ event: 'end', data: { why: 'the session or the token has ended' } }));
        response.end();
        leave();
        return;
      }
      if (!(await write(':\n\n'))) return;
    }
  }

  async function tell(): Promise<void> {
    for await (const event of source) if (!(await write(asText(event)))) return;
  }

  const stop = aborted(over.signal).then(() => source.return());
  try {
    await write(`${source.after === undefined ? '' : `id: ${source.after}\n`}retry: 1000\n\n`);
    await Promise.all([tell().finally(leaveUnlessEnding), comment(), stop]);
    if (ending.aborted) await write(asText({ event: 'end', data: { why: 'the manager ends' } }));
  } finally {
    over.release();
    response.off('close', leave);
    response.end();
  }

  function leaveUnlessEnding(): void {
    if (!ending.aborted) leave();
  }
}

const asText = ({ id, event, data }: StreamEvent): string =>
  `${id === undefined ? '' : `id: ${id}\n`}event: ${event}\ndata: ${JSON.stringify(data)}\n\n`;
