import { closeSync, constants, fstatSync, openSync, readSync } from 'node:fs';
import { Socket } from 'node:net';
import { codeOf } from '../../base/error-code.js';

/**
 * What is told of a program by its life line: a FIFO, or a pipe, that only the shell that waits for it and the program
 * itself have open for writing. The shell writes who the program is, and how it ended; when both are gone, the line is at
 * its end.
 */
export interface LifeLine {
  /** Of the program; undefined where the line ends without. */
  readonly pid: Promise<number | undefined>;
  /** The status of the program, as the shell saw it; undefined where both are gone and it did not say. Never rejects. */
  readonly ended: Promise<number | undefined>;
  readonly isOver: () => boolean;
  readonly close: () => void;
}

/** Both ends of a life line, before the program is started. */
interface OpenLine {
  readonly reader: number;
  /** To be inherited, and closed. */
  readonly writer: number;
}

/** @returns undefined where there is no such FIFO. @throws where there are no descriptors */
export function openLine(file: string): OpenLine | undefined {
  const reader = openReader(file);
  if (reader === undefined) return undefined;
  try {
    return { reader, writer: openSync(file, constants.O_WRONLY | constants.O_NONBLOCK) };
  } catch (error) {
    closeSync(reader);
    throw error;
  }
}

/**
 * Listens to the life line of a program that another has started.
 * @param tag what its shell calls it
 * @returns `gone` where nobody has it open any more, undefined where there is no such FIFO
 */
export function hearLine(file: string, tag: string): LifeLine | 'gone' | undefined {
  const reader = openReader(file);
  if (reader === undefined) return undefined;
  // A FIFO that nobody had open for writing when it was opened tells no end later.
  const first = Buffer.alloc(1024);
  try {
    const length = readSync(reader, first);
    if (length > 0) return listen(socketOf(reader), tag, first.toString('latin1', 0, length));
  } catch (error) {
    if (codeOf(error) === 'EAGAIN') return listen(socketOf(reader), tag);
  }
  closeSync(reader);
  return 'gone';
}

export const socketOf = (reader: number): Socket => new Socket({ fd: reader, readable: true, writable: false });

function openReader(file: string): number | undefined {
  let reader: number | undefined;
  try {
    reader = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW);
    if (fstatSync(reader).isFIFO()) return reader;
  } catch (error) {
    if (['EMFILE', 'ENFILE', 'ENOMEM'].includes(codeOf(error))) throw error;
  }
  if (reader !== undefined) closeSync(reader);
  return undefined;
}

/**
 * Lines: `pid N TAG`, `end N TAG`. Where something that an earlier program has started still has the FIFO open, there may be
 * lines of that before.
 * @param first what was read already
 */
export function listen(socket: Socket, tag: string, first = ''): LifeLine {
  let text = first;
  let isOver = false;
  const told = (word: 'pid' | 'end'): number | undefined => {
    // What comes after the last newline is no whole line yet.
    const last = text.lastIndexOf('\n');
    if (last === -1 || !text.includes(word)) return undefined;
    const [before, after] = [`${word} `, ` ${tag}`];
    const numbers = text
      .slice(0, last)
      .split('\n')
      .filter((line) => line.startsWith(before) && line.endsWith(after))
      .map((line) => line.slice(before.length, -after.length));
    const number = numbers.find((digits) => /^\d{1,10}$/.test(digits));
    return number === undefined ? undefined : Number(number);
  };
  const waiting = new Set<() => void>();
  const when = (word: 'pid' | 'end'): Promise<number | undefined> =>
    new Promise((resolve) => {
      const look = (): void => {
        const number = told(word);
        if (number === undefined && !isOver) return;
        waiting.delete(look);
        resolve(number);
      };
      waiting.add(look);
      look();
    });
  const lookAgain = (): void => {
    for (const look of [...waiting]) look();
  };
  socket.setEncoding('latin1');
  socket.on('data', (more: string) => {
    // What else a program may write there, which has it open too, is not kept.
    if (text.length < 4096) text += more;
    lookAgain();
  });
  socket.on('error', () => undefined);
  const end = (): void => {
    isOver = true;
    lookAgain();
  };
  // What is read to its end is closed a moment later.
  socket.once('end', end).once('close', end);
  return { pid: when('pid'), ended: when('end'), isOver: () => isOver, close: () => socket.destroy() };
}
