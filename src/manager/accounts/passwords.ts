import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto';
import { greatest } from '../../base/long-lists.js';

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
  /**
   * Takes as long where there is nothing to compare with.
   * @param from who asks: all of one host's wait behind one another, and nobody else behind more than one of them
   * @throws TooBusy
   */
  readonly matches: (password: string, kept: PasswordHash | undefined, from?: string) => Promise<boolean>;
}

interface Waiting {
  readonly from: string;
  /** Those of one host are in rounds that follow one another; a round has one of each. */
  readonly round: number;
  readonly begin: () => void;
  readonly refuse: (error: TooBusy) => void;
}

/**
 * Computes one at a time: each takes a thread of the few that also read files.
 * @param cost N, r and p of scrypt for new ones
 */
export function passwordHashing(cost: PasswordHash['cost'] = usualCost): Passwords {
  /** By round, and within one as they came. */
  const waiting: Waiting[] = [];
  let isComputing = false;
  let round = 0;

  /** Where all places are taken, he with the most of them gives one up to who has fewer. @throws TooBusy */
  function turn(from: string): Promise<void> {
    const own = greatest([round, ...waiting.filter((each) => each.from === from).map((each) => each.round + 1)]);
    const last = waiting.at(-1);
    if (waiting.length >= mostWaiting - 1 && last !== undefined) {
      if (last.round <= own) return Promise.reject(new TooBusy());
      waiting.pop();
      last.refuse(new TooBusy());
    }
    return new Promise((begin, refuse) => {
      const behind = waiting.findIndex((each) => each.round > own);
      waiting.splice(behind === -1 ? waiting.length : behind, 0, { from, round: own, begin, refuse });
    });
  }

  async function inTurn<T>(from: string, compute: () => Promise<T>): Promise<T> {
    if (isComputing) await turn(from);
    isComputing = true;
    try {
      return await compute();
    } finally {
      const next = waiting.shift();
      isComputing = next !== undefined;
      round = next?.round ?? 0;
      next?.begin();
    }
  }

  return {
    make: async (password) => {
      const salt = randomBytes(16);
      const hash = await inTurn('', () => derive(password, salt, cost));
      return { salt: salt.toString('base64'), hash: hash.toString('base64'), cost };
    },
    matches: async (password, kept, from = '') => {
      const salt = kept === undefined ? randomBytes(16) : Buffer.from(kept.salt, 'base64');
      const hash = await inTurn(from, () => derive(password, salt, kept?.cost ?? cost));
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
