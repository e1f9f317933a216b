import { execFileSync } from 'node:child_process';
import { linkSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { outputProblems, type OutputFile } from '../../src/supervisor/output-files.js';

let folder: string;
const at = (...names: readonly string[]): string => path.join(folder, ...names);

beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'vmrun-outputs-'));
  for (const name of ['disk.img', 'vm.json', 'other.log']) writeFileSync(at(name), '');
  writeFileSync(at('hook'), '#!/bin/sh\n', { mode: 0o755 });
  linkSync(at('disk.img'), at('hard.log'));
  symlinkSync('disk.img', at('soft.log'));
  symlinkSync('soft.log', at('twice.log'));
  symlinkSync('later.img', at('dangling.log'));
  symlinkSync('.', at('here'));
  symlinkSync('loop', at('loop'));
  execFileSync('mkfifo', [at('fifo')]);
  for (const name of ['web', 'db']) {
    mkdirSync(at('run', name), { recursive: true });
    writeFileSync(at('run', name, 'lock'), '');
  }
});
afterAll(() => {
  rmSync(folder, { recursive: true, force: true });
});

const named = [
  { path: 'vm.json', owner: 'the spec' },
  { path: 'disk.img', owner: 'virtio-blk' },
  { path: 'later.img', owner: 'virtio-blk' },
  { path: 'none/later.img', owner: 'virtio-blk' },
  { path: '/dev/nmdm7A', owner: 'com1' },
  { path: 'hook', owner: 'hook pre_start', isArgument: true },
  { path: 'other.log', owner: 'hook pre_start', isArgument: true },
] as const;

const told = (...outputs: readonly OutputFile[]): readonly string[] =>
  outputProblems(outputs, { folder, named, runDirectory: at('run', 'web') }).map(({ message }) => message);
const log = (file: string): OutputFile => ({ option: '--log', path: file });

describe('a log is refused that is', () => {
  test.each([
    ['the spec', 'vm.json', /^--log vm\.json: this file is the spec$/],
    ['the spec by another spelling', './here/here//vm.json', /: it is vm\.json, which is the spec$/],
    ['a disk', 'disk.img', /: this file is used by the VM: virtio-blk$/],
    ['a disk by a hard link', 'hard.log', /: it is disk\.img, which is used by the VM/],
    ['a disk by a symbolic link', 'soft.log', /: it is disk\.img, which/],
    ['a disk by a link to a link', 'here/twice.log', /: it is disk\.img, which/],
    ['a disk that is still to be made', 'here/later.img', /: it is later\.img, which/],
    ['a disk that is still to be made, by a link', 'dangling.log', /: it is later\.img, which/],
    ['a disk in a folder that is still to be made', 'here/none/later.img', /: it is none\/later\.img, which/],
    ['a program that a hook is given', 'hook', /: this file is used by the VM: hook pre_start$/],
    ['the console of the guest', '/dev/nmdm7A', /: this file is used by the VM: com1$/],
    ['the other end of it', '/dev/nmdm7B', /: it is the other end of \/dev\/nmdm7A/],
    ['a file of the run directory', 'run/web/state.json', /: it is in the run directory of the VM/],
    ['the run directory', 'here/run/web', /: it is the run directory of the VM$/],
    ['a file of the run directory of another VM', 'run/db/vm.pid', /: it is in the run directory of db$/],
  ])('%s', (_what, file, words) => {
    expect(told(log(file))).toEqual([expect.stringMatching(words)]);
  });

  test('a device that lines would destroy', () => {
    // Every system has a character device that is neither a terminal nor null.
    expect(told(log('/dev/random'))).toEqual([
      expect.stringContaining('it is a device, which lines of text may destroy'),
    ]);
  });
});

test.each([
  'vm.log',
  'none/vm.log',
  'loop',
  'run/web.log',
  'fifo',
  '/dev/null',
  '/dev/stderr',
  '/dev/fd/2',
  '/dev/tty',
])('a log may be %s', (file) => {
  expect(told(log(file))).toEqual([]);
});

test('a file that a hook is told of may be the log, since it may be there for the hook to read', () => {
  expect(told(log('other.log'))).toEqual([]);
});

test.each([
  ['two files', 'a', 'b', 0],
  ['one file', 'a', './here/a', 1],
  ['one FIFO', 'fifo', 'fifo', 0],
  ['no file', '/dev/null', '/dev/null', 0],
  ['standard error, wherever that leads', '/dev/stderr', '/dev/fd/2', 0],
])('log and events in %s: %s, %s', (_what, first, second, problems) => {
  expect(told(log(first), { option: '--events', path: second })).toHaveLength(problems);
});

test('a pid file is for one process, and no stream or device', () => {
  const pidFile = (option: string, file: string): OutputFile => ({ option, path: file, isPidFile: true });
  expect(told(pidFile('-p', 'pid'), pidFile('-P', './pid'))).toEqual(['-P ./pid: -p writes to the same file']);
  expect(told(log('fifo'), pidFile('-p', 'fifo'))).toHaveLength(1);
  expect(told(pidFile('-p', '/dev/null'))).toEqual([expect.stringContaining('a pid goes into a file')]);
});
