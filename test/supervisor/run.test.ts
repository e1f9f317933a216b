import { existsSync, lstatSync, mkdirSync, readFileSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { once } from 'node:events';
import { describe, expect, test } from '@jest/globals';
import { ProblemsError } from '../../src/base/problem.js';
import { StartError } from '../../src/host/process/start-error.js';
import { systemHost } from '../../src/host/host.js';
import { lastWordsOf } from '../../src/host/files/lock.js';
import { forceIn } from '../../src/host/run-directory/run-files.js';
import type { RunEvent } from '../../src/supervisor/events.js';
import { run } from '../../src/supervisor/run.js';
import type { RunOptions } from '../../src/supervisor/run-options.js';
import { steppedClock, steppedHost } from '../support/stepped-clock.js';
import { inPlace, isRunning, until, type Place } from '../e2e/support/place.js';
import {
  booted,
  deafBhyveOn,
  fakeKernel,
  ofKind,
  simulatorOn,
  supervise,
  type Supervised,
} from '../e2e/support/supervised.js';
import { minimal, specOf } from '../support/specs.js';

const kinds = ({ seen }: Supervised): readonly string[] => seen.map(({ kind }) => kind);
const sockets = (place: Place, ...names: readonly string[]): object => ({
  emulations: [{ device: 'virtio-console', ports: names.map((name) => place.path(name)) }],
});

/** A run that failed, and all that it left is looked at by the caller. */
async function failure(vm: Supervised): Promise<unknown> {
  const thrown: unknown = await vm.result.then(
    (result) => {
      throw new Error(`it worked: ${JSON.stringify(result)}`);
    },
    (error: unknown) => error,
  );
  await vm.over;
  return thrown;
}

const problemCodes = (error: unknown): readonly string[] => {
  if (!(error instanceof ProblemsError)) throw error;
  return error.problems.map(({ code }) => code);
};

test('an option that there is not is refused, with the one that was meant or all that there are', async () => {
  const spec = await specOf(minimal);
  const start = (options: object) => () => run(spec, options);
  expect(start({ tagret: 'install' })).toThrow(new TypeError('run() has no option "tagret"; did you mean "target"?'));
  expect(start({ sudo: true })).toThrow(/^run\(\) has no option "sudo"; there are: target, planned, bhyve, .*, host$/);
});

describe('a run', () => {
  test('boots, boots again as the guest asks, and ends when it powers off', async () => {
    await inPlace(async (place) => {
      const vm = await supervise(place, 'reboot,reboot,power_off');
      expect(await vm.result).toEqual({ end: { kind: 'powered-off' }, because: 'guest', boots: 3, leftBehind: [] });
      await vm.over;
      expect(kinds(vm)).toEqual([
        'boot',
        'exit',
        'reboot',
        'boot',
        'exit',
        'reboot',
        'boot',
        'exit',
        'cleanup',
        'stop',
      ]);
      expect(ofKind(vm.seen, 'boot').map(({ boot, target }) => [boot, target])).toEqual([
        [1, 'default'],
        [2, 'default'],
        [3, 'default'],
      ]);
      expect(ofKind(vm.seen, 'exit').map(({ boot, end }) => [boot, end.kind])).toEqual([
        [1, 'rebooted'],
        [2, 'rebooted'],
        [3, 'powered-off'],
      ]);
      expect(ofKind(vm.seen, 'reboot').map(({ boot, reason }) => [boot, reason])).toEqual([
        [2, 'reboot'],
        [3, 'reboot'],
      ]);
      expect(place.runDirectories()).toEqual([]);
    });
  });

  test('tells each of its readers the same, also those that come when it is over', async () => {
    await inPlace(async (place) => {
      const vm = await supervise(place, 'reboot,power_off');
      const told = async (): Promise<readonly RunEvent[]> => {
        const events: RunEvent[] = [];
        for await (const event of vm.events) events.push(event);
        return events;
      };
      const beside = told();
      for await (const event of vm.subscribe({ bound: 1 })) if (event.kind === 'boot') break;
      await vm.over;
      expect(vm.seen).toHaveLength(7);
      expect(await beside).toEqual(vm.seen);
      expect(await told()).toEqual(vm.seen);
    });
  });

  test('dates its events on a clock that never goes back', async () => {
    await inPlace(async (place) => {
      const vm = await supervise(place, 'reboot,power_off');
      await vm.over;
      const times = vm.seen.map(({ monotonicMs }) => monotonicMs);
      expect(times).toEqual([...times].sort((a, b) => a - b));
      for (const { time } of vm.seen) expect(new Date(time).toISOString()).toBe(time);
    });
  });

  test('says how long a boot has lived', async () => {
    await inPlace(async (place) => {
      const clock = steppedClock();
      const vm = await supervise(place, 'run', {}, { host: steppedHost(clock) });
      await vm.said(booted(1));
      clock.advance(90_000);
      vm.stop();
      expect(await vm.event('exit')).toMatchObject({ aliveMs: 90_000, monotonicMs: 90_000 });
      await vm.over;
    });
  });

  test('merges each boot afresh from the base: nothing piles up from boot to boot', async () => {
    await inPlace(async (place) => {
      const cd = { device: 'ahci-cd', path: '/iso/install.iso' };
      const vm = await supervise(
        place,
        'reboot,reboot,reboot,power_off',
        {
          emulations: [{ device: 'virtio-blk', path: '/disk.img' }],
          targets: {
            install: { mem: '128M', emulations: [cd], next_target: 'again' },
            again: { inherits: 'install', next_target: { reboot: 'disk' } },
            disk: { next_target: 'disk' },
          },
        },
        { target: 'install' },
      );
      await vm.over;
      const boots = ofKind(vm.seen, 'boot');
      const has = (text: string) => boots.map(({ command }) => command.filter((word) => word.includes(text)).length);
      expect(boots.map(({ target }) => target)).toEqual(['install', 'again', 'disk', 'disk']);
      expect(has('ahci-cd')).toEqual([1, 1, 0, 0]);
      expect(has('virtio-blk')).toEqual([1, 1, 1, 1]);
      expect(boots.map(({ command }) => command[command.indexOf('-m') + 1])).toEqual(['128M', '128M', '64M', '64M']);
      expect(boots.map(({ changes }) => changes.length > 0)).toEqual([false, false, true, false]);
    });
  });

  test('chooses the next target by what the guest did', async () => {
    await inPlace(async (place) => {
      const vm = await supervise(place, 'triple_fault,reboot,halt', {
        reboot_on: ['reboot', 3],
        next_target: { triple_fault: 'rescue' },
        targets: { rescue: { next_target: 'default' } },
      });
      expect(await vm.result).toMatchObject({ end: { kind: 'halted' }, boots: 3 });
      await vm.over;
      expect(ofKind(vm.seen, 'boot').map(({ target }) => target)).toEqual(['default', 'rescue', 'default']);
      expect(ofKind(vm.seen, 'reboot').map(({ reason }) => reason)).toEqual(['triple_fault', 'reboot']);
    });
  });

  test.each<[title: string, fields: object, limits: RunOptions['limits'], because: string, boots: number]>([
    ['--no-reboot', {}, { noReboot: true }, 'no-reboot', 1],
    ['--reboot-count', {}, { rebootCount: 2 }, 'reboot-count', 3],
    ['restart.max', { restart: { max: 1, delay: 0 } }, {}, 'restart-limit', 2],
  ])('stops rebooting for %s', async (_title, fields, limits = {}, because, boots) => {
    await inPlace(async (place) => {
      const vm = await supervise(place, 'reboot', fields, { limits });
      expect(await vm.result).toMatchObject({ end: { kind: 'rebooted' }, because, boots });
    });
  });

  test('backs off when boots are short', async () => {
    await inPlace(async (place) => {
      const restart = { delay: '10ms', max_delay: '25ms' };
      const vm = await supervise(place, 'reboot,reboot,reboot,reboot,halt', { restart });
      await vm.over;
      expect(ofKind(vm.seen, 'reboot').map(({ delayMs }) => delayMs)).toEqual([0, 10, 20, 25]);
    });
  });

  test('explains a bhyve that fails, with its last words, and a crash', async () => {
    await inPlace(async (place) => {
      const refused = await supervise(place, 'run', { extra_options: '-s 3,virtio-rnd -s 0:3:0,virtio-rnd' });
      expect(await refused.result).toMatchObject({
        end: { kind: 'failed', status: 4 },
        because: 'guest',
        why: { cause: 'two devices are on PCI slot 0:3:0', evidence: ['pci slot 0:3:0 already occupied!'] },
      });
      const usage = await supervise(place, 'run', { extra_options: '-z', reboot_on: ['power_off'] });
      expect(await usage.result).toMatchObject({ end: { kind: 'failed', status: 1 }, boots: 1 });
      const crashed = await supervise(place, 'signal:SEGV', {}, { extraArguments: [] });
      expect(await crashed.result).toMatchObject({
        end: { kind: 'killed', signal: 'SIGSEGV' },
        why: { cause: 'bhyve crashed (SIGSEGV): a bug of bhyve' },
      });
      await crashed.over;
      expect(ofKind(crashed.seen, 'exit')[0]?.why).toBeDefined();
    });
  });

  test('does not loop on a command line that bhyve refuses, though it too ends with status 1', async () => {
    await inPlace(async (place) => {
      const vm = await supervise(
        place,
        'run',
        {},
        {
          limits: { rebootOn: ['reboot', 'power_off'] },
          bhyve: ['/bin/sh', '-c', 'echo "Usage: bhyve [-aC]" >&2; exit 1'],
        },
      );
      expect(await vm.result).toMatchObject({ end: { kind: 'failed', status: 1 }, because: 'guest', boots: 1 });
    });
  });
});

describe('stop', () => {
  test('asks a running guest to power off, and no boot follows', async () => {
    await inPlace(async (place) => {
      const vm = await supervise(place, 'run:30ms', { reboot_on: ['reboot', 'power_off'] });
      await vm.said(booted(1));
      vm.stop();
      expect(await vm.result).toMatchObject({ end: { kind: 'powered-off' }, because: 'asked', boots: 1 });
      await vm.over;
      expect(kinds(vm)).toEqual(['boot', 'stopping', 'exit', 'cleanup', 'stop']);
      expect(ofKind(vm.seen, 'stopping')[0]).toMatchObject({ how: 'power button', timeoutMs: 60_000 });
    });
  });

  test('wins over a guest that reboots just then', async () => {
    await inPlace(async (place) => {
      const vm = await supervise(place, 'reboot');
      await vm.event('exit', 1);
      vm.stop();
      const { because, boots } = await vm.result;
      expect(because).toBe('asked');
      expect(boots).toBeLessThanOrEqual(2);
    });
  });

  test('ends a back-off at once', async () => {
    await inPlace(async (place) => {
      const vm = await supervise(place, 'reboot', { restart: { delay: '1h', max_delay: '1h' } });
      await vm.event('reboot', 2);
      vm.stop();
      expect(await vm.result).toMatchObject({ end: { kind: 'rebooted' }, because: 'asked', boots: 2 });
      expect(place.runDirectories()).toEqual([]);
    });
  });

  test('before the first boot means no boot at all', async () => {
    await inPlace(async (place) => {
      const vm = await supervise(place, 'run');
      vm.stop();
      await vm.over;
      const result = await vm.result;
      expect(result).toEqual({ end: undefined, because: 'asked', boots: 0, leftBehind: [] });
      expect(kinds(vm)).toEqual(['cleanup', 'stop']);
      expect(place.runDirectories()).toEqual([]);
    });
  });

  test('kills a deaf guest after its stop_timeout', async () => {
    await inPlace(async (place) => {
      const vm = await supervise(place, 'deaf', { stop_timeout: '300ms' });
      const { pid } = await vm.event('boot');
      await vm.said(booted(1));
      vm.stop();
      expect(await vm.result).toMatchObject({ end: { kind: 'killed', signal: 'SIGKILL' }, because: 'asked' });
      await vm.over;
      expect(ofKind(vm.seen, 'stopping').map(({ how }) => how)).toEqual(['power button', 'power button again', 'kill']);
      expect(isRunning(pid)).toBe(false);
      // What we did ourselves needs no explanation.
      expect(ofKind(vm.seen, 'exit')[0]).not.toHaveProperty('why');
    });
  });

  test('called twice does not wait any longer', async () => {
    await inPlace(async (place) => {
      const vm = await supervise(place, 'deaf', { stop_timeout: '1h' });
      await vm.said(booted(1));
      vm.stop();
      await vm.event('stopping');
      vm.stop();
      vm.stop();
      expect(await vm.result).toMatchObject({ end: { kind: 'killed', signal: 'SIGKILL' }, because: 'asked' });
    });
  });

  test('waits also where stop_timeout is longer than a timer of the system can be', async () => {
    const { clock } = systemHost();
    const sleeping = new AbortController();
    const year = clock.sleep(31_536_000_000, sleeping.signal).then(() => 'a year');
    expect(await Promise.race([year, clock.sleep(30).then(() => '30 ms')])).toBe('30 ms');
    sleeping.abort();
    expect(await year).toBe('a year');
  });

  test('after the end changes nothing', async () => {
    await inPlace(async (place) => {
      const vm = await supervise(place, 'halt');
      const result = await vm.result;
      vm.stop();
      vm.stop();
      expect(result).toMatchObject({ end: { kind: 'halted' }, because: 'guest' });
    });
  });
});

describe('on a host where VMs outlive bhyve', () => {
  test('the VM is destroyed between boots and at the end', async () => {
    await inPlace(async (place) => {
      const kernel = fakeKernel(place);
      const vm = await supervise(
        place,
        'reboot,reboot,power_off',
        {},
        { host: kernel.host, bhyve: simulatorOn(kernel) },
      );
      expect(await vm.result).toMatchObject({ boots: 3, leftBehind: [] });
      await vm.over;
      expect(kernel.calls()).toEqual(['--destroy', '--destroy', '--destroy']);
      expect(kernel.exists()).toBe(false);
      expect(kinds(vm)).toEqual([
        ...['boot', 'exit', 'cleanup', 'reboot', 'boot', 'exit', 'cleanup', 'reboot', 'boot', 'exit', 'cleanup'],
        ...['cleanup', 'stop'],
      ]);
      expect(ofKind(vm.seen, 'cleanup')[0]).toEqual(expect.objectContaining({ what: 'vm', name: place.name }));
    });
  });

  test('it is destroyed after a crash and after an error too', async () => {
    await inPlace(async (place) => {
      const kernel = fakeKernel(place);
      for (const script of ['signal:KILL', 'error']) {
        const vm = await supervise(place, script, {}, { host: kernel.host, bhyve: simulatorOn(kernel) });
        await vm.result;
        expect(kernel.exists()).toBe(false);
      }
    });
  });

  test('the next boot waits until a slow kernel has destroyed it', async () => {
    await inPlace(async (place) => {
      const kernel = fakeKernel(place, '(sleep 0.1; rm "$vm") > /dev/null 2>&1 &');
      const vm = await supervise(
        place,
        'reboot,power_off',
        {},
        {
          host: kernel.host,
          bhyve: ['/bin/sh', '-c', `test ! -e '${kernel.file}' || exit 9; exec "$0" "$@"`, ...simulatorOn(kernel)],
        },
      );
      await vm.result;
      await vm.over;
      const [destroyed] = ofKind(vm.seen, 'cleanup');
      expect(destroyed).toMatchObject({ what: 'vm' });
      expect(destroyed).not.toHaveProperty('error');
      expect(ofKind(vm.seen, 'exit').map(({ end }) => end.kind)).not.toContain('failed');
    });
  });

  test.each<[release: number, ends: string, boots: number]>([
    [14, 'suspended', 1],
    [15, 'suspended', 1],
    // It has a status of its own there.
    [16, 'rebooted', 2],
  ])('a status 0 of release %i whose VM bhyve has destroyed: the guest was %s', async (release, end, boots) => {
    await inPlace(async (place) => {
      const kernel = fakeKernel(place);
      // bhyvectl --suspend: bhyve writes its file, destroys the VM and ends with 0.
      const suspending = [
        '/bin/sh',
        '-c',
        `[ "$VMRUN_BOOT" = 1 ] || exit 2; echo $$ >'${kernel.file}'; rm '${kernel.file}'`,
      ];
      const vm = await supervise(place, '', { release }, { host: kernel.host, bhyve: suspending });
      expect(await vm.result).toMatchObject({ because: 'guest', boots });
      await vm.over;
      expect(ofKind(vm.seen, 'exit')[0]?.end.kind).toBe(end);
    });
  });

  test('a deaf guest is forced off, which ends bhyve as a power-off', async () => {
    await inPlace(async (place) => {
      const kernel = fakeKernel(place);
      const vm = await supervise(
        place,
        '',
        { stop_timeout: '20ms' },
        { host: kernel.host, bhyve: deafBhyveOn(kernel) },
      );
      await vm.said('deaf bhyve is up');
      const words = lastWordsOf(place.path('run', place.name, 'lock'));
      vm.stop();
      expect(await vm.result).toMatchObject({ end: { kind: 'powered-off' }, because: 'asked' });
      await vm.over;
      expect(ofKind(vm.seen, 'stopping').map(({ how }) => how)).toEqual([
        'power button',
        'power button again',
        'forced power-off',
      ]);
      // Whoever waits for the end reads it when the directory is gone.
      expect(place.runDirectories()).toEqual([]);
      expect(forceIn(words.read())).toBe('power-off');
      words.close();
      expect(kernel.calls()).toEqual(['--force-poweroff', '--destroy']);
    });
  });

  test('one that does not follow even that is killed', async () => {
    await inPlace(async (place) => {
      const kernel = fakeKernel(place);
      const clock = {
        ...kernel.host.clock,
        sleep: (ms: number, signal?: AbortSignal) => kernel.host.clock.sleep(Math.min(ms, 50), signal),
      };
      const vm = await supervise(
        place,
        '',
        { stop_timeout: '20ms' },
        {
          host: { ...kernel.host, clock },
          bhyve: deafBhyveOn(kernel, { hangs: true }),
        },
      );
      await vm.said('deaf bhyve is up');
      vm.stop();
      expect(await vm.result).toMatchObject({ end: { kind: 'killed', signal: 'SIGKILL' } });
      await vm.over;
      expect(ofKind(vm.seen, 'stopping').map(({ how }) => how)).toEqual([
        'power button',
        'power button again',
        'forced power-off',
        'kill',
      ]);
      expect(kernel.exists()).toBe(false);
    });
  });

  test('a VM that is there at the start is refused and left alone', async () => {
    await inPlace(async (place) => {
      const kernel = fakeKernel(place);
      writeFileSync(kernel.file, '');
      const vm = await supervise(place, 'power_off', {}, { host: kernel.host });
      expect(problemCodes(await failure(vm))).toEqual(['vm-exists']);
      expect(kernel.exists()).toBe(true);
      expect(kernel.calls()).toEqual([]);
      expect(place.runDirectories()).toEqual([]);
    });
  });

  test('with force it is destroyed first', async () => {
    await inPlace(async (place) => {
      const kernel = fakeKernel(place);
      writeFileSync(kernel.file, '');
      const vm = await supervise(place, 'power_off', {}, { host: kernel.host, force: true });
      expect(await vm.result).toMatchObject({ boots: 1 });
      expect(kernel.calls()).toEqual(['--destroy']);
    });
  });

  test('one that cannot be destroyed at the end is told as left behind', async () => {
    await inPlace(async (place) => {
      const kernel = fakeKernel(place, 'exit 1');
      // Five seconds that need not pass: the kernel's clock is the host's.
      const vmm = { ...kernel.host.vmm, destroy: () => Promise.resolve(false) };
      const vm = await supervise(
        place,
        'reboot,power_off',
        {},
        {
          host: { ...kernel.host, vmm },
          bhyve: simulatorOn(kernel),
          panicOnFailedCleanup: true,
        },
      );
      expect(await vm.result).toMatchObject({
        because: 'left-behind',
        boots: 1,
        leftBehind: [{ code: 'cleanup-failed', message: expect.stringContaining(`the vm ${place.name}`) }],
      });
      await vm.over;
      expect(ofKind(vm.seen, 'cleanup').filter(({ error }) => error !== undefined)).toHaveLength(1);
    });
  });

  test('post_start waits until the VM is there', async () => {
    await inPlace(async (place) => {
      const kernel = fakeKernel(place);
      const vm = await supervise(
        place,
        'run',
        { hooks: { post_start: ['/bin/sh', '-c', `test -s '${kernel.file}' && echo it is there`] } },
        {
          host: kernel.host,
          bhyve: [
            '/bin/sh',
            '-c',
            `while test ! -e '${place.path('go')}'; do sleep 0.01; done; exec "$0" "$@"`,
            ...simulatorOn(kernel),
          ],
        },
      );
      await vm.event('boot');
      await systemHost().clock.sleep(50);
      expect(kinds(vm)).toEqual(['boot']);
      writeFileSync(place.path('go'), '');
      expect(await vm.event('hook', 2)).toMatchObject({ state: 'ended', end: { kind: 'exited', status: 0 } });
      expect(vm.hookOutput()).toBe('it is there\n');
      await vm.said(booted(1));
      vm.stop();
      await vm.result;
    });
  });

  test('post_start is not run for a VM that never came', async () => {
    await inPlace(async (place) => {
      const kernel = fakeKernel(place);
      const vm = await supervise(place, 'error', { post_start_script: '/bin/echo' }, { host: kernel.host });
      await vm.result;
      await vm.over;
      expect(kinds(vm)).not.toContain('hook');
    });
  });
});

describe('a hook', () => {
  const hook = (script: string) => ({ hooks: { post_start: ['/bin/sh', '-c', script] } });

  test('is told about the VM by its environment', async () => {
    await inPlace(async (place) => {
      const say = 'echo "$VMRUN_NAME $VMRUN_TARGET $VMRUN_BOOT $VMRUN_PID"';
      const vm = await supervise(place, 'run', { targets: { one: hook(say) } }, { target: 'one' });
      const { pid } = await vm.event('boot');
      await vm.event('hook', 2);
      expect(vm.hookOutput()).toBe(`${place.name} one 1 ${pid}\n`);
      await vm.said(booted(1));
      vm.stop();
      await vm.result;
    });
  });

  test("of a boot's own target is run, not the base's", async () => {
    await inPlace(async (place) => {
      const vm = await supervise(
        place,
        'run',
        {
          post_start_script: '/bin/echo base',
          targets: { first: { post_start_script: "/bin/echo 'first target'" } },
        },
        { target: 'first' },
      );
      await vm.event('hook', 2);
      expect(vm.hookOutput()).toBe('first target\n');
      await vm.said(booted(1));
      vm.stop();
      await vm.result;
    });
  });

  test('that is slow delays nothing, and is killed with its children at the end', async () => {
    await inPlace(async (place) => {
      const vm = await supervise(
        place,
        'reboot:150ms,reboot,run',
        hook(`sleep 600 & echo $$ $! >> '${place.path('pids')}'; wait`),
      );
      await vm.said(booted(3));
      const pids = () => (existsSync(place.path('pids')) ? readFileSync(place.path('pids'), 'utf8') : '');
      await until(() => pids().trim().split('\n').length === 3);
      vm.stop();
      expect(await vm.result).toMatchObject({ boots: 3 });
      for (const pid of pids().trim().split(/\s+/).map(Number)) await until(() => !isRunning(pid));
      await vm.over;
      const ended = ofKind(vm.seen, 'hook').flatMap((event) => (event.state === 'ended' ? [event.end.kind] : []));
      expect(ended).toEqual(['aborted', 'aborted', 'aborted']);
    });
  });

  test.each<[title: string, fields: object, end: object]>([
    [
      'that is missing',
      { post_start_script: '/no/such/hook' },
      { kind: 'not-started', error: '/no/such/hook is not there' },
    ],
    ['that fails', hook('echo oh >&2; exit 3'), { kind: 'exited', status: 3 }],
    ['that dies', hook('kill -SEGV $$'), { kind: 'signalled', signal: 'SIGSEGV' }],
  ])('%s is told and harms nobody', async (_title, fields, end) => {
    await inPlace(async (place) => {
      const vm = await supervise(place, 'run', fields);
      const told = await vm.event('hook', 2);
      expect(told).toMatchObject({ state: 'ended', boot: 1, end });
      await vm.said(booted(1));
      vm.stop();
      expect(await vm.result).toMatchObject({ end: { kind: 'powered-off' }, boots: 1, leftBehind: [] });
    });
  });
});

describe('bhyve that cannot be started', () => {
  test.each<[title: string, make: (place: Place) => string, reason: StartError['reason']]>([
    ['because it is missing', ({ path }) => path('bhyve'), 'not-found'],
    ['because it is not a program', ({ write }) => write('bhyve', '', 0o644), 'not-executable'],
    ['because its interpreter is missing', ({ write }) => write('bhyve', '#!/no/such\n', 0o755), 'not-executable'],
  ])('%s is told, and nothing is left', async (_title, make, reason) => {
    await inPlace(async (place) => {
      const vm = await supervise(
        place,
        'run',
        { graphic: { host: '127.0.0.1', password: 'secret' }, post_start_script: '/bin/echo' },
        { bhyve: [make(place)], pidFile: place.path('vm.pid'), supervisorPidFile: place.path('vmrun.pid') },
      );
      const error = await failure(vm);
      expect(error).toBeInstanceOf(StartError);
      expect(error).toMatchObject({ reason });
      expect(place.runDirectories()).toEqual([]);
      expect(existsSync(place.path('vm.pid'))).toBe(false);
      expect(existsSync(place.path('vmrun.pid'))).toBe(false);
      expect(vm.seen.at(-1)).toMatchObject({ kind: 'stop', because: 'error', boots: 0 });
      expect(kinds(vm)).not.toContain('boot');
    });
  });

  test('for a later boot is told with the boots there were', async () => {
    await inPlace(async (place) => {
      const bhyve = place.write('bhyve', '#!/bin/sh\nrm "$0"\n', 0o755);
      const vm = await supervise(place, '', {}, { bhyve: [bhyve] });
      expect(await failure(vm)).toMatchObject({ reason: 'not-found' });
      expect(vm.seen.at(-1)).toMatchObject({ kind: 'stop', because: 'error', boots: 1 });
      expect(place.runDirectories()).toEqual([]);
    });
  });
});

describe('what a run makes is removed on every way out', () => {
  const withAll = (place: Place): Pick<RunOptions, 'pidFile' | 'supervisorPidFile'> => ({
    pidFile: place.path('vm.pid'),
    supervisorPidFile: place.path('vmrun.pid'),
  });
  const expectNothing = ({ path, folder, runDirectories }: Place): void => {
    expect(runDirectories()).toEqual([]);
    expect(existsSync(path('vm.pid'))).toBe(false);
    expect(existsSync(path('vmrun.pid'))).toBe(false);
    expect(readdirSync(folder).filter((name) => name.endsWith('.sock'))).toEqual([]);
  };

  test.each(['power_off', 'halt', 'error', 'signal:SEGV', 'reboot,triple_fault'])('%s', async (script) => {
    await inPlace(async (place) => {
      const vm = await supervise(place, script, sockets(place, 'a.sock', 'b.sock'), withAll(place));
      await vm.result;
      expectNothing(place);
    });
  });

  test('a host that is not ready', async () => {
    await inPlace(async (place) => {
      const vm = await supervise(place, 'run', { bootrom: place.path('none') }, { ...withAll(place), check: true });
      const error = await failure(vm);
      expect(problemCodes(error)).toContain('file-missing');
      expect(kinds(vm)).not.toContain('boot');
      expectNothing(place);
    });
  });

  test('a pid file that cannot be made', async () => {
    await inPlace(async (place) => {
      const vm = await supervise(place, 'run', {}, { ...withAll(place), pidFile: place.path('none', 'vm.pid') });
      expect(problemCodes(await failure(vm))).toEqual(['pid-file']);
      expectNothing(place);
    });
  });

  test.each<[what: string, files: (place: Place) => Pick<RunOptions, 'pidFile' | 'supervisorPidFile'>]>([
    ['a disk of the VM', ({ path }) => ({ pidFile: path('disk.img') })],
    ['in the run directory', ({ runBase, name }) => ({ supervisorPidFile: `${runBase}/${name}/state.json` })],
    ['the other pid file', ({ path, folder }) => ({ pidFile: path('pid'), supervisorPidFile: `${folder}/./pid` })],
  ])('a pid file that is %s, before anything is made', async (_what, files) => {
    await inPlace(async (place) => {
      const disk = place.write('disk.img', '');
      const fields = { emulations: [{ device: 'virtio-blk', path: disk }] };
      const vm = await supervise(place, 'run', fields, { ...withAll(place), ...files(place) });
      expect(problemCodes(await failure(vm))).toEqual(['output-file']);
      expect(kinds(vm)).toEqual(['stop']);
      expect(readFileSync(disk, 'utf8')).toBe('');
      expectNothing(place);
    });
  });

  test('sockets of each boot go before the next, so that bhyve can make them again', async () => {
    await inPlace(async (place) => {
      const vm = await supervise(place, 'reboot,reboot,power_off', sockets(place, 'a.sock'));
      expect(await vm.result).toMatchObject({ end: { kind: 'powered-off' }, boots: 3 });
      await vm.over;
      expect(ofKind(vm.seen, 'cleanup').map(({ what }) => what)).toEqual([
        'socket',
        'socket',
        'socket',
        'run directory',
      ]);
    });
  });

  test("a socket that was there before is somebody else's and stays", async () => {
    await inPlace(async (place) => {
      const server = createServer().listen({ path: place.path('b.sock') });
      await once(server, 'listening');
      const { ino } = lstatSync(place.path('b.sock'));
      const vm = await supervise(place, 'run', sockets(place, 'a.sock', 'b.sock'));
      expect(await vm.result).toMatchObject({
        end: { kind: 'failed', status: 4 },
        why: { cause: 'the socket of virtio-console port 1 is there already: Address already in use' },
        leftBehind: [],
      });
      expect(lstatSync(place.path('b.sock')).ino).toBe(ino);
      expect(existsSync(place.path('a.sock'))).toBe(false);
      server.close();
      await once(server, 'close');
    });
  });

  test('a socket that bhyve never made is not a failure to remove it', async () => {
    await inPlace(async (place) => {
      const vm = await supervise(
        place,
        'run',
        { ...sockets(place, 'a.sock'), extra_options: '-z' },
        { panicOnFailedCleanup: true },
      );
      expect(await vm.result).toMatchObject({ end: { kind: 'failed', status: 1 }, because: 'guest', leftBehind: [] });
    });
  });

  test("a socket in a folder that nobody can look into is bhyve's problem alone", async () => {
    await inPlace(async (place) => {
      const vm = await supervise(place, 'run', sockets(place, `${'n'.repeat(300)}/a.sock`));
      expect(await vm.result).toMatchObject({ end: { kind: 'failed', status: 4 } });
      expectNothing(place);
    });
  });
});

test('a password is in a file for its owner alone while bhyve runs, and nowhere on the command line', async () => {
  await inPlace(async (place) => {
    const vm = await supervise(place, 'run', { graphic: { host: '127.0.0.1', password: 'se;cr=et' } });
    const { command } = await vm.event('boot');
    await vm.said(booted(1));
    const file = command[command.indexOf('-k') + 1] ?? '';
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).toMatch(/^pci\.0\.\d+\.0\.password=se;cr=et\n$/);
    expect(command.join('\n')).not.toContain('cr=et');
    vm.stop();
    await vm.result;
    expect(existsSync(file)).toBe(false);
    expect(JSON.stringify(vm.seen)).not.toContain('cr=et');
  });
});

test('pid files name the two processes while they run', async () => {
  await inPlace(async (place) => {
    const vm = await supervise(
      place,
      'run',
      {},
      {
        pidFile: place.write('vm.pid', '1234567890'),
        supervisorPidFile: place.path('vmrun.pid'),
      },
    );
    const { pid } = await vm.event('boot');
    await vm.said(booted(1));
    expect(readFileSync(place.path('vm.pid'), 'utf8')).toBe(`${pid}\n`);
    expect(readFileSync(place.path('vmrun.pid'), 'utf8')).toBe(`${process.pid}\n`);
    vm.stop();
    await vm.result;
    expect(existsSync(place.path('vm.pid'))).toBe(false);
  });
});

test('a second run of a name is refused and leaves the first, its sockets and its pid files unharmed', async () => {
  await inPlace(async (place) => {
    const fields = sockets(place, 'a.sock');
    const options = { pidFile: place.path('vm.pid') };
    const first = await supervise(place, 'run', fields, options);
    const { pid } = await first.event('boot');
    await first.said(booted(1));
    for (const force of [false, true]) {
      const second = await supervise(place, 'run', fields, { ...options, force });
      const error = await failure(second);
      expect(error).toMatchObject({ kind: 'in-use' });
      expect(String(error)).toContain(`process ${process.pid}`);
      expect(second.seen).toMatchObject([{ kind: 'stop', because: 'error', problems: [{ code: 'in-use' }] }]);
    }
    expect(isRunning(pid)).toBe(true);
    expect(existsSync(place.path('a.sock'))).toBe(true);
    expect(readFileSync(place.path('vm.pid'), 'utf8')).toBe(`${pid}\n`);
    first.stop();
    expect(await first.result).toMatchObject({ end: { kind: 'powered-off' } });
    expect(place.runDirectories()).toEqual([]);
  });
});

test('many VMs run side by side in one process', async () => {
  await inPlace(async (place) => {
    const runs = await Promise.all(
      Array.from({ length: 5 }, (_, index) =>
        supervise(place, 'reboot,halt', { name: `${place.name}-${index}`, ...sockets(place, `${index}.sock`) }),
      ),
    );
    for (const vm of runs) expect(await vm.result).toMatchObject({ end: { kind: 'halted' }, boots: 2, leftBehind: [] });
    expect(place.runDirectories()).toEqual([]);
  });
});

test('a run directory that cannot be made is told as such', async () => {
  await inPlace(async (place) => {
    mkdirSync(place.runBase);
    writeFileSync(`${place.runBase}/${place.name}`, '');
    const vm = await supervise(place, 'run');
    const error = await failure(vm);
    expect(error).toMatchObject({ kind: 'cannot-create' });
    expect(problemCodes(error)).toEqual(['run-directory']);
  });
});
