import { constants, accessSync } from 'node:fs';
import type { Readable, Writable } from 'node:stream';
import { execa } from 'execa';
import { codeOf } from '../base/error-code.js';
import { signalProcess } from './signal-process.js';
import { lineSplitter, tailBuffer } from './tail.js';

/** How a process ended: by its own status, or by a signal. */
export type ProcessEnd =
  | { readonly kind: 'exited'; readonly status: number }
  | { readonly kind: 'signalled'; readonly signal: NodeJS.Signals };

export interface SpawnOptions {
  /** Ours, none, or a text and then its end; a child need not read it. */
  readonly stdin: 'inherit' | 'ignore' | { readonly text: string };
  /**
   * A descriptor: 1, or 2 where the child's words are not the product. `passed-on`: read as stderr is, for a child
   * that must not take our terminal for its own.
   */
  readonly stdout: 1 | 2 | 'passed-on';
  /** Added to this process's own environment. */
  readonly env?: Readonly<Record<string, string>>;
  /**
   * A session of its own, so that a Ctrl-C at the terminal reaches us alone. Not for a guest whose console is the
   * terminal: it stays in our session, and the terminal's raw mode hands Ctrl-C to the guest.
   */
  readonly ownSession: boolean;
  /** Called with whole lines of what is read, and with what is left of one when a stream ends. */
  readonly onStderr: (text: string) => void;
}

export interface Child {
  readonly pid: number;
  /** Resolves when the process has ended and what it wrote to stderr has been passed on; never rejects. */
  readonly ended: Promise<ProcessEnd>;
  /** False where there is no such process any more. */
  kill(signal: NodeJS.Signals): boolean;
  /** SIGKILL to it, and to all that it has started where it has a session of its own. */
  killWhole(): void;
  /** The last of what it wrote to stderr, at most 8 KiB. */
  stderrTail(): string;
  /** The same for stdout; empty where that is not passed on. */
  stdoutTail(): string;
}

/** A program could not be started. */
export class StartError extends Error {
  constructor(
    readonly program: string,
    readonly reason: 'not-found' | 'not-executable' | 'failed',
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.name = 'StartError';
  }
}

export type SpawnChild = (command: readonly string[], options: SpawnOptions) => Promise<Child>;

const tailBytes = 8 * 1024;
/** A grandchild may keep a stream open; we do not wait for it longer than this. */
const drainMs = 100;

interface PassedOn {
  readonly tail: () => string;
  readonly closed: Promise<void>;
  readonly close: () => void;
}

/** Passes whole lines of a stream on, and keeps the last of them. */
function passOn(stream: Readable, onText: (text: string) => void): PassedOn {
  const tail = tailBuffer(tailBytes);
  const lines = lineSplitter((text) => {
    tail.push(text);
    onText(text);
  });
  stream.setEncoding('utf8').on('data', lines.push);
  const closed = new Promise<void>((resolve) => {
    stream.once('close', () => {
      lines.end();
      resolve();
    });
  });
  return { tail: tail.text, closed, close: () => stream.destroy() };
}

/** A child that ends without reading all of it, or any, does no harm. */
function feed(stream: Writable, text: string): void {
  stream.on('error', () => undefined);
  stream.end(text);
}

/** Starts a program without a shell. @throws StartError */
export const spawnChild: SpawnChild = async (command, options) => {
  const [program = '', ...args] = command;
  const { stdin, stdout, ownSession } = options;
  const subprocess = execa(program, args, {
    stdin: typeof stdin === 'object' ? 'pipe' : stdin,
    stdout: stdout === 'passed-on' ? 'pipe' : stdout,
    stderr: 'pipe',
    buffer: false,
    reject: false,
    cleanup: false,
    detached: ownSession,
    env: { ...options.env },
  });
  const { pid } = subprocess;
  if (pid === undefined) throw startError(program, await subprocess);
  if (typeof stdin === 'object' && subprocess.stdin !== null) feed(subprocess.stdin, stdin.text);
  const errors = passOn(subprocess.stderr, options.onStderr);
  const words = subprocess.stdout === null ? undefined : passOn(subprocess.stdout, options.onStderr);
  const ended = new Promise<ProcessEnd>((resolve) => {
    subprocess.once('exit', (status, signal) => {
      const end: ProcessEnd = signal === null ? { kind: 'exited', status: status ?? 0 } : { kind: 'signalled', signal };
      subprocess.stdin?.destroy();
      const timer = setTimeout(() => {
        errors.close();
        words?.close();
      }, drainMs);
      void Promise.all([errors.closed, words?.closed]).then(() => {
        clearTimeout(timer);
        resolve(end);
      });
    });
  });
  // execa's own promise is not needed; it must not become an unhandled rejection.
  subprocess.catch(() => undefined);
  return {
    pid,
    ended,
    kill: (signal) => subprocess.kill(signal),
    killWhole: () => {
      signalProcess(ownSession ? -pid : pid, 'SIGKILL');
    },
    stderrTail: errors.tail,
    stdoutTail: words?.tail ?? ((): string => ''),
  };
};

/** @param cause what execa gave for a program that did not start */
export function startError(program: string, cause: unknown): StartError {
  switch (codeOf(cause)) {
    case 'ENOENT':
      return program.includes('/') && exists(program)
        ? new StartError(program, 'not-executable', `the interpreter that ${program} names does not exist`, { cause })
        : new StartError(program, 'not-found', `${program} is not there`, { cause });
    case 'EACCES':
      return new StartError(program, 'not-executable', `${program} may not be executed`, { cause });
    case 'ENOEXEC':
      return new StartError(program, 'not-executable', `${program} is not a program of this system`, { cause });
    default: {
      const message =
        cause instanceof Error && 'originalMessage' in cause ? String(cause.originalMessage) : String(cause);
      return new StartError(program, 'failed', `${program} could not be started: ${message}`, { cause });
    }
  }
}

function exists(file: string): boolean {
  try {
    accessSync(file, constants.F_OK);
    return true;
  } catch {
    return false;
  }
}
