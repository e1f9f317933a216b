import { chmodSync, chownSync, linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { replaceFile, writeNewFile } from '../../../src/host/files/new-file.js';
import { openLedger } from '../../../src/host/repair/ledger.js';
import { fileSink } from '../../../src/host/sinks/line-sink.js';
import { takeLock } from '../../../src/host/files/lock.js';
import { othersWrite } from '../../../src/host/look/others-write.js';
import { takePidFile } from '../../../src/host/files/pid-file.js';
import { openRunDirectory } from '../../../src/host/run-directory/run-directory.js';
import { doubtOf, followPath, outputPath, trustedPath } from '../../../src/host/files/trust.js';
import { whoRuns } from '../../../src/host/run-directory/who-runs.js';

let folder: string;
const at = (...names: readonly string[]): string => path.join(folder, ...names);

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'vmrun-trust-'));
  mkdirSync(at('own'));
  mkdirSync(at('open'));
  chmodSync(at('open'), 0o777);
  mkdirSync(at('sticky'));
  chmodSync(at('sticky'), 0o1777);
});

afterEach(() => {
  rmSync(folder, { recursive: true, force: true });
});

const isRoot = process.getuid?.() === 0;
/** Somebody else, and his group. */
const other = 54_321;
const asOther = isRoot ? test : test.skip;

describe('a path is followed', () => {
  test('through folders and links of our own', () => {
    mkdirSync(at('own', 'deep'));
    symlinkSync('own/deep', at('link'));
    writeFileSync(at('own', 'deep', 'file'), '');
    symlinkSync(at('link', 'file'), at('own', 'far'));
    const { resolved, stats, doubt } = followPath(at('own', '..', 'own', 'far'));
    expect([resolved, stats?.isFile(), doubt]).toEqual([at('own', 'deep', 'file'), true, undefined]);
  });

  test('to what is not there yet', () => {
    const { resolved, stats, doubt } = followPath(at('own', 'new', 'file'));
    expect([resolved, stats, doubt]).toEqual([at('own', 'new', 'file'), undefined, undefined]);
  });

  test.each([
    ['a loop of links', 'loop', 'ELOOP'],
    ['a file where a folder should be', 'file/below', 'ENOTDIR'],
  ])('and %s is an error', (_title, name, code) => {
    symlinkSync('loop', at('loop'));
    writeFileSync(at('file'), '');
    expect(() => followPath(at(name))).toThrow(expect.objectContaining({ code }));
  });

  test('past a folder that everybody can write, which is a doubt', () => {
    expect(followPath(at('open', 'file')).doubt).toEqual({ path: at('open'), why: 'can be written by everybody' });
    expect(() => trustedPath(at('open', 'file'))).toThrow(`${at('open')} can be written by everybody`);
  });

  test('past the target of a link, which counts as well', () => {
    symlinkSync(at('open'), at('own', 'link'));
    expect(followPath(at('own', 'link', 'file')).doubt?.path).toBe(at('open'));
  });

  test('in a folder like /tmp, where what is ours is ours', () => {
    mkdirSync(at('sticky', 'mine'));
    expect(followPath(at('sticky', 'mine', 'file')).doubt).toBeUndefined();
    expect(followPath(at('sticky', 'new')).doubt).toBeUndefined();
  });

  asOther('and a folder, a file or a link of somebody else there is a doubt', () => {
    mkdirSync(at('sticky', 'his'));
    chownSync(at('sticky', 'his'), other, other);
    writeFileSync(at('sticky', 'file'), '');
    chownSync(at('sticky', 'file'), other, other);
    expect(followPath(at('sticky', 'his', 'file')).doubt?.why).toBe(`belongs to user ${other}`);
    expect(followPath(at('sticky', 'file')).doubt?.path).toBe(at('sticky', 'file'));
  });

  asOther('and a group that may write is a doubt, but for that of root and a private one', () => {
    chmodSync(at('own'), 0o775);
    expect(followPath(at('own', 'file')).doubt).toBeUndefined();
    chownSync(at('own'), 0, other);
    expect(followPath(at('own', 'file')).doubt?.why).toBe(`can be written by group ${other}`);
    chownSync(at('own'), other, other);
    expect(followPath(at('own', 'file'), { uid: other }).doubt).toBeUndefined();
  });
});

describe('a run directory', () => {
  test('is neither made nor looked into where others could have it lead elsewhere', async () => {
    await expect(openRunDirectory(at('open', 'run'), 'web')).rejects.toThrow(
      `${at('open')} can be written by everybody`,
    );
    mkdirSync(at('own', 'real'));
    mkdirSync(at('open', 'run'));
    mkdirSync(at('open', 'run', 'web'));
    expect(() => whoRuns(at('open', 'run'), 'web')).toThrow('can be written by everybody');
  });

  asOther('is not made below a folder of somebody else, though all above it are ours', async () => {
    mkdirSync(at('own', 'his'));
    chownSync(at('own', 'his'), other, other);
    await expect(openRunDirectory(at('own', 'his', 'run'), 'web')).rejects.toThrow(`belongs to user ${other}`);
  });

  test('whose lock has a second name is refused, and nothing is emptied', async () => {
    writeFileSync(at('precious'), 'precious');
    mkdirSync(at('own', 'web'), { mode: 0o700 });
    linkSync(at('precious'), at('own', 'web', 'lock'));
    await expect(openRunDirectory(at('own'), 'web')).rejects.toThrow('has 2 names');
    expect(followPath(at('precious')).stats?.size).toBe(8);
  });

  test('whose ledger has a second name is not read', async () => {
    writeFileSync(at('precious'), 'precious');
    linkSync(at('precious'), at('own', 'ledger'));
    await expect(openLedger(at('own', 'ledger'))).rejects.toThrow('has 2 names');
    expect(followPath(at('precious')).stats?.size).toBe(8);
  });
});

describe('a file that is written', () => {
  /** What a line that could not be written was told with. */
  const written = async (file: string): Promise<string> => {
    let trouble = '';
    const sink = fileSink(file, { onTrouble: (error) => (trouble = error ?? '') });
    sink.write('line\n');
    await sink.end(0);
    return trouble;
  };

  test('is made with mode 0640 whatever the umask takes away, and found through a link of ours', async () => {
    const before = process.umask(0);
    try {
      symlinkSync(at('own', 'log'), at('link'));
      expect(await written(at('link'))).toBe('');
      const { stats } = followPath(at('own', 'log'));
      expect([stats?.size, (stats?.mode ?? 0) & 0o777]).toEqual([5, 0o640]);
    } finally {
      process.umask(before);
    }
  });

  test.each<[title: string, make: () => string, trouble: string]>([
    ['in a folder that everybody can write', () => at('open', 'log'), 'can be written by everybody'],
    [
      'that has a second name',
      () => {
        writeFileSync(at('precious'), '');
        linkSync(at('precious'), at('own', 'log'));
        return at('own', 'log');
      },
      'has 2 names',
    ],
  ])('%s is none', async (_title, make, trouble) => {
    const file = make();
    expect(await written(file)).toContain(trouble);
    await expect(takePidFile(file)).rejects.toThrow(trouble);
    expect(() => outputPath(file)).toThrow(trouble);
  });

  asOther('that somebody else has put into a folder like /tmp is none', async () => {
    writeFileSync(at('sticky', 'log'), '');
    chownSync(at('sticky', 'log'), other, other);
    expect(await written(at('sticky', 'log'))).toContain(`belongs to user ${other}`);
    await expect(takePidFile(at('sticky', 'log'))).rejects.toThrow(`belongs to user ${other}`);
  });

  test('by a shell is what it is', () => {
    for (const file of ['/dev/stdout', '/dev/fd/2', '/proc/self/fd/1']) expect(outputPath(file)).toBe(file);
  });

  test('with a lock is not emptied where it has a second name', async () => {
    writeFileSync(at('precious'), 'x');
    linkSync(at('precious'), at('own', 'lock'));
    await expect(takeLock(at('own', 'lock'))).rejects.toThrow('has 2 names');
  });
});

asOther('root neither makes nor replaces a file where others can lead it elsewhere', () => {
  writeFileSync(at('precious'), 'precious');
  symlinkSync(at('precious'), at('open', 'vm.lock.json'));
  expect(() => {
    replaceFile(at('open', 'vm.lock.json'), '{}');
  }).toThrow('can be written by everybody');
  expect(() => {
    writeNewFile(at('open', 'vm.json'), '{}');
  }).toThrow('can be written by everybody');
  expect([followPath(at('precious')).stats?.size, followPath(at('open', 'vm.json')).stats]).toEqual([8, undefined]);
});

describe('what others can change', () => {
  test('is told once for each place', () => {
    writeFileSync(at('open', 'vm.json'), '{}');
    writeFileSync(at('open', 'hook'), '');
    writeFileSync(at('own', 'loose'), '');
    chmodSync(at('own', 'loose'), 0o666);
    const files = [
      { path: 'open/vm.json', owner: 'the spec' },
      { path: 'open/hook', owner: 'hook pre_start' },
      { path: 'own/loose', owner: 'hook post_stop' },
      { path: 'own/missing', owner: 'the lock file' },
    ];
    expect(othersWrite(files, { folder, severity: 'warning' }).map(({ message }) => message)).toEqual([
      `others can change the spec, open/vm.json, and so what this user runs: ${at('open')} can be written by everybody`,
      'others can change hook post_stop, own/loose, and so what this user runs: it can be written by everybody',
    ]);
  });

  asOther('is what belongs to them', () => {
    writeFileSync(at('own', 'vm.json'), '{}');
    chownSync(at('own', 'vm.json'), other, 0);
    expect(doubtOf(at('own', 'vm.json'))).toEqual({ path: at('own', 'vm.json'), why: `belongs to user ${other}` });
    expect(doubtOf(at('own', 'vm.json'), { uid: other })).toBeUndefined();
  });
});
