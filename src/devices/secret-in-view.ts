import type { Finding } from '../base/problem.js';

/** Words for bhyve's command line that hold a password: everybody who runs ps(1) would see it. */
export const secretInView = (words: readonly string[], pointer: string, fix: string): readonly Finding[] =>
  words.some((word) => /password=/i.test(word))
    ? [
        {
          code: 'secret-in-view',
          severity: 'warning',
          pointer,
          message: 'a password here would be on the command line of bhyve, for everybody to see',
          fix,
        },
      ]
    : [];
