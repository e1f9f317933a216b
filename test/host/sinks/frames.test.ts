import { Readable } from 'node:stream';
import type { Socket } from 'node:net';
import { describe, expect, jest, test } from '@jest/globals';
import { frameBytes, framesOf } from '../../../src/host/sinks/frames.js';

/** What is understood of bytes that come in pieces of such a size. */
async function heard(bytes: Uint8Array, size: number, most = 1000): Promise<readonly (readonly [string, string])[]> {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += size) pieces.push(bytes.subarray(at, at + size));
  const frames: (readonly [string, string])[] = [];
  // A socket is read as any stream is.
  for await (const { kind, content } of framesOf(Readable.from(pieces) as unknown as Socket, most)) {
    frames.push([kind, content.toString()]);
  }
  return frames;
}

describe('frames', () => {
  const said = [
    ['h', '{"who":"me"}'],
    ['e', ''],
    ['o', 'x'.repeat(300)],
    ['d', ''],
  ] as const;
  const bytes = Buffer.concat(said.map(([kind, content]) => frameBytes(kind, content)));

  test.each([1, 2, 3, 4, 5, 6, 7, 17, 18, 100, 1000])('are the same in pieces of %i bytes', async (size) => {
    expect(await heard(bytes, size)).toEqual(said);
  });

  test('end where one is larger than they may be, or is cut short', async () => {
    expect(await heard(bytes, 1000, 299)).toEqual(said.slice(0, 2));
    expect(await heard(bytes.subarray(0, -5), 1000)).toEqual(said.slice(0, 3));
    expect(await heard(bytes.subarray(0, -6), 1000)).toEqual(said.slice(0, 2));
  });

  test('of one chunk, however many they are, are not all heard in one turn of the event loop', async () => {
    let turns = 0;
    let turn = setImmediate(function next() {
      turns += 1;
      turn = setImmediate(next);
    });
    try {
      const many = Buffer.concat(Array.from({ length: 10_000 }, () => frameBytes('z')));
      expect(await heard(many, many.length)).toHaveLength(10_000);
      expect(turns).toBeGreaterThan(30);
    } finally {
      clearImmediate(turn);
    }
  });

  test('are joined once, however small the pieces are in which they come', async () => {
    const concat = jest.spyOn(Buffer, 'concat');
    try {
      await heard(frameBytes('o', 'x'.repeat(10_000)), 10, 10_000);
      const joined = concat.mock.results.map(({ value }) => (value as Buffer).length);
      expect(joined.reduce((sum, length) => sum + length, 0)).toBeLessThan(30_000);
    } finally {
      concat.mockRestore();
    }
  });
});
