import path from 'node:path';

/** Where the manager of a folder of run directories listens, unless its configuration says otherwise. */
export const socketIn = (runBase: string): string => path.join(runBase, 'manager.sock');
