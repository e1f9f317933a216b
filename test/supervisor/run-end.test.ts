import { constants } from 'node:os';
import { describe, expect, test } from '@jest/globals';
import { endExitCode } from '../../src/cli/exit-codes.js';
import type { ProcessEnd } from '../../src/host/child.js';
import type { RebootReason } from '../../src/spec/vm-spec.js';
import { readEnd, reasonOf, describeEnd, statusOf, type RunEnd } from '../../src/supervisor/run-end.js';

const exited = (status: number): ProcessEnd => ({ kind: 'exited', status });
const usage = 'bhyve: illegal option -- z\nUsage: bhyve [-aCDeHhPSuWwxY]\n             [option argument ...] vmname\n';

describe('how bhyve ended is read from its status, its signal and its last words', () => {
  test.each<[end: ProcessEnd, stderr: string, read: RunEnd, reason: RebootReason | undefined]>([
    [exited(0), '', { kind: 'rebooted' }, 'reboot'],
    [exited(1), '', { kind: 'powered-off' }, 'power_off'],
    [exited(1), 'fbuf frame buffer base: 0x1 [sz 16777216]\n', { kind: 'powered-off' }, 'power_off'],
    [exited(1), 'a guest that says Usage: bhyve\n', { kind: 'powered-off' }, 'power_off'],
    [exited(1), usage, { kind: 'failed', status: 1 }, 'error'],
    [exited(1), 'Usage: bhyve [-CDHhSW]\n', { kind: 'failed', status: 1 }, 'error'],
    [exited(1), 'bhyve: gdb address resolution: Service was not recognized\n', { kind: 'failed', status: 1 }, 'error'],
    [exited(2), '', { kind: 'halted' }, 'halt'],
    [exited(3), '', { kind: 'triple-fault' }, 'triple_fault'],
    [exited(4), 'vm_run error -1, errno 6\n', { kind: 'failed', status: 4 }, 'error'],
    [exited(5), '', { kind: 'suspended' }, undefined],
    [exited(64), '', { kind: 'failed', status: 64 }, 'error'],
    [exited(71), '', { kind: 'failed', status: 71 }, 'error'],
    [exited(100), '', { kind: 'failed', status: 100 }, 'error'],
    [exited(0), usage, { kind: 'rebooted' }, 'reboot'],
    [{ kind: 'signalled', signal: 'SIGKILL' }, '', { kind: 'killed', signal: 'SIGKILL' }, undefined],
    [{ kind: 'signalled', signal: 'SIGABRT' }, usage, { kind: 'killed', signal: 'SIGABRT' }, undefined],
  ])('%j with %j', (end, stderr, read, reason) => {
    expect(readEnd(end, stderr)).toEqual(read);
    expect(reasonOf(read)).toBe(reason);
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

  test('a guest that was not loaded is an error, as bhyve’s own', () => {
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

  test('no two ends are told with the same words', () => {
    const ends: readonly RunEnd[] = [
      ...[0, 1, 2, 3, 4, 5, 64].map((status) => readEnd(exited(status), '')),
      { kind: 'killed', signal: 'SIGKILL' },
      { kind: 'killed', signal: 'SIGTERM' },
    ];
    expect(new Set(ends.map(describeEnd)).size).toBe(ends.length);
  });
});
