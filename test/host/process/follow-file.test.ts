import {
  appendFileSync,
  closeSync,
  openSync,
  statSync,
  truncateSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Clock } from '../../../src/host/clock.js';
import { systemClock } from '../../../src/host/clock.js';
import { followFile, type FollowedFile, type FollowOptions } from '../../../src/host/process/follow-file.js';
import { inPlace, until } from '../../e2e/support/place.js';

interface Following {
  readonly file: string;
  readonly followed: FollowedFile;
  readonly texts: readonly string[];
  readonly told: readonly number[];
  readonly gaps: readonly (number | undefined)[];
  readonly troubles: readonly string[];
  /** As a program does that has the file for its stderr. */
  readonly write: (text: string | Uint8Array) => void;
  readonly said: () => string;
}

interface Start extends Partial<FollowOptions> {
  readonly before?: string | Uint8Array;
  readonly isStarted?: boolean;
  /** What is watched in place of the file. */
  readonly watched?: string;
}

type Use = (following: Following) => Promise<void> | void;

const following = (use: Use, start: Start = {}): Promise<void> =>
  inPlace(({ path }) => followingAt(path('stderr'), use, start));

async function followingAt(
  file: string,
  use: Use,
  { before, watched, isStarted = true, ...options }: Start = {},
): Promise<void> {
  writeFileSync(file, before ?? '');
  const writer = openSync(file, 'a');
  const [texts, told, gaps, troubles]: [string[], number[], (number | undefined)[], string[]] = [[], [], [], []];
  const followed = followFile(openSync(file, 'r+'), watched ?? file, {
    onText: (text) => texts.push(text),
    onTold: (offset) => told.push(offset),
    onGap: (bytes) => gaps.push(bytes),
    onTrouble: (error) => troubles.push(error),
    clock: systemClock,
    ...options,
  });
  const write = (text: string | Uint8Array): void => {
    const bytes = Buffer.from(text);
    for (let at = 0; at < bytes.length;) at += writeSync(writer, bytes, at);
  };
  if (isStarted) followed.start();
  try {
    await use({ file, followed, texts, told, gaps, troubles, write, said: () => texts.join('') });
  } finally {
    await followed.end();
    closeSync(writer);
  }
}

/** A clock whose pauses end when the test says so. */
function handClock() {
  const pauses: number[] = [];
  let end: (() => void) | undefined;
  const clock: Clock = {
    ...systemClock,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        pauses.push(ms);
        end = resolve;
        signal?.addEventListener('abort', () => {
          resolve();
        });
      }),
  };
  return { clock, pauses, sleeping: () => pauses.length, wake: () => end?.() };
}

const aTurn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));

const mib = 1024 * 1024;
const lineBytes = 1024;
const filling = 'x'.repeat(lineBytes - 8);
/** Numbered lines. */
const lines = (from: number, count: number): string =>
  Array.from({ length: count }, (_, index) => `${String(from + index).padStart(6, '0')} ${filling}\n`).join('');

describe('what a program writes to its file', () => {
  test('is told as it comes, in whole lines', () =>
    following(async ({ write, texts, said, told, gaps, troubles }) => {
      write('one\ntw');
      await until(() => said() === 'one\n');
      write('o\nthree\n');
      await until(() => said() === 'one\ntwo\nthree\n');
      for (const text of texts) expect(text.endsWith('\n')).toBe(true);
      expect(told.at(-1)).toBe(14);
      expect([gaps, troubles]).toEqual([[], []]);
    }));

  test('is told to its end, the line too that was only begun', () =>
    following(async ({ write, followed, said, told }) => {
      write('one\ntwo');
      await followed.end();
      expect(said()).toBe('one\ntwo\n');
      expect(told.at(-1)).toBe(7);
      expect(followed.tail()).toBe('one\ntwo\n');
    }));

  test('is told from where the reader before has stopped', () =>
    following(
      async ({ write, followed, said, told }) => {
        write('four\n');
        await followed.end();
        expect(said()).toBe('three\nfour\n');
        expect(told.at(-1)).toBe(19);
        expect(followed.tail()).toBe('one\ntwo\nthree\nfour\n');
      },
      { before: 'one\ntwo\nthree\n', from: 8 },
    ));

  test('is not told before that is wanted', () =>
    following(
      async ({ write, followed, said }) => {
        write('one\n');
        await aTurn();
        await aTurn();
        expect(said()).toBe('');
        followed.start();
        write('two\n');
        await until(() => said() === 'one\ntwo\n');
      },
      { isStarted: false },
    ));

  test('is told once, in order and whole, however it is cut', async () => {
    const bytes = fc.oneof(
      fc.uint8Array({ maxLength: 20 }),
      fc.string({ unit: fc.constantFrom('a', 'é', '😀', '\n', '\0') }).map((text) => new Uint8Array(Buffer.from(text))),
    );
    await inPlace(async ({ path }) => {
      await fc.assert(
        fc.asyncProperty(fc.array(fc.tuple(bytes, fc.boolean())), (pieces) =>
          followingAt(path('stderr'), async ({ write, followed, said, told }) => {
            for (const [piece, isWaiting] of pieces) {
              write(piece);
              if (isWaiting) await aTurn();
            }
            await followed.end();
            const whole = Buffer.concat(pieces.map(([piece]) => piece));
            const text = whole.toString();
            expect(said()).toBe(text === '' || text.endsWith('\n') ? text : `${text}\n`);
            expect(told.at(-1) ?? 0).toBe(whole.length);
          }),
        ),
        { numRuns: 200 },
      );
    });
  });

  test.each(['é', '😀', 'a'])('may be one endless line of %s: it comes in pieces, and no character is broken', (sign) =>
    following(async ({ write, followed, said, texts }) => {
      const line = `.${sign.repeat(200_000)}`;
      write(line);
      await until(() => texts.length > 0);
      await followed.end();
      expect(said()).toBe(`${line}\n`);
      expect(Math.max(...texts.map((text) => Buffer.byteLength(text)))).toBeLessThanOrEqual(64 * 1024);
    }),
  );

  test('may be bytes that are no text: none is in the way of the next line', () =>
    following(async ({ write, followed, said }) => {
      const noise = Buffer.alloc(300_000, Uint8Array.from([0, 0xff, 0x80, 0xf0, 0xc3]));
      write(noise);
      write('\nlast\n');
      await followed.end();
      expect(said().endsWith('\nlast\n')).toBe(true);
      expect(said().length).toBeGreaterThan(noise.length / 2);
    }));

  test('may be written by somebody who does not stop: the end does not wait for that', () =>
    following(async ({ write, followed, said, told }) => {
      const text = lines(0, 2000);
      write(text);
      const ended = followed.end();
      let isOver = false;
      void ended.then(() => (isOver = true));
      const goOn = (): void => {
        if (isOver) return;
        write('more\n');
        setImmediate(goOn);
      };
      goOn();
      await ended;
      expect(said().startsWith(text)).toBe(true);
      expect(told.at(-1)).toBe(Buffer.byteLength(said()));
    }));
});

describe('the last of it', () => {
  test('begins with a whole character', () =>
    following(async ({ write, followed }) => {
      write(`${'😀'.repeat(5000)}!`);
      await followed.end();
      expect(followed.tail()).toBe(`${'😀'.repeat(2047)}!\n`);
    }));

  test('is kept where the file was cut', () =>
    following(async ({ file, write, followed, said }) => {
      write(lines(0, 2000));
      await until(() => statSync(file).size === 0);
      write('after\n');
      await until(() => said().endsWith('after\n'));
      await followed.end();
      expect(followed.tail().endsWith(`${lines(1999, 1)}after\n`)).toBe(true);
      expect(followed.tail()).toHaveLength(8192);
    }));
});

describe('the size of the file', () => {
  test('is let grow to 1 MiB, and nothing of it is lost', () =>
    following(async ({ file, write, followed, said, gaps }) => {
      const text = lines(0, mib / lineBytes);
      for (let at = 0; at < text.length; at += lineBytes * 10) {
        write(text.slice(at, at + lineBytes * 10));
        await aTurn();
      }
      await followed.end();
      expect(said()).toBe(text);
      expect(statSync(file).size).toBe(mib);
      expect(gaps).toEqual([]);
    }));

  test('is cut beyond that while nobody writes, which loses nothing', () =>
    following(async ({ file, write, followed, said, told, gaps }) => {
      const text = lines(0, mib / lineBytes + 1);
      write(text);
      await until(() => statSync(file).size === 0);
      expect(told.at(-1)).toBe(0);
      write('more\n');
      await followed.end();
      expect(said() === `${text}more\n`).toBe(true);
      expect(gaps).toEqual([]);
    }));

  test('is not cut before a while is over in which nobody writes, nor at a line that is only begun', () => {
    const { clock, sleeping, wake } = handClock();
    return following(
      async ({ file, write, said }) => {
        const text = lines(0, mib / lineBytes + 1);
        write(text);
        await until(() => sleeping() === 1);
        write('more\nbeg');
        await until(() => said() === `${text}more\n`);
        wake();
        await until(() => sleeping() === 2);
        wake();
        await aTurn();
        expect(statSync(file).size).toBe(text.length + 8);
        write('un\n');
        await until(() => sleeping() === 3);
        wake();
        await until(() => statSync(file).size === 0);
        expect(said()).toBe(`${text}more\nbegun\n`);
      },
      { clock },
    );
  });

  test('is bounded for one who writes faster than can be read: a line that is only begun by then is told', () =>
    following(async ({ file, write, said, gaps }) => {
      write(`${lines(0, (20 * mib) / lineBytes)}why it is ab`);
      await until(() => statSync(file).size === 0);
      expect(said().endsWith('\nwhy it is ab')).toBe(true);
      expect(gaps.at(-1)).toBe(0);
      write('out to end\n');
      await until(() => said().endsWith('why it is about to end\n'));
    }));

  test('is bounded for one who writes faster than can be read: what was not read is counted, the last of it is told', () =>
    following(async ({ file, write, followed, said, gaps, troubles }) => {
      const count = (20 * mib) / lineBytes;
      write(lines(0, count));
      await until(() => statSync(file).size === 0);
      // All was written before it was looked at, so the count is exact: to the beginning of a line.
      const [skipped = 0, ...others] = gaps;
      expect(said() === lines(skipped / lineBytes, count - skipped / lineBytes)).toBe(true);
      expect(said().length).toBe(mib);
      expect(others).toEqual([0]);
      write('more\n');
      await followed.end();
      expect(said().endsWith(`${lines(count - 1, 1)}more\n`)).toBe(true);
      expect(troubles).toEqual([]);
    }));

  test('does not keep the end waiting: of very much the last is told, the rest is counted', () =>
    following(async ({ write, followed, said, gaps }) => {
      const count = (40 * mib) / lineBytes;
      write(lines(0, count));
      await followed.end();
      const [skipped = 0, ...others] = gaps;
      expect(others).toEqual([]);
      expect(said() === lines(skipped / lineBytes, count - skipped / lineBytes)).toBe(true);
      expect(said().length).toBe(mib);
    }));
});

describe('where others change the file', () => {
  test('by a cut, that is told as a gap of a size that nobody knows, and the next lines are told', () =>
    following(async ({ file, write, followed, said, gaps }) => {
      write('one\ntwo\nthree\n');
      await until(() => said() === 'one\ntwo\nthree\n');
      truncateSync(file, 0);
      await until(() => gaps.length > 0);
      write('four\n');
      await followed.end();
      expect(said()).toBe('one\ntwo\nthree\nfour\n');
      expect(gaps).toEqual([undefined]);
      expect(followed.tail()).toBe('four\n');
    }));

  test('by a cut right before the end, that is told, too', () =>
    following(async ({ file, write, followed, said, gaps }) => {
      write('one\ntwo\n');
      await until(() => said() !== '');
      const ended = Promise.resolve().then(() => {
        truncateSync(file, 3);
        return followed.end();
      });
      await ended;
      expect([gaps, said()]).toEqual([[undefined], 'one\ntwo\none\n']);
    }));

  test('by removing it, all is told as before', () =>
    following(async ({ file, write, followed, said, gaps, troubles }) => {
      write('one\n');
      await until(() => said() === 'one\n');
      unlinkSync(file);
      write('two\n');
      await until(() => said() === 'one\ntwo\n');
      writeFileSync(file, 'a stranger\n');
      appendFileSync(file, 'a stranger\n');
      write('three\n');
      await followed.end();
      expect(said()).toBe('one\ntwo\nthree\n');
      expect([gaps, troubles]).toEqual([[], []]);
    }));
});

test('a file that the kernel does not watch is looked at once a second, and that is told', async () => {
  const { clock, wake, pauses } = handClock();
  await following(
    async ({ write, said, troubles }) => {
      expect(troubles).toEqual([expect.stringMatching(/^looked at once a second, since .*\(ENOENT\)$/)]);
      write('one\n');
      await until(() => said() === 'one\n');
      write('two\n');
      await aTurn();
      expect(said()).toBe('one\n');
      wake();
      await until(() => said() === 'one\ntwo\n');
    },
    { clock, watched: '/no/such/file' },
  );
  expect(new Set(pauses)).toEqual(new Set([1000]));
});

test('a file that cannot be read is told, and the end comes all the same', async () => {
  await inPlace(async ({ path, write }) => {
    const troubles: string[] = [];
    write('stderr', 'words\n');
    const followed = followFile(openSync(path('stderr'), 'a'), path('stderr'), {
      onText: () => undefined,
      onGap: () => undefined,
      onTrouble: (error) => troubles.push(error),
      clock: systemClock,
    });
    await followed.end();
    expect(followed.tail()).toBe('');
    expect(troubles[0]).toMatch(/^cannot read: .*\(EBADF\)$/);
  });
});
