import { takeLock } from './lock.js';

/** A file with a pid in it, locked while this process lives, as pidfile(3) has it. */
export interface PidFile {
  readonly path: string;
  write(pid: number): void;
  /** Empties the file: the process it named is no more. */
  clear(): void;
  remove(): Promise<void>;
}

/**
 * Takes a pid file. One that a dead process left is taken over.
 * @returns the file, or the pid that the process which has it wrote there
 * @throws the error of the system call where it cannot be made
 */
export async function takePidFile(path: string): Promise<PidFile | { readonly heldBy: string }> {
  const lock = await takeLock(path);
  if ('heldBy' in lock) return lock;
  lock.write('');
  return {
    path,
    write: (pid) => {
      lock.write(`${pid}\n`);
    },
    clear: () => {
      lock.write('');
    },
    remove: () => lock.release(),
  };
}
