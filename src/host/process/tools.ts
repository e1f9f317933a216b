import type { Readable } from 'node:stream';
import { abort, aborted } from '../abort.js';
import type { ProcessEnd } from './child.js';
import { systemClock } from '../clock.js';
import { toolEnvironment } from './environment.js';
import { startGroup, type ProcessGroup } from './process-group.js';
import { codeOf } from '../../base/error-code.js';
import { errorWords } from '../../base/error-words.js';

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

interface ToolOptions {
  /** Default: 10 s. 0: it may take for ever. */
  readonly timeoutMs?: number;
  /** Aborted: the program is killed at once, with all that it has started. */
  readonly signal?: AbortSignal;
  /** Added to `toolEnvironment`; the program is looked up in its `PATH`. */
  readonly env?: Readonly<Record<string, string>>;
}

/** Runs one program without a shell and waits for it; never rejects. Tests hand in another. */
export type RunTool = (argv: readonly string[], options?: ToolOptions) => Promise<ToolResult>;

const defaultToolTimeoutMs = 10_000;

/** Between SIGTERM and SIGKILL, for a tool that takes too long. */
const graceMs = 500;
/** More than any tool prints that we read, in UTF-16 units a stream; the rest is dropped. */
const maxText = 16 * 1024 * 1024;

/**
 * Runs a program of this host. It leads a process group, to be ended with all that it has started. Programs of the same
 * moment are started one after the other, so that none keeps the supervisor from its other events.
 */
export const runTool: RunTool = async (argv, { timeoutMs = defaultToolTimeoutMs, env = {}, signal } = {}) => {
  const none = { argv, exitCode: undefined, stdout: '', stderr: '' };
  if (signal?.aborted === true) return { ...none, failure: 'aborted' };
  let tool: ProcessGroup;
  try {
    tool = await startGroup(argv, toolEnvironment(env));
  } catch (error) {
    return { ...none, failure: startFailure(error) };
  }
  const stdout = textOf(tool.stdout);
  const stderr = textOf(tool.stderr);
  const end = await endOf(tool, timeoutMs, signal);
  await tool.settle(systemClock);
  return { argv, ...end, stdout: stdout(), stderr: stderr() };
};

/** The code of the system call, where there is one. */
function startFailure(error: unknown): string {
  const { cause } = error instanceof Error ? error : {};
  return codeOf(cause) || errorWords(error);
}

type ToolEnd = Pick<ToolResult, 'exitCode' | 'failure'>;

/** The end of the program by itself; else it is killed. */
async function endOf(tool: ProcessGroup, timeoutMs: number, signal = never): Promise<ToolEnd> {
  const over = new AbortController();
  const exited = tool.exited.then(describe);
  const calledOff = aborted(signal, over.signal).then((): ToolEnd => ({ exitCode: undefined, failure: 'aborted' }));
  const expiry = timeoutMs === 0 ? [] : [systemClock.sleep(timeoutMs, over.signal).then(() => timedOut)];
  try {
    const end = await Promise.race([exited, calledOff, ...expiry]);
    if (end.failure === 'aborted') tool.kill('SIGKILL');
    if (end !== timedOut) return end;
    tool.kill('SIGTERM');
    await Promise.race([exited, calledOff, systemClock.sleep(graceMs, over.signal)]);
    tool.kill('SIGKILL');
    return end;
  } finally {
    abort(over);
  }
}

const never = new AbortController().signal;
const timedOut: ToolEnd = { exitCode: undefined, failure: 'timeout' };

const describe = (end: ProcessEnd): ToolEnd =>
  end.kind === 'exited' ? { exitCode: end.status } : { exitCode: undefined, failure: end.signal };

/** Reads a stream. @returns what has come so far */
function textOf(stream: Readable): () => string {
  let text = '';
  stream.setEncoding('utf8').on('data', (more: string) => {
    if (text.length < maxText) text += more;
  });
  return () => text;
}
