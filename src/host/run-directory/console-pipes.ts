import { closeSync, constants, fstatSync, lstatSync, openSync, readSync, unlinkSync } from 'node:fs';
import { Socket } from 'node:net';
import { codeOf } from '../../base/error-code.js';
import { isFifo, makeFifos } from './fifo.js';
import { consoleInFile, consoleOutFile } from './run-files.js';
import type { RunTool } from '../process/tools.js';

/**
 * The two FIFOs that are a guest's console: bhyve has them as its standard input and output, each side has each open in
 * both directions, and so none ever sees an end of file, whoever of the two is killed and comes back.
 */
export interface ConsolePipes {
  readonly input: string;
  readonly output: string;
  /**
   * What a boot needs: both are there, and nothing waits that was typed for the boot before. Ones that somebody has
   * removed are made anew. @throws Error with a system call's code
   */
  readonly prepare: () => Promise<void>;
  /**
   * Types at the console.
   * @returns resolves when all of it is where bhyve reads it: true; or false where too much waits already and nothing of
   * it was taken, or where what waited was dropped, since the guest has ended
   */
  readonly write: (bytes: Uint8Array) => Promise<boolean>;
  /** Hands on at once what the guest has written by now: it has ended. */
  readonly settle: () => void;
  readonly close: () => void;
}

/** More than a person types, or pastes, before a guest has read it; the FIFO itself holds as much again. */
const mostQueued = 64 * 1024;

/** A read of less than this is of a bhyve that writes byte by byte, as its UART does. */
const fewBytes = 1024;

/**
 * What follows such a read gathers in the FIFO for so long: a thousand reads a second, and not one for each byte. A UART
 * does not fill a FIFO in that time, and the first byte after a silence does not wait.
 */
const gatherMs = 1;

const flags = constants.O_RDWR | constants.O_NONBLOCK | constants.O_NOFOLLOW;

/** Read into by every console, each time to be copied from at once. */
let readBuffer: Buffer | undefined;

interface ConsolePipesOptions {
  /** Of the run: others may not look into it. */
  readonly file: (name: string) => string;
  readonly run: RunTool;
  /** What the guest has written, in a buffer that is used again afterwards. */
  readonly onOutput: (bytes: Uint8Array) => void;
  /** FIFOs that are there, with what is in them, are those of a bhyve that runs or has run for the run before. */
  readonly isAdopted: boolean;
}

interface Side {
  readonly socket: Socket;
  readonly descriptor: number;
  readonly inode: bigint;
}

/** @throws Error where there can be no FIFOs */
export async function openConsolePipes(options: ConsolePipesOptions): Promise<ConsolePipes> {
  const { file, run, onOutput, isAdopted } = options;
  const [input, output] = [file(consoleInFile), file(consoleOutFile)];
  let reader: Side | undefined;
  let writer: Side | undefined;
  let isClosed = false;
  let gathering: NodeJS.Timeout | undefined;

  function stopReading(): void {
    clearTimeout(gathering);
    reader?.socket.destroy();
  }

  function read(): void {
    stopReading();
    const { descriptor, inode } = openFifo(output);
    readBuffer ??= Buffer.allocUnsafe(mostQueued);
    const onread = {
      buffer: readBuffer,
      callback: (length: number, bytes: Uint8Array): boolean => {
        onOutput(bytes.subarray(0, length));
        if (length >= fewBytes) return true;
        gathering = setTimeout(() => socket.resume(), gatherMs);
        return false;
      },
    };
    const readOnly = { fd: descriptor, readable: true, writable: false, onread };
    const socket = quiet(new Socket(readOnly));
    reader = { socket, inode, descriptor };
  }

  function type(isEmptied: boolean): void {
    // Its queue goes with it, and no half of a chunk comes after.
    writer?.socket.destroy();
    const { descriptor, inode } = openFifo(input);
    if (isEmptied) take(descriptor, () => undefined);
    writer = { socket: quiet(new Socket({ fd: descriptor, readable: false, writable: true })), inode, descriptor };
  }

  function settle(): void {
    if (reader !== undefined && !reader.socket.destroyed) take(reader.descriptor, onOutput);
  }

  /** Both in one go where both are missing: a process costs more than all the rest. */
  async function make(paths: readonly string[]): Promise<void> {
    if (paths.length === 0) return;
    for (const path of paths) remove(path);
    try {
      await makeFifos(paths, run);
    } catch (cause) {
      throw Object.assign(new Error(`no console: ${String(cause)}`, { cause }), { code: 'EIO' });
    }
  }

  async function open(isEmptied: boolean): Promise<void> {
    await make([input, output].filter((path) => !isFifo(path)));
    if (isClosed) return;
    if (reader === undefined || reader.inode !== inodeOfFifo(output)) read();
    if (writer === undefined || isEmptied || writer.inode !== inodeOfFifo(input)) type(isEmptied);
  }

  if (!isAdopted) for (const path of [input, output]) remove(path);
  await open(false);
  return {
    input,
    output,
    prepare: () => open(true),
    write: (bytes) =>
      new Promise((resolve) => {
        const socket = writer?.socket;
        if (socket === undefined || socket.destroyed || socket.writableLength + bytes.length > mostQueued) {
          resolve(false);
          return;
        }
        socket.write(bytes, (error) => {
          resolve(error === undefined || error === null);
        });
      }),
    settle,
    close() {
      isClosed = true;
      settle();
      stopReading();
      writer?.socket.destroy();
    },
  };
}

/** What fails there, its owner finds out by what comes of it. */
function quiet(socket: Socket): Socket {
  return socket.on('error', () => undefined);
}

/** @throws where it is no FIFO of ours */
function openFifo(path: string): { readonly descriptor: number; readonly inode: bigint } {
  const descriptor = openSync(path, flags);
  const stats = fstatSync(descriptor, { bigint: true });
  if (stats.isFIFO()) return { descriptor, inode: stats.ino };
  closeSync(descriptor);
  throw Object.assign(new Error(`${path} is not a FIFO`), { code: 'EINVAL' });
}

/** Undefined: another process has to make one there. */
function inodeOfFifo(path: string): bigint | undefined {
  const stats = lstatSync(path, { bigint: true, throwIfNoEntry: false });
  return stats?.isFIFO() === true ? stats.ino : undefined;
}

function remove(path: string): void {
  try {
    unlinkSync(path);
  } catch (error) {
    if (codeOf(error) !== 'ENOENT') throw error;
  }
}

/** All that is in a FIFO now, a FIFO's worth at most: who writes on is not waited for. */
function take(descriptor: number, onBytes: (bytes: Uint8Array) => void): void {
  const bytes = Buffer.allocUnsafe(mostQueued);
  let length = 0;
  try {
    while (length < mostQueued) length += readSync(descriptor, bytes, length, mostQueued - length, null);
  } catch (error) {
    if (codeOf(error) !== 'EAGAIN') throw error;
  }
  if (length > 0) onBytes(bytes.subarray(0, length));
}
