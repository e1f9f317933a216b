import { execFileSync } from 'node:child_process';
import { closeSync, constants, openSync, writeSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { hearLine, listen, openLine, socketOf, type LifeLine } from '../../../src/host/process/life-line.js';
import { inPlace } from '../../e2e/support/place.js';

/** A life line with its writing end, which is open. */
const withLine = (use: (file: string, writer: number) => Promise<void>): Promise<void> =>
  inPlace(async ({ path }) => {
    const file = path('vm.line');
    execFileSync('mkfifo', [file]);
    const writer = openSync(file, constants.O_RDWR | constants.O_NONBLOCK);
    let isOpen = true;
    try {
      await use(file, writer);
      closeSync(writer);
      isOpen = false;
    } finally {
      if (isOpen) closeSync(writer);
    }
  });

function heard(file: string): LifeLine {
  const line = hearLine(file, 'bhyve 3');
  if (typeof line !== 'object') throw new Error(String(line));
  return line;
}

test.each<[title: string, words: readonly string[], status: number]>([
  ['by its shell', ['end 137 bhyve 3\n'], 137],
  ['in pieces', ['end 1', '37 bhyve', ' 3\n'], 137],
  ['after who it is', ['pid 17 bhyve 3\nend 0 bhyve 3\n'], 0],
  ['after what one before it has left there', ['end 2 bhyve 2\n', 'end 2 loader 3\n', 'end 1 bhyve 3\n'], 1],
])('the end of a bhyve is heard: %s', async (_title, words, status) => {
  await withLine(async (file, writer) => {
    const line = heard(file);
    for (const text of words) {
      writeSync(writer, text);
      await new Promise(setImmediate);
    }
    expect(await line.ended).toBe(status);
    expect(line.isOver()).toBe(false);
    line.close();
  });
});

test('what was said before somebody came to hear it is heard, too', async () => {
  await withLine(async (file, writer) => {
    writeSync(writer, 'pid 17 bhyve 3\nend 4 bhyve 3\n');
    const line = heard(file);
    expect([await line.pid, await line.ended]).toEqual([17, 4]);
    line.close();
  });
});

test('where nobody has it open any more, nobody lives who could say anything', async () => {
  await inPlace(async ({ path, write }) => {
    const file = path('vm.line');
    expect(hearLine(file, 'bhyve 3')).toBeUndefined();
    execFileSync('mkfifo', [file]);
    expect(hearLine(file, 'bhyve 3')).toBe('gone');
    expect(hearLine(write('file', ''), 'bhyve 3')).toBeUndefined();
    expect(openLine(path('file'))).toBeUndefined();
    const ends = openLine(file);
    if (ends === undefined) throw new Error('there is a FIFO');
    const line = listen(socketOf(ends.reader), 'bhyve 3');
    closeSync(ends.writer);
    expect([await line.pid, await line.ended, line.isOver()]).toEqual([undefined, undefined, true]);
  });
});

test('a program that writes there for ever fills no memory, and its end is its end', async () => {
  await inPlace(async ({ path }) => {
    const file = path('vm.line');
    execFileSync('mkfifo', [file]);
    const ends = openLine(file);
    if (ends === undefined) throw new Error('there is a FIFO');
    const line = listen(socketOf(ends.reader), 'bhyve 3');
    const chunk = Buffer.alloc(64 * 1024, 'x');
    for (let written = 0; written < 1024 * 1024;) {
      try {
        written += writeSync(ends.writer, chunk);
      } catch {
        await new Promise(setImmediate);
      }
    }
    closeSync(ends.writer);
    expect(await line.ended).toBeUndefined();
  });
});
