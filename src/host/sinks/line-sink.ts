import { codeOf } from '../../base/error-code.js';
import { count } from '../../base/text.js';
import { systemClock, type Clock } from '../clock.js';
import { countOf, sinkQueue, type Unit } from './sink-queue.js';
import { descriptorTarget, fileTarget, type OpenTarget, type SinkTarget } from './sink-target.js';

/** Where a run writes: it never waits for a reader, and it never fails. */
export interface Sink {
  /**
   * Takes whole lines, or a text that a person is to finish; nothing comes between the parts of one text. What there
   * is no room for is dropped, and a line says so when there is room again.
   */
  readonly write: (text: string | Uint8Array) => void;
  /** Resolves when all is written, or the grace is over. Nothing is taken from then on, or keeps the process alive. */
  readonly end: (graceMs: number) => Promise<void>;
}

/** A sink that is a file. */
export interface FileSink extends Sink {
  /** Opens the path anew: the file has been renamed, and what comes next belongs into a new one. */
  readonly reopen: () => void;
}

export interface SinkOptions {
  /** Bytes that may wait for a reader. Default: 1 MiB. */
  readonly maxQueuedBytes?: number;
  /** The line that tells of lines that were dropped, its end included. Default: words of vmrun. */
  readonly notice?: (lines: number, why: string) => string;
  /**
   * Writing has begun to fail, told once, or works again. Meanwhile lines are dropped, and the next one after a second
   * is tried again.
   */
  readonly onTrouble?: (error: string | undefined) => void;
  readonly clock?: Pick<Clock, 'monotonicMs'>;
}

export interface FileSinkOptions extends SinkOptions {
  /** Of a file that is made. Default: 0640, less the umask. */
  readonly mode?: number;
}

/**
 * Lines for a descriptor of this process. Once its reader has gone it takes all and writes nothing. A regular file is
 * written at once; a pipe, socket or terminal without waiting, so that nobody who stops reading stops us.
 */
export const descriptorSink = (descriptor: number, options: SinkOptions = {}): Sink =>
  sinkOf(descriptorTarget(descriptor), 'line', options);

/** The same for bytes that are no lines: nothing is added to them. */
export const descriptorByteSink = (descriptor: number, options: Omit<SinkOptions, 'notice'> = {}): Sink =>
  sinkOf(descriptorTarget(descriptor), 'byte', options);

/** What guests and hooks say is for root, and for a group that reads logs. */
const logMode = 0o640;

/** Lines at the end of a file. It is opened with the first, or by `reopen`. */
export const fileSink = (path: string, options: FileSinkOptions = {}): FileSink =>
  sinkOf(fileTarget(path, options.mode ?? logMode), 'line', options);

/** The same for bytes that are no lines: nothing is added to them. */
export const fileByteSink = (path: string, options: Omit<FileSinkOptions, 'notice'> = {}): FileSink =>
  sinkOf(fileTarget(path, options.mode ?? logMode), 'byte', options);

const tooSlow = 'the reader did not keep up';

/** @param why a reason that is not the reader's: the error of a system call */
export const describeLoss = (lines: number, why = tooSlow): string =>
  `${count(lines, 'line')} ${lines === 1 ? 'was' : 'were'} not written here: ${why}`;

const defaultNotice = (lines: number, why: string): string => `vmrun: ${describeLoss(lines, why)}\n`;

const retryMs = 1000;
/** How long a reader that does not read is left alone, at first and at last. */
const pollMs = { first: 5, last: 200 } as const;

function sinkOf(target: SinkTarget, unit: Unit, options: SinkOptions): FileSink {
  const { maxQueuedBytes = 1024 * 1024, notice = defaultNotice, onTrouble, clock = systemClock } = options;
  const queue = sinkQueue(maxQueuedBytes, unit);
  const lost = { count: 0, why: tooSlow };
  /** How many the notice in the queue tells of, while none of it is in a file. */
  let telling = 0;
  let open: OpenTarget | undefined;
  /** The regular file of the last write. */
  let lastFile: string | undefined;
  let isTroubled = false;
  let retryAtMs = -Infinity;
  let isOver = false;
  let waitMs: number = pollMs.first;
  let timer: NodeJS.Timeout | undefined;
  let onIdle: (() => void) | undefined;

  const lose = (lines: number): void => {
    if (lines > 0 && !isTroubled) lost.why = tooSlow;
    lost.count += lines;
  };
  const forget = (keepBegun: boolean): void => {
    lose(queue.clear(keepBegun));
    // A notice is a line too, which nobody misses.
    if (telling > 0) lost.count += telling - 1;
    telling = 0;
  };
  const close = (): void => {
    try {
      open?.close();
    } catch {
      // It is closed all the same: close(2).
    }
    open = undefined;
  };
  const fail = (error: unknown): void => {
    close();
    if (target.isGone(codeOf(error))) {
      isOver = true;
      queue.clear(false);
      return;
    }
    const text = String(error).replace(/^Error: /, '');
    // A line that was begun in a regular file is ended there; those that waited for a slow reader are lost with it.
    forget(lastFile !== undefined);
    lost.why = text;
    retryAtMs = clock.monotonicMs() + retryMs;
    if (isTroubled) return;
    isTroubled = true;
    onTrouble?.(text);
  };
  const isOpen = (): boolean => {
    if (open !== undefined) return true;
    if (clock.monotonicMs() < retryAtMs) return false;
    try {
      open = target.open();
    } catch (error) {
      fail(error);
      return false;
    }
    // The end of a line whose beginning is in another file is no line.
    if (open.file !== lastFile) forget(false);
    lastFile = open.file;
    return true;
  };

  /** Writes what can be written now: what waits, then what is to be said of what was lost. */
  const pump = (): void => {
    while (!isOver && isOpen()) {
      const bytes = queue.front();
      if (bytes === undefined) {
        if (lost.count === 0) return;
        if (unit === 'line') {
          queue.push(Buffer.from(notice(lost.count, lost.why)));
          telling = lost.count;
        }
        lost.count = 0;
        continue;
      }
      let taken: number;
      try {
        taken = open?.write(bytes) ?? 0;
      } catch (error) {
        fail(error);
        return;
      }
      if (taken === 0) {
        pollLater();
        return;
      }
      waitMs = pollMs.first;
      const isWhole = queue.written(taken);
      if (isWhole || lastFile !== undefined) telling = 0;
      if (isWhole && isTroubled) {
        isTroubled = false;
        onTrouble?.(undefined);
      }
    }
  };
  const isPolling = (): boolean => timer !== undefined;
  const pollLater = (): void => {
    if (isPolling()) return;
    timer = setTimeout(() => {
      timer = undefined;
      pump();
      if (!isPolling()) onIdle?.();
    }, waitMs).unref();
    waitMs = Math.min(waitMs * 2, pollMs.last);
  };

  const isTaking = (): boolean => lost.count === 0 && open !== undefined;

  return {
    write(text) {
      if (isOver) return;
      const bytes = typeof text === 'string' ? Buffer.from(text) : text;
      // Behind what was lost nothing is taken until the reader is told of it.
      if (!isTaking()) pump();
      if (!isTaking()) {
        lose(countOf(bytes, unit));
        return;
      }
      queue.push(bytes);
      pump();
      lose(queue.trim());
    },
    reopen() {
      if (isOver) return;
      // What waits belongs before the rename, if there is still a way.
      if (open !== undefined) pump();
      close();
      retryAtMs = -Infinity;
      pump();
    },
    async end(graceMs) {
      if (!isOver) {
        retryAtMs = -Infinity;
        waitMs = pollMs.first;
        if (lost.count > 0 || !queue.isEmpty()) pump();
      }
      if (isPolling()) await idleOr(graceMs);
      isOver = true;
      clearTimeout(timer);
      queue.clear(false);
      close();
    },
  };

  function idleOr(graceMs: number): Promise<void> {
    return new Promise((resolve) => {
      const grace = setTimeout(resolve, graceMs);
      onIdle = (): void => {
        clearTimeout(grace);
        resolve();
      };
    });
  }
}
