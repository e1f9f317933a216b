import { constants } from 'node:os';
import { describe, expect, test } from '@jest/globals';
import { endExitCode } from '../../src/cli/exit-codes.js';
import type { ProcessEnd } from '../../src/host/process/child.js';
import type { HookEnd } from '../../src/host/process/hook.js';
import type { ExitReason } from '../../src/fields/exits.js';
import { readEnd, reasonOf, describeEnd, statusOf, type RunEnd } from '../../src/explain/run-end.js';
import { expectLinear } from '../support/growth.js';

const exited = (status: number): ProcessEnd => ({ kind: 'exited', status });
const usage = 'bhyve: illegal option -- z\nUsage: bhyve [-aCDeHhPSuWwxY]\n             [option argument ...] vmname\n';
const poweredOff: RunEnd = { kind: 'powered-off' };
const failed1: RunEnd = { kind: 'failed', status: 1 };

describe('how bhyve ended is read from its status, its signal and its last words', () => {
  test.each<[end: ProcessEnd, stderr: string, read: RunEnd, reason: ExitReason | undefined]>([
    [exited(0), '', { kind: 'rebooted' }, 'reboot'],
    [exited(1), '', poweredOff, 'power_off'],
    [exited(1), 'fbuf frame buffer base: 0x1 [sz 16777216]\n', poweredOff, 'power_off'],
    [exited(1), 'a guest that says Usage: bhyve [-a]\n', poweredOff, 'power_off'],
    [exited(1), usage, failed1, 'error'],
    [exited(1), 'Usage: bhyve [-CDHhSW]\n', failed1, 'error'],
    [exited(1), 'Usage: bhyve-dev [-CDHhMSW]\n', failed1, 'error'],
    [exited(1), 'bhyve: gdb address resolution: Service was not recognized\n', failed1, 'error'],
    [exited(1), 'bhyve: gdb socket bind: Address already in use\n', failed1, 'error'],
    [exited(1), 'bhyve: Failed to mark gdb socket non-blocking: Bad file descriptor\n', failed1, 'error'],
    [exited(1), 'bhyve: Failed accepting initial GDB connection: Connection aborted\n', failed1, 'error'],
    [exited(1), 'bhyve: open(/rom.fd): No such file or directory\n', failed1, 'error'],
    [exited(1), 'a warning\nbhyve: mmap(/a folder/rom.fd): Invalid argument\n\n', failed1, 'error'],
    [exited(1), 'bhyve: open(/dev/some): Permission denied\nthe device is left out\n', poweredOff, 'power_off'],
    [exited(1), "Failed to read checkpoint info from file: 'vm.state'.\n", failed1, 'error'],
    [exited(1), 'Restoring vm mem...\r\nFailed to restore VM memory.\r\n', failed1, 'error'],
    [exited(1), 'Failed to restore kernel structs.\n', failed1, 'error'],
    [exited(1), 'Failed to resume PCI device state.\n', failed1, 'error'],
    [exited(1), 'Invalid guest vCPUs (0)\n', failed1, 'error'],
    [exited(1), 'acpi_tables=true\nconfig.dump=1\ncpus=1\n', failed1, 'error'],
    [exited(1), 'Failed to snapshot vm memory\n', poweredOff, 'power_off'],
    [exited(2), '', { kind: 'halted' }, 'halt'],
    [exited(3), '', { kind: 'triple-fault' }, 'triple_fault'],
    [exited(4), 'vm_run error -1, errno 6\n', { kind: 'failed', status: 4 }, 'error'],
    [exited(5), '', { kind: 'suspended' }, 'suspend'],
    [exited(64), '', { kind: 'failed', status: 64 }, 'error'],
    [exited(71), '', { kind: 'failed', status: 71 }, 'error'],
    [exited(100), '', { kind: 'failed', status: 100 }, 'error'],
    [exited(255), '', { kind: 'failed', status: 255 }, 'error'],
    [exited(0), usage, { kind: 'failed', status: 0 }, 'error'],
    [{ kind: 'signalled', signal: 'SIGKILL' }, '', { kind: 'killed', signal: 'SIGKILL' }, 'signal'],
    [{ kind: 'signalled', signal: 'SIGABRT' }, usage, { kind: 'killed', signal: 'SIGABRT' }, 'signal'],
  ])('%j with %j', (end, stderr, read, reason) => {
    expect(readEnd(end, stderr)).toEqual(read);
    expect(reasonOf(read)).toBe(reason);
  });

  test.each<[status: number, isVmGone: boolean | undefined, read: RunEnd]>([
    [0, true, { kind: 'suspended' }],
    [0, false, { kind: 'rebooted' }],
    [0, undefined, { kind: 'rebooted' }],
    // With -D, bhyve destroys the VM at a power-off too.
    [1, true, { kind: 'powered-off' }],
    [4, true, { kind: 'failed', status: 4 }],
    [5, false, { kind: 'suspended' }],
  ])('status %i, the VM gone: %j', (status, isVmGone, read) => {
    expect(readEnd(exited(status), '', isVmGone === undefined ? {} : { isVmGone })).toEqual(read);
  });

  test('a signal is a signal, whether the VM is gone or not', () => {
    const end: ProcessEnd = { kind: 'signalled', signal: 'SIGTERM' };
    expect(readEnd(end, '', { isVmGone: true })).toEqual({ kind: 'killed', signal: 'SIGTERM' });
  });

  test.each<[what: string, make: (size: number) => string]>([
    ['begun messages', (size) => 'bhyve: open('.repeat(size / 12)],
    ['ends of names', (size) => `bhyve: open(${'): '.repeat(size / 3)}\nx`],
    ['blanks', (size) => `bhyve: open(a): ${' '.repeat(size / 2)}\n${' '.repeat(size / 2)}x`],
    ['messages without an error', (size) => `${'bhyve: open(a): \n\n'.repeat(size / 18)}x`],
  ])('the time to read a text of %s grows as the text does', (_what, make) => {
    const read = (text: string): void => {
      for (let time = 0; time < 20; time += 1) expect(readEnd(exited(1), text)).toEqual(poweredOff);
    };
    expectLinear(8192, make, read);
  });

  test.each([0, 1, 2, 3, 4, 5, 64, 71, 100, 255])('status %i is the exit code again', (status) => {
    for (const stderr of ['', usage]) {
      const end = readEnd(exited(status), stderr);
      expect(statusOf(end)).toBe(status);
      expect(endExitCode(end)).toBe(status);
    }
  });

  test.each<[NodeJS.Signals, number]>([
    ['SIGHUP', 129],
    ['SIGABRT', 134],
    ['SIGKILL', 137],
    ['SIGSEGV', 139],
    ['SIGTERM', 143],
    ['SIGSYS', 128 + constants.signals.SIGSYS],
  ])('%s gives exit code %i, as a shell does', (signal, code) => {
    expect(endExitCode({ kind: 'killed', signal })).toBe(code);
    expect(statusOf({ kind: 'killed', signal })).toBeUndefined();
  });

  test("a guest that was not loaded is an error, as bhyve's own", () => {
    const ends: readonly RunEnd[] = [
      { kind: 'not-loaded', program: 'bhyveload', how: { kind: 'exited', status: 1 } },
      { kind: 'not-loaded', program: 'bhyveload', how: { kind: 'signalled', signal: 'SIGKILL' } },
      { kind: 'not-loaded', program: 'grub-bhyve', how: { kind: 'timed-out', timeoutMs: 60_000 } },
      { kind: 'not-loaded', program: 'grub-bhyve', how: { kind: 'not-started', error: 'it may not be executed' } },
    ];
    for (const end of ends) expect([reasonOf(end), statusOf(end), endExitCode(end)]).toEqual(['error', 4, 4]);
    expect(ends.map(describeEnd)).toEqual([
      'was not loaded: bhyveload failed with status 1',
      'was not loaded: bhyveload was killed by SIGKILL',
      'was not loaded: grub-bhyve did not finish within 60 s',
      'was not loaded: grub-bhyve could not be started',
    ]);
  });

  test("a boot that a hook did not let start is an error, as bhyve's own", () => {
    const hows: readonly HookEnd[] = [
      { kind: 'exited', status: 3 },
      { kind: 'signalled', signal: 'SIGSEGV' },
      { kind: 'timed-out', timeoutMs: 30_000 },
      { kind: 'aborted' },
      { kind: 'not-started', error: '/bin/up is not there' },
    ];
    const ends = hows.map((how): RunEnd => ({ kind: 'not-prepared', how }));
    for (const end of ends) expect([reasonOf(end), statusOf(end), endExitCode(end)]).toEqual(['error', 4, 4]);
    expect(ends.map(describeEnd)).toEqual([
      'was not started: the hook pre_start failed with status 3',
      'was not started: the hook pre_start was killed by SIGSEGV',
      'was not started: the hook pre_start did not finish within 30 s',
      'was not started: the hook pre_start was stopped',
      'was not started: the hook pre_start could not be started',
    ]);
  });

  test('an end that nobody saw has no reason, and is not a success', () => {
    const end: RunEnd = { kind: 'unknown' };
    expect([reasonOf(end), statusOf(end), endExitCode(end)]).toEqual([undefined, 4, 4]);
    expect(describeEnd(end)).toBe('came to an unknown end');
  });

  test('no two ends are told with the same words', () => {
    const ends: readonly RunEnd[] = [
      ...[0, 1, 2, 3, 4, 5, 64].map((status) => readEnd(exited(status), '')),
      { kind: 'killed', signal: 'SIGKILL' },
      { kind: 'killed', signal: 'SIGTERM' },
      { kind: 'unknown' },
      { kind: 'not-prepared', how: { kind: 'exited', status: 4 } },
      { kind: 'not-loaded', program: 'bhyveload', how: { kind: 'exited', status: 4 } },
    ];
    expect(new Set(ends.map(describeEnd)).size).toBe(ends.length);
  });
});
