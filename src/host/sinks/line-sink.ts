import { codeOf } from '../../base/error-code.js';
import { errorReason } from '../../base/error-words.js';
import { count } from '../../base/text.js';
import { systemClock, type Clock } from '../clock.js';
import { countOf, sinkQueue, type SinkQueue, type Unit } from './sink-queue.js';
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

interface SinkOptions {
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

/** A target, what waits for it, and what became of the rest. */
interface Writing {
  readonly target: SinkTarget;
  readonly unit: Unit;
  readonly options: SinkOptions;
  readonly clock: Pick<Clock, 'monotonicMs'>;
  readonly queue: SinkQueue;
  readonly lost: { count: number; why: string };
  /** How many the notice in the queue tells of, while none of it is in a file. */
  telling: number;
  open: OpenTarget | undefined;
  /** The regular file of the last write. */
  lastFile: string | undefined;
  isTroubled: boolean;
  retryAtMs: number;
  isOver: boolean;
  waitMs: number;
  timer: NodeJS.Timeout | undefined;
  onIdle: (() => void) | undefined;
}

function lose({ lost, isTroubled }: Writing, lines: number): void {
  if (lines > 0 && !isTroubled) lost.why = tooSlow;
  lost.count += lines;
}

function forget(writing: Writing, keepBegun: boolean): void {
  lose(writing, writing.queue.clear(keepBegun));
  // A notice is a line too, which nobody misses.
  if (writing.telling > 0) writing.lost.count += writing.telling - 1;
  writing.telling = 0;
}

function close(writing: Writing): void {
  try {
    writing.open?.close();
  } catch {
    // It is closed all the same: close(2).
  }
  writing.open = undefined;
}

function fail(writing: Writing, error: unknown): void {
  close(writing);
  if (writing.target.isGone(codeOf(error))) {
    writing.isOver = true;
    writing.queue.clear(false);
    return;
  }
  const text = errorReason(error);
  // A line that was begun in a regular file is ended there; those that waited for a slow reader are lost with it.
  forget(writing, writing.lastFile !== undefined);
  writing.lost.why = text;
  writing.retryAtMs = writing.clock.monotonicMs() + retryMs;
  if (writing.isTroubled) return;
  writing.isTroubled = true;
  writing.options.onTrouble?.(text);
}

/** @returns undefined where it cannot be opened, or is not tried again yet */
function opened(writing: Writing): OpenTarget | undefined {
  if (writing.open !== undefined) return writing.open;
  if (writing.clock.monotonicMs() < writing.retryAtMs) return undefined;
  let open: OpenTarget;
  try {
    open = writing.target.open();
  } catch (error) {
    fail(writing, error);
    return undefined;
  }
  writing.open = open;
  // The end of a line whose beginning is in another file is no line.
  if (open.file !== writing.lastFile) forget(writing, false);
  writing.lastFile = open.file;
  return open;
}

/** Writes what can be written now: what waits, then what is to be said of what was lost. */
function pump(writing: Writing): void {
  while (!writing.isOver) {
    const open = opened(writing);
    if (open === undefined) return;
    const bytes = writing.queue.front();
    if (bytes !== undefined) {
      if (!writeTo(writing, open, bytes)) return;
    } else if (writing.lost.count > 0) tellLost(writing);
    else return;
  }
}

function tellLost(writing: Writing): void {
  const { unit, lost, queue, options } = writing;
  if (unit === 'line') {
    queue.push(Buffer.from((options.notice ?? defaultNotice)(lost.count, lost.why)));
    writing.telling = lost.count;
  }
  lost.count = 0;
}

/** @returns false where no more can be written for now */
function writeTo(writing: Writing, open: OpenTarget, bytes: Uint8Array): boolean {
  let taken: number;
  try {
    taken = open.write(bytes);
  } catch (error) {
    fail(writing, error);
    return false;
  }
  if (taken === 0) {
    pollLater(writing);
    return false;
  }
  writing.waitMs = pollMs.first;
  const isWhole = writing.queue.written(taken);
  if (isWhole || writing.lastFile !== undefined) writing.telling = 0;
  if (isWhole && writing.isTroubled) {
    writing.isTroubled = false;
    writing.options.onTrouble?.(undefined);
  }
  return true;
}

const isPolling = ({ timer }: Writing): boolean => timer !== undefined;

function pollLater(writing: Writing): void {
  if (isPolling(writing)) return;
  writing.timer = setTimeout(() => {
    writing.timer = undefined;
    pump(writing);
    if (!isPolling(writing)) writing.onIdle?.();
  }, writing.waitMs).unref();
  writing.waitMs = Math.min(writing.waitMs * 2, pollMs.last);
}

const isTaking = ({ lost, open }: Writing): boolean => lost.count === 0 && open !== undefined;

function idleOr(writing: Writing, graceMs: number): Promise<void> {
  return new Promise((resolve) => {
    const grace = setTimeout(resolve, graceMs);
    writing.onIdle = (): void => {
      clearTimeout(grace);
      resolve();
    };
  });
}

function sinkOf(target: SinkTarget, unit: Unit, options: SinkOptions): FileSink {
  const writing: Writing = {
    target,
    unit,
    options,
    clock: options.clock ?? systemClock,
    queue: sinkQueue(options.maxQueuedBytes ?? 1024 * 1024, unit),
    lost: { count: 0, why: tooSlow },
    telling: 0,
    open: undefined,
    lastFile: undefined,
    isTroubled: false,
    retryAtMs: -Infinity,
    isOver: false,
    waitMs: pollMs.first,
    timer: undefined,
    onIdle: undefined,
  };
  return {
    write(text) {
      if (writing.isOver) return;
      const bytes = typeof text === 'string' ? Buffer.from(text) : text;
      // Behind what was lost nothing is taken until the reader is told of it.
      if (!isTaking(writing)) pump(writing);
      if (!isTaking(writing)) {
        lose(writing, countOf(bytes, unit));
        return;
      }
      writing.queue.push(bytes);
      pump(writing);
      lose(writing, writing.queue.trim());
    },
    reopen() {
      if (writing.isOver) return;
      // What waits belongs before the rename, if there is still a way.
      if (writing.open !== undefined) pump(writing);
      close(writing);
      writing.retryAtMs = -Infinity;
      pump(writing);
    },
    async end(graceMs) {
      if (!writing.isOver) {
        writing.retryAtMs = -Infinity;
        writing.waitMs = pollMs.first;
        if (writing.lost.count > 0 || !writing.queue.isEmpty()) pump(writing);
      }
      if (isPolling(writing)) await idleOr(writing, graceMs);
      writing.isOver = true;
      clearTimeout(writing.timer);
      writing.queue.clear(false);
      close(writing);
    },
  };
}
