import { describe, expect, test } from '@jest/globals';
import { durationPattern, formatDuration, parseDurationMs } from '../../src/base/duration.js';

describe('a duration', () => {
  test.each<[value: string | number, ms: number]>([
    [60, 60_000],
    [0, 0],
    [0.01, 10],
    ['500ms', 500],
    ['90s', 90_000],
    ['5m', 300_000],
    ['5min', 300_000],
    ['2h', 7_200_000],
    ['1d', 86_400_000],
    ['1.5h', 5_400_000],
  ])('%j is %i ms', (value, ms) => {
    expect(parseDurationMs(value)).toBe(ms);
  });

  test.each<[value: string | number]>([
    ['90'],
    ['s'],
    ['90 s'],
    ['-1s'],
    ['1e3s'],
    ['.5s'],
    ['5.s'],
    ['1w'],
    ['1S'],
    ['90s '],
    ['1234567890123s'],
    ['1.1234567s'],
    [''],
    [-1],
    [Number.NaN],
    [Number.POSITIVE_INFINITY],
  ])('%j is none', (value) => {
    expect(parseDurationMs(value)).toBeUndefined();
  });

  test.each([
    '500ms',
    '90s',
    '5m',
    '5min',
    '2h',
    '1d',
    '1.5h',
    '90',
    's',
    '1w',
    '90 s',
    '1.s',
    '1.1234567s',
    '1234567890123s',
  ])('the schema says the same of %j', (text) => {
    expect(new RegExp(durationPattern, 'u').test(text)).toBe(parseDurationMs(text) !== undefined);
  });

  test.each<[ms: number, text: string]>([
    [0, '0 ms'],
    [80, '80 ms'],
    [80.4, '80 ms'],
    [1000, '1 s'],
    [1540, '1.5 s'],
    [60_000, '60 s'],
    [120_000, '2 min'],
    [3_600_000, '60 min'],
  ])('of %d ms is told as %s', (ms, text) => {
    expect(formatDuration(ms)).toBe(text);
  });
});
