import { existsSync, mkdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { codeOf } from '../../base/error-code.js';

/**
 * Makes a folder and those above it that are missing, one after the other. Node's own way to do so goes round for ever
 * where the system says that a folder is missing and its parent is there, as it does below /proc.
 * @throws the error of the system call
 */
export function makeFolders(folder: string, mode = 0o755): void {
  if (statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true) return;
  try {
    makeFolder(folder, mode);
  } catch (error) {
    const parent = path.dirname(folder);
    if (codeOf(error) !== 'ENOENT' || parent === folder || existsSync(parent)) throw error;
    makeFolders(parent, mode);
    makeFolder(folder, mode);
  }
}

/** Another may make the same at this moment. */
function makeFolder(folder: string, mode: number): void {
  try {
    mkdirSync(folder, { mode });
  } catch (error) {
    const isThere = codeOf(error) === 'EEXIST' && statSync(folder, { throwIfNoEntry: false })?.isDirectory() === true;
    if (!isThere) throw error;
  }
}
