import { readBoundedText } from '../../base/bounded-file.js';

/** Reads the secret of a file, without the end of its line. Rejects as the file system does. */
export type ReadSecret = (path: string) => Promise<string>;

/** More than any secret has; a file that is larger was named by mistake. */
const maxBytes = 4096;

// eslint-disable-next-line @typescript-eslint/require-await -- what it throws is to reject
export const readSecret: ReadSecret = async (path) => {
  const text = readBoundedText(path, { most: maxBytes, isRegular: true });
  if (text === undefined) throw new Error(`a secret has at most ${maxBytes} bytes, this file has more`);
  return text.replace(/\r?\n$/, '');
};
