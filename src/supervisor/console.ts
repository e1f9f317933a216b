import { systemClock, type Clock } from '../host/clock.js';
import {
  consoleReader,
  defaultBound,
  type ConsoleReader,
  type ConsoleSubscribeOptions,
  type ConsoleSubscription,
} from './console-readers.js';
import { recentBytes } from './recent-bytes.js';

/** The console of a guest that vmrun serves: `"com1": "console"`. */
export interface RunConsole {
  /** What the guest writes, for a reader with a queue of its own, until the run is over. @throws RangeError */
  readonly subscribe: (options?: ConsoleSubscribeOptions) => ConsoleSubscription;
  /** The last that the guest has written, at most 64 KiB. */
  readonly recent: () => Uint8Array;
  /**
   * Types at the console.
   * @returns resolves when the guest can read all of it: true; or false where nothing was taken, since 64 KiB wait already
   * or there is no guest, or where what waited was dropped, since the guest has ended
   */
  readonly write: (bytes: string | Uint8Array) => Promise<boolean>;
  /** Sits down at the console, where one types at a time; to read, `subscribe`. */
  readonly attach: (options: SeatOptions) => Seat;
}

/** Who sits at a console. */
export interface SeatOptions {
  /** For the others: `process 4711 on pts/3`. */
  readonly who: string;
  /** Take the keyboard from who has it, or only where nobody has, or never. Default: `write`. */
  readonly wants?: 'watch' | 'write' | 'take';
  /** Told at once, and whenever somebody else has the keyboard from now on, or nobody has: who it is. */
  readonly onWriter?: (writer: Writer | undefined) => void;
}

/** Who has the keyboard of a console. */
export interface Writer {
  readonly who: string;
  /** It is the seat that is told. */
  readonly isMine: boolean;
}

/** A place at a console. */
export interface Seat {
  /** Types, where nobody else has the keyboard, and so takes it. @returns as `write` of the console, false where another has it */
  readonly write: (bytes: string | Uint8Array) => Promise<boolean>;
  /** Takes the keyboard, whoever has it. */
  readonly take: () => void;
  /** Gets up. */
  readonly leave: () => void;
}

/** What the supervisor does with the console of its run. */
export interface ServedConsole extends RunConsole {
  /** What the guest has written, in a buffer that others use again. */
  readonly onOutput: (bytes: Uint8Array) => void;
  /** Hands on all that the guest writes from now on, as it comes. */
  readonly listen: (listener: (bytes: Uint8Array) => void) => void;
  /** Where what is typed goes; undefined: nowhere any more. */
  readonly connect: (write: ((bytes: Uint8Array) => Promise<boolean>) | undefined) => void;
  readonly end: () => void;
}

const keptBytes = 64 * 1024;

/** How often it is told who has the keyboard, at most: two may take it from each other without end. */
const pauseMs = 1000;

/** Tells who has the keyboard: at once, but after the one told before only when the pause is over, and then only the last. */
function keyboardTeller(clock: Pick<Clock, 'monotonicMs' | 'sleep'>, tell: (who: string) => void) {
  const over = new AbortController();
  let lastMs = -Infinity;
  let waiting: string | undefined;
  let isAsleep = false;

  function tellWaiting(): void {
    if (waiting === undefined) return;
    const who = waiting;
    waiting = undefined;
    lastMs = clock.monotonicMs();
    tell(who);
  }

  async function tellInTime(): Promise<void> {
    isAsleep = true;
    while (waiting !== undefined) {
      const restMs = lastMs + pauseMs - clock.monotonicMs();
      if (restMs <= 0) tellWaiting();
      else await clock.sleep(restMs, over.signal);
    }
    isAsleep = false;
  }

  return {
    has(who: string): void {
      waiting = who;
      if (!isAsleep) void tellInTime();
    },
    /** Who leaves had it before. */
    tellWaiting,
    end(): void {
      waiting = undefined;
      over.abort();
    },
  };
}

/** @param onSeat who has come, has left, or has the keyboard from now on, which is told at most once a second */
export function servedConsole(
  onSeat: (who: string, what: 'came' | 'left' | 'keyboard') => void = () => undefined,
  clock: Pick<Clock, 'monotonicMs' | 'sleep'> = systemClock,
): ServedConsole {
  const recent = recentBytes(keptBytes);
  const readers = new Set<ConsoleReader>();
  const listeners = new Set<(bytes: Uint8Array) => void>();
  const seats = new Set<() => void>();
  let isOver = false;
  let type: ((bytes: Uint8Array) => Promise<boolean>) | undefined;
  let writer: SeatOptions | undefined;
  const keyboard = keyboardTeller(clock, (who) => {
    onSeat(who, 'keyboard');
  });

  const write = (bytes: string | Uint8Array): Promise<boolean> =>
    type?.(typeof bytes === 'string' ? Buffer.from(bytes) : bytes) ?? Promise.resolve(false);

  function handOver(to: SeatOptions | undefined): void {
    if (writer === to) return;
    writer = to;
    if (to !== undefined && !isOver) keyboard.has(to.who);
    for (const tell of seats) tell();
  }

  return {
    subscribe({ bound = defaultBound, recent: withRecent = true } = {}) {
      if (!(bound >= 1 && (Number.isInteger(bound) || bound === Infinity))) {
        throw new RangeError(`bound is ${bound}, and has to be a whole number from 1 on`);
      }
      const reader = consoleReader(bound, () => readers.delete(reader));
      const kept = withRecent ? recent.bytes() : new Uint8Array();
      if (kept.length > 0) reader.push(kept);
      if (isOver) reader.end();
      else readers.add(reader);
      return reader.subscription;
    },
    recent: recent.bytes,
    write,
    attach(options) {
      const { wants = 'write', onWriter } = options;
      const tell = (): void => onWriter?.(writer && { who: writer.who, isMine: writer === options });
      seats.add(tell);
      onSeat(options.who, 'came');
      if (wants === 'take' || (wants === 'write' && writer === undefined)) handOver(options);
      else tell();
      return {
        write(bytes) {
          if (!seats.has(tell) || wants === 'watch') return Promise.resolve(false);
          if (writer === undefined) handOver(options);
          return writer === options ? write(bytes) : Promise.resolve(false);
        },
        take() {
          if (seats.has(tell) && wants !== 'watch') handOver(options);
        },
        leave() {
          if (writer === options) keyboard.tellWaiting();
          if (seats.delete(tell) && !isOver) onSeat(options.who, 'left');
          if (writer === options) handOver(undefined);
        },
      };
    },
    onOutput(bytes) {
      recent.push(bytes);
      if (readers.size === 0 && listeners.size === 0) return;
      const own = Uint8Array.from(bytes);
      for (const reader of readers) reader.push(own);
      for (const listener of listeners) listener(own);
    },
    listen(listener) {
      listeners.add(listener);
    },
    connect(to) {
      type = to;
    },
    end() {
      isOver = true;
      type = undefined;
      keyboard.end();
      for (const reader of readers) reader.end();
      readers.clear();
    },
  };
}
