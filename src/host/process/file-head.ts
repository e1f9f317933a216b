import { closeSync, openSync, readSync } from 'node:fs';

const headBytes = 256;

/** The first bytes of a program, one character each; undefined where we may run the file and not read it. */
export function headOf(file: string): string | undefined {
  let descriptor: number;
  try {
    descriptor = openSync(file, 'r');
  } catch {
    return undefined;
  }
  try {
    const bytes = Buffer.alloc(headBytes);
    return bytes.toString('latin1', 0, readSync(descriptor, bytes));
  } catch {
    return undefined;
  } finally {
    closeSync(descriptor);
  }
}

/** The program that a script's first line names, as execve(2) reads it; undefined where it names none. */
export const interpreterIn = (head: string): string | undefined => /^#![ \t]*([^ \t\n]+)/.exec(head)?.[1];
