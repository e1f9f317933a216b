import { lstatSync } from 'node:fs';

/** There is something of this name; a link that leads nowhere is. @throws the error of a failed system call */
export const hasEntry = (path: string): boolean => lstatSync(path, { throwIfNoEntry: false }) !== undefined;
