import { connect } from 'node:net';
import { mkdirSync, openSync, readdirSync, renameSync, unlinkSync } from 'node:fs';
import { once } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import { errorReason, errorWords } from '../../src/base/error-words.js';

const thrownBy = (act: () => unknown): unknown => {
  try {
    act();
  } catch (error) {
    return error;
  }
  throw new Error('nothing was thrown');
};

describe('an error in plain words', () => {
  test.each<[act: () => unknown, words: string]>([
    [() => openSync('/nowhere/a', 'r'), 'cannot open /nowhere/a: no such file or directory (ENOENT)'],
    [
      () => {
        mkdirSync('/proc/self/no');
      },
      'cannot make the folder /proc/self/no: no such file or directory (ENOENT)',
    ],
    [() => readdirSync('/nowhere'), 'cannot look into /nowhere: no such file or directory (ENOENT)'],
    [
      () => {
        unlinkSync('/nowhere');
      },
      'cannot remove /nowhere: no such file or directory (ENOENT)',
    ],
    [
      () => {
        renameSync('/no\n1', '/no2');
      },
      'cannot rename /no\n1 to /no2: no such file or directory (ENOENT)',
    ],
  ])('says what could not be done, and why: %#', (act, words) => {
    const error = thrownBy(act);
    expect(errorWords(error)).toBe(words);
    expect(errorReason(error)).toBe('no such file or directory (ENOENT)');
  });

  test.each<[message: string, words: string, reason: string]>([
    [
      'ENOSPC: no space left on device, write',
      'cannot write: no space left on device (ENOSPC)',
      'no space left on device (ENOSPC)',
    ],
    ['EIO: i/o error', 'i/o error (EIO)', 'i/o error (EIO)'],
    [
      'listen EADDRINUSE: address already in use /a.sock',
      'cannot listen at /a.sock: address already in use (EADDRINUSE)',
      'address already in use (EADDRINUSE)',
    ],
    ["EFOO: odd, frob '/a'", 'cannot frob(2) /a: odd (EFOO)', 'odd (EFOO)'],
    ['the folder was replaced', 'the folder was replaced', 'the folder was replaced'],
  ])('%s', (message, words, reason) => {
    expect([errorWords(new Error(message)), errorReason(new Error(message))]).toEqual([words, reason]);
  });

  test('says of a socket that nobody listens at it', async () => {
    const socket = connect('/nowhere.sock');
    const [error] = (await once(socket, 'error')) as readonly unknown[];
    expect(errorWords(error)).toBe('cannot connect to /nowhere.sock: ENOENT');
  });

  test('may be anything', () => {
    expect(errorWords('text')).toBe('text');
  });
});
