import { lstatSync } from 'node:fs';
import { codeOf } from '../../base/error-code.js';
import type { RunTool } from '../process/tools.js';

/** There is a FIFO of that name, which this user has made. */
export function isFifo(file: string): boolean {
  try {
    const stats = lstatSync(file);
    return stats.isFIFO() && stats.uid === (process.getuid?.() ?? stats.uid);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return false;
    throw error;
  }
}

/**
 * Makes FIFOs of mode 0600: Node has no call for it, mkfifo(1) has.
 * @throws Error with what mkfifo(1) says
 */
export async function makeFifos(files: readonly string[], run: RunTool): Promise<void> {
  const { exitCode, stderr, failure } = await run(['mkfifo', '-m', '600', ...files]);
  if (exitCode === 0) return;
  throw new Error(
    stderr.trim() === '' ? `mkfifo(1) failed: ${failure ?? `status ${String(exitCode)}`}` : stderr.trim(),
  );
}
