import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { systemHost } from '../../src/host/host.js';
import type { RequestOutcome, RunRequest } from '../../src/supervisor/requests.js';
import { stopRun } from '../../src/supervisor/runs.js';
import { inPlace, isRunning, until, type Place } from '../e2e/support/place.js';
import {
  booted,
  deafBhyveOn,
  fakeKernel,
  ofKind,
  simulatorOn,
  supervise,
  type FakeKernel,
  type Supervised,
} from '../e2e/support/supervised.js';
import { steppedClock, steppedHost } from '../support/stepped-clock.js';
import { orphanOf, puppet } from './orphans.js';

const done: RequestOutcome = { kind: 'done' };
const codeOf = (outcome: RequestOutcome): string => (outcome.kind === 'done' ? 'done' : outcome.problem.code);
const ask = async (vm: Supervised, asked: RunRequest): Promise<string> => codeOf(await vm.request(asked));
const ways = (vm: Supervised): readonly string[] => ofKind(vm.seen, 'stopping').map(({ how }) => how);
const sh = (script: string): readonly string[] => ['/bin/sh', '-c', script];
const deaf = sh('trap "" TERM; echo up >&2; exec sleep 600');

/** It is stopped, by SIGSTOP: ps(1) says so. */
const isStopped = (pid: number): boolean =>
  execFileSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' }).startsWith('T');

/** A VM in the simulator, on a kernel that takes bhyvectl's commands. */
async function onKernel(place: Place, script: string, fields: object = {}): Promise<[Supervised, FakeKernel]> {
  const kernel = fakeKernel(place);
  const vm = await supervise(place, script, fields, { host: kernel.host, bhyve: simulatorOn(kernel) });
  await vm.said(booted(1));
  return [vm, kernel];
}

describe('a stop that is asked for', () => {
  test.each<[title: string, stops: readonly RunRequest[], killedAtMs: number]>([
    ['gives the guest the time of its spec', [{ kind: 'stop' }], 60_000],
    ['gives it a time of its own', [{ kind: 'stop', timeoutMs: 120_000 }], 120_000],
    [
      'is shortened by a second one',
      [
        { kind: 'stop', timeoutMs: 120_000 },
        { kind: 'stop', timeoutMs: 20_000 },
      ],
      20_000,
    ],
    ['is shortened by one with the time of the spec', [{ kind: 'stop', timeoutMs: 120_000 }, { kind: 'stop' }], 60_000],
    ['is not made longer by a second one', [{ kind: 'stop' }, { kind: 'stop', timeoutMs: 120_000 }], 60_000],
    [
      'waits no longer when one says now',
      [
        { kind: 'stop', timeoutMs: 120_000 },
        { kind: 'stop', now: true },
      ],
      0,
    ],
    ['waits no longer for one that said now before', [{ kind: 'stop', now: true }, { kind: 'stop' }], 0],
    ['is over at once with no time', [{ kind: 'stop', timeoutMs: 0 }], 0],
  ])('%s', async (_title, stops, killedAtMs) => {
    await inPlace(async (place) => {
      const clock = steppedClock();
      const vm = await supervise(place, '', { stop_timeout: '60s' }, { bhyve: deaf, host: steppedHost(clock) });
      await vm.said('up\n');
      const outcomes = Promise.all(stops.map((stop) => vm.request(stop)));
      if (killedAtMs > 0) for (const _half of [1, 2]) await clock.pass(killedAtMs / 2);
      expect(await outcomes).toEqual(stops.map(() => done));
      expect(await vm.result).toMatchObject({ end: { kind: 'killed' }, because: 'asked' });
      await vm.over;
      expect(ofKind(vm.seen, 'stopping').at(-1)).toMatchObject({ how: 'kill', monotonicMs: killedAtMs });
      expect(place.runDirectories()).toEqual([]);
    });
  });

  test('that is shortened when more than half of the new time is over asks again, and tells what is left', async () => {
    await inPlace(async (place) => {
      const clock = steppedClock();
      const vm = await supervise(place, '', { stop_timeout: '60s' }, { bhyve: deaf, host: steppedHost(clock) });
      await vm.said('up\n');
      const first = vm.request({ kind: 'stop' });
      await until(() => clock.asleep().includes(30_000));
      clock.advance(9000);
      const second = vm.request({ kind: 'stop', timeoutMs: 3000 });
      await vm.event('stopping', 2);
      await clock.pass(3000);
      expect(await Promise.all([first, second])).toEqual([done, done]);
      await vm.over;
      expect(
        ofKind(vm.seen, 'stopping').map(({ how, timeoutMs, monotonicMs }) => [how, timeoutMs, monotonicMs]),
      ).toEqual([
        ['power button', 60_000, 0],
        ['power button again', 3000, 9000],
        ['kill', 0, 12_000],
      ]);
    });
  });

  test('is shortened when the guest was asked again already', async () => {
    await inPlace(async (place) => {
      const clock = steppedClock();
      const vm = await supervise(place, '', { stop_timeout: '60s' }, { bhyve: deaf, host: steppedHost(clock) });
      await vm.said('up\n');
      const first = vm.request({ kind: 'stop' });
      await clock.pass(30_000);
      await vm.event('stopping', 2);
      const second = vm.request({ kind: 'stop', timeoutMs: 1000 });
      await clock.pass(1000);
      expect(await Promise.all([first, second])).toEqual([done, done]);
      await vm.over;
      expect(ofKind(vm.seen, 'stopping').map(({ how, monotonicMs }) => [how, monotonicMs])).toEqual([
        ['power button', 0],
        ['power button again', 30_000],
        ['kill', 31_000],
      ]);
    });
  });

  test('is done when all is over, and still is when it is asked for again', async () => {
    await inPlace(async (place) => {
      const vm = await supervise(place, 'run');
      await vm.said(booted(1));
      const outcome = vm.request({ kind: 'stop' });
      expect(await outcome).toEqual(done);
      expect(place.runDirectories()).toEqual([]);
      expect(await ask(vm, { kind: 'stop' })).toBe('done');
      expect(await ask(vm, { kind: 'stop', now: true })).toBe('done');
    });
  });

  test('is done where there has never been a bhyve', async () => {
    await inPlace(async (place) => {
      const vm = await supervise(place, 'run', {}, { bhyve: ['/nonexistent/bhyve'] });
      expect(await ask(vm, { kind: 'stop' })).toBe('done');
      await expect(supervise(place, 'run').then((other) => ask(other, { kind: 'stop' }))).resolves.toBe('done');
    });
  });

  test('is not done where another supervisor runs the VM', async () => {
    await inPlace(async (place) => {
      const vm = await supervise(place, 'run');
      await vm.said(booted(1));
      const second = await supervise(place, 'run');
      expect(await ask(second, { kind: 'stop', now: true })).toBe('in-use');
      vm.stop();
      await vm.over;
    });
  });

  test('says so where bhyve does not end although it was killed', async () => {
    await inPlace(async (place) => {
      const system = systemHost();
      let end: () => void = () => undefined;
      const ended = new Promise<void>((resolve) => (end = resolve));
      const clock = {
        ...system.clock,
        sleep: (ms: number, signal?: AbortSignal) => system.clock.sleep(Math.min(ms, 20), signal),
      };
      const spawn: typeof system.spawn = async (command, options) => {
        const child = await system.spawn(command, options);
        return { ...child, ended: ended.then(() => child.ended) };
      };
      const vm = await supervise(place, 'run', {}, { host: { ...system, clock, spawn } });
      await vm.said(booted(1));
      expect(await ask(vm, { kind: 'stop' })).toBe('not-ended');
      expect(await ask(vm, { kind: 'stop', now: true })).toBe('not-ended');
      end();
      await vm.result;
      expect(await ask(vm, { kind: 'stop' })).toBe('done');
    });
  });
});

describe('the power button', () => {
  test('is pressed once, and what follows is as if the guest had done it', async () => {
    await inPlace(async (place) => {
      const vm = await supervise(place, 'run', { reboot_on: ['power_off'] });
      await vm.said(booted(1));
      expect(await ask(vm, { kind: 'power-button' })).toBe('done');
      await vm.said(booted(2));
      expect(ofKind(vm.seen, 'request').map(({ boot, what }) => [boot, what])).toEqual([[1, 'power-button']]);
      expect(ways(vm)).toEqual([]);
      vm.stop();
      expect(await vm.result).toMatchObject({ boots: 2, because: 'asked' });
      await vm.over;
    });
  });

  test('is not there on arm64, where SIGTERM would end bhyve, nor is an NMI', async () => {
    await inPlace(async (place) => {
      const vm = await supervise(place, '', { arch: 'arm64', bootrom: '/rom.fd' }, { bhyve: sh('exec sleep 600 >&2') });
      const { pid } = await vm.event('boot');
      expect(await ask(vm, { kind: 'power-button' })).toBe('no-such-button');
      expect(await ask(vm, { kind: 'nmi' })).toBe('no-such-button');
      expect(isRunning(pid)).toBe(true);
      vm.stop();
      await vm.over;
    });
  });
});

describe('a pause', () => {
  test('stops bhyve where it is, is in state.json, and ends with a resume', async () => {
    await inPlace(async (place) => {
      const vm = await supervise(place, 'run');
      await vm.said(booted(1));
      const { pid } = await vm.event('boot');
      const written = (): unknown =>
        (JSON.parse(readFileSync(place.path('run', place.name, 'state.json'), 'utf8')) as { phase: unknown }).phase;
      for (const _again of [1, 2]) {
        expect(await ask(vm, { kind: 'pause' })).toBe('done');
        await until(() => isStopped(pid));
        expect([vm.state().phase, written()]).toEqual(['paused', 'paused']);
      }
      expect(await ask(vm, { kind: 'power-button' })).toBe('paused');
      expect(await ask(vm, { kind: 'nmi' })).toBe('paused');
      for (const _again of [1, 2]) {
        expect(await ask(vm, { kind: 'resume' })).toBe('done');
        await until(() => !isStopped(pid));
        expect([vm.state().phase, written()]).toEqual(['running', 'running']);
      }
      vm.stop();
      expect(await vm.result).toMatchObject({ end: { kind: 'powered-off' } });
      await vm.over;
    });
  });

  test('is over when the VM is stopped, and the guest powers off', async () => {
    await inPlace(async (place) => {
      const vm = await supervise(place, 'run');
      await vm.said(booted(1));
      await vm.request({ kind: 'pause' });
      expect(await ask(vm, { kind: 'stop' })).toBe('done');
      expect(await vm.result).toMatchObject({ end: { kind: 'powered-off' }, because: 'asked' });
      await vm.over;
      expect(ways(vm)).toEqual(['power button']);
    });
  });

  test('and resumes take effect in the order in which they were asked for', async () => {
    await inPlace(async (place) => {
      const vm = await supervise(place, 'run');
      await vm.said(booted(1));
      const asked = ['pause', 'resume', 'pause', 'resume', 'pause'] as const;
      expect(await Promise.all(asked.map((kind) => ask(vm, { kind })))).toEqual(asked.map(() => 'done'));
      const { pid } = await vm.event('boot');
      await until(() => isStopped(pid));
      expect(ofKind(vm.seen, 'request').map(({ what }) => what)).toEqual(asked);
      vm.stop();
      expect(await vm.result).toMatchObject({ end: { kind: 'powered-off' } });
      await vm.over;
    });
  });

  test.each<[title: string, isStopped: boolean]>([
    ['is still one', true],
    ['is one again where the kernel had let the process go on', false],
  ])('of a supervisor that was killed %s for the one that takes bhyve over', async (_title, wasStopped) => {
    await inPlace(async (place) => {
      const file = puppet(place);
      const { pid } = await orphanOf(place, file, { boot: 3, state: (bhyve) => ({ phase: 'paused', boot: 3, bhyve }) });
      if (wasStopped) process.kill(pid, 'SIGSTOP');
      const vm = await supervise(place, '', {}, { bhyve: [file.file], adopt: true });
      await vm.event('adopted');
      await until(() => isStopped(pid));
      expect(vm.state()).toMatchObject({ phase: 'paused', boot: 3 });
      expect(await ask(vm, { kind: 'resume' })).toBe('done');
      await until(() => !isStopped(pid));
      expect(vm.state().phase).toBe('running');
      await vm.request({ kind: 'pause' });
      expect(await ask(vm, { kind: 'stop' })).toBe('done');
      await vm.over;
      expect(ways(vm)).toEqual(['power button']);
    });
  });

  test('of a supervisor that was killed does not keep a stop from reaching the guest', async () => {
    await inPlace(async (place) => {
      const child = await orphanOf(place, puppet(place), { state: (bhyve) => ({ phase: 'paused', bhyve }) });
      process.kill(child.pid, 'SIGSTOP');
      expect(await stopRun(place.name, { runBase: place.runBase })).toBe('stopped');
      expect(await child.ended).toEqual({ kind: 'exited', status: 1 });
    });
  });
});

describe('a reset', () => {
  test('boots the guest again, and is done when it runs', async () => {
    await inPlace(async (place) => {
      const [vm, kernel] = await onKernel(place, 'deaf');
      expect(await ask(vm, { kind: 'reset' })).toBe('done');
      expect(ofKind(vm.seen, 'boot')).toHaveLength(2);
      expect(ofKind(vm.seen, 'exit')).toMatchObject([{ boot: 1, reason: 'reboot' }]);
      await vm.said(booted(2));
      await vm.request({ kind: 'pause' });
      expect(await ask(vm, { kind: 'reset' })).toBe('done');
      await vm.said(booted(3));
      expect(await ask(vm, { kind: 'stop', now: true })).toBe('done');
      await vm.over;
      expect(kernel.calls()).toEqual([
        ...['--force-reset', '--destroy', '--force-reset', '--destroy'],
        ...['--force-poweroff', '--destroy'],
      ]);
    });
  });

  test('is refused where no boot would follow, and the guest goes on', async () => {
    await inPlace(async (place) => {
      const [vm, kernel] = await onKernel(place, 'run', { reboot_on: ['power_off'] });
      expect(await ask(vm, { kind: 'reset' })).toBe('would-end');
      expect(kernel.calls()).toEqual([]);
      vm.stop();
      expect(await vm.result).toMatchObject({ boots: 1, end: { kind: 'powered-off' } });
      await vm.over;
    });
  });

  test('says so where bhyve does not end, or where bhyvectl fails', async () => {
    await inPlace(async (place) => {
      const kernel = fakeKernel(place);
      const clock = {
        ...kernel.host.clock,
        sleep: (ms: number, signal?: AbortSignal) => kernel.host.clock.sleep(Math.min(ms, 50), signal),
      };
      const bhyve = sh(`trap "" USR1 TERM; echo $$ > '${kernel.file}'; echo up >&2; exec sleep 600`);
      const vm = await supervise(place, '', {}, { host: { ...kernel.host, clock }, bhyve });
      await vm.said('up');
      expect(await ask(vm, { kind: 'reset' })).toBe('not-ended');
      place.write(`vmm/${place.name}`, 'no number');
      const failed = await vm.request({ kind: 'reset' });
      expect(failed).toMatchObject({ problem: { code: 'bhyvectl' } });
      expect(await ask(vm, { kind: 'stop', now: true })).toBe('done');
      await vm.over;
    });
  });

  test('is answered when a stop overtakes it', async () => {
    await inPlace(async (place) => {
      const [vm] = await onKernel(place, 'run', { restart: { delay: '1h', stable: '2h' } });
      expect(await ask(vm, { kind: 'reset' })).toBe('done');
      await vm.said(booted(2));
      const second = ask(vm, { kind: 'reset' });
      await vm.event('reboot', 2);
      expect(await ask(vm, { kind: 'pause' })).toBe('no-guest');
      expect(await ask(vm, { kind: 'stop' })).toBe('done');
      expect(await second).toBe('ended');
      await vm.over;
    });
  });
});

test('an NMI reaches the guest', async () => {
  await inPlace(async (place) => {
    const [vm, kernel] = await onKernel(place, 'run');
    expect(await ask(vm, { kind: 'nmi' })).toBe('done');
    await vm.said('NMI');
    expect(kernel.calls()).toEqual(['--inject-nmi']);
    vm.stop();
    await vm.over;
  });
});

describe('a request', () => {
  const others = ['power-button', 'reset', 'pause', 'resume', 'nmi'] as const;

  test('that comes when no guest runs, or when the run is being stopped or over, says so at once', async () => {
    await inPlace(async (place) => {
      const kernel = fakeKernel(place);
      const bhyve = deafBhyveOn(kernel);
      const vm = await supervise(place, '', { stop_timeout: '1h' }, { host: kernel.host, bhyve });
      const all = (): Promise<readonly string[]> => Promise.all(others.map((kind) => ask(vm, { kind })));
      expect(await all()).toEqual(others.map(() => 'no-guest'));
      await vm.said('deaf bhyve is up');
      const stopped = vm.request({ kind: 'stop' });
      expect(await all()).toEqual(others.map(() => 'stopping'));
      void vm.request({ kind: 'stop', now: true });
      expect(await stopped).toEqual(done);
      expect(await all()).toEqual(others.map(() => 'ended'));
      await vm.over;
      expect(ofKind(vm.seen, 'request')).toEqual([]);
    });
  });

  test.each<[asked: unknown]>([
    [{ kind: 'explode' }],
    [{ kind: 'stop', timeoutMs: -1 }],
    [{ kind: 'stop', timeoutMs: NaN }],
    [{ kind: 'stop', timeoutMs: '5s' }],
    [{}],
    [null],
  ])('%j is none, and nothing is stopped', async (asked) => {
    await inPlace(async (place) => {
      const vm = await supervise(place, 'run');
      await vm.said(booted(1));
      expect(await ask(vm, asked as RunRequest)).toBe('invalid');
      expect(vm.state().phase).toBe('running');
      vm.stop();
      await vm.over;
    });
  });
});

test('in monitor mode it is the process of the guest that is paused, and stopped afterwards', async () => {
  await inPlace(async (place) => {
    const vm = await supervise(place, 'run', { monitor: true, release: 16 }, { env: { VMRUN_SIM_RELEASE: '16' } });
    await vm.said(booted(1));
    const { pid } = await vm.event('boot');
    const children = (): readonly number[] =>
      execFileSync('ps', ['-axo', 'pid=,ppid='], { encoding: 'utf8' })
        .split('\n')
        .map((line) => line.trim().split(/\s+/).map(Number))
        .flatMap(([child = 0, parent]) => (parent === pid ? [child] : []));
    expect(await ask(vm, { kind: 'pause' })).toBe('done');
    const [guest = NaN] = children();
    await until(() => isStopped(guest));
    expect(isStopped(pid)).toBe(false);
    expect(await ask(vm, { kind: 'stop' })).toBe('done');
    expect(await vm.result).toMatchObject({ end: { kind: 'powered-off' }, because: 'asked' });
    await vm.over;
  });
});

describe('the state of a run', () => {
  test('is what state.json holds, before there is one and when it is gone, too', async () => {
    await inPlace(async (place) => {
      const vm = await supervise(place, 'reboot,run');
      const { name } = place;
      expect(vm.state()).toMatchObject({ version: 1, name, supervisor: process.pid, phase: 'starting' });
      await vm.said(booted(2));
      const written = (): unknown => JSON.parse(readFileSync(place.path('run', name, 'state.json'), 'utf8'));
      await until(() => vm.state().bhyve?.program !== undefined);
      expect(vm.state()).toMatchObject({ phase: 'running', boot: 2, last: { boot: 1, reason: 'reboot' } });
      expect(written()).toEqual(vm.state());
      vm.degraded('log', 'ENOSPC');
      expect(vm.state().degraded).toEqual({ log: 'ENOSPC' });
      expect(written()).toEqual(vm.state());
      vm.stop();
      await vm.over;
      expect(vm.state()).toMatchObject({ name, phase: 'ending', boot: 2, last: { boot: 2, reason: 'power_off' } });
      expect(vm.state()).not.toHaveProperty('bhyve');
    });
  });
});
