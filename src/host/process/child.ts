import { Socket } from 'node:net';
import { abort } from '../abort.js';
import { openDescriptors, type ChildDescriptors } from './child-descriptors.js';
import { systemClock } from '../clock.js';
import { readEnd } from './end-file.js';
import { programEnvironment } from './environment.js';
import { listen, socketOf, type LifeLine } from './life-line.js';
import { feed, gate, handOn } from './pass-on.js';
import { refuseUnstartable } from './program.js';
import type { SpawnOptions } from './spawn-options.js';
import { startError } from './start-error.js';
import { startProcess, type StartedProcess } from './start-process.js';
import { endOfStatus, shellDescriptors, stayingShell, type ProcessEnd } from './staying-shell.js';
import { takeTurn } from './turn.js';

export type { ProcessEnd } from './staying-shell.js';

export interface Child {
  readonly pid: number;
  /** The shell that waits for it, its parent. */
  readonly shell: number;
  /**
   * Resolves when the process has ended and what it wrote has been told; never rejects. Undefined where nobody knows
   * how it ended, since its shell was killed.
   */
  readonly ended: Promise<ProcessEnd | undefined>;
  /** Its shell has not ended, or was not waited for: it has its number yet. */
  isWaitedFor(): boolean;
  /** SIGKILL to it, its shell, and all that it has started; for one with a session of its own. */
  killWhole(): void;
  /** The last of what it wrote to stderr, at most 8 KiB. */
  stderrTail(): string;
  /** The same for stdout; empty where that is no file. */
  stdoutTail(): string;
}

export type SpawnChild = (command: readonly string[], options: SpawnOptions) => Promise<Child>;

/** A grandchild may keep a stream open; we do not wait for it longer than this. */
const drainMs = 100;
/** The same of the life line, when all was killed. */
const killMs = 1000;

interface Started {
  readonly shell: StartedProcess;
  readonly line: LifeLine;
  readonly files: Pick<ChildDescriptors, 'stderr' | 'stdout'>;
}

/** @throws StartError */
async function start(command: readonly string[], options: SpawnOptions, env: NodeJS.ProcessEnv): Promise<Started> {
  let descriptors: ChildDescriptors | undefined;
  let socket: Socket | undefined;
  try {
    await takeTurn();
    descriptors = openDescriptors(options);
    const { stdio, reader } = descriptors;
    if (reader !== undefined) socket = socketOf(reader);
    const words = stayingShell(command, options.survivor);
    const shell = await startProcess('/bin/sh', words, { stdio, detached: options.ownSession, env });
    const pipe = shell.streams.stdio[shellDescriptors.line];
    socket ??= pipe instanceof Socket ? pipe : undefined;
    if (socket === undefined) throw new Error('there is no pipe to the shell');
    return { shell, line: listen(socket, options.survivor.tag), files: descriptors };
  } catch (cause) {
    socket?.destroy();
    await Promise.all([descriptors?.stderr?.end(), descriptors?.stdout?.end()]);
    throw startError(command[0] ?? '', cause);
  } finally {
    descriptors?.close();
  }
}

/** What the child writes, as far as we read it. */
function readOutputs(
  { stdin, stdout }: StartedProcess['streams'],
  options: SpawnOptions,
  files: Pick<ChildDescriptors, 'stderr' | 'stdout'>,
) {
  if (typeof options.stdin === 'object' && 'text' in options.stdin && stdin !== null) feed(stdin, options.stdin.text);
  const onBytes =
    typeof options.stdout === 'object' && 'onBytes' in options.stdout ? options.stdout.onBytes : undefined;
  const opening = gate();
  const bytes = stdout === null || onBytes === undefined ? undefined : handOn(stdout, opening.behind(onBytes));
  const outputs = [files.stderr, files.stdout];
  return {
    stderrTail: () => files.stderr?.tail() ?? '',
    stdoutTail: () => files.stdout?.tail() ?? '',
    /** Nobody hears of what it writes before it is known that there is a child. */
    start(): void {
      opening.open();
      for (const output of outputs) output?.start();
    },
    /** When the child has ended. */
    async drain(): Promise<void> {
      stdin?.destroy();
      // Where this process was busy for that long, its last words wait unread: one more look at them.
      const timer = setTimeout(() => setImmediate(() => bytes?.close()), drainMs);
      await Promise.all([bytes?.closed, ...outputs.map((output) => output?.end())]);
      clearTimeout(timer);
    },
  };
}

/**
 * Starts a program, and lets it live on without us: a shell stays beside it, which tells how it ends. Its words are not
 * looked at by a shell.
 * @throws StartError
 */
export const spawnChild: SpawnChild = async (command, options) => {
  const [program = ''] = command;
  const { survivor } = options;
  const env = programEnvironment(options.env);
  refuseUnstartable(program, env.PATH);
  const { shell, line, files } = await start(command, options, env);
  let isKilled = false;
  const exit = shell.exit.then((end) => (end.kind === 'exited' ? endOfStatus(end.status) : undefined));
  const outputs = readOutputs(shell.streams, options, files);
  const pid = await line.pid;
  if (pid === undefined) {
    // Its shell could start nobody: fork(2) lacks processes or memory there.
    await exit;
    await outputs.drain();
    throw startError(program, Object.assign(new Error('the shell that starts it has failed'), { code: 'EAGAIN' }));
  }
  outputs.start();

  /** When the shell was killed, alone or with the child. */
  async function withoutShell(): Promise<ProcessEnd | undefined> {
    if (isKilled) {
      const over = new AbortController();
      await Promise.race([line.ended, systemClock.sleep(killMs, over.signal)]);
      abort(over);
      return { kind: 'signalled', signal: 'SIGKILL' };
    }
    await new Promise(setImmediate);
    if (!line.isOver()) options.onUnwaited?.();
    const told = await line.ended;
    const { endFile, tag } = survivor;
    const status = told ?? (endFile === undefined ? undefined : readEnd(endFile, tag)?.status);
    return status === undefined ? undefined : endOfStatus(status);
  }

  async function endOf(): Promise<ProcessEnd | undefined> {
    const end = (await exit) ?? (await withoutShell());
    line.close();
    await outputs.drain();
    return end;
  }

  return {
    pid,
    shell: shell.pid,
    ended: endOf(),
    isWaitedFor: () => !shell.isReaped(),
    killWhole: () => {
      isKilled = true;
      shell.signalGroup('SIGKILL');
    },
    stderrTail: outputs.stderrTail,
    stdoutTail: outputs.stdoutTail,
  };
};
