import { PassThrough } from 'node:stream';
import { expect, test } from '@jest/globals';
import { askForLine } from '../../src/cli/typed-line.js';

/** Asks, and types something once the question is there. */
function askAndType(input: PassThrough, typed: string): Promise<string | undefined> {
  return askForLine(input, () => {
    input.write(typed);
  });
}

test('a question is not answered by what was typed before it', async () => {
  const input = new PassThrough();
  input.write('early\n');
  expect(await askAndType(input, 'late\n')).toBe('late');
});

test('a second question is not answered by what came with the first answer', async () => {
  const input = new PassThrough();
  expect(await askAndType(input, 'one\ntwo\n')).toBe('one');
  input.write('three\n');
  expect(await askAndType(input, 'four\n')).toBe('four');
});

test('half a line that was typed before is no part of the answer', async () => {
  const input = new PassThrough();
  input.write('ye');
  expect(await askAndType(input, 's\n')).toBe('s');
});

test('there is no answer at the end of the input, nor when nobody waits any more', async () => {
  const input = new PassThrough();
  const stop = new AbortController();
  const answer = askForLine(
    input,
    () => {
      stop.abort();
    },
    stop.signal,
  );
  expect(await answer).toBeUndefined();
  input.end();
  expect(await askForLine(input, () => undefined)).toBeUndefined();
});
