import path from 'node:path';

/** Written last by a build: whatever is newer was changed since. */
export const stampFile = (root) => path.join(root, 'dist/.built');

/** The compiled code in dist/ is for one Node.js. */
export const stampText = `${process.version} ${process.arch}\n`;
