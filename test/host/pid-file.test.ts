import { chmodSync, existsSync, readFileSync, statSync, symlinkSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { takePidFile, type PidFile } from '../../src/host/pid-file.js';
import { inPlace } from '../e2e/support/place.js';

async function take(path: string): Promise<PidFile> {
  const file = await takePidFile(path);
  if ('heldBy' in file) throw new Error(`held by ${file.heldBy}`);
  return file;
}
const content = (path: string): string => readFileSync(path, 'utf8');

test('a pid file holds one line, the pid', async () => {
  await inPlace(async ({ path }) => {
    const file = await take(path('vm.pid'));
    expect(content(path('vm.pid'))).toBe('');
    file.write(1234);
    expect(content(path('vm.pid'))).toBe('1234\n');
    await file.remove();
    expect(existsSync(path('vm.pid'))).toBe(false);
  });
});

test('a pid that is shorter than what was there leaves nothing of it', async () => {
  await inPlace(async ({ path, write }) => {
    const file = await take(write('vm.pid', '1234567890'));
    file.write(1949);
    expect(content(path('vm.pid'))).toBe('1949\n');
    file.write(7);
    expect(content(path('vm.pid'))).toBe('7\n');
    await file.remove();
  });
});

test('between two boots it names nobody', async () => {
  await inPlace(async ({ path }) => {
    const file = await take(path('vm.pid'));
    file.write(1234);
    file.clear();
    expect(content(path('vm.pid'))).toBe('');
    await file.remove();
  });
});

test('a file that a dead process left is taken over', async () => {
  await inPlace(async ({ path, write }) => {
    const file = await take(write('vm.pid', '99999999\n'));
    expect(content(path('vm.pid'))).toBe('');
    await file.remove();
    expect(existsSync(path('vm.pid'))).toBe(false);
  });
});

test('one that another run holds is refused, with its pid, and not touched', async () => {
  await inPlace(async ({ path }) => {
    const file = await take(path('vm.pid'));
    file.write(1234);
    expect(await takePidFile(path('vm.pid'))).toEqual({ heldBy: '1234' });
    expect(content(path('vm.pid'))).toBe('1234\n');
    await file.remove();
  });
});

test('a link is not followed: what it leads to keeps its content', async () => {
  await inPlace(async ({ path, write }) => {
    symlinkSync(write('precious', 'data'), path('vm.pid'));
    await expect(takePidFile(path('vm.pid'))).rejects.toThrow('is a symbolic link');
    expect(content(path('precious'))).toBe('data');
  });
});

test('the mode of a file that is there stays as it is', async () => {
  await inPlace(async ({ path, write }) => {
    chmodSync(write('vm.pid', ''), 0o600);
    const file = await take(path('vm.pid'));
    file.write(1);
    expect(statSync(path('vm.pid')).mode & 0o777).toBe(0o600);
    await file.remove();
  });
});
