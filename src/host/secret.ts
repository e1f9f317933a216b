import { promises as files } from 'node:fs';

/** Reads the secret of a file, without the end of its line. Rejects as the file system does. */
export type ReadSecret = (path: string) => Promise<string>;

/** More than any secret has; a file that is larger was named by mistake. */
const maxBytes = 4096;

export const readSecret: ReadSecret = async (path) => {
  const { size } = await files.stat(path);
  if (size > maxBytes) throw new Error(`it has ${size} bytes, a secret has at most ${maxBytes}`);
  return (await files.readFile(path, 'utf8')).replace(/\r?\n$/, '');
};
