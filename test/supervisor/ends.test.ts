import { existsSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { systemHost } from '../../src/host/host.js';
import { runTool, type RunTool } from '../../src/host/process/tools.js';
import { exitReasons, type ExitReason } from '../../src/fields/exits.js';
import type { RunEnd } from '../../src/explain/run-end.js';
import { makeFakeHost } from '../host/fake-host.js';
import { inPlace, isRunning, until, type Place } from '../e2e/support/place.js';
import { ofKind, supervise, type Supervised } from '../e2e/support/supervised.js';
import { steppedClock, steppedHost } from '../support/stepped-clock.js';

const sh = (...lines: readonly string[]): readonly string[] => ['/bin/sh', '-c', lines.join('; ')];

/** Ignores the power button, as does what it becomes. */
const deaf = sh('trap "" TERM; echo up >&2; exec sleep 600');

type EndRow = readonly [ends: string, end: RunEnd, reason: ExitReason];

/** What a process can do that is called bhyve. A core dump would be left behind. */
const rows: readonly EndRow[] = [
  ['exit 0', { kind: 'rebooted' }, 'reboot'],
  ['exit 1', { kind: 'powered-off' }, 'power_off'],
  ['exit 2', { kind: 'halted' }, 'halt'],
  ['exit 3', { kind: 'triple-fault' }, 'triple_fault'],
  ['exit 4', { kind: 'failed', status: 4 }, 'error'],
  ['exit 5', { kind: 'suspended' }, 'suspend'],
  ['exit 71', { kind: 'failed', status: 71 }, 'error'],
  ['exit 255', { kind: 'failed', status: 255 }, 'error'],
  ...(['SIGTERM', 'SIGKILL', 'SIGSEGV', 'SIGABRT', 'SIGBUS'] as const).map((signal): EndRow => [
    `kill -${signal.slice(3)} $$`,
    { kind: 'killed', signal },
    'signal',
  ]),
];

describe('a bhyve that ends by itself', () => {
  test.each(rows)('with %s is followed by a boot only where it rebooted', async (ends, end, reason) => {
    await inPlace(async (place) => {
      const vm = await supervise(place, '', {}, { bhyve: sh(`ulimit -c 0; ${ends}`), limits: { rebootCount: 1 } });
      const result = await vm.result;
      await vm.over;
      const reboots = ends === 'exit 0' ? 1 : 0;
      expect(result).toMatchObject({ end, because: reboots === 1 ? 'reboot-count' : 'guest', boots: 1 + reboots });
      expect(ofKind(vm.seen, 'exit')[0]).toMatchObject({ boot: 1, end, reason });
      expect(ofKind(vm.seen, 'reboot')).toHaveLength(reboots);
      expect(ofKind(vm.seen, 'boot')).toHaveLength(1 + reboots);
    });
  });

  test.each(rows)('with %s boots again where reboot_on names every reason', async (ends, end, reason) => {
    await inPlace(async (place) => {
      const targets = { other: {} };
      const vm = await supervise(
        place,
        '',
        { reboot_on: [...exitReasons], next_target: { [reason]: 'other' }, targets },
        // The second life ends otherwise, so that the first is seen to be told for itself.
        { bhyve: sh(`ulimit -c 0; case $VMRUN_BOOT in 1) ${ends} ;; *) exit 9 ;; esac`), limits: { rebootCount: 1 } },
      );
      expect(await vm.result).toMatchObject({ end: { kind: 'failed', status: 9 }, because: 'reboot-count', boots: 2 });
      await vm.over;
      expect(ofKind(vm.seen, 'exit').map(({ boot, end: told, reason: why }) => [boot, told, why])).toEqual([
        [1, end, reason],
        [2, { kind: 'failed', status: 9 }, 'error'],
      ]);
      expect(ofKind(vm.seen, 'reboot')).toEqual([expect.objectContaining({ boot: 2, target: 'other', reason })]);
      expect(ofKind(vm.seen, 'boot').map(({ target }) => target)).toEqual(['default', 'other']);
    });
  });
});

describe('a guest that does not hear the power button', () => {
  test.each([600, 1500])('is pressed again half way, and killed when its %i ms are over', async (timeoutMs) => {
    await inPlace(async (place) => {
      const clock = steppedClock();
      const options = { host: steppedHost(clock), bhyve: deaf };
      const vm = await supervise(place, '', { stop_timeout: `${timeoutMs}ms` }, options);
      await vm.said('up\n');
      const { pid } = await vm.event('boot');
      vm.stop();
      for (let half = 0; half < 2; half += 1) await clock.pass(timeoutMs / 2);
      expect(await vm.result).toMatchObject({ end: { kind: 'killed', signal: 'SIGKILL' }, because: 'asked', boots: 1 });
      await vm.over;
      const steps = ofKind(vm.seen, 'stopping');
      expect(steps.map(({ how, timeoutMs: left, monotonicMs }) => [monotonicMs, how, left])).toEqual([
        [0, 'power button', timeoutMs],
        [timeoutMs / 2, 'power button again', timeoutMs / 2],
        [timeoutMs, 'kill', 0],
      ]);
      expect(isRunning(pid)).toBe(false);
    });
  });

  test('but hears the second press powers off', async () => {
    await inPlace(async (place) => {
      const bhyve = sh(
        'trap "n=1\\$n; test \\$n != 11 || exit 1; echo pressed >&2" TERM',
        'echo up >&2; while :; do sleep 0.02 & wait $!; done',
      );
      const clock = steppedClock();
      const vm = await supervise(place, '', { stop_timeout: '2s' }, { host: steppedHost(clock), bhyve });
      await vm.said('up\n');
      vm.stop();
      // A signal that comes while the one before is pending would be lost.
      await vm.said('pressed\n');
      await clock.pass(1000);
      expect(await vm.result).toMatchObject({ end: { kind: 'powered-off' }, because: 'asked' });
      await vm.over;
      expect(ofKind(vm.seen, 'stopping').map(({ how }) => how)).toEqual(['power button', 'power button again']);
    });
  });

  test('has no time at all with stop_timeout 0', async () => {
    await inPlace(async (place) => {
      const vm = await supervise(place, '', { stop_timeout: 0 }, { bhyve: deaf });
      await vm.said('up\n');
      vm.stop();
      expect(await vm.result).toMatchObject({ end: { kind: 'killed', signal: 'SIGKILL' } });
      await vm.over;
      expect(ofKind(vm.seen, 'stopping').map(({ how }) => how)).toEqual(['power button', 'kill']);
    });
  });
});

describe('a stop', () => {
  /** What it must not wait for takes longer than the test may. */
  async function expectPromptStop(vm: Supervised, boots: number): Promise<void> {
    vm.stop();
    expect(await vm.result).toMatchObject({ because: 'asked', boots });
    await vm.over;
    expect(ofKind(vm.seen, 'boot')).toHaveLength(boots);
    expect(vm.seen.at(-1)).toMatchObject({ kind: 'stop', because: 'asked', boots });
  }

  const hanging = (place: Place) => sh(`mkdir '${place.path('hangs')}'; sleep 600`);
  const hangs = (place: Place): Promise<void> => until(() => existsSync(place.path('hangs')));

  test('asked for twice kills the guest without delay', async () => {
    await inPlace(async (place) => {
      const vm = await supervise(place, '', { stop_timeout: '1h' }, { bhyve: deaf });
      await vm.said('up\n');
      vm.stop();
      await vm.event('stopping');
      await expectPromptStop(vm, 1);
    });
  });

  test('asked for twice in the same moment still presses the power button first', async () => {
    await inPlace(async (place) => {
      const vm = await supervise(place, '', { stop_timeout: '1h' }, { bhyve: deaf });
      await vm.said('up\n');
      vm.stop();
      await expectPromptStop(vm, 1);
      expect(ofKind(vm.seen, 'stopping').map(({ how }) => how)).toEqual(['power button', 'kill']);
    });
  });

  test('asked for a thousand times is one stop', async () => {
    await inPlace(async (place) => {
      const vm = await supervise(place, '', { stop_timeout: '1h' }, { bhyve: deaf });
      await vm.said('up\n');
      for (let call = 1; call < 1000; call += 1) vm.stop();
      await expectPromptStop(vm, 1);
      for (let call = 0; call < 1000; call += 1) vm.stop();
      expect(ofKind(vm.seen, 'stopping').map(({ how }) => how)).toEqual(['power button', 'kill']);
      expect(ofKind(vm.seen, 'exit')).toHaveLength(1);
      expect(place.runDirectories()).toEqual([]);
    });
  });

  test('in pre_start kills the hook, and bhyve is never started', async () => {
    await inPlace(async (place) => {
      const vm = await supervise(place, 'run', { hooks: { pre_start: hanging(place) } });
      await hangs(place);
      await expectPromptStop(vm, 0);
      expect(ofKind(vm.seen, 'hook').at(-1)).toMatchObject({ hook: 'pre_start', end: { kind: 'aborted' } });
    });
  });

  test('in pre_reboot kills the hook, and no boot follows', async () => {
    await inPlace(async (place) => {
      const vm = await supervise(place, '', { hooks: { pre_reboot: hanging(place) } }, { bhyve: sh('exit 0') });
      await hangs(place);
      await expectPromptStop(vm, 1);
      expect(ofKind(vm.seen, 'hook').at(-1)).toMatchObject({ hook: 'pre_reboot', end: { kind: 'aborted' } });
    });
  });

  test('while post_start hangs ends the guest, and then the hook', async () => {
    await inPlace(async (place) => {
      const bhyve = sh('exec sleep 600');
      const vm = await supervise(place, '', { hooks: { post_start: hanging(place) } }, { bhyve });
      await hangs(place);
      await expectPromptStop(vm, 1);
      expect(ofKind(vm.seen, 'exit')).toEqual([
        expect.objectContaining({ end: { kind: 'killed', signal: 'SIGTERM' }, reason: 'signal' }),
      ]);
      expect(ofKind(vm.seen, 'hook').at(-1)).toMatchObject({ hook: 'post_start', end: { kind: 'aborted' } });
    });
  });

  test('while post_stop runs is too late for anything else: a second one kills it', async () => {
    await inPlace(async (place) => {
      const vm = await supervise(place, '', { hooks: { post_stop: hanging(place) } }, { bhyve: sh('exit 2') });
      await hangs(place);
      vm.stop();
      vm.stop();
      await vm.result;
      await vm.over;
      expect(ofKind(vm.seen, 'hook').at(-1)).toMatchObject({ hook: 'post_stop', end: { kind: 'aborted' } });
      expect(ofKind(vm.seen, 'stop')).toEqual([expect.objectContaining({ because: 'guest', boots: 1 })]);
    });
  });

  test.each<[title: string, lines: (file: string) => readonly string[]]>([
    ['hangs', (file) => [`exec tail -f '${file}'`]],
    // It holds the output open that we read.
    ['waits for a program of its own', (file) => [`tail -f '${file}'`, 'exit 1']],
  ])('while a tool of the check %s ends it', async (_title, lines) => {
    await inPlace(async (place) => {
      const fake = makeFakeHost();
      try {
        const tool = place.script('ifconfig', `mkdir '${place.path('hangs')}'`, ...lines(place.write('text', '')));
        const run: RunTool = (argv, options) =>
          argv[0] === 'ifconfig' ? runTool([tool], options) : fake.run(argv, options);
        const vm = await supervise(
          place,
          '',
          { emulations: [{ device: 'virtio-net', name: 'tap7' }] },
          { host: { ...systemHost(), run }, check: true, bhyve: ['/bin/true'] },
        );
        await hangs(place);
        await expectPromptStop(vm, 0);
        await until(() => place.processes().length === 0);
      } finally {
        fake.remove();
      }
    });
  });
});
