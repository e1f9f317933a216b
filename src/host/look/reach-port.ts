import { connect } from 'node:net';

/** Whether somebody takes connections there. Nothing is sent. @param signal gives up */
export const reachPort = (host: string, port: number, timeoutMs: number, signal: AbortSignal): Promise<boolean> =>
  new Promise((resolve) => {
    if (signal.aborted) {
      resolve(false);
      return;
    }
    const socket = connect({ host, port });
    const tell = (isReached: boolean) => (): void => {
      signal.removeEventListener('abort', giveUp);
      socket.destroy();
      resolve(isReached);
    };
    const giveUp = tell(false);
    signal.addEventListener('abort', giveUp);
    socket.setTimeout(timeoutMs, giveUp).once('connect', tell(true)).once('error', giveUp);
  });
