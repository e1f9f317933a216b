import { request, type IncomingMessage } from 'node:http';
import type { ManagerEvent } from '../../src/manager/manager-events.js';

/** One connection of a client. */
export interface Heard {
  /** The id that it asked to go on from. */
  readonly after: string | undefined;
  readonly events: ManagerEvent[];
}

/** A client of `GET /events`, as a browser's EventSource is one: it connects again, and says what it had last. */
export interface EventClient {
  readonly heard: readonly Heard[];
  /** Of all connections. */
  readonly events: () => readonly ManagerEvent[];
  /** Breaks the connection off; it connects again. */
  readonly cut: () => void;
  readonly end: () => Promise<void>;
}

const pauseMs = 10;

/** @param query `?vm=web` */
export function eventClient(socketPath: string, query = ''): EventClient {
  const heard: Heard[] = [];
  const all: ManagerEvent[] = [];
  let last: string | undefined;
  const left = new AbortController();
  let cut: () => void = () => undefined;

  const connect = (): Promise<void> =>
    new Promise((resolve) => {
      const headers = { accept: 'text/event-stream', ...(last === undefined ? {} : { 'last-event-id': last }) };
      const sent = request({ socketPath, path: `/api/v1/events${query}`, headers, agent: false });
      cut = () => sent.destroy();
      sent.on('error', () => undefined);
      sent.once('close', resolve);
      sent.on('response', (response) => {
        if (response.statusCode === 200) read(response);
        else sent.destroy();
      });
      sent.end();
    });

  function read(response: IncomingMessage): void {
    const own: Heard = { after: last, events: [] };
    let rest = '';
    response.on('error', () => undefined);
    response.setEncoding('utf8').on('data', (piece: string) => {
      const blocks = (rest + piece).split('\n\n');
      rest = blocks.pop() ?? '';
      for (const block of blocks) take(block, own);
      if (blocks.length > 0 && heard.at(-1) !== own) heard.push(own);
    });
  }

  /** Of what was cut within a block nothing counts: HTML, "Interpreting an event stream". */
  function take(block: string, own: Heard): void {
    const field = (name: string): string | undefined => new RegExp(`^${name}: (.*)$`, 'm').exec(block)?.[1];
    last = field('id') ?? last;
    const data = field('data');
    if (data === undefined || field('event') === 'end') return;
    const event = JSON.parse(data) as ManagerEvent;
    own.events.push(event);
    all.push(event);
  }

  const over = (async () => {
    while (!left.signal.aborted) {
      await connect();
      await new Promise((resolve) => setTimeout(resolve, pauseMs));
    }
  })();
  return {
    heard,
    events: () => all,
    cut: () => {
      cut();
    },
    end: async () => {
      left.abort();
      cut();
      await over;
    },
  };
}

interface Point {
  readonly epoch: string;
  readonly number: number;
}

const pointOf = (id: string): Point => {
  const [, epoch = '', number = ''] = /^([^-]+)-(\d+)$/.exec(id) ?? [];
  return { epoch, number: Number(number) };
};

/**
 * What is wrong with what a reader got of all events: each of a manager comes once and in order, and a gap stands exactly
 * where there is one, before the first of another manager.
 * @param after what it had before; undefined: nothing, it is told what comes from then on
 */
export function faultsIn(events: readonly ManagerEvent[], after?: string): readonly string[] {
  const faults: string[] = [];
  let last = after;
  let had = after === undefined ? undefined : pointOf(after);
  for (const { id, kind } of events) {
    const point = pointOf(id);
    const isAnother = had !== undefined && point.epoch !== had.epoch;
    const isGap = kind === 'gap';
    const isNext = isGap ? point.number === 0 : had === undefined || point.number === had.number + 1;
    if (isGap !== isAnother || !isNext) faults.push(`${kind} ${id} after ${last ?? 'none'}`);
    [had, last] = [point, id];
  }
  return faults;
}
