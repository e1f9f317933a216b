import { lstatSync, readdirSync, statSync } from 'node:fs';
import type { RunTool } from './tools.js';

/**
 * A process has this very file open. Who has the lock file in a folder of ours open has inherited it from a supervisor,
 * or is one: a process that got the number of another has not.
 * @returns false too where that cannot be known
 */
export async function hasOpen(pid: number, file: string, run: RunTool): Promise<boolean> {
  if (process.platform === 'linux') return linuxHasOpen(pid, file);
  // fstat(1): a line for each descriptor of the process that leads to the file, below a line of titles. The name of a
  // program may hold anything but a slash, or be empty; what follows a descriptor is where its file system is mounted.
  const { stdout } = await run(['fstat', '-p', String(pid), file]);
  const isOf = new RegExp(`^\\S+\\s(?:.*\\s)?${pid}\\s+\\d+\\s+(?:/|-\\s)`);
  return stdout.split('\n').some((line) => isOf.test(line));
}

/** proc(5) */
function linuxHasOpen(pid: number, file: string): boolean {
  try {
    const wanted = lstatSync(file, { bigint: true });
    const folder = `/proc/${pid}/fd`;
    return readdirSync(folder).some((name) => {
      const stats = statSync(`${folder}/${name}`, { bigint: true, throwIfNoEntry: false });
      return stats?.ino === wanted.ino && stats.dev === wanted.dev;
    });
  } catch {
    return false;
  }
}
