import { describe, expect, test } from '@jest/globals';
import { startBhyveload } from '../../src/simulator/bhyveload.js';
import { startGrubBhyve } from '../../src/simulator/grub-bhyve.js';
import type { LoaderStart } from '../../src/simulator/loaders.js';
import { runSim, startSim } from './bhyve-sim.js';

const options = { release: 15, boot: 1, readFile: () => undefined } as const;

/** What it says it loads, or its last words and status. */
const told = (started: LoaderStart): string =>
  started.kind === 'started' ? started.line.replace(/^.*: /, '') : `${started.messages[0] ?? ''} (${started.status})`;

describe('bhyveload reads its words as getopt(3) does', () => {
  const usage = 'usage: bhyveload [-S][-c <console-device>] [-d <disk-path>] [-e <name=value>] (1)';

  test.each<[words: string, says: string]>([
    ['vm', 'loads from nothing into 256M'],
    ['-m 1G -d disk.img vm', 'loads from disk.img into 1G'],
    ['-SC -m1G -ddisk.img -d other.img vm', 'loads from disk.img, other.img into 1G'],
    ['-c /dev/nmdm0A -e autoboot_delay=3 -h /guest -l /boot/userboot_4th.so vm', 'loads from /guest into 256M'],
    ['-d disk.img -- vm', 'loads from disk.img into 256M'],
    ['', usage],
    ['-d disk.img', usage],
    ['vm more', usage],
    ['vm -m 1G', usage],
    ['-z vm', 'bhyveload: illegal option -- z (1)'],
    ['-M 1G vm', 'bhyveload: illegal option -- M (1)'],
    ['-d', 'bhyveload: option requires an argument -- d (1)'],
    ['-m much vm', "bhyveload: Invalid memsize 'much' (64)"],
    ['-l a -l b vm', 'bhyveload: -l can only be given once (64)'],
    [`${'-d disk '.repeat(33)}vm`, "bhyveload: Could not open 'disk' (64)"],
  ])('%s', (words, says) => {
    expect(told(startBhyveload(words.split(' ').filter(Boolean), options))).toBe(says);
  });
});

describe('grub-bhyve reads its words as argp does', () => {
  const readFile = (path: string): string | undefined =>
    ({ 'my.map': '(hd0) /disk.img\n(cd0) /cd.iso\n', '/boot/grub/device.map': '# none\n' })[path];

  test.each<[words: string, says: string]>([
    ['vm', 'asks at its prompt into 256M, drives none'],
    ['-m my.map -M 1G -r hd0,msdos1 vm', 'loads from hd0,msdos1 into 1G, drives (hd0) /disk.img, (cd0) /cd.iso'],
    ['vm -r cd0 -m none', 'loads from cd0 into 256M, drives none'],
    ['--root=cd0 vm --device-map my.map', 'loads from cd0 into 256M, drives (hd0) /disk.img, (cd0) /cd.iso'],
    ['--mem 2G -nveS -H -H5 -c /dev/nmdm0A -d /grub -g my.cfg vm', 'asks at its prompt into 2G, drives none'],
    ['-r cd0 -- -vm', 'loads from cd0 into 256M, drives none'],
    ['', 'Required VM name parameter not supplied (1)'],
    ['-M much vm', "Invalid guest memory size `much'. (1)"],
    ['-z vm', "grub-bhyve: invalid option -- 'z' (64)"],
    ['vm -m', "grub-bhyve: option requires an argument -- 'm' (64)"],
    ['--boot vm', "grub-bhyve: unrecognized option '--boot' (64)"],
    ['--d vm', "grub-bhyve: option '--d' is ambiguous (64)"],
    ['--evga=1 vm', "grub-bhyve: option '--evga' doesn't allow an argument (64)"],
  ])('%s', (words, says) => {
    expect(told(startGrubBhyve(words.split(' ').filter(Boolean), { ...options, readFile }))).toBe(says);
  });
});

describe('a played loader', () => {
  const wordsOf = (program: string): readonly string[] => [program === 'bhyveload' ? '-d' : '-r', 'hd0', 'vm'];
  const play = (program: string, end?: string, boot = '1') => ({
    env: {
      VMRUN_SIM_PROGRAM: program,
      VMRUN_BOOT: boot,
      ...(end === undefined ? {} : { VMRUN_SIM_LOADER: end }),
    },
  });

  test.each<[program: string, end: string | undefined, status: number, stderr: string]>([
    ['bhyveload', undefined, 0, ''],
    ['bhyveload', 'ok', 0, ''],
    ['bhyveload', 'fail', 1, "can't load 'kernel'\n"],
    ['bhyveload', 'reboot', 2, ''],
    ['grub-bhyve', 'ok', 0, ''],
    ['grub-bhyve', 'fail', 1, 'error: no such partition.\n'],
  ])('%s that is to end with %s has status %i', async (program, end, status, stderr) => {
    const ended = await runSim(wordsOf(program), play(program, end));
    expect(ended).toMatchObject({ status, signal: null, stderr });
    expect(ended.stdout).toContain(`${program}-sim: vm, boot 1: `);
  });

  test.each<[boot: string, status: number]>([
    ['1', 2],
    ['2', 1],
    ['3', 0],
    ['4', 0],
  ])('ends boot %s of reboot,fail,ok with status %i', async (boot, status) => {
    expect((await runSim(['vm'], play('bhyveload', 'reboot, fail, ok', boot))).status).toBe(status);
  });

  test.each(['bhyveload', 'grub-bhyve'])('%s that hangs does so until it is killed', async (program) => {
    const sim = startSim(wordsOf(program), play(program, 'hang'));
    await sim.said('boot 1: ');
    sim.child.kill('SIGTERM');
    expect(await sim.ended).toMatchObject({ status: null, signal: 'SIGTERM' });
  });

  test('takes commands at the prompt of GRUB until one boots', async () => {
    const sim = startSim(['vm'], play('grub-bhyve'));
    sim.type('linux (hd0,msdos1)/vmlinuz\nboot\nnever\n');
    const { status, stdout } = await sim.ended;
    expect(status).toBe(0);
    expect(stdout.split('\n').slice(1)).toEqual(['grub> linux (hd0,msdos1)/vmlinuz', 'grub> boot', '']);
  });

  test('takes what there is where none does', async () => {
    const sim = startSim(['vm'], play('grub-bhyve', 'fail'));
    sim.child.stdin?.end('ls\n');
    expect(await sim.ended).toMatchObject({ status: 1, stdout: expect.stringMatching(/\ngrub> ls\n$/) });
  });

  test.each<[env: Record<string, string>, complaint: string]>([
    [{ VMRUN_SIM_PROGRAM: 'lilo' }, 'VMRUN_SIM_PROGRAM must be bhyve, bhyveload, grub-bhyve, got "lilo"'],
    [{ VMRUN_SIM_LOADER: 'ok,maybe' }, 'VMRUN_SIM_LOADER must be ok, fail, reboot, hang, got "ok,maybe"'],
    [
      { VMRUN_SIM_PROGRAM: 'grub-bhyve', VMRUN_SIM_LOADER: 'reboot' },
      'VMRUN_SIM_LOADER: grub-bhyve has no reboot; use ok, fail, hang',
    ],
  ])('%j is a wrong surrounding', async (env, complaint) => {
    expect(await runSim(['vm'], { env })).toMatchObject({
      status: 64,
      stdout: '',
      stderr: `bhyve-sim: ${complaint}\n`,
    });
  });
});
