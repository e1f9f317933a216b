import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';

/** A password as it is kept: nobody can tell it from this. */
export interface PasswordHash {
  readonly salt: string;
  readonly hash: string;
  /** What scrypt was told: N, r, p. */
  readonly cost: readonly [number, number, number];
}

/** 32 MiB, and about a tenth of a second. */
const usualCost = [2 ** 15, 8, 1] as const;
const hashBytes = 32;

/** A password is at least this long, in characters. */
export const shortestPassword = 8;
/** And at most this long, in bytes: what a person or a program makes fits. */
export const longestPassword = 1024;

/** More who wait means that somebody is guessing. */
const mostWaiting = 32;

/** Thrown where too many passwords are to be checked at once. */
export class TooBusy extends Error {
  constructor() {
    super('too many passwords are being checked');
  }
}

export interface Passwords {
  /** @throws TooBusy */
  readonly make: (password: string) => Promise<PasswordHash>;
  /** Takes as long where there is nothing to compare with. @throws TooBusy */
  readonly matches: (password: string, kept: PasswordHash | undefined) => Promise<boolean>;
}

/**
 * Computes one at a time: each takes a thread of the few that also read files.
 * @param cost N, r and p of scrypt for new ones
 */
export function passwordHashing(cost: PasswordHash['cost'] = usualCost): Passwords {
  let last: Promise<unknown> = Promise.resolve();
  let waiting = 0;

  async function inTurn<T>(compute: () => Promise<T>): Promise<T> {
    if (waiting >= mostWaiting) throw new TooBusy();
    waiting += 1;
    const turn = last.then(compute);
    last = turn.catch(() => undefined);
    try {
      return await turn;
    } finally {
      waiting -= 1;
    }
  }

  return {
    make: async (password) => {
      const salt = randomBytes(16);
      const hash = await inTurn(() => derive(password, salt, cost));
      return { salt: salt.toString('base64'), hash: hash.toString('base64'), cost };
    },
    matches: async (password, kept) => {
      const salt = kept === undefined ? randomBytes(16) : Buffer.from(kept.salt, 'base64');
      const hash = await inTurn(() => derive(password, salt, kept?.cost ?? cost));
      return kept !== undefined && timingSafeEqual(hash, Buffer.from(kept.hash, 'base64'));
    },
  };
}

function derive(password: string, salt: Buffer, [N, r, p]: PasswordHash['cost']): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    scrypt(password.normalize('NFC'), salt, hashBytes, { N, r, p, maxmem: 256 * N * r }, (error, key) => {
      if (error === null) resolve(key);
      else reject(error);
    });
  });
}
