/** Does some work one time after the other. Who asks while one waits for its turn gets that one: it sees what he has seen. */
export function joined<T>(work: () => Promise<T>): () => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  let waiting: Promise<T> | undefined;
  return () =>
    (waiting ??= last.then(() => {
      waiting = undefined;
      const done = work();
      last = done.catch(() => undefined);
      return done;
    }));
}
