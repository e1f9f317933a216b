import { readFileSync } from 'node:fs';
import type { RunTool } from './tools.js';

/**
 * When a process was started, as the system tells it: with the pid it names one process for ever, since a pid that is
 * used again belongs to a process that was started later. Undefined where there is no such process.
 */
export async function processStart(pid: number, run: RunTool): Promise<string | undefined> {
  if (process.platform === 'linux') return linuxStart(pid);
  const { exitCode, stdout } = await run(['ps', '-o', 'lstart=', '-p', String(pid)]);
  const text = stdout.trim();
  return exitCode === 0 && text !== '' ? text : undefined;
}

/** proc(5): field 22 of stat, in clock ticks since boot; the name in field 2 may hold blanks and brackets. */
function linuxStart(pid: number): string | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    const [state, start] = [fields[0], fields[19]];
    return state === 'Z' || state === 'X' ? undefined : start;
  } catch {
    return undefined;
  }
}

/** The children of a process: pgrep(1). None where it has none, or is gone. */
export async function childrenOf(pid: number, run: RunTool): Promise<readonly number[]> {
  const { stdout } = await run(['pgrep', '-P', String(pid)]);
  return stdout
    .split('\n')
    .filter((line) => /^\d+$/.test(line))
    .map(Number);
}
