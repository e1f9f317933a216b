import { describe, expect, test } from '@jest/globals';
import { plain } from '../../src/cli/colours.js';
import { eventLines, isProblem } from '../../src/cli/show-events.js';
import type { RunEvent, RunEventBody } from '../../src/supervisor/events.js';

const dated = (body: RunEventBody): RunEvent => ({ time: '2026-01-01T00:00:00.000Z', monotonicMs: 1, ...body });
const why = { cause: 'no boot ROM', evidence: ['no bootrom was configured'], next: 'set bootrom' };
const boot: RunEventBody = { kind: 'boot', boot: 1, target: 'disk', pid: 7, command: ['bhyve', 'a b'], changes: [] };

/** What is told by default, with -v in addition or instead, and whether -q tells it too. */
type Row = readonly [
  body: RunEventBody,
  told: readonly string[],
  verbosely: readonly string[] | 'the same' | 'more',
  withQ: boolean,
];

const ended = { kind: 'loader', boot: 1, state: 'ended', program: 'bhyveload', aliveMs: 1500 } as const;
const failed = { cause: 'bhyveload gave the reason below', evidence: ["can't load 'kernel'"], next: 'look' };

const rows: readonly Row[] = [
  [
    { kind: 'loader', boot: 2, state: 'started', program: 'bhyveload', pid: 7, command: ['bhyveload', 'a b'] },
    ['boot 2, loading with bhyveload (pid 7)'],
    ['boot 2, loading with bhyveload (pid 7)', "  bhyveload 'a b'"],
    false,
  ],
  [{ ...ended, end: { kind: 'loaded' } }, [], ['boot 1, loaded after 1.5 s'], false],
  [{ ...ended, end: { kind: 'stopped' } }, [], ['boot 1, bhyveload was killed after 1.5 s'], false],
  [{ ...ended, end: { kind: 'rebooted' } }, ['boot 1, bhyveload was told to reboot after 1.5 s'], 'the same', false],
  [
    { ...ended, end: { kind: 'exited', status: 1 }, why: failed },
    [
      'boot 1, bhyveload failed with status 1 after 1.5 s',
      '  bhyveload gave the reason below',
      "    bhyveload: can't load 'kernel'",
      '    fix: look',
    ],
    'the same',
    true,
  ],
  [
    { ...ended, end: { kind: 'timed-out', timeoutMs: 1500 }, why: { ...failed, cause: 'it may wait', evidence: [] } },
    ['boot 1, bhyveload did not finish within 1.5 s', '  it may wait', '    fix: look'],
    'the same',
    true,
  ],
  [boot, ['boot 1, target disk (pid 7)'], ['boot 1, target disk (pid 7)', "  bhyve 'a b'"], false],
  [
    {
      ...boot,
      boot: 2,
      changes: [
        { kind: 'device-added', device: 'e1000 tap0', address: '0:4:0' },
        { kind: 'device-removed', device: 'ahci-cd a.iso', address: '0:5:0' },
        { kind: 'device-moved', device: 'nvme d', from: '0:6:0', to: '0:7:0' },
        { kind: 'device-changed', device: 'fbuf vnc', address: '0:8:0' },
        { kind: 'setting', key: 'memory.size', from: '1G' },
      ],
    },
    [
      'boot 2, target disk (pid 7)',
      '  + e1000 tap0 at 0:4:0',
      '  - ahci-cd a.iso at 0:5:0',
      '  ~ nvme d: 0:6:0 -> 0:7:0',
      '  ~ fbuf vnc at 0:8:0: other settings',
      '  ~ memory.size: 1G -> unset',
    ],
    'more',
    false,
  ],
  [{ kind: 'request', boot: 1, what: 'pause' }, ['asked for: pause'], 'the same', false],
  [{ kind: 'console', who: 'process 7', what: 'came' }, [], ['console: process 7 has come'], false],
  [{ kind: 'console', who: 'process 7', what: 'keyboard' }, [], ['console: process 7 has the keyboard'], false],
  [{ kind: 'console', who: 'process 7', what: 'left' }, [], ['console: process 7 has left'], false],
  [
    { kind: 'console', who: 'process 7', what: 'left', untold: 231 },
    [],
    ['console: process 7 has left; before that, 231 more came or left'],
    false,
  ],
  [{ kind: 'lost', count: 1 }, ['1 event lost here: they came faster than they could be written'], 'the same', true],
  [{ kind: 'exit', boot: 1, end: { kind: 'halted' }, aliveMs: 1500 }, ['boot 1 halted after 1.5 s'], 'the same', false],
  [
    { kind: 'exit', boot: 1, end: { kind: 'triple-fault' }, aliveMs: 80 },
    ['boot 1 had a triple fault after 80 ms'],
    'the same',
    true,
  ],
  [
    { kind: 'exit', boot: 1, end: { kind: 'failed', status: 4 }, aliveMs: 80, why },
    [
      'boot 1 failed with status 4 after 80 ms',
      '  no boot ROM',
      '    bhyve: no bootrom was configured',
      '    fix: set bootrom',
    ],
    'the same',
    true,
  ],
  [
    { kind: 'exit', boot: 1, end: { kind: 'unknown' }, aliveMs: 1500 },
    ['boot 1 came to an unknown end after 1.5 s'],
    'the same',
    true,
  ],
  [{ kind: 'exit', boot: 1, end: { kind: 'unknown' } }, ['boot 1 came to an unknown end'], 'the same', true],
  [
    { kind: 'adopted', boot: 3, target: 'disk', pid: 7 },
    ['boot 3, target disk: took over bhyve, which had no supervisor (pid 7)'],
    'the same',
    false,
  ],
  [
    { kind: 'reboot', boot: 2, target: 'disk', reason: 'reboot', delayMs: 0 },
    ['next: boot 2, target disk'],
    'the same',
    false,
  ],
  [
    { kind: 'reboot', boot: 2, target: 'disk', reason: 'reboot', delayMs: 400 },
    ['next: boot 2, target disk, in 400 ms'],
    'the same',
    false,
  ],
  [
    { kind: 'reboot', boot: 6, target: 'rescue', reason: 'error', delayMs: 0, gaveUp: true },
    ['too many reboots within restart.window: giving up', 'next: boot 6, target rescue'],
    'the same',
    true,
  ],
  [{ kind: 'hook', hook: 'post_start', boot: 1, state: 'started' }, [], ['hook post_start started'], false],
  [
    { kind: 'hook', hook: 'post_start', boot: 1, state: 'ended', end: { kind: 'exited', status: 0 } },
    [],
    ['hook post_start done'],
    false,
  ],
  [
    { kind: 'hook', hook: 'post_start', boot: 1, state: 'ended', end: { kind: 'exited', status: 3 } },
    ['hook post_start failed with status 3'],
    'the same',
    true,
  ],
  [
    { kind: 'hook', hook: 'pre_start', boot: 1, state: 'ended', end: { kind: 'exited', status: 3 } },
    ['hook pre_start failed with status 3: bhyve is not started'],
    'the same',
    true,
  ],
  [
    { kind: 'hook', hook: 'pre_start', boot: 1, state: 'ended', end: { kind: 'aborted' } },
    ['hook pre_start was killed, since the run is over'],
    'the same',
    false,
  ],
  [
    { kind: 'hook', hook: 'post_stop', boot: 1, state: 'ended', end: { kind: 'timed-out', timeoutMs: 30_000 } },
    ['hook post_stop was killed after 30 s: hooks.timeout says how long it may take'],
    'the same',
    true,
  ],
  [{ kind: 'cleanup', what: 'socket', name: '/s' }, [], ['removed socket /s'], false],
  [
    { kind: 'cleanup', what: 'vm', name: 'web', error: 'it is still there' },
    ['left behind: vm web: it is still there'],
    'the same',
    true,
  ],
  [
    { kind: 'warning', problem: { code: 'x', severity: 'warning', message: 'odd', fix: 'fix it' } },
    ['warning: odd', '  fix: fix it'],
    'the same',
    true,
  ],
  [
    { kind: 'stopping', how: 'power button', timeoutMs: 60_000 },
    ['stopping: asked the guest to power off, it has 60 s; a second signal or vmrun stop --now ends it now'],
    'the same',
    false,
  ],
  [
    { kind: 'degraded', part: 'log', error: '/log: ENOSPC: no space left on device, write' },
    ['degraded: log: /log: ENOSPC: no space left on device, write'],
    'the same',
    true,
  ],
  [{ kind: 'recovered', part: 'log' }, ['recovered: log'], 'the same', false],
  [
    { kind: 'stopping', how: 'power button again', timeoutMs: 30_000 },
    ['stopping: the guest did not follow, asked it again, it has 30 s'],
    'the same',
    false,
  ],
  [
    { kind: 'stopping', how: 'forced power-off', timeoutMs: 3000 },
    ['stopping: the guest did not follow, forcing it off'],
    'the same',
    false,
  ],
  [
    { kind: 'stopping', how: 'kill', timeoutMs: 0 },
    ['stopping: the guest did not follow, killing bhyve'],
    'the same',
    false,
  ],
  [{ kind: 'stop', because: 'guest', boots: 1 }, [], ['done'], false],
  [{ kind: 'stop', because: 'asked', boots: 1 }, ['stopped'], 'the same', false],
  [{ kind: 'stop', because: 'no-reboot', boots: 1 }, ['not booted again: --no-reboot'], 'the same', false],
  [
    { kind: 'stop', because: 'restart-limit', boots: 9 },
    ['gave up, not booted again: too many reboots within restart.window, see restart.max'],
    'the same',
    true,
  ],
  [
    { kind: 'stop', because: 'status-unknown', boots: 3 },
    ['not booted again: how bhyve ended is not known'],
    'the same',
    true,
  ],
  [{ kind: 'stop', because: 'error', boots: 0 }, [], [], false],
];

describe('each event is told in a line that a person understands', () => {
  test.each(rows.map((row) => [JSON.stringify(row[0]), row] as const))(
    '%s',
    (_title, [body, told, verbosely, withQ]) => {
      const event = dated(body);
      expect(eventLines(event, plain, false)).toEqual(told);
      const all =
        verbosely === 'the same' ? told : verbosely === 'more' ? expect.arrayContaining([...told]) : verbosely;
      expect(eventLines(event, plain, true)).toEqual(all);
      expect(isProblem(event)).toBe(withQ);
    },
  );
});
