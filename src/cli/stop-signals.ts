import type { Clock } from '../host/clock.js';

interface StopSignalOptions {
  readonly clock: Pick<Clock, 'monotonicMs'>;
  /** The guest's console is the terminal that vmrun was started on. */
  readonly needsTerminal: boolean;
  /** That terminal is gone. */
  readonly hasLostTerminal: () => boolean;
}

/**
 * timeout(1), npm and sudo signal vmrun and then its whole process group, so that it gets one wish twice. A hand takes
 * longer for its second Ctrl-C.
 */
const echoMs = 200;

/**
 * Which signals ask for a stop. The first does, another one hurries it: a caller's second stop does not wait for the
 * guest. The same signal again within 200 ms is the first one's echo, and so is any signal just behind SIGHUP: who ends
 * a session, or a system, sends that together with SIGTERM, in either order.
 *
 * SIGHUP never hurries, since it comes several times when a session ends; and where it says that our terminal is gone,
 * a VM that does not need one goes on.
 * @returns whether a signal that has come just now is to be obeyed
 */
export function stopSignals({ clock, needsTerminal, hasLostTerminal }: StopSignalOptions) {
  let obeyed: { readonly signal: NodeJS.Signals; readonly atMs: number } | undefined;
  return (signal: NodeJS.Signals): boolean => {
    const atMs = clock.monotonicMs();
    if (signal === 'SIGHUP' && (obeyed !== undefined || (!needsTerminal && hasLostTerminal()))) return false;
    // Counted from the one that was obeyed, so that a stream of them is heard in the end.
    const isEcho = obeyed?.signal === signal || obeyed?.signal === 'SIGHUP';
    if (isEcho && obeyed !== undefined && atMs - obeyed.atMs < echoMs) return false;
    obeyed = { signal, atMs };
    return true;
  };
}
