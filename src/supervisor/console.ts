import { systemClock, type Clock } from '../host/clock.js';
import {
  consoleReader,
  defaultBound,
  type ConsoleReader,
  type ConsoleSubscribeOptions,
  type ConsoleSubscription,
} from './console-readers.js';
import { teller } from './news.js';
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
  readonly attach: (options: SeatOptions) => ConsoleSeat;
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
export interface ConsoleSeat {
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

/** What is told of those who sit at a console. */
export interface Attendance {
  readonly who: string;
  /** Has come, has left, or has the keyboard from now on. */
  readonly what: 'came' | 'left' | 'keyboard';
  /** So many before it came or left as well, too fast to be told one by one. */
  readonly untold?: number;
}

/** Who comes and leaves is told one by one as long as it is not more than all who may be there at once. */
const toldTogether = 40;

/** @param onSeat is told of the keyboard at most once a second: two may take it from each other without end */
export function servedConsole(
  onSeat: (attendance: Attendance) => void = () => undefined,
  clock: Pick<Clock, 'monotonicMs' | 'sleep'> = systemClock,
): ServedConsole {
  const recent = recentBytes(keptBytes);
  const readers = new Set<ConsoleReader>();
  const listeners = new Set<(bytes: Uint8Array) => void>();
  const seats = new Set<() => void>();
  let isOver = false;
  let type: ((bytes: Uint8Array) => Promise<boolean>) | undefined;
  let writer: SeatOptions | undefined;
  const keyboard = teller<string>(clock, 1, (who) => {
    onSeat({ who, what: 'keyboard' });
  });
  const comings = teller<Attendance>(clock, toldTogether, (last, untold) => {
    onSeat(untold === 0 ? last : { ...last, untold });
  });

  const write = (bytes: string | Uint8Array): Promise<boolean> =>
    type?.(typeof bytes === 'string' ? Buffer.from(bytes) : bytes) ?? Promise.resolve(false);

  function handOver(to: SeatOptions | undefined): void {
    if (writer === to) return;
    writer = to;
    if (to !== undefined && !isOver) keyboard.tell(to.who);
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
      comings.tell({ who: options.who, what: 'came' });
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
          // Whoever leaves had it before, which is of interest as long as it is told who leaves.
          if (writer === options && comings.isBehind()) keyboard.forget();
          else if (writer === options) keyboard.tellWaiting();
          if (seats.delete(tell) && !isOver) comings.tell({ who: options.who, what: 'left' });
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
      // Nobody can come or type any more.
      if (to === undefined) comings.tellWaiting();
    },
    end() {
      isOver = true;
      type = undefined;
      keyboard.end();
      comings.end();
      for (const reader of readers) reader.end();
      readers.clear();
    },
  };
}
