import { readdirSync, statSync } from 'node:fs';
import path from 'node:path';
import { codeOf } from '../../base/error-code.js';
import { hasEntry } from './has-entry.js';

/** Absolute paths of the files of a folder, sorted, links to files too; none where there is no such folder. @throws the error of the system call */
export function filesOfFolder(folder: string): readonly string[] {
  let names: readonly string[];
  try {
    names = readdirSync(folder);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
  return names
    .map((name) => path.join(folder, name))
    .filter(isNoFolder)
    .sort();
}

/** Whether a file would be among those of its folder. */
export const hasFile = (file: string): boolean => hasEntry(file) && isNoFolder(file);

/** A link that leads nowhere is a file that cannot be read, and is told as such. */
function isNoFolder(file: string): boolean {
  try {
    return !(statSync(file, { throwIfNoEntry: false })?.isDirectory() ?? false);
  } catch {
    return true;
  }
}
