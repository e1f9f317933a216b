import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { RunEvent } from '../../src/supervisor/events.js';
import type { RunResult } from '../../src/supervisor/run-options.js';
import { inBuiltProcess } from '../support/built-process.js';

const mebibyte = 1024 * 1024;

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'vmrun-long-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const runDirectories = (): readonly string[] => readdirSync(path.join(folder, 'run'));

interface LongRun {
  readonly boots: number;
  readonly because: string;
  /** But for the cleanups. */
  readonly events: number;
  readonly wrong: readonly string[];
  readonly looks: readonly { readonly descriptors: number; readonly heapBytes: number }[];
}

test('ten thousand boots in one process leave nothing open and no memory held, and lose no event', async () => {
  const words = ['10000', '1000'];
  const { looks, ...run } = await inBuiltProcess<LongRun>('long-run.mjs', folder, { flags: ['--expose-gc'], words });
  expect(run).toMatchObject({ boots: 10_001, because: 'reboot-count', events: 3 * 10_001 - 1, wrong: [] });
  const [early, late] = looks;
  expect(looks).toHaveLength(2);
  expect(late?.descriptors).toBe(early?.descriptors);
  expect((late?.heapBytes ?? NaN) - (early?.heapBytes ?? NaN)).toBeLessThan(2 * mebibyte);
  expect(runDirectories()).toEqual([]);
}, 900_000);

interface Flood {
  readonly grownBytes: number;
  /** Of what was passed on. */
  readonly length: number;
  /** What was told of that was not. */
  readonly gaps: readonly string[];
  /** Of the file that it is written to, as far as it was looked at. */
  readonly largest: number;
  readonly result: RunResult;
  readonly kinds: readonly RunEvent['kind'][];
}

describe('a gigabyte without a line end', () => {
  const mebibytes = 1024;
  const flood = (where: 'stderr' | 'stdout' | 'hook'): Promise<Flood> =>
    inBuiltProcess<Flood>('flood.mjs', folder, { words: [where, String(mebibytes)] });

  test.each(['stderr', 'stdout'] as const)(
    'on %s of bhyve is told in little memory and on little disk, what is missing is told, too, and its end is read',
    async (where) => {
      const { grownBytes, length, gaps, largest, result, kinds } = await flood(where);
      expect(grownBytes).toBeLessThan(100 * mebibyte);
      // It is cut at 16 MiB, and grows while it is looked at.
      expect(largest).toBeLessThan(256 * mebibyte);
      // Each of its bytes is no UTF-8, and becomes one character.
      const total = mebibytes * mebibyte + '\nthe end\n'.length;
      const counted = gaps.reduce((sum, gap) => sum + Number(/: (\d+) bytes? or more/.exec(gap)?.[1] ?? 0), 0);
      expect(length + counted).toBeLessThanOrEqual(total);
      expect(length).toBeGreaterThan(mebibyte);
      if (gaps.length === 0) expect(length).toBe(total);
      expect(result).toMatchObject({ end: { kind: 'failed', status: 4 }, because: 'guest', boots: 1 });
      expect(result.why?.evidence.at(-1)).toBe('the end');
      expect(kinds).toEqual(['boot', 'exit', 'cleanup', 'stop']);
      expect(runDirectories()).toEqual([]);
    },
    240_000,
  );

  test('of a hook passes through in little memory, and the VM boots', async () => {
    const { grownBytes, length, result, kinds } = await flood('hook');
    expect(grownBytes).toBeLessThan(100 * mebibyte);
    // A line end is added where the last piece was not passed on before.
    expect(length - mebibytes * mebibyte).toBeGreaterThanOrEqual(0);
    expect(length - mebibytes * mebibyte).toBeLessThanOrEqual('\n'.length);
    expect(result).toMatchObject({ end: { kind: 'powered-off' }, because: 'guest', boots: 1 });
    expect(kinds).toEqual(['hook', 'hook', 'boot', 'exit', 'cleanup', 'stop']);
    expect(runDirectories()).toEqual([]);
  }, 240_000);
});
