import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatMemorySize, maxMemoryBytes, pageBytes, parseMemorySize } from '../../src/base/memory-size.js';
import { parseMemorySize as bhyveReads } from '../../src/bhyve/sizes.js';

const mebibyte = 2 ** 20;

describe('a memory size', () => {
  test.each<[size: string | number, bytes: number]>([
    ['512M', 512 * mebibyte],
    ['512m', 512 * mebibyte],
    ['512MB', 512 * mebibyte],
    ['512mb', 512 * mebibyte],
    ['512Mb', 512 * mebibyte],
    ['4G', 4096 * mebibyte],
    ['4K', 4096],
    ['1024k', mebibyte],
    ['1T', 2 ** 40],
    ['256t', 2 ** 48],
    [2 ** 30, 2 ** 30],
    [4096, 4096],
    [512_000_000, 512_000_000],
  ])('%j is %i bytes, exactly', (size, bytes) => {
    expect(parseMemorySize(size)).toBe(bytes);
  });

  test.each<[written: string, same: string]>([
    ['0512M', '512M'],
    ['08M', '8M'],
    ['00000000000000000000001G', '1G'],
  ])('%s is decimal: the same as %s', (written, same) => {
    expect(parseMemorySize(written)).toBe(parseMemorySize(same));
  });

  test.each<[size: string | number, error: RegExp]>([
    ['0x10G', /"0x10G" is not a memory size/],
    ['0b1G', /not a memory size/],
    ['12Q', /not a memory size/],
    ['512', /not a memory size/],
    ['1.5G', /not a memory size/],
    ['512 M', /not a memory size/],
    ['-1G', /not a memory size/],
    ['1GB ', /not a memory size/],
    ['1Gi', /not a memory size/],
    [`${'0'.repeat(30)}1G`, /not a memory size/],
    ['', /not a memory size/],
    [-4096, /-4096 is not a memory size/],
    [1.5, /not a memory size/],
    [Number.NaN, /not a memory size/],
    [Number.POSITIVE_INFINITY, /not a memory size/],
    ['0', /not a memory size/],
    ['0M', /needs memory, got 0/],
    [0, /needs memory, got 0/],
    ['99999999999999T', /more than a guest can address/],
    ['257T', /more than a guest can address/],
    [1e300, /more than a guest can address/],
    ['1K', /1024 bytes is not a multiple of 4096/],
    [500, /500 is a number of bytes, and not a multiple of 4096/],
  ])('%j is refused', (size, error) => {
    expect(parseMemorySize(size)).toMatchObject({ error: expect.stringMatching(error) });
  });

  test('that is not a multiple of a page gets the next one that is proposed', () => {
    expect(parseMemorySize('5K')).toMatchObject({ fix: 'use 8192, or a size with a unit such as "512M"' });
    expect(parseMemorySize(2 ** 20 + 1)).toMatchObject({ fix: expect.stringMatching(/^use 1052672,/) });
  });

  test('below 1 MiB, which bhyve itself would take for MiB, is asked for with that unit', () => {
    expect(parseMemorySize(512)).toMatchObject({ fix: 'use "512M" if it is to be MiB' });
  });

  const pages = fc.oneof(
    fc.integer({ min: 1, max: 2 ** 10 }),
    fc.integer({ min: 1, max: maxMemoryBytes / pageBytes }),
    fc.integer({ min: 1, max: 2 ** 18 }).map((mebibytes) => mebibytes * (mebibyte / pageBytes)),
  );

  test('is written so that bhyve of every release reads the same number of bytes', () => {
    fc.assert(
      fc.property(pages, fc.constantFrom<(14 | 15 | 16)[]>(14, 15, 16), (count, release) => {
        const bytes = count * pageBytes;
        expect(bhyveReads(formatMemorySize(bytes), release)).toBe(BigInt(bytes));
      }),
    );
  });

  test.each([
    [512 * mebibyte, '512M'],
    [2 ** 30, '1G'],
    [1536 * mebibyte, '1536M'],
    [4096, '4K'],
    [512_000_000, '512000000'],
  ])('%i bytes are written %s', (bytes, text) => {
    expect(formatMemorySize(bytes)).toBe(text);
  });
});
