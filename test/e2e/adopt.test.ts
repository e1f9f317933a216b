import { once } from 'node:events';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { puppet, type Puppet } from '../supervisor/orphans.js';
import { endProcess, inPlace, isRunning, parentOf, until, type Place } from './support/place.js';
import { runVmrun, simulated, startVmrun, type Ended, type Running } from './support/vmrun.js';

interface Scene {
  readonly place: Place;
  readonly bhyve: Puppet;
  /** Of the bhyve whose supervisor was killed. */
  readonly pid: number;
  readonly start: (...more: readonly string[]) => Running;
  readonly run: (...more: readonly string[]) => Promise<Ended>;
  readonly vmrun: (...words: readonly string[]) => Promise<Ended>;
}

/** A bhyve whose supervisor was killed with SIGKILL; it is ended if the test has not done so. */
const withOrphan = (
  fields: object,
  use: (scene: Scene) => Promise<void>,
  { onSigterm = 'bye 1' } = {},
): Promise<void> =>
  inPlace(async (place) => {
    const bhyve = puppet(place, { onSigterm });
    place.spec(fields);
    const words = [
      ...['-c', 'vm.json', '--no-requirement-check', '--run-dir', place.runBase, '--bhyve', bhyve.file],
      ...['--events', '-', '-p', 'vm.pid', '-P', 'vmrun.pid'],
    ];
    const start: Scene['start'] = (...more) => startVmrun(place, [...words, ...more]);
    const { pid } = await kill(start());
    try {
      await use({
        place,
        bhyve,
        pid,
        start,
        run: (...more) => start(...more).ended,
        vmrun: (...all) => runVmrun(place, all),
      });
    } finally {
      endProcess(pid);
      await until(() => place.processes().length === 0);
    }
  });

/** Kills the supervisor of a bhyve that is up. @returns that bhyve */
async function kill(vm: Running): Promise<{ readonly pid: number }> {
  const { pid } = await vm.event('boot');
  await vm.said('up ');
  vm.kill('SIGKILL');
  await once(vm.child, 'exit');
  return { pid };
}

const content = (place: Place, name: string): string => readFileSync(place.path(name), 'utf8');
const stateFile = (place: Place): string => place.path('run', place.name, 'state.json');

function expectNothingLeft(place: Place): void {
  for (const name of ['vm.pid', 'vmrun.pid']) expect(existsSync(place.path(name))).toBe(false);
  expect(place.runDirectories()).toEqual([]);
}

describe('after kill -9 of vmrun', () => {
  test('its bhyve lives on, and the next run says how it can be had: exit status 75', async () => {
    await withOrphan({}, async ({ place, pid, run }) => {
      for (let attempt = 1; attempt <= 2; attempt += 1) {
        const { status, stderr } = await run();
        expect(status).toBe(75);
        expect(stderr).toContain(`this VM still runs as process ${pid}`);
        expect(stderr).toContain('take it over with --adopt, or end it with --force');
      }
      expect(isRunning(pid)).toBe(true);
      expect(content(place, 'vm.pid')).toBe(`${pid}\n`);
    });
  });

  test('--adopt goes on with it, and with the policy of the spec', async () => {
    const fields = { next_target: 'disk', targets: { disk: { mem: '128M' } } };
    await withOrphan(fields, async ({ place, bhyve, pid, start }) => {
      const vm = start('--adopt');
      expect(await vm.event('adopted')).toMatchObject({ boot: 1, target: 'default', pid });
      await vm.said(`took over bhyve, which had no supervisor (pid ${pid})`);
      await until(() => content(place, 'vm.pid') === `${pid}\n`);
      expect(content(place, 'vmrun.pid')).toBe(`${vm.child.pid ?? 0}\n`);
      bhyve.end(0);
      const second = await vm.event('boot');
      expect(second).toMatchObject({ boot: 2, target: 'disk' });
      // What the first one said may be told once more: its vmrun was killed while it told it.
      await vm.said(`up ${second.pid}\n`);
      bhyve.end(2);
      const { status, events } = await vm.ended;
      expect(status).toBe(2);
      expect(events.filter(({ kind }) => kind === 'stop')).toMatchObject([{ because: 'guest', boots: 2 }]);
      expectNothingLeft(place);
    });
  });

  test.each<[title: string, onSigterm: string, status: number, signals: number]>([
    ['a guest that listens is powered off', 'bye 1', 1, 1],
    ['a deaf one is killed after stop_timeout', '', 137, 1],
    ['a second signal does not wait for a deaf one', '', 137, 2],
  ])('what was taken over is stopped as any other: %s', async (_title, onSigterm, status, signals) => {
    await withOrphan(
      { stop_timeout: signals === 2 ? '1h' : '300ms' },
      async ({ place, start }) => {
        const vm = start('--adopt');
        await vm.event('adopted');
        vm.kill('SIGTERM');
        await vm.event('stopping');
        if (signals === 2) vm.kill('SIGINT');
        const ended = await vm.ended;
        expect(ended).toMatchObject({ status, signal: null });
        expect(ended.events.filter(({ kind }) => kind === 'stop')).toMatchObject([{ because: 'asked' }]);
        expectNothingLeft(place);
      },
      { onSigterm },
    );
  });

  test('nothing is booted where nobody knows how it ended, since its shell was killed: exit status 4', async () => {
    await withOrphan({}, async ({ place, bhyve, pid, start }) => {
      const vm = start('--adopt');
      await vm.event('adopted');
      process.kill(parentOf(pid), 'SIGKILL');
      bhyve.end(0);
      const { status, stderr, events } = await vm.ended;
      expect(status).toBe(4);
      expect(stderr).toContain('how bhyve ended is not known');
      expect(stderr).toContain('the shell that waited for bhyve was killed');
      expect(events.filter(({ kind }) => kind === 'boot')).toEqual([]);
      expectNothingLeft(place);
    });
  });

  test('it may be taken over and orphaned again and again', async () => {
    await withOrphan({}, async ({ place, bhyve, pid, start }) => {
      for (let round = 1; round <= 3; round += 1) {
        const vm = start('--adopt');
        expect(await vm.event('adopted')).toMatchObject({ boot: 1, pid });
        vm.kill('SIGKILL');
        await once(vm.child, 'exit');
        expect(isRunning(pid)).toBe(true);
      }
      const vm = start('--adopt');
      await vm.event('adopted');
      bhyve.end(2);
      expect((await vm.ended).status).toBe(2);
      expectNothingLeft(place);
    });
  });

  test('a spec without its target cannot take it over: told, and nothing is changed', async () => {
    await withOrphan({ next_target: 'disk', targets: { disk: { next_target: 'disk' } } }, async (scene) => {
      const { place, bhyve, start, run } = scene;
      const vm = start('--adopt');
      await vm.event('adopted');
      bhyve.end(0);
      const { pid } = await kill(vm);
      const spec = content(place, 'vm.json');
      place.spec();
      const refused = await run('--adopt');
      expect(refused.status).toBe(75);
      expect(refused.stderr).toContain(`process ${pid} with target "disk"`);
      expect(isRunning(pid)).toBe(true);
      expect(content(place, 'vm.pid')).toBe(`${pid}\n`);
      writeFileSync(place.path('vm.json'), spec);
      const next = start('--adopt');
      expect(await next.event('adopted')).toMatchObject({ boot: 2, target: 'disk', pid });
      bhyve.end(2);
      expect((await next.ended).status).toBe(2);
      expectNothingLeft(place);
    });
  });

  test.each<[title: string, change: (whole: string) => string]>([
    ['empty', () => ''],
    ['cut at its last byte', (whole) => whole.slice(0, -2)],
    ['cut in its middle', (whole) => whole.slice(0, whole.length / 2)],
    ['of a newer version', (whole) => whole.replace('"version":1', '"version":2,"more":{}')],
    ['without what newer versions write', (whole) => whole.replace(/,"(phase|sockets|stopTimeoutMs)":/g, ',"x-$1":')],
  ])('a state file that is %s hides nothing: --adopt finds what the lock tells of', async (_title, change) => {
    await withOrphan({}, async ({ place, bhyve, pid, start, run }) => {
      writeFileSync(stateFile(place), change(content(place, `run/${place.name}/state.json`)));
      expect((await run()).stderr).toContain(`this VM still runs as process ${pid}`);
      const vm = start('--adopt');
      expect(await vm.event('adopted')).toMatchObject({ boot: 1, target: 'default', pid });
      bhyve.end(2);
      expect((await vm.ended).status).toBe(2);
      expectNothingLeft(place);
    });
  });

  test('--adopt and --force exclude one another', async () => {
    await inPlace(async (place) => {
      place.spec();
      const ended = await runVmrun(place, ['-c', 'vm.json', '--adopt', '--force']);
      expect(ended.status).toBe(64);
      expect(ended.stderr).toContain('--force and --adopt exclude one another');
    });
  });
});

test('--adopt boots where nothing runs', async () => {
  await inPlace(async (place) => {
    place.spec();
    expect((await runVmrun(place, simulated(place, 'halt', '--adopt'))).status).toBe(2);
    expect(place.runDirectories()).toEqual([]);
  });
});

test('what is taken over may run its guest in a child, which then hears the power button', async () => {
  await inPlace(async (place) => {
    place.spec({ com1: 'stdio', monitor: true, release: 16 });
    const first = startVmrun(place, simulated(place, 'run'));
    const { pid } = await first.event('boot');
    await first.said('login: ', 'stdout');
    first.kill('SIGKILL');
    await once(first.child, 'exit');
    const vm = startVmrun(place, simulated(place, 'run', '--adopt'));
    expect(await vm.event('adopted')).toMatchObject({ pid });
    vm.kill('SIGTERM');
    const { events } = await vm.ended;
    expect(events.flatMap((event) => (event.kind === 'stopping' ? [event.how] : []))).toEqual(['power button']);
    expect(place.processes()).toEqual([]);
    expect(place.runDirectories()).toEqual([]);
  });
});
