import { describe, expect, test } from '@jest/globals';
import { endExitCode, serviceExitCode } from '../../src/cli/exit-codes.js';
import type { StopReason } from '../../src/supervisor/policy.js';
import type { RunEnd } from '../../src/explain/run-end.js';

describe('the exit status', () => {
  test.each<[end: RunEnd, because: StopReason, bhyve: number, service: number]>([
    [{ kind: 'powered-off' }, 'guest', 1, 0],
    [{ kind: 'halted' }, 'guest', 2, 0],
    [{ kind: 'suspended' }, 'guest', 5, 0],
    [{ kind: 'rebooted' }, 'no-reboot', 0, 0],
    [{ kind: 'rebooted' }, 'reboot-count', 0, 0],
    [{ kind: 'powered-off' }, 'asked', 1, 0],
    [{ kind: 'rebooted' }, 'asked', 0, 0],
    // A stop that had to be forced is a stop.
    [{ kind: 'killed', signal: 'SIGKILL' }, 'asked', 137, 0],
    [{ kind: 'triple-fault' }, 'guest', 3, 3],
    [{ kind: 'failed', status: 4 }, 'guest', 4, 4],
    // bhyve ends with 1 where it cannot open a disk, too.
    [{ kind: 'failed', status: 1 }, 'guest', 1, 1],
    [{ kind: 'killed', signal: 'SIGSEGV' }, 'guest', 139, 139],
    [{ kind: 'not-loaded', program: 'bhyveload', how: { kind: 'exited', status: 1 } }, 'guest', 4, 4],
    // A guest that reboots too often has not ended as it wished.
    [{ kind: 'rebooted' }, 'restart-limit', 0, 4],
    [{ kind: 'powered-off' }, 'restart-limit', 1, 1],
    [{ kind: 'triple-fault' }, 'restart-limit', 3, 3],
  ])('of %j, ended because of %s, is %i for bhyve and %i for a service', (end, because, bhyve, service) => {
    expect(endExitCode(end)).toBe(bhyve);
    expect(serviceExitCode({ end, because })).toBe(service);
  });

  test('of a run that was stopped before there was a boot is 0 for a service', () => {
    expect(serviceExitCode({ end: undefined, because: 'asked' })).toBe(0);
  });
});
