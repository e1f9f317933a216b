import { spawn, type ChildProcess, type SpawnOptions as NodeSpawnOptions } from 'node:child_process';
import { once } from 'node:events';
import type { Readable, Writable } from 'node:stream';
import { programEnvironment } from './environment.js';
import { refuseUnstartable } from './program.js';
import { signalGroup } from './signal-process.js';
import { startError } from './start-error.js';
import { lineSplitter, tailBuffer } from './tail.js';
import { takeTurn } from './turn.js';

/** How a process ended: by its own status, or by a signal. */
export type ProcessEnd =
  | { readonly kind: 'exited'; readonly status: number }
  | { readonly kind: 'signalled'; readonly signal: NodeJS.Signals };

/** How a child is found again by those who come after us. */
export interface Survivor {
  /** File that tells of the child; the child writes it before it becomes the program, so there is none without. */
  readonly noteFile: string;
  /** `%` stands for its pid. */
  readonly note: string;
  /** Descriptor of a lock that is to be held for as long as the child lives. */
  readonly lock: number | undefined;
}

export interface SpawnOptions {
  /** Ours, none, or a text and then its end; a child need not read it. */
  readonly stdin: 'inherit' | 'ignore' | { readonly text: string };
  /**
   * Descriptor 1 itself. `passed-on`: read as stderr is, for a child whose words are not the product, or that must not
   * take our terminal for its own. Or its bytes as they come.
   */
  readonly stdout: 1 | 'passed-on' | { readonly onBytes: (bytes: Uint8Array) => void };
  /** What outlives us, should we be killed. */
  readonly survivor: Survivor;
  /** Added to what every program gets: `programEnvironment`. */
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
  /** It has not ended, or was not waited for: no other process has its number. */
  isThere(): boolean;
  /** False where there is no such process any more. */
  kill(signal: NodeJS.Signals): boolean;
  /** SIGKILL to it, and to all that it has started where it has a session of its own. */
  killWhole(): void;
  /** The last of what it wrote to stderr, at most 8 KiB. */
  stderrTail(): string;
  /** The same for stdout; empty where that is not passed on. */
  stdoutTail(): string;
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

/** Hands the bytes of a stream on as they come. */
function handOn(stream: Readable, onBytes: (bytes: Uint8Array) => void): Omit<PassedOn, 'tail'> {
  stream.on('data', onBytes);
  const closed = new Promise<void>((resolve) => stream.once('close', resolve));
  return { closed, close: () => stream.destroy() };
}

/** Some failures of fork(2) and of what comes before it are thrown, the others are an event. @throws StartError */
async function start(
  program: string,
  args: readonly string[],
  options: NodeSpawnOptions,
): Promise<ChildProcess & { readonly pid: number }> {
  try {
    await takeTurn();
    const subprocess = spawn('/bin/sh', args, options);
    const { pid } = subprocess;
    if (pid !== undefined) return Object.assign(subprocess, { pid });
    throw (await once(subprocess, 'error'))[0];
  } catch (cause) {
    throw startError(program, cause);
  }
}

/** A child that ends without reading all of it, or any, does no harm. */
function feed(stream: Writable, text: string): void {
  stream.on('error', () => undefined);
  stream.end(text);
}

/**
 * A shell that becomes the program, under the same pid: Node has no other way to let a child ignore signals. SIGPIPE,
 * because our end of its stderr is gone when we are killed, and bhyve would die of the next message it prints. SIGHUP,
 * because a terminal that is closed sends it to the guest whose console it was as well as to us: bhyve would die of it
 * before we could press the guest's power button. What the shell itself may fail at, a full disk, must not keep the
 * program from being started. Words are arguments, never parts of a script.
 */
const ignoring = 'trap "" HUP PIPE; {';
const becoming = `${ignoring} printf "%s\\n" "\${1%%%*}$$\${1#*%}" >"$0"; } 2>/dev/null; shift; exec "$@"`;

/** A process is still that shell. @param commandLine of the process, its words separated by anything */
export const isBecoming = (commandLine: string): boolean => commandLine.includes(ignoring);

/** Starts a program, and lets it live on without us. Its words are not looked at by a shell. @throws StartError */
export const spawnChild: SpawnChild = async (command, options) => {
  const [program = ''] = command;
  const { stdin, stdout, ownSession, survivor } = options;
  const env = programEnvironment(options.env);
  refuseUnstartable(program, env.PATH);
  const subprocess = await start(program, ['-c', becoming, survivor.noteFile, survivor.note, ...command], {
    stdio: [
      typeof stdin === 'object' ? 'pipe' : stdin,
      stdout === 1 ? 1 : 'pipe',
      'pipe',
      ...(survivor.lock === undefined ? [] : [survivor.lock]),
    ],
    detached: ownSession,
    env,
  });
  const { pid } = subprocess;
  if (typeof stdin === 'object' && subprocess.stdin !== null) feed(subprocess.stdin, stdin.text);
  const errors = subprocess.stderr === null ? undefined : passOn(subprocess.stderr, options.onStderr);
  const output = subprocess.stdout;
  const words = output === null || typeof stdout === 'object' ? undefined : passOn(output, options.onStderr);
  const bytes = output === null || typeof stdout !== 'object' ? undefined : handOn(output, stdout.onBytes);
  let isReaped = false;
  const ended = new Promise<ProcessEnd>((resolve) => {
    subprocess.once('exit', (status, signal) => {
      isReaped = true;
      const end: ProcessEnd = signal === null ? { kind: 'exited', status: status ?? 0 } : { kind: 'signalled', signal };
      subprocess.stdin?.destroy();
      const close = (): void => {
        errors?.close();
        words?.close();
        bytes?.close();
      };
      // Where this process was busy for that long, its last words wait unread: one more look at them.
      const timer = setTimeout(() => setImmediate(close), drainMs);
      void Promise.all([errors?.closed, words?.closed, bytes?.closed]).then(() => {
        clearTimeout(timer);
        resolve(end);
      });
    });
  });
  // A signal that could not be sent.
  subprocess.on('error', () => undefined);
  return {
    pid,
    ended,
    isThere: () => !isReaped,
    kill: (signal) => subprocess.kill(signal),
    killWhole: () => {
      if (ownSession) signalGroup(pid, 'SIGKILL', isReaped);
      else subprocess.kill('SIGKILL');
    },
    stderrTail: () => errors?.tail() ?? '',
    stdoutTail: () => words?.tail() ?? '',
  };
};
