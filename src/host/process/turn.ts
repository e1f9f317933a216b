/**
 * Resolves when this process may start a program: at once, or where others are started in the same moment, one after the
 * other with a turn of the event loop between them. fork(2) and execve(2) block it; where many VMs boot together, the
 * end of another is not to be heard only after the last of them.
 */
export function takeTurn(): Promise<void> {
  const turn = last;
  last = turn.then(() => new Promise((resolve) => setImmediate(resolve)));
  return turn;
}

let last: Promise<void> = Promise.resolve();

/** Calls at the end of this turn of the event loop: before the process waits for anything. @returns what calls it off */
export function atEndOfTurn(act: () => void): () => void {
  const pending = setImmediate(act);
  return () => {
    clearImmediate(pending);
  };
}
