import { closeSync, openSync } from 'node:fs';
import { execa, type ExecaError } from 'execa';
import { codeOf } from '../base/error-code.js';
import { signalProcess } from './signal-process.js';

/** How a short-lived program of the host ended. */
export interface ToolResult {
  readonly argv: readonly string[];
  /** 0-255, or undefined where a signal, a time-out or a failed start ended it. */
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
  /** Why there is no exit code: `ENOENT`, `EACCES`, `timeout`, `aborted`, `SIGKILL`, … */
  readonly failure?: string;
}

export interface ToolOptions {
  /** Default: 10 s. 0: it may take for ever. */
  readonly timeoutMs?: number;
  /** Aborted: the program is killed at once, with what it has started. */
  readonly signal?: AbortSignal;
  /** Added to the environment of this process; the program is looked up in its `PATH`. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs one program without a shell and waits for it; never rejects. Tests hand in another. */
export type RunTool = (argv: readonly string[], options?: ToolOptions) => Promise<ToolResult>;

export const defaultToolTimeoutMs = 10_000;

/** Runs a program of this host. */
export const runTool: RunTool = async (argv, { timeoutMs = defaultToolTimeoutMs, env = {}, signal } = {}) => {
  const [file = '', ...args] = argv;
  const isAborted = (): boolean => signal?.aborted === true;
  const cannot = isAborted() ? 'aborted' : lackOfDescriptors();
  if (cannot !== undefined) return { argv, exitCode: undefined, stdout: '', stderr: '', failure: cannot };
  const tool = execa(file, args, {
    reject: false,
    env,
    stdin: 'ignore',
    timeout: timeoutMs,
    forceKillAfterDelay: 500,
    maxBuffer: 16 * 1024 * 1024,
    stripFinalNewline: false,
    // A group of its own, to be ended with what it has started.
    detached: true,
    cleanup: false,
  });
  const kill = (): void => {
    if (tool.pid !== undefined) signalProcess(-tool.pid, 'SIGKILL');
  };
  signal?.addEventListener('abort', kill, { once: true });
  const result = await tool;
  signal?.removeEventListener('abort', kill);
  const failure = isAborted() && result.exitCode === undefined ? 'aborted' : failureOf(result);
  return {
    argv,
    exitCode: result.exitCode,
    stdout: result.stdout,
    stderr: result.stderr,
    ...(failure === undefined ? {} : { failure }),
  };
};

function failureOf(
  result: { readonly timedOut: boolean; readonly signal?: string | undefined } & object,
): string | undefined {
  if (result.timedOut) return 'timeout';
  if (result.signal !== undefined) return result.signal;
  return 'code' in result ? (result as Pick<ExecaError, 'code'>).code : undefined;
}

/** Its pipes, and what fork(2) needs to tell of a failure. */
const descriptorsOfATool = 10;

/**
 * Where a process has no descriptors left for the pipes of a child, Node gives that child no streams, and the failure is
 * an event that comes after execa has given up: nobody could catch it.
 * @returns the code of the system call, where there are too few
 */
function lackOfDescriptors(): string | undefined {
  const open: number[] = [];
  try {
    while (open.length < descriptorsOfATool) open.push(openSync('/dev/null', 'r'));
    return undefined;
  } catch (error) {
    return codeOf(error);
  } finally {
    open.forEach((descriptor) => {
      closeSync(descriptor);
    });
  }
}
