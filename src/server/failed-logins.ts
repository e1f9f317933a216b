import type { Clock } from '../host/clock.js';
import { hostKey, isLoopback } from './addresses.js';

/** So many failed logins of an address within the window are too many. */
const most = 5;
const windowMs = 10 * 60_000;
const blockMs = 60 * 60_000;
/** More addresses than that are not remembered: the oldest are forgotten. */
const mostAddresses = 10_000;

export interface FailedLogins {
  /** @param address undefined: a UNIX socket, which is never blocked; nor is loopback */
  readonly failed: (address: string | undefined) => void;
  /** How long it is still blocked, in milliseconds; 0: it is not. */
  readonly blockedMs: (address: string | undefined) => number;
}

/** Remembers who has failed to sign in. */
export function failedLogins(clock: Pick<Clock, 'monotonicMs'>): FailedLogins {
  const hosts = new Map<string, { failures: readonly number[]; until: number }>();
  const keyOf = (address: string | undefined): string | undefined =>
    address === undefined || isLoopback(address) ? undefined : hostKey(address);
  return {
    failed(address) {
      const key = keyOf(address);
      if (key === undefined) return;
      const now = clock.monotonicMs();
      // It was under way when the one that was too many came: that makes the block neither longer nor shorter.
      if ((hosts.get(key)?.until ?? 0) > now) return;
      const failures = [...(hosts.get(key)?.failures ?? []).filter((at) => now - at < windowMs), now];
      hosts.delete(key);
      const isTooMany = failures.length >= most;
      hosts.set(key, { failures: isTooMany ? [] : failures, until: isTooMany ? now + blockMs : 0 });
      const [oldest] = hosts.keys();
      if (hosts.size > mostAddresses && oldest !== undefined) hosts.delete(oldest);
    },
    blockedMs(address) {
      const key = keyOf(address);
      const until = key === undefined ? 0 : (hosts.get(key)?.until ?? 0);
      return Math.max(0, until - clock.monotonicMs());
    },
  };
}
