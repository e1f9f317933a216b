import { accessSync, constants, statSync } from 'node:fs';
import path from 'node:path';
import { headOf, interpreterIn } from './file-head.js';
import { startError } from './start-error.js';

/**
 * Checks whether a program can be started: found in PATH, executable, its interpreter there.
 * @param takesText a text without `#!` will do, which execvp(3) has sh(1) run, and execve(2) refuses. Default: it will not
 * @throws StartError
 */
export function refuseUnstartable(program: string, searchPath: string | undefined, takesText = false): void {
  try {
    const isName = program !== '' && !program.includes('/');
    lookAt(isName ? findInPath(program, searchPath ?? defaultPath) : program, takesText);
  } catch (error) {
    throw startError(program, error);
  }
}

/** What execvp(3) takes where there is no PATH. */
const defaultPath = '/usr/bin:/bin';

/** @throws the error of a system call, as execve(2) would */
function lookAt(file: string, takesText: boolean): void {
  if (file === '') throw new Error('its name is empty');
  accessSync(file, constants.X_OK);
  if (statSync(file).isDirectory())
    throw Object.assign(new Error(`EACCES: a directory, '${file}'`), { code: 'EACCES' });
  const head = headOf(file);
  if (head === undefined) return;
  const interpreter = interpreterIn(head);
  if (interpreter !== undefined) accessSync(interpreter, constants.X_OK);
  else if (!takesText && !head.includes('\0'))
    throw Object.assign(new Error(`ENOEXEC: no program, '${file}'`), { code: 'ENOEXEC' });
}

/** @throws the error of a system call, as execvp(3) would */
function findInPath(program: string, searchPath: string): string {
  const files = searchPath.split(':').map((folder) => path.join(folder === '' ? '.' : folder, program));
  const found = files.find(isExecutable) ?? files.find(isFile);
  if (found !== undefined) return found;
  throw Object.assign(new Error(`ENOENT: in no folder of PATH, '${program}'`), { code: 'ENOENT' });
}

/** The file that a name in PATH leads to; undefined where there is none. */
export function programFile(program: string, searchPath: string | undefined): string | undefined {
  try {
    return findInPath(program, searchPath ?? defaultPath);
  } catch {
    return undefined;
  }
}

/** A file that we may run as a program. */
export function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return statSync(file).isFile();
  } catch {
    return false;
  }
}

/** What is in a folder that we may not search is not there for us. */
function isFile(file: string): boolean {
  try {
    return statSync(file).isFile();
  } catch {
    return false;
  }
}
