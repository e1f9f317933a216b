import { closeSync, openSync } from 'node:fs';
import type { ExecaError } from 'execa';
import { codeOf } from '../base/error-code.js';
import { systemClock } from './clock.js';
import { signalGroup } from './signal-process.js';

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
/** Between SIGTERM and SIGKILL, for a tool that takes too long. */
const graceMs = 500;

/** Runs a program of this host. It leads a process group, to be ended with what it has started. */
export const runTool: RunTool = async (argv, { timeoutMs = defaultToolTimeoutMs, env = {}, signal } = {}) => {
  const [file = '', ...args] = argv;
  const isAborted = (): boolean => signal?.aborted === true;
  const none = { argv, exitCode: undefined, stdout: '', stderr: '' };
  const lack = lackOfDescriptors();
  if (lack !== undefined) return { ...none, failure: lack };
  // Loaded where a tool runs: a supervisor whose VM needs none stays that much smaller.
  const { execa } = await import('execa');
  if (isAborted()) return { ...none, failure: 'aborted' };
  const tool = execa(file, args, {
    reject: false,
    env,
    stdin: 'ignore',
    maxBuffer: 16 * 1024 * 1024,
    stripFinalNewline: false,
    detached: true,
    cleanup: false,
  });
  const kill = (how: NodeJS.Signals): void => {
    if (tool.pid !== undefined) signalGroup(tool.pid, how);
  };
  const over = new AbortController();
  const late = timeoutMs === 0 ? false : killLate(kill, timeoutMs, over.signal);
  const onAbort = (): void => {
    kill('SIGKILL');
  };
  signal?.addEventListener('abort', onAbort, { once: true });
  const result = await tool;
  signal?.removeEventListener('abort', onAbort);
  over.abort();
  const isLate = await late;
  const failure = isAborted() && result.exitCode === undefined ? 'aborted' : failureOf(result, isLate);
  return {
    argv,
    exitCode: result.exitCode,
    stdout: result.stdout,
    stderr: result.stderr,
    ...(failure === undefined ? {} : { failure }),
  };
};

/** @returns whether the time was over before the tool was */
async function killLate(kill: (how: NodeJS.Signals) => void, timeoutMs: number, ended: AbortSignal): Promise<boolean> {
  await systemClock.sleep(timeoutMs, ended);
  if (ended.aborted) return false;
  kill('SIGTERM');
  await systemClock.sleep(graceMs, ended);
  // What outlives the tool itself is ended too.
  kill('SIGKILL');
  return true;
}

function failureOf(result: { readonly signal?: string | undefined } & object, isLate: boolean): string | undefined {
  if (isLate) return 'timeout';
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
