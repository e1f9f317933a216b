import { closeSync, existsSync, openSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';

/** There is something of this name, be it what it may. */
export const isThere = (file: string): boolean => existsSync(file);

/**
 * Writes a file whole or not at all.
 * @param mayReplace write it also where there is one of the name
 * @throws the error of the system call; `EEXIST` where there is one, and it may not be replaced
 */
export function writeNewFile(file: string, text: string, { mayReplace }: { readonly mayReplace: boolean }): void {
  if (mayReplace) {
    const draft = path.join(path.dirname(file), `.${path.basename(file)}.${process.pid}.new`);
    writeWhole(draft, text);
    renameSync(draft, file);
    return;
  }
  writeWhole(file, text);
}

function writeWhole(file: string, text: string): void {
  const descriptor = openSync(file, 'wx');
  try {
    writeFileSync(descriptor, text);
  } catch (error) {
    // Half of it is worse than nothing, and it is ours: nobody had a file of this name.
    rmSync(file, { force: true });
    throw error;
  } finally {
    closeSync(descriptor);
  }
}
