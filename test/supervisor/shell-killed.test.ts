import { describe, expect, test } from '@jest/globals';
import { systemClock } from '../../src/host/clock.js';
import { readState } from '../../src/host/run-directory/run-state.js';
import { endProcess, inPlace, isRunning, parentOf, until, type Place } from '../e2e/support/place.js';
import { ofKind, supervise, type Supervised } from '../e2e/support/supervised.js';
import { orphanOf, puppet, type Puppet } from './orphans.js';

interface Scene {
  readonly place: Place;
  readonly bhyve: Puppet;
  readonly vm: Supervised;
  readonly pid: number;
  readonly shell: number;
}

/** Everything is a reason to boot again; what nobody knows is none. */
const always = { reboot_on: ['reboot', 'power_off', 'halt', 'triple_fault', 'error', 'signal'] };

/** A VM that runs, and the shell that waits for its bhyve. */
const withRunning = (use: (scene: Scene) => Promise<void>, { onSigterm = 'bye 1', fields = {} } = {}): Promise<void> =>
  inPlace(async (place) => {
    const bhyve = puppet(place, { onSigterm });
    const settings = { bhyve: [bhyve.file], extraArguments: [] };
    const vm = await supervise(place, '', { ...always, ...fields }, settings);
    const { pid } = await vm.event('boot');
    await vm.said('up ');
    await use({ place, bhyve, vm, pid, shell: parentOf(pid) });
    await vm.over;
    expect(ofKind(vm.seen, 'boot')).toHaveLength(1);
    expect(ofKind(vm.seen, 'exit')).toMatchObject([{ end: { kind: 'unknown' } }]);
    expect(place.runDirectories()).toEqual([]);
  });

describe('kill -9 of the shell that waits for bhyve', () => {
  test('is told, and bhyve runs on and is watched to its end, of which nobody knows how it came', async () => {
    await withRunning(async ({ bhyve, vm, pid, shell }) => {
      endProcess(shell);
      expect(await vm.event('warning')).toMatchObject({ problem: { code: 'shell-killed' } });
      expect(isRunning(pid)).toBe(true);
      expect(ofKind(vm.seen, 'exit')).toEqual([]);
      bhyve.end(0);
      expect(await vm.result).toMatchObject({ end: { kind: 'unknown' }, because: 'status-unknown', boots: 1 });
      expect((await vm.event('exit')).why?.cause).toContain('the shell that waited for bhyve was killed');
    });
  });

  test('leaves what bhyve writes to be read', async () => {
    await withRunning(async ({ bhyve, vm, shell }) => {
      endProcess(shell);
      await vm.event('warning');
      bhyve.end(4);
      await vm.over;
      expect(vm.stderr()).toContain('last words 4');
    });
  });

  test.each([
    // However long it takes to be heard on a busy machine, it is not killed before.
    ['a guest that listens is powered off', 'bye 1', '10min', ['power button']],
    ['a deaf one is killed', '', '100ms', ['power button', 'power button again', 'kill']],
  ])('does not keep a stop from ending it: %s', async (_title, onSigterm, stopTimeout, ways) => {
    await withRunning(
      async ({ vm, pid, shell }) => {
        endProcess(shell);
        await vm.event('warning');
        vm.stop();
        expect(await vm.result).toMatchObject({ because: 'asked' });
        expect(ofKind(vm.seen, 'stopping').map(({ how }) => how)).toEqual(ways);
        expect(isRunning(pid)).toBe(false);
      },
      { onSigterm, fields: { stop_timeout: stopTimeout } },
    );
  });

  test('while the guest is asked to power off does not end the stop', async () => {
    await withRunning(
      async ({ bhyve, vm, pid, shell }) => {
        vm.stop();
        await vm.event('stopping');
        endProcess(shell);
        await vm.event('warning');
        expect(isRunning(pid)).toBe(true);
        bhyve.end(1);
        expect(await vm.result).toMatchObject({ because: 'asked' });
      },
      { onSigterm: '', fields: { stop_timeout: '1h' } },
    );
  });

  test('and then of bhyve ends the run', async () => {
    await withRunning(async ({ vm, pid, shell }) => {
      endProcess(shell);
      endProcess(pid);
      expect(await vm.result).toMatchObject({ because: 'status-unknown' });
    });
  });
});

test('a bhyve that closes what it has inherited is watched to its end, too: no second one is started beside it', async () => {
  await inPlace(async (place) => {
    const bhyve = place.script(
      'closing',
      'exec 3>&- 4>&-',
      'echo up >&2',
      `while test ! -e '${place.path('go')}'; do sleep 0.05; done`,
    );
    const vm = await supervise(place, '', always, { bhyve: [bhyve], extraArguments: [] });
    const { pid } = await vm.event('boot');
    await vm.said('up');
    await until(() => readState(place.path('run', place.name, 'state.json'))?.bhyve?.program !== undefined);
    const shell = parentOf(pid);
    endProcess(shell);
    await until(() => !isRunning(shell));
    const goMs = systemClock.monotonicMs();
    place.write('go', '');
    expect((await vm.event('exit')).monotonicMs).toBeGreaterThan(goMs);
    expect(await vm.result).toMatchObject({ end: { kind: 'unknown' }, because: 'status-unknown', boots: 1 });
    await vm.over;
    expect(isRunning(pid)).toBe(false);
  });
});

test('the end of a bhyve whose shell was killed before it could write it down is known to nobody', async () => {
  await inPlace(async (place) => {
    const bhyve = puppet(place);
    const vm = await supervise(place, '', {}, { bhyve: [bhyve.file], extraArguments: [] });
    const { pid } = await vm.event('boot');
    await vm.said('up ');
    const shell = parentOf(pid);
    process.kill(shell, 'SIGSTOP');
    endProcess(pid);
    await until(() => !isRunning(pid));
    endProcess(shell);
    expect(await vm.result).toMatchObject({ end: { kind: 'unknown' }, because: 'status-unknown' });
    await vm.over;
    expect(place.runDirectories()).toEqual([]);
  });
});

test('what asks the whole process group to end does not end the shell before bhyve', async () => {
  await inPlace(async (place) => {
    const bhyve = puppet(place, { onSigterm: 'bye 2' });
    const vm = await supervise(place, '', {}, { bhyve: [bhyve.file], extraArguments: [] });
    const { pid } = await vm.event('boot');
    await vm.said('up ');
    const group = parentOf(pid);
    for (const signal of ['SIGHUP', 'SIGPIPE', 'SIGTERM'] as const) process.kill(-group, signal);
    expect(await vm.result).toMatchObject({ end: { kind: 'halted' } });
    await vm.over;
  });
});

test('an orphan whose shell is killed is found, taken over and stopped', async () => {
  await inPlace(async (place) => {
    const bhyve = puppet(place);
    const child = await orphanOf(place, bhyve);
    endProcess(child.shell);
    await until(() => !isRunning(child.shell));
    const vm = await supervise(place, '', always, { bhyve: [bhyve.file], extraArguments: [], adopt: true });
    expect(await vm.event('adopted')).toMatchObject({ pid: child.pid });
    vm.stop();
    expect(await vm.result).toMatchObject({ end: { kind: 'unknown' }, because: 'asked' });
    await vm.over;
    await child.ended;
    expect(place.runDirectories()).toEqual([]);
  });
});
