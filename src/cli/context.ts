import type { Platform } from '../devices/device.js';
import type { Sink } from '../host/sinks/line-sink.js';
import type { OwnText } from './paint.js';

/** What a command may touch of the process; `main.ts` alone makes one. */
export interface Context {
  readonly workingDirectory: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly uid: number | undefined;
  readonly platform: string;
  /** The bhyve of this host; empty where it is no FreeBSD. */
  readonly hostBhyve: Partial<Platform>;
  /** Words that start the built-in simulator. */
  readonly simulator: readonly string[];
  /** Text for the product: what another program may read. */
  readonly out: (text: OwnText) => void;
  /** Text for people. */
  readonly err: (text: OwnText) => void;
  /** From now on `err` writes there and waits for nobody; it is ended when the command is over. */
  readonly divertErr: (sink: Sink) => void;
  /** How many columns the terminal has that a descriptor leads to; absent, or undefined: it leads to none. */
  readonly columns?: (descriptor: 1 | 2) => number | undefined;
  /** Calls back for each of the signals until the returned function is called. */
  readonly onSignals: (signals: readonly NodeJS.Signals[], handler: (signal: NodeJS.Signals) => void) => () => void;
  /** The process ends with the command, although children of it go on. Absent: it is none that could. */
  readonly leave?: () => void;
  /** Is called when the process exits, however that comes. */
  readonly onExit: (handler: () => void) => void;
}
