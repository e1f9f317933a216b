import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, readdirSync, statSync, symlinkSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { build } from 'esbuild';
import { execFileSync } from 'node:child_process';
import { takeLock, whoHolds, type Lock, type LockResult } from '../../../src/host/files/lock.js';
import { inPlace, type Place } from '../../e2e/support/place.js';
import { patienceMs } from '../../support/patience.js';

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
    lock.release();
    expect(existsSync(file)).toBe(false);
    taken(await takeLock(file)).release();
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
    lock.release();
    expect(whoHolds(file)).toBeUndefined();
    expect(existsSync(file)).toBe(false);
  });
});

test('what a holder wrote is not read where it is more than a line may be', async () => {
  await inPlace(async ({ path }) => {
    const lock = taken(await takeLock(path('lock')));
    lock.write('x'.repeat(64 * 1024 + 1));
    expect(whoHolds(path('lock'))).toBe('');
    lock.release();
  });
});

test('of many takers at once one wins', async () => {
  await inPlace(async ({ path }) => {
    const results = await Promise.all(Array.from({ length: 20 }, () => takeLock(path('lock'))));
    const locks = results.filter((result) => !('heldBy' in result));
    expect(locks).toHaveLength(1);
    for (const result of locks) taken(result).release();
  });
});

test('locks of two files are two locks', async () => {
  await inPlace(async ({ path }) => {
    const [a, b] = [taken(await takeLock(path('a'))), taken(await takeLock(path('b')))];
    a.release();
    expect('heldBy' in (await takeLock(path('b')))).toBe(true);
    b.release();
  });
});

test('a file is one lock, whatever links lead to its folder', async () => {
  await inPlace(async ({ path }) => {
    mkdirSync(path('real'));
    symlinkSync(path('real'), path('link'));
    const lock = taken(await takeLock(path('real', 'lock')));
    lock.write('me');
    expect(await takeLock(path('link', 'lock'))).toEqual({ heldBy: 'me' });
    lock.release();
  });
});

test('shorter content replaces longer content whole', async () => {
  await inPlace(async ({ path, write }) => {
    const lock = taken(await takeLock(write('lock', 'something longer that was there before')));
    lock.write('1234567890\n');
    lock.write('7\n');
    expect(readFileSync(path('lock'), 'utf8')).toBe('7\n');
    lock.release();
  });
});

test('a new file is for its owner to write and for all to read', async () => {
  await inPlace(async ({ path }) => {
    const lock = taken(await takeLock(path('lock')));
    expect(statSync(path('lock')).mode & 0o133).toBe(0);
    lock.release();
  });
});

test('a file that took the place of the locked one is not removed with the lock', async () => {
  await inPlace(async ({ path, write }) => {
    const lock = taken(await takeLock(path('lock')));
    execFileSync('mv', [path('lock'), path('aside')]);
    write('lock', 'foreign');
    lock.release();
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
      'not a regular file',
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
      taken(await takeLock(place.path('lock'))).release();
    });
  });
});

test('a folder that is missing is the error of the system call', async () => {
  await inPlace(async ({ path }) => {
    await expect(takeLock(path('none', 'lock'))).rejects.toMatchObject({ code: 'ENOENT' });
  });
});

/** A program of these lines, which see the module; its first argument is the file. */
async function programOf({ path }: Place, ...lines: readonly string[]): Promise<string> {
  const outfile = path('program.mjs');
  const contents = ["import { takeLock, whoHolds } from './src/host/files/lock.ts';", ...lines].join('\n');
  await build({
    stdin: { contents, resolveDir: process.cwd() },
    bundle: true,
    platform: 'node',
    format: 'esm',
    outfile,
  });
  return outfile;
}

test('the kernel drops the lock of a process that is killed', async () => {
  await inPlace(async (place) => {
    const { path } = place;
    const holder = await programOf(
      place,
      'const lock = await takeLock(process.argv[2]);',
      "lock.write('the holder');",
      "console.log('heldBy' in lock ? 'refused' : 'locked');",
      'setInterval(() => undefined, 1e9);',
    );
    const child = spawn(process.execPath, [holder, path('lock')], { stdio: ['ignore', 'pipe', 'inherit'] });
    const [word] = (await once(child.stdout, 'data')) as [Buffer];
    expect(String(word)).toBe('locked\n');
    expect(await takeLock(path('lock'))).toEqual({ heldBy: 'the holder' });
    child.kill('SIGKILL');
    await once(child, 'close');
    const lock = taken(await takeLock(path('lock')));
    lock.write('us');
    expect(readFileSync(path('lock'), 'utf8')).toBe('us');
    lock.release();
  });
});

describe('a child that has inherited the lock', () => {
  /** Runs until its standard input ends, with the lock as descriptor 3. */
  function heir({ descriptor }: Lock) {
    const child = spawn('cat', [], { stdio: ['pipe', 'ignore', 'inherit', descriptor] });
    return { child, exit: once(child, 'exit') };
  }

  test('holds it after we have left, until it ends', async () => {
    await inPlace(async ({ path }) => {
      const lock = taken(await takeLock(path('lock')));
      lock.write('the first');
      const { child, exit } = heir(lock);
      lock.leave();
      expect(existsSync(path('lock'))).toBe(true);
      expect(whoHolds(path('lock'))).toBe('the first');
      expect(await takeLock(path('lock'))).toEqual({ heldBy: 'the first' });
      child.stdin?.end();
      await exit;
      expect(whoHolds(path('lock'))).toBeUndefined();
      taken(await takeLock(path('lock'))).release();
    });
  });

  test('and is killed lets go of it', async () => {
    await inPlace(async ({ path }) => {
      const lock = taken(await takeLock(path('lock')));
      const { child, exit } = heir(lock);
      lock.leave();
      child.kill('SIGKILL');
      await exit;
      taken(await takeLock(path('lock'))).release();
    });
  });

  test('does not hold what was locked after it, nor anything but that lock', async () => {
    await inPlace(async ({ path }) => {
      const [lock, other] = [taken(await takeLock(path('lock'))), taken(await takeLock(path('other')))];
      const { child, exit } = heir(lock);
      other.release();
      taken(await takeLock(path('other'))).release();
      child.kill('SIGKILL');
      await exit;
      // It was ours as well.
      expect('heldBy' in (await takeLock(path('lock')))).toBe(true);
      lock.release();
      expect(whoHolds(path('lock'))).toBeUndefined();
    });
  });
});

test('who leaves a lock leaves its file, and it can be taken', async () => {
  await inPlace(async ({ path }) => {
    const lock = taken(await takeLock(path('lock')));
    lock.write('me');
    lock.leave();
    expect(readFileSync(path('lock'), 'utf8')).toBe('me');
    expect(whoHolds(path('lock'))).toBeUndefined();
    taken(await takeLock(path('lock'))).release();
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
    lock.release();
  });
});

test('those who only look keep nobody from taking it', async () => {
  await inPlace(async (place) => {
    const file = place.write('lock', '');
    const looker = await programOf(place, "console.log('up'); for (;;) whoHolds(process.argv[2]);");
    const lookers = [1, 2].map(() => spawn(process.execPath, [looker, file], { stdio: ['ignore', 'pipe', 'inherit'] }));
    try {
      for (const { stdout } of lookers) await once(stdout, 'data');
      for (let round = 0; round < 20; round += 1) taken(await takeLock(file)).leave();
    } finally {
      for (const each of lookers) {
        const ended = once(each, 'exit');
        each.kill('SIGKILL');
        await ended;
      }
    }
  });
}, 60_000);

const onLinux = process.platform === 'linux' ? describe : describe.skip; // elsewhere open(2) locks

onLinux('where flock(1) locks', () => {
  const canUnshare = spawnSync('unshare', ['--net', 'true']).status === 0;
  const inNamespace = canUnshare ? test : test.skip; // needs root

  inNamespace('a lock is seen from another network namespace, and is not taken there', async () => {
    await inPlace(async (place) => {
      const file = place.path('lock');
      const looker = await programOf(
        place,
        'const taken = await takeLock(process.argv[2]);',
        "console.log(whoHolds(process.argv[2]), taken.heldBy ?? 'taken');",
      );
      const lock = taken(await takeLock(file));
      lock.write('me');
      const seen = (): string =>
        execFileSync('unshare', ['--net', process.execPath, looker, file], {
          encoding: 'utf8',
          timeout: patienceMs,
        }).trim();
      expect(seen()).toBe('me me');
      lock.leave();
      expect(seen()).toMatch(/ taken$/);
    });
  });

  const canMount = spawnSync('unshare', ['--mount', 'sh', '-c', 'mount -t tmpfs none /mnt']).status === 0;
  const inMountNamespace = canMount ? test : test.skip; // needs root

  inMountNamespace('there is no lock without it, and it is named', async () => {
    await inPlace(async (place) => {
      const program = await programOf(place, 'await takeLock(process.argv[2]).catch((e) => console.log(e.message));');
      // Node may be in the same folder.
      const script = 'mount --bind "$1" "$2" && mount -t tmpfs none /usr/bin && PATH=/nowhere exec "$2" "$3" "$4"';
      const words = [process.execPath, place.write('node', ''), program, place.path('lock')];
      const said = execFileSync('unshare', ['--mount', 'sh', '-c', script, 'sh', ...words], {
        encoding: 'utf8',
        timeout: patienceMs,
      });
      expect(said).toMatch(/^flock\(1\) was not found in PATH: install util-linux/);
    });
  });

  /** Runs with a flock(1) of its own. */
  async function withFlock(
    script: readonly string[],
    use: (file: string, place: Place) => Promise<void>,
  ): Promise<void> {
    await inPlace(async (place) => {
      const file = place.write('lock', 'somebody');
      mkdirSync(place.path('bin'));
      place.script('bin/flock', ...script);
      const { PATH } = process.env;
      process.env.PATH = place.path('bin');
      try {
        await use(file, place);
      } finally {
        process.env.PATH = PATH;
      }
    });
  }

  test.each<[what: string, script: readonly string[], message: RegExp]>([
    ['a status that says nothing about the lock', ['echo "flock: 3: Bad address" >&2', 'exit 65'], /status 65: .*Bad/],
    ['the status of a held lock with words, as busybox has it', ['echo "flock: No locks" >&2; exit 1'], /No locks/],
    ['a signal', ['kill -9 $$'], /with a signal/],
    ['a program of no system', ['exec /nowhere'], /status 12[67]/],
  ])('is an error, and neither free nor held: %s', async (_what, script, message) => {
    await withFlock(script, async (file) => {
      await expect(takeLock(file)).rejects.toThrow(message);
      await expect(takeLock(file)).rejects.toMatchObject({ syscall: 'flock' });
      expect(() => whoHolds(file)).toThrow(message);
      expect(readFileSync(file, 'utf8')).toBe('somebody');
    });
  });

  test('one that takes the lock of another file than the path leads to by then is asked again', async () => {
    await withFlock(
      [
        // The former holder removes its file, and another one makes a new file, between our open(2) and our lock.
        'if ! [ -e "$0.once" ]; then : > "$0.once"; rm "${0%/bin/flock}/lock"; echo other > "${0%/bin/flock}/lock"; fi',
        'exec /usr/bin/flock "$@"',
      ],
      async (file) => {
        const lock = taken(await takeLock(file));
        expect(lock.isInPlace()).toBe(true);
        expect(readFileSync(file, 'utf8')).toBe('other\n');
        lock.write('us');
        expect(readFileSync(file, 'utf8')).toBe('us');
        lock.release();
      },
    );
  });
});
