import { appendFileSync, existsSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { describe, expect, test } from '@jest/globals';
import { ProblemsError } from '../../src/base/problem.js';
import type { LastEnd, RunState } from '../../src/host/run-directory/run-state.js';
import { endProcess, inPlace, isRunning, until, type Place } from '../e2e/support/place.js';
import { fakeKernel, ofKind, supervise, type Supervised } from '../e2e/support/supervised.js';
import { deadPid, orphanOf, puppet, stateOf, writeState, type About, type Puppet } from './orphans.js';

/** Runs a VM whose bhyve has ended since its supervisor was killed. @param end a status, or what ends it */
async function afterGap(
  place: Place,
  end: number | 'SIGKILL' | 'shell and bhyve',
  fields: object = {},
  about: About = {},
  options: Parameters<typeof supervise>[3] = {},
): Promise<{ readonly vm: Supervised; readonly bhyve: Puppet; readonly pid: number }> {
  const bhyve = puppet(place);
  const child = await orphanOf(place, bhyve, about);
  if (end === 'shell and bhyve') {
    appendFileSync(place.path('run', place.name, 'vm.err'), 'its last words\n');
    endProcess(child.shell);
  }
  if (typeof end === 'number') bhyve.end(end);
  else endProcess(child.pid);
  await child.ended;
  // Its shell tells its end, or was killed with it and has told nothing.
  await until(() => !isRunning(child.pid));
  const settings = { bhyve: [bhyve.file], extraArguments: [], adopt: true, ...options };
  return { vm: await supervise(place, '', fields, settings), bhyve, pid: child.pid };
}

const about: About = { boot: 3, target: 'install' };
const old = { phase: 'running', boot: 3, target: 'install', bootSince: '2001-01-01T00:00:00.000Z' } as const;
const twoTargets = { targets: { install: { next_target: 'disk' }, disk: { mem: '128M' } } };

describe('a bhyve that ended while it had no supervisor', () => {
  test('rebooted: the next boot follows, with the target that comes next', async () => {
    await inPlace(async (place) => {
      const { vm, bhyve } = await afterGap(place, 0, twoTargets, about);
      expect(await vm.event('exit')).toMatchObject({ boot: 3, reason: 'reboot' });
      expect(await vm.event('boot')).toMatchObject({ boot: 4, target: 'disk' });
      await vm.said('up ');
      bhyve.end(1);
      expect(await vm.result).toEqual({ end: { kind: 'powered-off' }, because: 'guest', boots: 4, leftBehind: [] });
      await vm.over;
      expect(ofKind(vm.seen, 'adopted')).toEqual([]);
      expect(place.runDirectories()).toEqual([]);
    });
  });

  test.each<[how: string, end: number | 'SIGKILL', result: object]>([
    ['powered off', 1, { kind: 'powered-off' }],
    ['halted', 2, { kind: 'halted' }],
    ['had a triple fault', 3, { kind: 'triple-fault' }],
    ['failed', 4, { kind: 'failed', status: 4 }],
    ['was killed', 'SIGKILL', { kind: 'killed', signal: 'SIGKILL' }],
  ])('%s: that is the end of the run, as the policy says', async (_how, end, result) => {
    await inPlace(async (place) => {
      const { vm, pid } = await afterGap(place, end, twoTargets, about);
      expect(await vm.result).toMatchObject({ end: result, because: 'guest', boots: 3 });
      await vm.over;
      expect(ofKind(vm.seen, 'exit')).toMatchObject([{ boot: 3, end: result }]);
      expect(ofKind(vm.seen, 'boot')).toEqual([]);
      expect(vm.seen.some(({ kind }) => kind === 'warning')).toBe(false);
      expect(pid).toBeGreaterThan(0);
      expect(place.runDirectories()).toEqual([]);
    });
  });

  test('has lived until it ended, not until somebody came', async () => {
    const bootSince = new Date(Date.now() - 3_600_000).toISOString();
    const state = (bhyve: RunState['bhyve']): Partial<RunState> => ({
      phase: 'running',
      boot: 1,
      target: 'default',
      bootSince,
      ...(bhyve && { bhyve }),
    });
    await inPlace(async (place) => {
      const { vm } = await afterGap(place, 1, {}, { state });
      const { aliveMs } = await vm.event('exit');
      expect(aliveMs).toBeGreaterThan(3_599_000);
      expect(aliveMs).toBeLessThan(Date.now() - Date.parse(bootSince));
      await vm.over;
    });
  });

  test('is destroyed in the kernel, where it had left its VM', async () => {
    await inPlace(async (place) => {
      const kernel = fakeKernel(place);
      writeFileSync(kernel.file, '');
      const { vm } = await afterGap(place, 1, {}, {}, { host: kernel.host });
      expect(await vm.result).toMatchObject({ end: { kind: 'powered-off' } });
      await vm.over;
      expect(kernel.calls()).toEqual(['--destroy']);
    });
  });

  test('together with its shell, so that nobody knows how: it is not booted again, as one whose end a run had seen', async () => {
    await inPlace(async (place) => {
      const again = { ...twoTargets, reboot_on: ['reboot', 'error', 'signal'] };
      const { vm } = await afterGap(place, 'shell and bhyve', again, about);
      expect(await vm.result).toMatchObject({ end: { kind: 'unknown' }, because: 'status-unknown', boots: 3 });
      await vm.over;
      expect(ofKind(vm.seen, 'exit')).toMatchObject([{ boot: 3, end: { kind: 'unknown' } }]);
      expect(ofKind(vm.seen, 'exit')[0]?.why?.next).toBeDefined();
      expect(ofKind(vm.seen, 'exit')[0]).not.toHaveProperty('aliveMs');
      expect(ofKind(vm.seen, 'boot')).toEqual([]);
      expect(vm.stderr()).toBe('its last words\n');
      expect(place.runDirectories()).toEqual([]);
    });
  });

  test.each<[how: string, about: About, options: object, message: string]>([
    ['by a run that is not told to take over', about, { adopt: false }, 'how is not known'],
    ['by one that is told to start afresh', about, { adopt: true, force: true }, 'how is not known'],
    [
      'after the host has been started anew, which has ended it',
      { ...about, state: (bhyve) => ({ ...old, bhyve: { ...bhyve, start: 'another-boot 17' } }) },
      { adopt: true },
      'has ended with the host',
    ],
    [
      'after that, where only the date tells so',
      { ...about, state: ({ pid }) => ({ ...old, bhyve: { pid } }) },
      { adopt: true },
      'has ended with the host',
    ],
  ])('with its shell is told with its last words, and the VM started anew, %s', async (_how, who, options, message) => {
    await inPlace(async (place) => {
      const { vm, bhyve } = await afterGap(place, 'shell and bhyve', twoTargets, who, options);
      const { problem } = await vm.event('warning');
      expect(problem).toMatchObject({ code: 'end-unknown', message: expect.stringContaining(message) });
      expect(await vm.event('boot')).toMatchObject({ boot: 1, target: 'default' });
      await vm.said('up ');
      expect(vm.stderr()).toMatch(/^its last words\nup /);
      bhyve.end(1);
      await vm.over;
      expect(place.runDirectories()).toEqual([]);
    });
  });

  test('is not gone on with by a run that is not told to take over: the VM is started anew', async () => {
    await inPlace(async (place) => {
      const { vm, bhyve } = await afterGap(place, 0, twoTargets, about, { adopt: false });
      expect(await vm.event('boot')).toMatchObject({ boot: 1, target: 'default' });
      await vm.said('up ');
      bhyve.end(1);
      await vm.over;
      expect(ofKind(vm.seen, 'exit')).toMatchObject([{ boot: 1 }]);
      expect(place.runDirectories()).toEqual([]);
    });
  });

  test('with a target that the spec no more has is told, and nothing is changed', async () => {
    await inPlace(async (place) => {
      const { vm } = await afterGap(place, 0, {}, about);
      const error: unknown = await vm.result.catch((thrown: unknown) => thrown);
      if (!(error instanceof ProblemsError)) throw error;
      expect(error.problems).toMatchObject([{ code: 'unknown-target' }]);
      expect(error.problems[0]?.message).toContain('ran with target "install"');
      await vm.over;
      for (const name of ['vm.pid', 'vm.end'])
        expect(existsSync(path.join(place.runBase, place.name, name))).toBe(true);
    });
  });
});

describe('an end is told once, whenever its supervisor is killed', () => {
  const last = (end: string): LastEnd => ({ boot: 3, at: '2026-01-01T00:00:00.000Z', end });
  const told = (end: string): About => ({
    ...about,
    state: (bhyve) => ({ phase: 'waiting', boot: 3, target: 'install', bhyve, last: last(end) }),
  });

  test('that it is told is on disk before', async () => {
    await inPlace(async (place) => {
      const vm = await supervise(place, 'halt', {});
      await vm.event('exit');
      const left = JSON.parse(readFileSync(place.path('run', place.name, 'state.json'), 'utf8')) as RunState;
      expect(left.last).toMatchObject({ boot: 1, end: 'halted' });
      await vm.over;
    });
  });

  test('one that was told is not told again by who goes on after it, and what follows is the same', async () => {
    await inPlace(async (place) => {
      const { vm, bhyve } = await afterGap(place, 0, twoTargets, told('rebooted'));
      expect(await vm.event('boot')).toMatchObject({ boot: 4, target: 'disk' });
      expect(vm.state().last).toEqual(last('rebooted'));
      await vm.said('up ');
      bhyve.end(1);
      await vm.over;
      expect(ofKind(vm.seen, 'exit')).toMatchObject([{ boot: 4 }]);
    });
  });

  test('a suspend that was told is none the less where the VM was removed since, and a reboot no suspend', async () => {
    for (const [end, kind] of [
      ['suspended', 'suspended'],
      ['rebooted', 'rebooted'],
    ] as const) {
      await inPlace(async (place) => {
        const kernel = fakeKernel(place);
        const { vm, bhyve } = await afterGap(
          place,
          0,
          { reboot_on: ['reboot'] },
          { ...told(end), target: 'default' },
          {
            host: kernel.host,
            limits: { rebootCount: 0 },
          },
        );
        expect(await vm.result).toMatchObject({ end: { kind } });
        await vm.over;
        expect(bhyve.file).toContain(place.folder);
      });
    }
  });

  test('one that is unknown, and was told so, is no warning of a VM that is started anew', async () => {
    await inPlace(async (place) => {
      const { vm, bhyve } = await afterGap(place, 'shell and bhyve', twoTargets, told('unknown'), { adopt: false });
      await vm.said('up ');
      bhyve.end(1);
      await vm.over;
      expect(ofKind(vm.seen, 'warning')).toEqual([]);
    });
  });

  test('nothing tells of one any more once a VM is started anew', async () => {
    await inPlace(async (place) => {
      const { vm } = await afterGap(place, 0, { hooks: { pre_start: ['sleep', '600'] } }, {}, { adopt: false });
      await vm.event('hook');
      expect(existsSync(place.path('run', place.name, 'vm.pid'))).toBe(false);
      vm.stop();
      await vm.over;
    });
  });
});

describe('a boot that a supervisor had begun that was killed before there was a bhyve', () => {
  const begun = (place: Place, more: Partial<RunState>): void => {
    writeState(place, JSON.stringify(stateOf(place, { phase: 'starting', supervisor: deadPid, ...more })));
  };

  test.each(['starting', 'loading'] as const)('is gone on with, with its number and target: %s', async (phase) => {
    await inPlace(async (place) => {
      begun(place, { phase, boot: 4, target: 'disk' });
      const vm = await supervise(place, 'halt', twoTargets, { adopt: true, target: 'install' });
      expect(await vm.event('boot')).toMatchObject({ boot: 4, target: 'disk' });
      expect(await vm.result).toMatchObject({ end: { kind: 'halted' }, boots: 4 });
      await vm.over;
    });
  });

  test.each<[title: string, state: Partial<RunState>, adopt: boolean]>([
    ['it was the first', { boot: 1, target: 'disk' }, true],
    ['the spec no more has its target', { boot: 4, target: 'gone' }, true],
    ['the run is not told to take over', { boot: 4, target: 'disk' }, false],
  ])('is begun anew where %s', async (_title, state, adopt) => {
    await inPlace(async (place) => {
      begun(place, state);
      const vm = await supervise(place, 'halt', twoTargets, { adopt, target: 'install' });
      expect(await vm.event('boot')).toMatchObject({ boot: 1, target: 'install' });
      await vm.over;
    });
  });
});
