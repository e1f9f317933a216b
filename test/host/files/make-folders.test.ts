import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { makeFolders } from '../../../src/host/files/make-folders.js';

let base: string;
beforeEach(() => {
  base = mkdtempSync(path.join(tmpdir(), 'vmrun-folders-'));
});
afterEach(() => {
  rmSync(base, { recursive: true, force: true });
});

describe('a folder that is made', () => {
  test('is made with those above it', () => {
    const folder = path.join(base, 'a/b/c');
    makeFolders(folder, 0o700);
    expect(statSync(folder).isDirectory()).toBe(true);
    expect(statSync(path.join(base, 'a')).mode & 0o777).toBe(0o700);
    makeFolders(folder);
  });

  test('is the one that a link leads to', () => {
    mkdirSync(path.join(base, 'real'));
    symlinkSync('real', path.join(base, 'link'));
    makeFolders(path.join(base, 'link/x'));
    expect(existsSync(path.join(base, 'real/x'))).toBe(true);
  });

  test.each<[what: string, make: () => string, code: string]>([
    ['a file', () => (writeFileSync(path.join(base, 'x'), ''), 'x'), 'EEXIST'],
    ['below a file', () => (writeFileSync(path.join(base, 'x'), ''), 'x/y'), 'ENOTDIR'],
    ['below a link that leads nowhere', () => (symlinkSync('gone', path.join(base, 'x')), 'x/y'), 'EEXIST'],
    ['below a link to itself', () => (symlinkSync('x', path.join(base, 'x')), 'x/y'), 'ELOOP'],
  ])('is none where there is %s', (_what, make, code) => {
    const folder = path.join(base, make());
    expect(() => {
      makeFolders(folder);
    }).toThrow(expect.objectContaining({ code }));
  });

  const onLinux = process.platform === 'linux' ? test : test.skip;
  onLinux('is none below /proc, where the system says each time that it is missing', () => {
    expect(() => {
      makeFolders('/proc/self/x');
    }).toThrow('ENOENT');
    expect(() => {
      makeFolders('/proc/self/x/y');
    }).toThrow('ENOENT');
  });
});
