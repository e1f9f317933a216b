import { closeSync, constants, openSync } from 'node:fs';
import type { SpawnOptions } from './spawn-options.js';
import { openEnd } from './end-file.js';
import { openLine } from './life-line.js';
import type { OutputFile } from './output-file.js';

type Inherited = number | 'pipe' | 'ignore' | 'inherit';

/** What a child and the shell that waits for it get. */
export interface ChildDescriptors {
  /** In the order of `shellDescriptors`. */
  readonly stdio: Inherited[];
  /** Our end of the life line; undefined where that is a pipe. */
  readonly reader: number | undefined;
  readonly stderr: OutputFile | undefined;
  readonly stdout: OutputFile | undefined;
  /** Closes what was opened for the child alone. */
  readonly close: () => void;
}

/** @throws the error of the system call */
export function openDescriptors({ stdin, stdout, stderr, survivor }: SpawnOptions): ChildDescriptors {
  const opened: number[] = [];
  const outputs: OutputFile[] = [];
  const close = (): void => {
    for (const descriptor of opened.splice(0)) closeSync(descriptor);
  };
  const open = (file: string, flags: number): number => {
    const descriptor = openSync(file, flags | constants.O_NOFOLLOW, 0o600);
    opened.push(descriptor);
    return descriptor;
  };
  // With both its ends open, neither side of a FIFO waits for the other, or sees its end.
  const fifo = (file: string): number => open(file, constants.O_RDWR);
  const made = (make: (() => OutputFile | undefined) | undefined): OutputFile | undefined => {
    const output = make?.();
    if (output !== undefined) outputs.push(output);
    return output;
  };
  const output = (to: SpawnOptions['stdout'], file: OutputFile | undefined): Inherited => {
    if (to === 1) return 1;
    if (typeof to === 'function') return file?.descriptor ?? 'ignore';
    return 'fifo' in to ? fifo(to.fifo) : 'pipe';
  };
  const input = (): Inherited => (typeof stdin === 'string' ? stdin : 'fifo' in stdin ? fifo(stdin.fifo) : 'pipe');
  try {
    const end = openEnd(survivor.endFile);
    if (end !== undefined) opened.push(end);
    const words = typeof stdout === 'function' ? made(stdout) : undefined;
    const errors = made(stderr);
    const own: Inherited[] = [input(), output(stdout, words), output(stderr, errors), survivor.lock ?? 'ignore'];
    const line = survivor.lifeLine === undefined ? undefined : openLine(survivor.lifeLine);
    if (line !== undefined) opened.push(line.writer);
    return {
      stdio: [...own, line?.writer ?? 'pipe', end ?? 'ignore'],
      reader: line?.reader,
      stderr: errors,
      stdout: words,
      close,
    };
  } catch (error) {
    close();
    for (const output of outputs) void output.end();
    throw error;
  }
}
