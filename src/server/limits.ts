import type { Socket } from 'node:net';
import { hostKey } from './addresses.js';

/** What a client may take of the server. Times in milliseconds. */
export interface Limits {
  /** Of one address at a time; of IPv6 one /64. UNIX sockets have no address. */
  readonly connections: number;
  /** For all headers of a request. */
  readonly headersMs: number;
  /** For the whole request. */
  readonly requestMs: number;
  /** For a client to read on. */
  readonly readMs: number;
  /** Between two requests on one connection. */
  readonly idleMs: number;
  /** For requests that are under way when the server ends. */
  readonly endingMs: number;
}

export const usualLimits: Limits = {
  connections: 100,
  headersMs: 10_000,
  requestMs: 60_000,
  readMs: 60_000,
  idleMs: 65_000,
  endingMs: 5000,
};

/**
 * Counts the connections of each address.
 * @param isExempt proxies that stand for many clients
 */
export function connectionCounter(most: number, isExempt: (address: string) => boolean) {
  const counts = new Map<string, number>();
  return {
    /** False: it was one too many, and is closed. */
    take(socket: Socket): boolean {
      const { remoteAddress } = socket;
      if (remoteAddress === undefined || isExempt(remoteAddress)) return true;
      const key = hostKey(remoteAddress);
      const count = (counts.get(key) ?? 0) + 1;
      if (count > most) {
        socket.destroy();
        return false;
      }
      counts.set(key, count);
      socket.once('close', () => {
        const left = (counts.get(key) ?? 1) - 1;
        if (left === 0) counts.delete(key);
        else counts.set(key, left);
      });
      return true;
    },
  };
}
