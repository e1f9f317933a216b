import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { StartError } from '../../src/host/process/start-error.js';
import type { RunState } from '../../src/host/run-directory/run-state.js';
import type { RunEvent } from '../../src/supervisor/events.js';
import { inPlace, isRunning, until, type Place } from '../e2e/support/place.js';
import {
  fakeKernel,
  loadersOn,
  ofKind,
  simulatorOn,
  supervise,
  type FakeKernel,
  type Supervised,
} from '../e2e/support/supervised.js';

const loaded = { VMRUN_SIM_LOADED: 'yes' };
const bhyveload = { loader: { kind: 'bhyveload', disk: '/disk.img' } };
const grub = { loader: { kind: 'grub-bhyve', commands: ['linux /vmlinuz', 'boot'] } };

/** `loader+` where one has started, `loader-` where it has ended. */
const steps = ({ seen }: Supervised): readonly string[] =>
  seen.map((event) => (event.kind === 'loader' ? `loader${event.state === 'started' ? '+' : '-'}` : event.kind));

const endsOf = (vm: Supervised) =>
  ofKind(vm.seen, 'loader').flatMap((event) => (event.state === 'ended' ? [event] : []));

const onKernel = (kernel: FakeKernel) => ({
  host: kernel.host,
  bhyve: simulatorOn(kernel),
  loaders: loadersOn(kernel),
  env: loaded,
});

/** A loader that is a shell script; it gets the words of the real one. */
const scripted = (...lines: readonly string[]) => {
  const words = ['/bin/sh', '-c', lines.join('\n'), 'loader'];
  return { loaders: { bhyveload: words, 'grub-bhyve': words }, env: loaded };
};

/** Waits until a script has written a whole line. */
async function written(file: string): Promise<string> {
  const content = (): string => (existsSync(file) ? readFileSync(file, 'utf8') : '');
  await until(() => content().endsWith('\n'));
  return content().trim();
}

function expectNothingLeft(place: Place, kernel?: FakeKernel): void {
  expect(place.runDirectories()).toEqual([]);
  expect(kernel?.exists() ?? false).toBe(false);
}

describe('a loader', () => {
  test('runs before each boot of each target, on a VM that is destroyed in between', async () => {
    await inPlace(async (place) => {
      const kernel = fakeKernel(place);
      const fields = {
        ...bhyveload,
        targets: { rom: { bootrom: '/rom.fd', next_target: 'grub' }, grub: { ...grub, next_target: 'default' } },
        next_target: 'rom',
      };
      const vm = await supervise(place, 'reboot,reboot,reboot,power_off', fields, onKernel(kernel));
      expect(await vm.result).toEqual({ end: { kind: 'powered-off' }, because: 'guest', boots: 4, leftBehind: [] });
      await vm.over;
      const boot = ['boot', 'exit', 'cleanup'];
      expect(steps(vm)).toEqual([
        ...['loader+', 'loader-', ...boot, 'reboot', ...boot, 'reboot', 'loader+', 'loader-', ...boot, 'reboot'],
        ...['loader+', 'loader-', ...boot, 'cleanup', 'stop'],
      ]);
      expect(ofKind(vm.seen, 'loader').map(({ boot: number, program }) => [number, program])).toEqual([
        ...[1, 1].map((number) => [number, 'bhyveload']),
        ...[3, 3].map((number) => [number, 'grub-bhyve']),
        ...[4, 4].map((number) => [number, 'bhyveload']),
      ]);
      expect(kernel.calls()).toEqual(['--destroy', '--destroy', '--destroy', '--destroy']);
      expect(vm.stderr()).toContain('loads from /disk.img into 64M\n');
      expectNothingLeft(place, kernel);
    });
  });

  test('is told about the VM by its environment, and gets its own words', async () => {
    await inPlace(async (place) => {
      const say = 'echo "$VMRUN_NAME $VMRUN_TARGET $VMRUN_BOOT: $*"';
      const vm = await supervise(place, 'halt', { targets: { one: bhyveload } }, { ...scripted(say), target: 'one' });
      await vm.result;
      expect(vm.stderr()).toContain(`${place.name} one 1: -m 64M -d /disk.img ${place.name}\n`);
    });
  });

  test('has nothing on its standard input, and what it prints is passed on in whole lines', async () => {
    await inPlace(async (place) => {
      const lines = ['read line && exit 1', 'echo out', 'echo err >&2', 'test -t 1 && exit 1', 'printf last', 'exit 0'];
      const vm = await supervise(place, 'halt', bhyveload, scripted(...lines));
      expect(await vm.result).toMatchObject({ end: { kind: 'halted' } });
      expect(vm.stderr().split('\n')).toEqual(expect.arrayContaining(['out', 'err', 'last']));
    });
  });

  test('is given the commands of the spec, and a device map for its owner alone, gone after the boot', async () => {
    await inPlace(async (place) => {
      const fields = { ...grub, emulations: [{ device: 'virtio-blk', path: '/vm/disk.img' }] };
      const lines = [`cat "$2" - > '${place.path('read')}'`, `echo "$2" > '${place.path('map')}'`];
      const wait = `while test ! -e '${place.path('go')}'; do sleep 0.01; done`;
      const vm = await supervise(place, 'halt', fields, scripted(...lines, wait));
      const map = await written(place.path('map'));
      expect(map).toBe(place.path('run', place.name, 'device.map'));
      expect(statSync(map).mode & 0o777).toBe(0o600);
      expect(readFileSync(place.path('read'), 'utf8')).toBe('(hd0) /vm/disk.img\nlinux /vmlinuz\nboot\n');
      writeFileSync(place.path('go'), '');
      await vm.result;
      expect(existsSync(map)).toBe(false);
      expectNothingLeft(place);
    });
  });

  test('need not read its commands, however many there are', async () => {
    await inPlace(async (place) => {
      const commands = Array.from({ length: 3000 }, (_, n) => `echo ${'x'.repeat(100)} ${n}`);
      const vm = await supervise(place, 'halt', { loader: { ...grub.loader, commands } }, scripted('exit 0'));
      expect(await vm.result).toMatchObject({ end: { kind: 'halted' } });
    });
  });

  test('whose run was killed has left its device map, which the next run removes', async () => {
    await inPlace(async (place) => {
      mkdirSync(place.path('run', place.name), { recursive: true, mode: 0o700 });
      writeFileSync(place.path('run', place.name, 'device.map'), '');
      const vm = await supervise(place, 'halt');
      expect(await vm.result).toMatchObject({ leftBehind: [] });
      expectNothingLeft(place);
    });
  });
});

describe('a loader that fails', () => {
  const failures: readonly (readonly [
    title: string,
    fields: object,
    lines: readonly string[],
    how: object,
    cause: string,
  ])[] = [
    [
      'with a status',
      bhyveload,
      ['echo "bhyveload: Could not open \'/disk.img\'" >&2', 'exit 64'],
      { kind: 'exited', status: 64 },
      'bhyveload cannot open /disk.img',
    ],
    [
      'with a status that means nothing in GRUB',
      grub,
      ['exit 2'],
      { kind: 'exited', status: 2 },
      'grub-bhyve gave no reason',
    ],
    ['by a signal', bhyveload, ['kill -SEGV $$'], { kind: 'signalled', signal: 'SIGSEGV' }, 'bhyveload gave no reason'],
    [
      'by its time',
      { ...bhyveload, loader_timeout: '50ms' },
      ['echo OK', 'sleep 600 & wait'],
      { kind: 'timed-out', timeoutMs: 50 },
      'it may wait at a prompt',
    ],
  ];

  test.each(failures)('%s is a boot that failed: bhyve is not started', async (_title, fields, lines, how, cause) => {
    await inPlace(async (place) => {
      const kernel = fakeKernel(place);
      const vm = await supervise(place, 'run', fields, {
        host: kernel.host,
        ...scripted(`echo > '${kernel.file}'`, ...lines),
      });
      const result = await vm.result;
      await vm.over;
      const program = fields === grub ? 'grub-bhyve' : 'bhyveload';
      expect(result).toMatchObject({ end: { kind: 'not-loaded', program, how }, because: 'guest', boots: 1 });
      expect(result.why?.cause).toBe(cause);
      expect(steps(vm)).toEqual(['loader+', 'loader-', 'cleanup', 'cleanup', 'stop']);
      expect(endsOf(vm)).toEqual([expect.objectContaining({ end: how, why: result.why })]);
      expect(kernel.calls()).toEqual(['--destroy']);
      expectNothingLeft(place, kernel);
    });
  });

  test('by its time is killed with all that it has started', async () => {
    await inPlace(async (place) => {
      const pids = `sleep 600 & echo $$ $! > '${place.path('pids')}'; wait`;
      // A minute that need not pass.
      const { host } = fakeKernel(place);
      const clock = {
        ...host.clock,
        sleep: async (ms: number, signal?: AbortSignal) => {
          if (ms === 60_000) await written(place.path('pids'));
          else await host.clock.sleep(ms, signal);
        },
      };
      const vm = await supervise(place, 'run', bhyveload, { host: { ...host, clock }, ...scripted(pids) });
      expect(await vm.result).toMatchObject({
        end: { kind: 'not-loaded', how: { kind: 'timed-out', timeoutMs: 60_000 } },
      });
      for (const pid of readFileSync(place.path('pids'), 'utf8').trim().split(' ')) {
        await until(() => !isRunning(Number(pid)));
      }
    });
  });

  test('because it is not a program is told, too', async () => {
    await inPlace(async (place) => {
      const program = place.write('grub-bhyve', '', 0o644);
      const vm = await supervise(place, 'run', grub, { loaders: { 'grub-bhyve': [program] } });
      expect(await vm.result).toMatchObject({
        end: { kind: 'not-loaded', how: { kind: 'not-started', error: `${program} may not be executed` } },
      });
      await vm.over;
      expect(steps(vm)).toEqual(['loader-', 'cleanup', 'stop']);
      expectNothingLeft(place);
    });
  });

  test('because it is missing is as a missing bhyve', async () => {
    await inPlace(async (place) => {
      const vm = await supervise(place, 'run', grub, { loaders: { 'grub-bhyve': [place.path('none')] } });
      const error: unknown = await vm.result.catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(StartError);
      expect(error).toMatchObject({ reason: 'not-found' });
      await vm.over;
      expect(steps(vm)).toEqual(['cleanup', 'stop']);
      expectNothingLeft(place);
    });
  });

  test('is followed by another target where the policy says so', async () => {
    await inPlace(async (place) => {
      const kernel = fakeKernel(place);
      const fields = {
        ...bhyveload,
        reboot_on: ['reboot', 'error'],
        next_target: { error: 'rescue' },
        targets: { rescue: { bootrom: '/rescue.fd', reboot_on: [] } },
      };
      const options = { ...onKernel(kernel), env: { ...loaded, VMRUN_SIM_LOADER: 'fail' } };
      const vm = await supervise(place, 'run,power_off', fields, options);
      expect(await vm.result).toMatchObject({ end: { kind: 'powered-off' }, boots: 2 });
      await vm.over;
      expect(ofKind(vm.seen, 'reboot')).toEqual([
        expect.objectContaining({ boot: 2, target: 'rescue', reason: 'error', delayMs: 0 }),
      ]);
      expect(kernel.calls()).toEqual(['--destroy', '--destroy']);
    });
  });

  test('leaves a VM behind also where it is bhyve that cannot be started', async () => {
    await inPlace(async (place) => {
      const kernel = fakeKernel(place);
      const vm = await supervise(place, 'run', bhyveload, { ...onKernel(kernel), bhyve: [place.path('none')] });
      await expect(vm.result).rejects.toThrow('is not there');
      expect(kernel.calls()).toEqual(['--destroy']);
      expectNothingLeft(place, kernel);
    });
  });
});

describe('bhyveload that is told to reboot', () => {
  test('is a reboot of the guest: it is loaded again, after a pause where that goes on', async () => {
    await inPlace(async (place) => {
      const kernel = fakeKernel(place);
      const fields = { ...bhyveload, restart: { delay: '10ms' } };
      const options = { ...onKernel(kernel), env: { ...loaded, VMRUN_SIM_LOADER: 'reboot,reboot,ok' } };
      const vm = await supervise(place, 'halt', fields, options);
      expect(await vm.result).toMatchObject({ end: { kind: 'halted' }, boots: 3 });
      await vm.over;
      expect(ofKind(vm.seen, 'reboot').map(({ reason, delayMs }) => [reason, delayMs])).toEqual([
        ['reboot', 0],
        ['reboot', 10],
      ]);
      expect(ofKind(vm.seen, 'boot').map(({ boot }) => boot)).toEqual([3]);
      expect(kernel.calls()).toEqual(['--destroy', '--destroy', '--destroy']);
    });
  });

  test('ends the run where the policy does not boot again', async () => {
    await inPlace(async (place) => {
      const options = { limits: { noReboot: true }, env: { ...loaded, VMRUN_SIM_LOADER: 'reboot' } };
      const vm = await supervise(place, 'halt', bhyveload, options);
      expect(await vm.result).toEqual({ end: { kind: 'rebooted' }, because: 'no-reboot', boots: 1, leftBehind: [] });
    });
  });
});

describe('stop', () => {
  test('kills a loader at once, with all that it has started, and no bhyve follows', async () => {
    await inPlace(async (place) => {
      const kernel = fakeKernel(place);
      const lines = [`echo > '${kernel.file}'`, "trap '' TERM", `sleep 600 & echo $! > '${place.path('pid')}'; wait`];
      const vm = await supervise(place, 'run', bhyveload, { host: kernel.host, ...scripted(...lines) });
      const started = await vm.event('loader');
      const child = Number(await written(place.path('pid')));
      vm.stop();
      expect(await vm.result).toEqual({ end: undefined, because: 'asked', boots: 0, leftBehind: [] });
      await vm.over;
      expect(steps(vm)).toEqual(['loader+', 'loader-', 'cleanup', 'cleanup', 'stop']);
      expect(endsOf(vm)).toEqual([expect.objectContaining({ end: { kind: 'stopped' } })]);
      expect(isRunning(started.state === 'started' ? started.pid : 0)).toBe(false);
      await until(() => !isRunning(child));
      expectNothingLeft(place, kernel);
    });
  });

  test('told after the end of a loader that the same Ctrl-C has reached is a stop all the same', async () => {
    await inPlace(async (place) => {
      const { host } = fakeKernel(place);
      let stop = (): void => undefined;
      const clock = {
        ...host.clock,
        sleep: (ms: number, signal?: AbortSignal) => {
          if (ms === 100) stop();
          return host.clock.sleep(ms, signal);
        },
      };
      const options = { host: { ...host, clock }, ...scripted('kill -INT $$'), extraArguments: [] };
      const vm = await supervise(place, 'run', { ...bhyveload, com1: 'stdio' }, options);
      ({ stop } = vm);
      expect(await vm.result).toMatchObject({ end: undefined, because: 'asked', boots: 0 });
    });
  });

  test('in a later boot leaves the end of the one before', async () => {
    await inPlace(async (place) => {
      const options = { env: { ...loaded, VMRUN_SIM_LOADER: 'ok,hang' } };
      const vm = await supervise(place, 'reboot', bhyveload, options);
      await vm.event('loader', 3);
      vm.stop();
      expect(await vm.result).toMatchObject({ end: { kind: 'rebooted' }, because: 'asked', boots: 1 });
    });
  });

  test('just when the loader is done starts no bhyve', async () => {
    await inPlace(async (place) => {
      const kernel = fakeKernel(place);
      const { spawn } = kernel.host;
      let stop = (): void => undefined;
      const host: typeof kernel.host = {
        ...kernel.host,
        spawn: async (command, options) => {
          const child = await spawn(command, options);
          void child.ended.then(() => {
            stop();
          });
          return child;
        },
      };
      const vm = await supervise(place, 'run', bhyveload, { ...onKernel(kernel), host });
      ({ stop } = vm);
      expect(await vm.result).toMatchObject({ end: undefined, because: 'asked', boots: 0 });
      await vm.over;
      expect(steps(vm)).not.toContain('boot');
      expectNothingLeft(place, kernel);
    });
  });
});

test('state.json names the loader while it runs, then bhyve', async () => {
  await inPlace(async (place) => {
    const state = (): Partial<RunState> => {
      const file = place.path('run', place.name, 'state.json');
      return existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as RunState) : {};
    };
    const wait = `while test ! -e '${place.path('go')}'; do sleep 0.01; done`;
    const vm = await supervise(place, 'run', bhyveload, scripted(wait));
    const started: RunEvent = await vm.event('loader');
    await until(() => state().loader?.start !== undefined);
    expect(state().loader?.pid).toBe('pid' in started ? started.pid : 0);
    expect(state().bhyve).toBeUndefined();
    writeFileSync(place.path('go'), '');
    const { pid } = await vm.event('boot');
    await until(() => state().bhyve?.start !== undefined);
    expect(state().bhyve?.pid).toBe(pid);
    expect(state().loader).toBeUndefined();
    await vm.said('boot 1, as bhyve');
    vm.stop();
    await vm.result;
  });
});
