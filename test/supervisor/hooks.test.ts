import { existsSync, readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { systemHost } from '../../src/host/host.js';
import type { RunEvent } from '../../src/supervisor/events.js';
import { makeFakeHost } from '../host/fake-host.js';
import { inPlace, isRunning, until, type Place } from '../e2e/support/place.js';
import { fakeKernel, ofKind, simulatedLoaders, supervise } from '../e2e/support/supervised.js';
import { steppedClock, steppedHost } from '../support/stepped-clock.js';

const sh = (...lines: readonly string[]): readonly string[] => ['/bin/sh', '-c', lines.join('; ')];

/** A guest that powers off at once. */
const poweringOff = sh('exit 1');
/** One that reboots so often first. */
const rebooting = (times: number): readonly string[] => sh(`test $VMRUN_BOOT -gt ${times} && exit 1`, 'exit 0');

/** A hook that writes down when it was run and what it was told. */
const noting = ({ path }: Place, name: string): readonly string[] =>
  sh(`echo "${name} $VMRUN_NAME $VMRUN_TARGET $VMRUN_BOOT \${VMRUN_PID:--} \${VMRUN_REASON:--}" >> '${path('notes')}'`);
const allNoting = (place: Place) =>
  Object.fromEntries(['pre_start', 'post_start', 'pre_reboot', 'post_stop'].map((name) => [name, noting(place, name)]));
const notes = ({ path }: Place): readonly string[] =>
  existsSync(path('notes')) ? readFileSync(path('notes'), 'utf8').trim().split('\n') : [];

/** A hook that starts a program and waits for it; both are named in a file. */
const hanging = ({ path, write }: Place): readonly string[] => {
  const file = write('text', '');
  return sh(
    `{ tail -f '${file}' & }`,
    `echo "$$ $!" > '${path('pids.new')}'`,
    `mv '${path('pids.new')}' '${path('pids')}'`,
    'wait',
  );
};
const pidsOf = async ({ path }: Place): Promise<readonly number[]> => {
  await until(() => existsSync(path('pids')));
  return readFileSync(path('pids'), 'utf8').trim().split(' ').map(Number);
};

/** `pre_start started`, `pre_start exited`, and the other kinds. */
const steps = (seen: readonly RunEvent[]): readonly string[] =>
  seen.map((event) => {
    if (event.kind !== 'hook') return event.kind;
    return `${event.hook} ${event.state === 'started' ? 'started' : event.end.kind}`;
  });

describe('each hook', () => {
  test('is run in its place, and told of the VM, the boot and why the last one ended', async () => {
    await inPlace(async (place) => {
      const { name } = place;
      const fields = { hooks: allNoting(place), next_target: 'disk', targets: { disk: {} } };
      // Long enough for post_start, which nothing waits for.
      const bhyve = sh(
        `until grep -q "^post_start $VMRUN_NAME $VMRUN_TARGET $VMRUN_BOOT " '${place.path('notes')}'; do sleep 0.01; done`,
        'test $VMRUN_BOOT -gt 1 && exit 2',
        'exit 0',
      );
      const vm = await supervise(place, '', fields, { bhyve });
      expect(await vm.result).toMatchObject({ end: { kind: 'halted' }, boots: 2 });
      await vm.over;
      const [first, second] = ofKind(vm.seen, 'boot').map(({ pid }) => pid);
      expect(notes(place)).toEqual([
        `pre_start ${name} default 1 - -`,
        `post_start ${name} default 1 ${first ?? 0} -`,
        `pre_reboot ${name} default 1 ${first ?? 0} reboot`,
        `pre_start ${name} disk 2 ${first ?? 0} reboot`,
        `post_start ${name} disk 2 ${second ?? 0} -`,
        `post_stop ${name} disk 2 ${second ?? 0} halt`,
      ]);
    });
  });

  test('is told in events, one when it starts and one when it has ended', async () => {
    await inPlace(async (place) => {
      const hooks = { pre_start: ['/bin/true'], pre_reboot: ['/bin/false'], post_stop: ['/bin/true'] };
      const vm = await supervise(place, '', { hooks }, { bhyve: rebooting(1) });
      await vm.result;
      await vm.over;
      expect(steps(vm.seen)).toEqual([
        ...[
          'pre_start started',
          'pre_start exited',
          'boot',
          'exit',
          'reboot',
          'pre_reboot started',
          'pre_reboot exited',
        ],
        ...['pre_start started', 'pre_start exited', 'boot', 'exit', 'post_stop started', 'post_stop exited'],
        ...['cleanup', 'stop'],
      ]);
      expect(ofKind(vm.seen, 'hook').map(({ boot }) => boot)).toEqual([1, 1, 1, 1, 2, 2, 2, 2]);
    });
  });
});

describe('a hook that hangs', () => {
  test.each<[hook: string, follows: object]>([
    ['pre_start', { because: 'guest', boots: 1, end: { kind: 'not-prepared', how: { kind: 'timed-out' } } }],
    ['pre_reboot', { because: 'guest', boots: 2, end: { kind: 'powered-off' } }],
    ['post_stop', { because: 'guest', boots: 2, end: { kind: 'powered-off' } }],
  ])('%s is killed with its children when its time is over, and the run goes on', async (hook, follows) => {
    await inPlace(async (place) => {
      const hooks = { [hook]: hanging(place), timeout: '300ms' };
      const clock = steppedClock();
      const vm = await supervise(place, '', { hooks }, { host: steppedHost(clock), bhyve: rebooting(1) });
      const pids = await pidsOf(place);
      await clock.pass(300);
      expect(await vm.result).toMatchObject(follows);
      for (const pid of pids) await until(() => !isRunning(pid));
      await vm.over;
      const [started, ended] = ofKind(vm.seen, 'hook');
      expect(ended).toMatchObject({ hook, state: 'ended', end: { kind: 'timed-out' } });
      expect([started?.monotonicMs, ended?.monotonicMs]).toEqual([0, 300]);
    });
  });

  test('post_start is killed with its children when its time is over, and the VM does not notice', async () => {
    await inPlace(async (place) => {
      const clock = steppedClock();
      const vm = await supervise(
        place,
        '',
        { hooks: { post_start: hanging(place), timeout: '200ms' } },
        { host: steppedHost(clock), bhyve: sh('exec sleep 600') },
      );
      const pids = await pidsOf(place);
      await clock.pass(200);
      expect(await vm.event('hook', 2)).toMatchObject({ hook: 'post_start', end: { kind: 'timed-out' } });
      for (const pid of pids) await until(() => !isRunning(pid));
      expect(ofKind(vm.seen, 'exit')).toEqual([]);
      vm.stop();
      expect(await vm.result).toMatchObject({ because: 'asked', boots: 1 });
    });
  });
});

describe('pre_start that does not work', () => {
  test.each<[title: string, preStart: (place: Place) => readonly string[], how: object, why: object]>([
    [
      'since it fails',
      () => sh('echo "no bridge" >&2', 'exit 3'),
      { kind: 'exited', status: 3 },
      { cause: 'pre_start failed, so bhyve was not started', evidence: ['no bridge'] },
    ],
    [
      'since it crashes',
      () => sh('kill -KILL $$'),
      { kind: 'signalled', signal: 'SIGKILL' },
      { cause: 'pre_start failed, so bhyve was not started', evidence: [] },
    ],
    [
      'since it is not there',
      ({ path }) => [path('none')],
      { kind: 'not-started', error: expect.stringMatching(/none is not there$/) },
      { cause: expect.stringMatching(/none is not there$/), evidence: [] },
    ],
    [
      'since it may not be executed',
      ({ write }) => [write('hook', 'exit 0', 0o644)],
      { kind: 'not-started', error: expect.stringMatching(/hook may not be executed$/) },
      { cause: expect.stringMatching(/hook may not be executed$/), evidence: [] },
    ],
  ])('%s, ends the run with an error, and bhyve is never started', async (_title, preStart, how, why) => {
    await inPlace(async (place) => {
      const hooks = { pre_start: preStart(place), post_stop: noting(place, 'post_stop') };
      const vm = await supervise(place, '', { hooks }, { bhyve: sh(`touch '${place.path('started')}'`) });
      expect(await vm.result).toMatchObject({
        end: { kind: 'not-prepared', how },
        because: 'guest',
        boots: 1,
        why,
        leftBehind: [],
      });
      await vm.over;
      expect(existsSync(place.path('started'))).toBe(false);
      expect(ofKind(vm.seen, 'boot')).toEqual([]);
      expect(notes(place)).toEqual([`post_stop ${place.name} default 1 - error`]);
      expect(place.runDirectories()).toEqual([]);
    });
  });

  test('is tried again with pauses where reboot_on names error, until it works', async () => {
    await inPlace(async (place) => {
      const hooks = { pre_start: sh('test $VMRUN_BOOT -ge 4') };
      const fields = { hooks, reboot_on: ['error'], restart: { delay: '1s' } };
      const clock = steppedClock();
      const vm = await supervise(place, '', fields, { bhyve: poweringOff, host: steppedHost(clock) });
      for (const ms of [1000, 2000]) await clock.pass(ms);
      expect(await vm.result).toMatchObject({ end: { kind: 'powered-off' }, because: 'guest', boots: 4 });
      await vm.over;
      const reboots = ofKind(vm.seen, 'reboot');
      expect(reboots.map(({ reason, delayMs }) => [reason, delayMs])).toEqual([
        ['error', 0],
        ['error', 1000],
        ['error', 2000],
      ]);
      const starts = ofKind(vm.seen, 'hook').filter(({ state }) => state === 'started');
      expect(starts.map(({ monotonicMs }) => monotonicMs)).toEqual([0, 0, 1000, 3000]);
      expect(ofKind(vm.seen, 'boot').map(({ boot }) => boot)).toEqual([4]);
    });
  });

  test('is given up when the budget of restart is spent', async () => {
    await inPlace(async (place) => {
      const fields = { hooks: { pre_start: ['/bin/false'] }, reboot_on: ['error'], restart: { delay: 0, max: 3 } };
      const vm = await supervise(place, '', fields, { bhyve: poweringOff });
      expect(await vm.result).toMatchObject({ end: { kind: 'not-prepared' }, because: 'restart-limit', boots: 4 });
    });
  });
});

describe('pre_reboot', () => {
  test('counts into the pause: a boot does not wait for both', async () => {
    await inPlace(async (place) => {
      const go = (boot: string): string => place.path(`go${boot}`);
      const hook = sh(`until test -e '${go('')}'$VMRUN_BOOT; do sleep 0.01; done`);
      const fields = { hooks: { pre_reboot: hook, timeout: '1h' }, restart: { delay: '800ms' } };
      const clock = steppedClock();
      const vm = await supervise(place, '', fields, { host: steppedHost(clock), bhyve: rebooting(2) });
      for (const [boot, started] of [
        [1, 1],
        [2, 3],
      ] as const) {
        expect(await vm.event('hook', started)).toMatchObject({ state: 'started', boot });
        clock.advance(500);
        place.write(`go${boot}`, '');
      }
      // No pause before the second boot, so the hook alone; before the third a pause that is longer than the hook.
      await clock.pass(300);
      await vm.result;
      await vm.over;
      expect(ofKind(vm.seen, 'reboot').map(({ delayMs }) => delayMs)).toEqual([0, 800]);
      const exits = ofKind(vm.seen, 'exit');
      const pauses = ofKind(vm.seen, 'boot')
        .slice(1)
        .map(({ monotonicMs }, index) => monotonicMs - (exits[index]?.monotonicMs ?? NaN));
      expect(pauses).toEqual([500, 800]);
    });
  });

  test('is run before each further boot, and not before the first or after the last', async () => {
    await inPlace(async (place) => {
      const hooks = { pre_reboot: noting(place, 'pre_reboot') };
      const vm = await supervise(place, '', { hooks }, { bhyve: rebooting(3) });
      expect(await vm.result).toMatchObject({ boots: 4 });
      expect(notes(place).map((line) => line.split(' ')[3])).toEqual(['1', '2', '3']);
    });
  });

  test('that fails keeps nobody from rebooting', async () => {
    await inPlace(async (place) => {
      const vm = await supervise(place, '', { hooks: { pre_reboot: [place.path('none')] } }, { bhyve: rebooting(1) });
      expect(await vm.result).toMatchObject({ end: { kind: 'powered-off' }, boots: 2 });
      await vm.over;
      expect(ofKind(vm.seen, 'hook').at(-1)).toMatchObject({ hook: 'pre_reboot', end: { kind: 'not-started' } });
    });
  });
});

describe('post_stop is run once, last of all', () => {
  const hooks = (place: Place) => ({ post_stop: noting(place, 'post_stop') });

  /** Once, after the last life of bhyve and before the end. */
  function expectOnce(place: Place, seen: readonly RunEvent[], told: string): void {
    expect(notes(place)).toEqual([expect.stringMatching(new RegExp(`^post_stop ${place.name} ${told}$`))]);
    const all = steps(seen);
    expect(all.filter((step) => step.startsWith('post_stop'))).toEqual(['post_stop started', 'post_stop exited']);
    expect(all.indexOf('post_stop started')).toBeGreaterThan(all.lastIndexOf('exit'));
    expect(all.at(-1)).toBe('stop');
  }

  test.each<[title: string, script: string, told: string]>([
    ['when the guest powers off', 'exit 1', 'default 1 \\d+ power_off'],
    ['when bhyve fails', 'exit 4', 'default 1 \\d+ error'],
    ['when bhyve crashes', 'ulimit -c 0; kill -SEGV $$', 'default 1 \\d+ signal'],
    ['after the last of several boots', 'test $VMRUN_BOOT = 3 && exit 2; exit 0', 'default 3 \\d+ halt'],
  ])('%s', async (_title, script, told) => {
    await inPlace(async (place) => {
      const vm = await supervise(place, '', { hooks: hooks(place) }, { bhyve: sh(script) });
      await vm.over;
      expectOnce(place, vm.seen, told);
    });
  });

  test('when the budget of restart is spent', async () => {
    await inPlace(async (place) => {
      const fields = { hooks: hooks(place), restart: { delay: 0, max: 2 } };
      const vm = await supervise(place, '', fields, { bhyve: sh('exit 0') });
      await vm.over;
      expectOnce(place, vm.seen, 'default 3 \\d+ reboot');
    });
  });

  test('after a stop', async () => {
    await inPlace(async (place) => {
      const vm = await supervise(place, '', { hooks: hooks(place) }, { bhyve: sh('echo up >&2; exec sleep 600') });
      await vm.said('up\n');
      vm.stop();
      await vm.over;
      expectOnce(place, vm.seen, 'default 1 \\d+ signal');
    });
  });

  test('after a stop that was asked for twice, which kills the guest and not the hook', async () => {
    await inPlace(async (place) => {
      const slow = sh('sleep 0.3', noting(place, 'post_stop').at(-1) ?? '');
      const bhyve = sh('trap "" TERM; echo up >&2; exec sleep 600');
      const vm = await supervise(place, '', { hooks: { post_stop: slow }, stop_timeout: '1h' }, { bhyve });
      await vm.said('up\n');
      for (let call = 0; call < 10; call += 1) vm.stop();
      await vm.over;
      expectOnce(place, vm.seen, 'default 1 \\d+ signal');
    });
  });

  test('after a stop in the pause before a boot', async () => {
    await inPlace(async (place) => {
      const restart = { delay: '1h', max_delay: '1h' };
      const vm = await supervise(place, '', { hooks: hooks(place), restart }, { bhyve: sh('exit 0') });
      await vm.event('reboot', 2);
      vm.stop();
      await vm.over;
      expectOnce(place, vm.seen, 'default 2 \\d+ reboot');
    });
  });

  test('when the host is no longer ready at a reboot', async () => {
    await inPlace(async (place) => {
      const fake = makeFakeHost();
      try {
        const disk = place.write('disk.img', Buffer.alloc(4096));
        const fields = {
          hooks: hooks(place),
          bootrom: place.write('rom.fd', Buffer.alloc(4096)),
          emulations: [{ device: 'virtio-blk', path: disk }],
        };
        const host = { ...systemHost(), run: fake.run };
        const vm = await supervise(place, '', fields, { bhyve: sh(`rm '${disk}'`, 'exit 0'), check: true, host });
        await expect(vm.result).rejects.toMatchObject({ kind: 'host', problems: [{ code: 'file-missing' }] });
        await vm.over;
        expectOnce(place, vm.seen, 'default 1 \\d+ reboot');
        expect(vm.seen.at(-1)).toMatchObject({ because: 'error' });
      } finally {
        fake.remove();
      }
    });
  });

  test('when bhyve cannot be started', async () => {
    await inPlace(async (place) => {
      const vm = await supervise(place, '', { hooks: hooks(place) }, { bhyve: [place.path('none')] });
      await expect(vm.result).rejects.toMatchObject({ reason: 'not-found' });
      await vm.over;
      expectOnce(place, vm.seen, 'default 0 - -');
    });
  });

  test('when the loader has not loaded the guest', async () => {
    await inPlace(async (place) => {
      const loaders = { ...simulatedLoaders(), bhyveload: sh('echo "no kernel"; exit 1') };
      const fields = {
        hooks: hooks(place),
        loader: { kind: 'bhyveload', disk: '/disk' },
        emulations: [{ device: 'virtio-blk', path: '/disk' }],
      };
      const vm = await supervise(place, '', fields, { bhyve: poweringOff, loaders });
      expect(await vm.result).toMatchObject({ end: { kind: 'not-loaded' }, boots: 1 });
      await vm.over;
      expectOnce(place, vm.seen, 'default 1 - error');
    });
  });

  test('when the VM cannot be destroyed', async () => {
    await inPlace(async (place) => {
      const kernel = fakeKernel(place);
      // The seconds that the kernel has for it need not pass.
      const host = { ...kernel.host, vmm: { ...kernel.host.vmm, destroy: () => Promise.resolve(false) } };
      const bhyve = sh(`echo $$ > '${kernel.file}'`, 'exit 1');
      const vm = await supervise(place, '', { hooks: hooks(place) }, { bhyve, host });
      expect(await vm.result).toMatchObject({ leftBehind: [{ code: 'cleanup-failed' }] });
      await vm.over;
      expectOnce(place, vm.seen, 'default 1 \\d+ power_off');
    });
  });

  test('and not at all where nothing was ever to be booted', async () => {
    await inPlace(async (place) => {
      const vm = await supervise(place, '', { hooks: hooks(place) }, { pidFile: place.path('none', 'vm.pid') });
      await expect(vm.result).rejects.toMatchObject({ kind: 'cannot-create' });
      await vm.over;
      expect(notes(place)).toEqual([]);
    });
  });
});

test('a hook that leaves a program running holds nothing up', async () => {
  await inPlace(async (place) => {
    const file = place.write('text', '');
    const hooks = { pre_start: sh(`{ tail -f '${file}' & }`, `echo $! > '${place.path('pid')}'`) };
    const vm = await supervise(place, '', { hooks }, { bhyve: poweringOff });
    expect(await vm.result).toMatchObject({ end: { kind: 'powered-off' } });
    await vm.over;
    expect(ofKind(vm.seen, 'hook')[1]).toMatchObject({ end: { kind: 'exited', status: 0 } });
    const pid = Number(readFileSync(place.path('pid'), 'utf8'));
    // A daemon that a hook has started is not ours to end.
    expect(isRunning(pid)).toBe(true);
    process.kill(pid);
    await until(() => !isRunning(pid));
  });
});
