import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  closeSync,
  constants,
  existsSync,
  lstatSync,
  mkdirSync,
  openSync,
  readFileSync,
  readSync,
  readdirSync,
  statSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { describe, expect, test } from '@jest/globals';
import { takePidFile, type PidFile } from '../../../src/host/files/pid-file.js';
import { createPidFile } from '../../../src/supervisor/pid-files.js';
import { inPlace, smallVm, vmrunCommand, type Place } from '../../e2e/support/place.js';
import { startVmrun } from '../../e2e/support/vmrun.js';

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
    file.remove();
    expect(existsSync(path('vm.pid'))).toBe(false);
  });
});

test('it is for its owner alone, who else could hold its lock, also where it was there before', async () => {
  await inPlace(async ({ path, write }) => {
    chmodSync(write('old.pid', '99999999\n'), 0o666);
    for (const name of ['new.pid', 'old.pid']) {
      const file = await take(path(name));
      expect(statSync(path(name)).mode & 0o777).toBe(0o600);
      file.remove();
    }
  });
});

test('a pid that is shorter than what was there leaves nothing of it', async () => {
  await inPlace(async ({ path, write }) => {
    const file = await take(write('vm.pid', '1234567890'));
    file.write(1949);
    expect(content(path('vm.pid'))).toBe('1949\n');
    file.write(7);
    expect(content(path('vm.pid'))).toBe('7\n');
    file.remove();
  });
});

test('between two boots it names nobody', async () => {
  await inPlace(async ({ path }) => {
    const file = await take(path('vm.pid'));
    file.write(1234);
    file.clear();
    expect(content(path('vm.pid'))).toBe('');
    file.remove();
  });
});

test('a file that a dead process left is taken over', async () => {
  await inPlace(async ({ path, write }) => {
    const file = await take(write('vm.pid', '99999999\n'));
    expect(content(path('vm.pid'))).toBe('');
    file.remove();
    expect(existsSync(path('vm.pid'))).toBe(false);
  });
});

test('one that another run holds is refused, with its pid, and not touched', async () => {
  await inPlace(async ({ path }) => {
    const file = await take(path('vm.pid'));
    file.write(1234);
    expect(await takePidFile(path('vm.pid'))).toEqual({ heldBy: '1234' });
    expect(content(path('vm.pid'))).toBe('1234\n');
    file.remove();
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
    file.remove();
  });
});

test.each([
  ['empty', ''],
  ['without an end of line', '4711'],
  ['with an end of line', '4711\n'],
  ['with blanks around it, as other tools pad it', '      4711  \n\n'],
  ['of ten digits', '4294967295\n'],
  ['as long as one may be', `4711${' '.repeat(60)}`],
])('a file that holds a pid, %s, is taken over', async (_title, text) => {
  await inPlace(async ({ path, write }) => {
    const file = await take(write('vm.pid', text));
    file.write(7);
    expect(content(path('vm.pid'))).toBe('7\n');
    file.remove();
    expect(existsSync(path('vm.pid'))).toBe(false);
  });
});

test.each<[title: string, bytes: string | Buffer]>([
  ['words', 'precious\n'],
  ['a pid and more', '4711 bhyve\n'],
  ['two pids', '4711\n4712\n'],
  ['a number that no pid has', '12345678901\n'],
  ['a negative number', '-1\n'],
  ['a pid, then blanks, then more than is looked at first', `4711${' '.repeat(60)}precious`],
  ['blanks, then more than is looked at first', `${'\n'.repeat(64)}precious`],
  ['many blanks', ' '.repeat(10_000)],
  ['zeros, as a crash of the system leaves them', Buffer.alloc(5)],
  ['no text', Buffer.from([0xff, 0xfe, 0x31])],
])('a file that holds %s is not a pid file: refused, and it keeps its content', async (_title, bytes) => {
  await inPlace(async ({ path, write }) => {
    await expect(takePidFile(write('vm.pid', bytes))).rejects.toThrow('holds something other than a pid');
    expect(readFileSync(path('vm.pid'))).toEqual(Buffer.from(bytes));
  });
});

describe('what is no regular file is refused, at once, and left as it is', () => {
  test.each<[what: string, make: (path: string, place: Place) => unknown]>([
    [
      'a symbolic link',
      (path, { write }) => {
        symlinkSync(write('other.pid', '4711\n'), path);
      },
    ],
    [
      'a symbolic link',
      (path) => {
        symlinkSync('nothing', path);
      },
    ],
    [
      'a symbolic link',
      (path) => {
        symlinkSync(path, path);
      },
    ],
    [
      'a directory',
      (path) => {
        mkdirSync(path);
      },
    ],
    [
      'not a regular file',
      (path) => {
        execFileSync('mkfifo', [path]);
      },
    ],
    [
      'not a regular file',
      async (path) => {
        const server = createServer().listen(path);
        await once(server, 'listening');
        server.unref();
      },
    ],
  ])('%s', async (what, make) => {
    await inPlace(async (place) => {
      const path = place.path('vm.pid');
      await make(path, place);
      const before = readdirSync(place.folder).map((name) => [name, lstatSync(place.path(name)).ino]);
      await expect(takePidFile(path)).rejects.toThrow(`vm.pid is ${what}`);
      expect(readdirSync(place.folder).map((name) => [name, lstatSync(place.path(name)).ino])).toEqual(before);
      if (existsSync(place.path('other.pid'))) expect(content(place.path('other.pid'))).toBe('4711\n');
    });
  });

  test('a FIFO that somebody writes to, and what he wrote stays in it', async () => {
    await inPlace(async ({ path }) => {
      execFileSync('mkfifo', [path('vm.pid')]);
      const other = openSync(path('vm.pid'), constants.O_RDWR | constants.O_NONBLOCK);
      writeSync(other, '4711');
      await expect(takePidFile(path('vm.pid'))).rejects.toThrow('is not a regular file');
      const bytes = Buffer.alloc(10);
      expect(bytes.toString('latin1', 0, readSync(other, bytes))).toBe('4711');
      closeSync(other);
    });
  });

  test('a device', async () => {
    await expect(takePidFile('/dev/null')).rejects.toThrow('/dev/null is not a regular file');
  });
});

test('a folder that is missing is the error of the system call', async () => {
  await inPlace(async ({ path, folder }) => {
    await expect(takePidFile(path('none', 'vm.pid'))).rejects.toMatchObject({ code: 'ENOENT' });
    await expect(takePidFile(folder)).rejects.toThrow('is a directory');
  });
});

test('of many that want one file at once, one gets it', async () => {
  await inPlace(async ({ path, write }) => {
    write('vm.pid', '4711\n');
    const results = await Promise.all(Array.from({ length: 20 }, () => takePidFile(path('vm.pid'))));
    const files = results.flatMap((result) => ('heldBy' in result ? [] : [result]));
    expect(files).toHaveLength(1);
    for (const file of files) file.remove();
  });
});

const withOpenLock = process.platform === 'freebsd' ? test : test.skip; // where the lock is that of pidfile(3)
withOpenLock('one that a daemon of the system has locked is refused with its pid', async () => {
  await inPlace(async ({ path }) => {
    const daemon = spawn('daemon', ['-f', '-p', path('vm.pid'), 'sleep', '600'], { stdio: 'ignore' });
    await once(daemon, 'exit');
    const pid = content(path('vm.pid'));
    expect(await takePidFile(path('vm.pid'))).toEqual({ heldBy: pid.trim() });
    expect(content(path('vm.pid'))).toBe(pid);
    process.kill(Number(pid));
  });
});

test('one whose holder has not said who he is belongs to nobody who could be named', async () => {
  await inPlace(async ({ path }) => {
    const file = await take(path('vm.pid'));
    await expect(createPidFile('web', path('vm.pid'))).rejects.toMatchObject({
      problems: [
        { message: `the pid file ${path('vm.pid')} is locked by a process that does not say its number there` },
      ],
    });
    file.remove();
  });
});

(process.platform === 'linux' ? test : test.skip)('one that cannot be written is named', async () => {
  await inPlace(async (place) => {
    const spec = place.write('vm.json', JSON.stringify(smallVm(place.name)));
    const words = ['-c', spec, '--simulate=halt', '--run-dir', place.runBase, '-P', place.path('vm.pid')];
    // A pid does not fit into a file of no bytes.
    const command = ['/bin/sh', '-c', 'trap "" XFSZ; ulimit -f 0; exec "$@"', 'sh', ...vmrunCommand];
    const { status, stderr } = await startVmrun(place, words, { command }).ended;
    expect(stderr).toContain(`\nvmrun: ${place.path('vm.pid')} cannot be written: file too large (EFBIG)\n`);
    expect(status).toBe(71);
    expect(existsSync(place.path('vm.pid'))).toBe(false);
  });
});
