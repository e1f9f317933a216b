import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { execFileSync } from 'node:child_process';
import { takeLock, whoHolds, type Lock, type LockResult } from '../../src/host/lock.js';
import { inPlace, type Place } from '../e2e/support/place.js';

function taken(result: LockResult): Lock {
  if ('heldBy' in result) throw new Error(`held by ${result.heldBy}`);
  return result;
}

test('the second taker gets what the holder wrote, in this process too, until it is released', async () => {
  await inPlace(async ({ path }) => {
    const file = path('lock');
    const lock = taken(await takeLock(file));
    lock.write('process 1 since then\n');
    expect(await takeLock(file)).toEqual({ heldBy: 'process 1 since then' });
    expect(readFileSync(file, 'utf8')).toBe('process 1 since then\n');
    await lock.release();
    expect(existsSync(file)).toBe(false);
    await taken(await takeLock(file)).release();
  });
});

test('who holds it is seen without taking it, and nothing is made for that', async () => {
  await inPlace(async ({ path, folder }) => {
    const file = path('lock');
    expect(whoHolds(file)).toBeUndefined();
    expect(whoHolds(path('none', 'lock'))).toBeUndefined();
    expect(readdirSync(folder)).toEqual([]);
    const lock = taken(await takeLock(file));
    expect(whoHolds(file)).toBe('');
    lock.write('process 1 since then\n');
    symlinkSync(folder, path('link'));
    expect(whoHolds(file)).toBe('process 1 since then');
    expect(whoHolds(path('link', 'lock'))).toBe('process 1 since then');
    expect(whoHolds(path('loc'))).toBeUndefined();
    await lock.release();
    expect(whoHolds(file)).toBeUndefined();
    expect(existsSync(file)).toBe(false);
  });
});

test('of many takers at once one wins', async () => {
  await inPlace(async ({ path }) => {
    const results = await Promise.all(Array.from({ length: 20 }, () => takeLock(path('lock'))));
    const locks = results.filter((result) => !('heldBy' in result));
    expect(locks).toHaveLength(1);
    for (const result of locks) await taken(result).release();
  });
});

test('locks of two files are two locks', async () => {
  await inPlace(async ({ path }) => {
    const [a, b] = [taken(await takeLock(path('a'))), taken(await takeLock(path('b')))];
    await a.release();
    expect('heldBy' in (await takeLock(path('b')))).toBe(true);
    await b.release();
  });
});

test('a file is one lock, whatever links lead to its folder', async () => {
  await inPlace(async ({ path }) => {
    mkdirSync(path('real'));
    symlinkSync(path('real'), path('link'));
    const lock = taken(await takeLock(path('real', 'lock')));
    lock.write('me');
    expect(await takeLock(path('link', 'lock'))).toEqual({ heldBy: 'me' });
    await lock.release();
  });
});

test('shorter content replaces longer content whole', async () => {
  await inPlace(async ({ path, write }) => {
    const lock = taken(await takeLock(write('lock', 'something longer that was there before')));
    lock.write('1234567890\n');
    lock.write('7\n');
    expect(readFileSync(path('lock'), 'utf8')).toBe('7\n');
    await lock.release();
  });
});

test('a new file is for its owner to write and for all to read', async () => {
  await inPlace(async ({ path }) => {
    const lock = taken(await takeLock(path('lock')));
    expect(statSync(path('lock')).mode & 0o133).toBe(0);
    await lock.release();
  });
});

test('a file that took the place of the locked one is not removed with the lock', async () => {
  await inPlace(async ({ path, write }) => {
    const lock = taken(await takeLock(path('lock')));
    execFileSync('mv', [path('lock'), path('aside')]);
    write('lock', 'foreign');
    await lock.release();
    expect(readFileSync(path('lock'), 'utf8')).toBe('foreign');
  });
});

describe('what is no regular file is refused and left as it is', () => {
  test.each<[what: string, make: (place: Place) => void]>([
    [
      'a symbolic link',
      ({ path, write }) => {
        symlinkSync(write('elsewhere', 'precious'), path('lock'));
      },
    ],
    [
      'a symbolic link',
      ({ path }) => {
        symlinkSync(path('nothing'), path('lock'));
      },
    ],
    [
      'a directory',
      ({ path }) => {
        mkdirSync(path('lock'));
      },
    ],
    [
      'no regular file',
      ({ path }) => {
        execFileSync('mkfifo', [path('lock')]);
      },
    ],
  ])('%s', async (what, make) => {
    await inPlace(async (place) => {
      make(place);
      const before = readdirSync(place.folder);
      await expect(takeLock(place.path('lock'))).rejects.toThrow(`${place.path('lock')} is ${what}`);
      expect(readdirSync(place.folder)).toEqual(before);
      if (before.includes('elsewhere')) expect(readFileSync(place.path('elsewhere'), 'utf8')).toBe('precious');
      // Nor is the lock held after that.
      execFileSync('rm', ['-rf', place.path('lock')]);
      await taken(await takeLock(place.path('lock'))).release();
    });
  });
});

test('a folder that is missing is the error of the system call', async () => {
  await inPlace(async ({ path }) => {
    await expect(takeLock(path('none', 'lock'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

test('the kernel drops the lock of a process that is killed', async () => {
  await inPlace(async ({ path }) => {
    const holder = path('holder.mjs');
    await build({
      stdin: {
        contents: `
          import { takeLock } from './src/host/lock.ts';
          const lock = await takeLock(process.argv[2]);
          lock.write('the holder');
          console.log('heldBy' in lock ? 'refused' : 'locked');
          setInterval(() => undefined, 1e9);`,
        resolveDir: process.cwd(),
      },
      bundle: true,
      platform: 'node',
      format: 'esm',
      outfile: holder,
    });
    const child = spawn(process.execPath, [holder, path('lock')], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [word] = (await once(child.stdout, 'data')) as [Buffer];
    expect(String(word)).toBe('locked\n');
    expect(await takeLock(path('lock'))).toEqual({ heldBy: 'the holder' });
    child.kill('SIGKILL');
    await once(child, 'close');
    const lock = taken(await takeLock(path('lock')));
    lock.write('us');
    expect(readFileSync(path('lock'), 'utf8')).toBe('us');
    await lock.release();
  });
});

describe('a child that has inherited the lock', () => {
  /** Runs until its standard input ends, with the lock as descriptor 3. */
  function heir({ descriptor }: Lock) {
    if (descriptor === undefined) throw new Error('this Node does not tell the descriptor of a lock');
    const child = spawn('cat', [], { stdio: ['pipe', 'ignore', 'inherit', descriptor] });
    return { child, exit: once(child, 'exit') };
  }

  test('holds it after we have left, until it ends', async () => {
    await inPlace(async ({ path }) => {
      const lock = taken(await takeLock(path('lock')));
      lock.write('the first');
      const { child, exit } = heir(lock);
      await lock.leave();
      expect(existsSync(path('lock'))).toBe(true);
      expect(whoHolds(path('lock'))).toBe('the first');
      expect(await takeLock(path('lock'))).toEqual({ heldBy: 'the first' });
      child.stdin?.end();
      await exit;
      expect(whoHolds(path('lock'))).toBeUndefined();
      await taken(await takeLock(path('lock'))).release();
    });
  });

  test('and is killed lets go of it', async () => {
    await inPlace(async ({ path }) => {
      const lock = taken(await takeLock(path('lock')));
      const { child, exit } = heir(lock);
      await lock.leave();
      child.kill('SIGKILL');
      await exit;
      await taken(await takeLock(path('lock'))).release();
    });
  });

  test('does not hold what was locked after it, nor anything but that lock', async () => {
    await inPlace(async ({ path }) => {
      const [lock, other] = [taken(await takeLock(path('lock'))), taken(await takeLock(path('other')))];
      const { child, exit } = heir(lock);
      await other.release();
      await taken(await takeLock(path('other'))).release();
      child.kill('SIGKILL');
      await exit;
      // It was ours as well.
      expect('heldBy' in (await takeLock(path('lock')))).toBe(true);
      await lock.release();
      expect(whoHolds(path('lock'))).toBeUndefined();
    });
  });
});

test('who leaves a lock leaves its file, and it can be taken', async () => {
  await inPlace(async ({ path }) => {
    const lock = taken(await takeLock(path('lock')));
    lock.write('me');
    await lock.leave();
    expect(readFileSync(path('lock'), 'utf8')).toBe('me');
    expect(whoHolds(path('lock'))).toBeUndefined();
    await taken(await takeLock(path('lock'))).release();
    expect(existsSync(path('lock'))).toBe(false);
  });
});

test('what is written once more is there all the time, for whoever reads it meanwhile', async () => {
  await inPlace(async ({ path }) => {
    const lock = taken(await takeLock(path('lock')));
    lock.write('me\n');
    const { mtimeNs } = statSync(path('lock'), { bigint: true });
    lock.write('me\n');
    expect(statSync(path('lock'), { bigint: true }).mtimeNs).toBe(mtimeNs);
    lock.write('you\n');
    lock.write('me\n');
    expect(readFileSync(path('lock'), 'utf8')).toBe('me\n');
    await lock.release();
  });
});
