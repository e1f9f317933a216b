import type { Writable } from 'node:stream';

/**
 * @returns resolves when there is room in a stream again: false where it is closed, or has failed. Races with a promise
 * that lives as long as the stream would each leave something behind there.
 */
export function roomIn(stream: Writable): () => Promise<boolean> {
  let waiting: ((isThere: boolean) => void)[] = [];
  let isGone = false;
  const tell = (isThere: boolean): void => {
    const told = waiting;
    waiting = [];
    for (const resolve of told) resolve(isThere);
  };
  stream.on('drain', () => {
    tell(true);
  });
  const end = (): void => {
    isGone = true;
    tell(false);
  };
  stream.once('close', end).once('error', end);
  return () => (isGone ? Promise.resolve(false) : new Promise((resolve) => waiting.push(resolve)));
}
