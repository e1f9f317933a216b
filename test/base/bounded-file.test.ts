import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { readBounded, readBoundedText } from '../../src/base/bounded-file.js';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'vmrun-bounded-'));
});
afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const fileOf = (text: string): string => {
  const file = path.join(folder, 'file');
  writeFileSync(file, text);
  return file;
};

describe('a file that is read', () => {
  test.each([0, 1, 65_536, 65_537, 200_000])('of %i bytes is read whole where it may have as many', (length) => {
    const file = fileOf('a'.repeat(length));
    expect(readBounded(file, { most: length })?.length).toBe(length);
    expect(readBounded(file, { most: length, isRegular: true })?.length).toBe(length);
  });

  test.each([1, 65_537, 200_000])('of %i bytes is not read where it may have one less', (length) => {
    expect(readBounded(fileOf('a'.repeat(length)), { most: length - 1 })).toBeUndefined();
  });

  test('ends where a device never does', () => {
    expect(readBounded('/dev/zero', { most: 100_000 })).toBeUndefined();
  });

  test('may have to be a regular one', () => {
    const only = { most: 10, isRegular: true };
    expect(() => readBounded('/dev/zero', only)).toThrow('it is not a regular file');
    expect(() => readBounded(folder, only)).toThrow('it is a directory');
    expect(() => readBounded(path.join(folder, 'none'), only)).toThrow('ENOENT');
  });

  test('is left open where its descriptor is given', () => {
    const descriptor = openSync(fileOf('text'), 'r');
    expect(readBoundedText(descriptor, { most: 10 })).toBe('text');
    closeSync(descriptor);
  });
});

describe('a pipe with a name', () => {
  const pipe = (): string => {
    const file = path.join(folder, 'pipe');
    expect(spawnSync('mkfifo', [file]).status).toBe(0);
    return file;
  };

  test('is read to its end', async () => {
    const file = pipe();
    const writer = spawn('sh', ['-c', 'printf text >"$0"', file]);
    const ended = once(writer, 'exit');
    expect(readBoundedText(file, { most: 10 })).toBe('text');
    await ended;
  });

  test('is refused without waiting where only a regular file will do', () => {
    expect(() => readBounded(pipe(), { most: 10, isRegular: true })).toThrow('it is not a regular file');
  });
});
