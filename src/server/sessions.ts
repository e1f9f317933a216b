import { createHash, randomBytes } from 'node:crypto';
import type { Accounts, User } from '../manager/accounts/accounts.js';
import type { Clock } from '../host/clock.js';

/** A session ends so long after its login, and so long after its last request. */
const longestMs = 7 * 24 * 3_600_000;
const idleMs = 24 * 3_600_000;
/** Of one user; the oldest ends for a newer one. */
const mostPerUser = 50;

export interface Sessions {
  /** @returns what the cookie holds */
  readonly begin: (user: User) => string;
  /** The user as he is now; undefined: there is no such session, or it has ended. */
  readonly userOf: (id: string) => User | undefined;
  readonly end: (id: string) => void;
}

interface Session {
  readonly name: string;
  readonly stamp: string;
  readonly begun: number;
  used: number;
}

/** Sessions live in memory: they end with the manager, and when their user gets another password or is removed. */
export function sessionStore(accounts: Pick<Accounts, 'user'>, clock: Pick<Clock, 'monotonicMs'>): Sessions {
  const sessions = new Map<string, Session>();
  const keyOf = (id: string): string => createHash('sha256').update(id).digest('base64');

  const isOver = ({ begun, used }: Session, now: number): boolean => now - begun >= longestMs || now - used >= idleMs;

  function tidy(name: string, now: number): void {
    for (const [key, session] of sessions) if (isOver(session, now)) sessions.delete(key);
    const own = [...sessions].filter(([, session]) => session.name === name);
    for (const [key] of own.slice(0, Math.max(0, own.length - mostPerUser + 1))) sessions.delete(key);
  }

  return {
    begin({ name, stamp }) {
      const now = clock.monotonicMs();
      tidy(name, now);
      const id = randomBytes(32).toString('base64url');
      sessions.set(keyOf(id), { name, stamp, begun: now, used: now });
      return id;
    },
    userOf(id) {
      const key = keyOf(id);
      const session = sessions.get(key);
      if (session === undefined) return undefined;
      const now = clock.monotonicMs();
      const user = accounts.user(session.name);
      if (isOver(session, now) || user?.stamp !== session.stamp) {
        sessions.delete(key);
        return undefined;
      }
      session.used = now;
      return user;
    },
    end(id) {
      sessions.delete(keyOf(id));
    },
  };
}
