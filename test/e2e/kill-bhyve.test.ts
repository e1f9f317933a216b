import { once } from 'node:events';
import { readdirSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import type { RunEvent } from '../../src/supervisor/events.js';
import { puppet, type Puppet } from '../supervisor/orphans.js';
import { endProcess, inPlace, parentOf, until, type Place } from './support/place.js';
import { startVmrun, type Ended, type Running } from './support/vmrun.js';

interface Scene {
  readonly place: Place;
  readonly bhyve: Puppet;
  readonly start: (...more: readonly string[]) => Running;
}

/** A VM with hooks and pid files; its bhyve says when it is up. */
const withVm = (fields: object, use: (scene: Scene) => Promise<void>, { onSigterm = 'bye 1' } = {}): Promise<void> =>
  inPlace(async (place) => {
    const bhyve = puppet(place, { onSigterm });
    place.spec(fields);
    const words = ['-c', 'vm.json', '--no-requirement-check', '--run-dir', place.runBase, '--bhyve', bhyve.file];
    await use({
      place,
      bhyve,
      start: (...more) => startVmrun(place, [...words, '-p', 'vm.pid', '-P', 'vmrun.pid', '--events', '-', ...more]),
    });
    await until(() => place.processes().length === 0);
    expect(place.runDirectories()).toEqual([]);
    expect(readdirSync(place.folder).filter((name) => name.endsWith('.pid'))).toEqual([]);
  });

const stops = ({ events }: Ended): readonly RunEvent[] => events.filter(({ kind }) => kind === 'stop');

async function expectKilled(vm: Running, because: string, status = 137): Promise<void> {
  const ended = await vm.ended;
  expect(ended).toMatchObject({ status, signal: null });
  expect(stops(ended)).toEqual([ended.events.at(-1)]);
  expect(ended.events.at(-1)).toMatchObject({ kind: 'stop', because });
}

describe('kill -9 of bhyve', () => {
  test('as soon as it is started ends the run', async () => {
    await withVm({}, async ({ start }) => {
      const vm = start();
      endProcess((await vm.event('boot')).pid);
      await expectKilled(vm, 'guest');
    });
  });

  test('while its guest is asked to power off ends the stop at once', async () => {
    await withVm(
      { stop_timeout: '1h' },
      async ({ start }) => {
        const vm = start();
        const { pid } = await vm.event('boot');
        await vm.said('up ');
        vm.kill('SIGTERM');
        await vm.event('stopping');
        endProcess(pid);
        await expectKilled(vm, 'asked');
      },
      { onSigterm: '' },
    );
  });

  test('while post_start runs ends that too', async () => {
    await withVm({ hooks: { post_start: ['sleep', '600'], post_stop: ['true'] } }, async ({ start }) => {
      const vm = start();
      const { pid } = await vm.event('boot');
      await vm.event('hook');
      await vm.said('up ');
      endProcess(pid);
      await expectKilled(vm, 'guest');
      const hooks = (await vm.ended).events.flatMap((event) =>
        event.kind === 'hook' && event.state === 'ended' ? [[event.hook, event.end.kind]] : [],
      );
      expect(hooks).toEqual(
        expect.arrayContaining([
          ['post_start', 'aborted'],
          ['post_stop', 'exited'],
        ]),
      );
    });
  });

  test('is a reason to boot again where the spec says so, and a stop is stronger in the back-off', async () => {
    const restart = { delay: '1h', max_delay: '1h' };
    await withVm({ reboot_on: ['signal'], restart }, async ({ start }) => {
      const vm = start();
      for (let boot = 1; boot <= 2; boot += 1) {
        endProcess((await vm.event('boot', boot)).pid);
        await vm.event('reboot', boot);
      }
      vm.kill('SIGTERM');
      await expectKilled(vm, 'asked');
    });
  });

  test.each([
    ['', false, 'guest', 137],
    [' with its shell', true, 'status-unknown', 4],
  ])('that was taken over%s ends the run', async (_title, isShellKilled, because, status) => {
    await withVm({}, async ({ start }) => {
      const { pid } = await orphan(start());
      const vm = start('--adopt');
      expect(await vm.event('adopted')).toMatchObject({ pid });
      const shell = parentOf(pid);
      if (isShellKilled) endProcess(shell);
      endProcess(pid);
      await expectKilled(vm, because, status);
    });
  });

  test('while it is taken over ends the run, whether it was found alive or not', async () => {
    await withVm({}, async ({ start }) => {
      const { pid } = await orphan(start());
      const vm = start('--adopt');
      endProcess(pid);
      await expectKilled(vm, 'guest');
    });
  });
});

/** A bhyve whose supervisor was killed. */
async function orphan(vm: Running): Promise<{ readonly pid: number }> {
  const { pid } = await vm.event('boot');
  await vm.said('up ');
  vm.kill('SIGKILL');
  await once(vm.child, 'exit');
  return { pid };
}
