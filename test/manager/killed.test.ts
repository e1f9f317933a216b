import { execFileSync } from 'node:child_process';
import { readdirSync, rmSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { expect, test } from '@jest/globals';
import { inPlace, isRunning, until, type Place } from '../e2e/support/place.js';
import { startVmrun } from '../e2e/support/vmrun.js';
import { managerProcess, type ManagerProcess } from '../support/built-manager.js';
import { addSpec, guestsOf, removeSpec, type Guests } from './support.js';

interface Scene {
  readonly place: Place;
  readonly guests: Guests;
  readonly manager: (socket?: string) => ManagerProcess;
  /** Bhyves that were started. */
  readonly ups: () => readonly string[];
}

/** Managers in processes of their own, and their guests; the VM of the place has run once it is given away. */
const inScene = (
  use: (scene: Scene) => Promise<void>,
  fieldsIn: (place: Place) => object = () => ({}),
  onSigterm?: string,
): Promise<void> =>
  inPlace(async (place) => {
    const guests = guestsOf(place, onSigterm);
    addSpec(place, place.name, fieldsIn(place));
    await use({
      ...{ place, guests },
      manager: (socket) => managerProcess(place, guests.file, socket),
      ups: () => guests.log().filter((line) => line.startsWith('up')),
    });
  });

const hasRun = (vm: ManagerProcess, kind: string) => (): boolean =>
  vm.events.some((event) => event.kind === 'run' && event.event.kind === kind);

async function runOnce({ place, manager, ups }: Scene): Promise<void> {
  const first = manager();
  await first.up;
  const start = await first.start(place.name);
  expect(await first.wait(start.id)).toMatchObject({ state: 'done' });
  await until(() => ups().length === 1);
  await first.kill();
}

const now = { kind: 'stop', budgetMs: 0 } as const;

test('a VM outlives a manager that is killed, and is taken over as it runs', async () => {
  await inScene(async (scene) => {
    const { place, manager, ups } = scene;
    await runOnce(scene);
    const next = manager();
    await next.until('it is adopted', hasRun(next, 'adopted'));
    expect(await next.vm(place.name)).toMatchObject({
      state: 'running',
      boot: 1,
      wanted: { state: 'running', by: 'test' },
      spec: { isChanged: false },
    });
    expect(ups()).toHaveLength(1);
    await next.end(now);
  });
});

test('what a VM runs with is known to who takes it over, though its file says otherwise by then', async () => {
  await inScene(async (scene) => {
    const { place, manager } = scene;
    await runOnce(scene);
    addSpec(place, place.name, { mem: '96M' });
    const next = manager();
    await next.until('it is adopted', hasRun(next, 'adopted'));
    await until(async () => (await next.vm(place.name))?.spec.isChanged === true);
    expect((await next.vm(place.name))?.spec.changes).toEqual([
      { kind: 'setting', key: 'memory.size', from: '64M', to: '96M' },
    ]);
    await next.end(now);
  });
});

test('a VM whose file is gone meanwhile is taken over, and boots again with what it ran with', async () => {
  await inScene(async (scene) => {
    const { place, guests, manager, ups } = scene;
    await runOnce(scene);
    removeSpec(place, `${place.name}.json`);
    const own = manager();
    await own.until('it is adopted', hasRun(own, 'adopted'));
    expect((await own.vm(place.name))?.spec.file).toBeUndefined();
    await guests.end(place.name, 0);
    await own.until('it boots', hasRun(own, 'boot'));
    await until(() => ups().length === 2);
    await own.end(now);
    expect(place.runDirectories()).toEqual([]);
  });
});

test('of a manager of a name, the run alone tells what a VM runs with whose file and state are gone', async () => {
  await inPlace(async (place) => {
    const guests = guestsOf(place);
    addSpec(place, place.name, { autostart: true });
    const first = managerProcess(place, guests.file, '/a/socket');
    await first.until('it boots', hasRun(first, 'boot'));
    await first.kill();
    removeSpec(place, `${place.name}.json`);
    const next = managerProcess(place, guests.file, '/a/socket', { state: place.path('another-state') });
    await next.until('it is adopted', hasRun(next, 'adopted'));
    expect(await next.vm(place.name)).toMatchObject({ state: 'running' });
    await next.end(now);
  });
});

test.each([
  ['power off', 1, 'stopped'],
  ['reboot', 0, 'running'],
] as const)(
  'an end while no manager was there, %s, is followed by what the policy says',
  async (_what, status, state) => {
    await inScene(async (scene) => {
      const { place, guests, manager, ups } = scene;
      await runOnce(scene);
      await guests.end(place.name, status);
      await until(() => guests.log().includes(`bye ${place.name} ${status}`));
      await until(() => !isRunning(Number(ups()[0]?.split(' ')[3])));
      const next = manager();
      await next.until('its end', hasRun(next, 'exit'));
      await until(async () => (await next.vm(place.name))?.state === state);
      expect(await next.vm(place.name)).toMatchObject({
        wanted: { state, by: status === 1 ? 'guest' : 'test' },
        last: { boot: 1, reason: status === 1 ? 'power_off' : 'reboot' },
      });
      // A guest says that it is up a moment after its bhyve runs.
      await until(() => ups().length === (status === 1 ? 1 : 2));
      await next.end(now);
    });
  },
);

test('a stop that was under way is seen through by the next manager, as the same operation', async () => {
  await inPlace(async (place) => {
    const guests = guestsOf(place, ':');
    addSpec(place, place.name);
    const first = managerProcess(place, guests.file);
    await first.wait((await first.start(place.name)).id);
    await until(() => guests.log().length === 1);
    const stop = await first.stop(place.name, { timeoutMs: 100 });
    await first.kill();
    const next = managerProcess(place, guests.file);
    expect(await next.wait(stop.id)).toMatchObject({ kind: 'stop', state: 'done', by: 'test' });
    expect(await next.vm(place.name)).toMatchObject({ state: 'stopped', wanted: { state: 'stopped', by: 'test' } });
    await next.end(now);
  });
});

test('a restart that was under way ends with a VM that runs', async () => {
  await inPlace(async (place) => {
    const guests = guestsOf(place, 'sleep 0.2; bye 1');
    addSpec(place, place.name);
    const first = managerProcess(place, guests.file);
    await first.wait((await first.start(place.name)).id);
    await until(() => guests.log().length === 1);
    const restart = await first.restart(place.name);
    await first.kill();
    const next = managerProcess(place, guests.file);
    expect(await next.wait(restart.id)).toMatchObject({ kind: 'restart', state: 'done' });
    expect(await next.vm(place.name)).toMatchObject({ state: 'running', wanted: { state: 'running' } });
    await next.end(now);
  });
});

test.each<[title: string, asked: readonly ('stop' | 'restart' | 'start')[], states: readonly string[], boots: number]>([
  ['a stop and a restart', ['stop', 'restart'], ['done', 'done'], 2],
  ['two restarts', ['restart', 'restart'], ['interrupted', 'done'], 2],
  ['a stop and a start', ['stop', 'start'], ['done', 'interrupted'], 2],
  ['a restart and a stop', ['restart', 'stop'], ['interrupted', 'done'], 1],
  ['two stops', ['stop', 'stop'], ['done', 'done'], 1],
])('%s of one VM that were under way are seen through together', async (_title, asked, states, boots) => {
  await inScene(
    async (scene) => {
      const { place, guests, manager, ups } = scene;
      await runOnce(scene);
      const second = manager();
      await second.until('it is adopted', hasRun(second, 'adopted'));
      const operations: { readonly id: string }[] = [];
      for (const what of asked) {
        operations.push(
          what === 'start' ? await second.start(place.name) : await second[what](place.name, { timeoutMs: 600_000 }),
        );
      }
      await second.kill();
      const third = manager();
      await third.until('it is adopted', hasRun(third, 'adopted'));
      // The guest is deaf; it ends by itself.
      await guests.end(place.name, 1);
      const ended = await Promise.all(operations.map(({ id }) => third.wait(id)));
      expect(ended).toMatchObject(states.map((state) => ({ state })));
      const isUp = boots > 1;
      await until(async () => (await third.vm(place.name))?.state === (isUp ? 'running' : 'stopped'));
      await until(() => ups().length === boots);
      expect((await third.operations()).filter(({ state }) => state === 'running')).toEqual([]);
      // Nothing of it is left for the one that comes after.
      await third.kill();
      const fourth = manager();
      if (isUp) await fourth.until('it is adopted', hasRun(fourth, 'adopted'));
      else await fourth.up;
      expect(await fourth.vm(place.name)).toMatchObject({ state: isUp ? 'running' : 'stopped' });
      expect(ups()).toHaveLength(boots);
      await fourth.end(now);
    },
    undefined,
    ':',
  );
});

test('a stop of what another vmrun has left is seen through, too', async () => {
  await inScene(
    async (scene) => {
      const { place, guests, manager, ups } = scene;
      const first = manager();
      await first.up;
      const words = ['--run-dir', place.runBase, '--bhyve', guests.file, '--no-requirement-check'];
      const other = startVmrun(place, ['-c', `specs/${place.name}.json`, ...words]);
      await until(() => ups().length === 1);
      other.kill('SIGKILL');
      await other.ended;
      await until(async () => (await first.vm(place.name))?.state === 'orphaned');
      const stop = await first.stop(place.name, { timeoutMs: 600_000 });
      await first.kill();
      const next = manager();
      await next.until('it is adopted', hasRun(next, 'adopted'));
      await guests.end(place.name, 1);
      expect(await next.wait(stop.id)).toMatchObject({ kind: 'stop', state: 'done' });
      expect(await next.vm(place.name)).toMatchObject({ state: 'stopped', wanted: { state: 'stopped' } });
      await next.end(now);
    },
    undefined,
    ':',
  );
});

test('a restart whose second run has begun is not done once more', async () => {
  await inScene(
    async (scene) => {
      const { place, guests, manager, ups } = scene;
      await runOnce(scene);
      const second = manager();
      await second.until('it is adopted', hasRun(second, 'adopted'));
      // The hook of the run that follows waits for what is written here.
      const gate = place.path('gate');
      execFileSync('mkfifo', [gate]);
      const restart = await second.restart(place.name);
      await until(() => guests.log().some((line) => line.startsWith('hook')));
      await second.kill();
      await writeFile(gate, 'go\n');
      rmSync(gate);
      const last = manager();
      await until(async () => (await last.vm(place.name))?.state === 'running');
      expect(await last.wait(restart.id)).toMatchObject({ kind: 'restart', state: 'interrupted' });
      expect(await last.vm(place.name)).toMatchObject({ wanted: { state: 'running', by: 'test' } });
      expect(ups()).toHaveLength(2);
      await last.end(now);
    },
    ({ path }) => ({
      hooks: {
        pre_start: [
          '/bin/sh',
          '-c',
          `[ -p '${path('gate')}' ] || exit 0; echo hook >> '${path('guests.log')}'; read -r go < '${path('gate')}'`,
        ],
      },
    }),
  );
});

test('what else was under way is interrupted, and known as such', async () => {
  await inScene(async (scene) => {
    const { place, manager } = scene;
    await runOnce(scene);
    const next = manager();
    const operations = await next.operations();
    expect(operations).toMatchObject([{ kind: 'start', state: 'done', vm: place.name }]);
    await next.end({ kind: 'hand-over' });
    expect(readdirSync(place.path('run', place.name))).toContain('state.json');
    const last = manager();
    await last.until('it is adopted', hasRun(last, 'adopted'));
    await last.end(now);
  });
});

test('the start of a VM that waits for others is known after a kill, as one that was interrupted', async () => {
  await inPlace(async (place) => {
    const guests = guestsOf(place);
    addSpec(place, 'db', { autostart: { ready: { command: ['false'] } } });
    addSpec(place, 'web', { autostart: { after: ['db'] } });
    const first = managerProcess(place, guests.file);
    await first.up;
    const { operation = '' } = (await first.vm('web')) ?? {};
    expect(operation).toMatch(/./);
    // All of one look are on disk in a moment.
    await until(() => readdirSync(place.path('state', 'operations')).includes(`${operation}.json`));
    await first.kill();
    const next = managerProcess(place, guests.file);
    expect(await next.wait(operation)).toMatchObject({
      kind: 'start',
      vm: 'web',
      by: 'autostart',
      state: 'interrupted',
    });
    await next.end(now);
  });
});

test('a second manager on a state folder is refused, and told who is there', async () => {
  await inScene(async ({ place, manager }) => {
    const first = manager();
    await first.up;
    const second = manager();
    const error: unknown = await second.up.catch((thrown: unknown) => thrown);
    expect(error).toMatchObject({ kind: 'in-use', source: place.path('state'), problems: [{ code: 'state-in-use' }] });
    expect(String(error)).toMatch(new RegExp(`process ${first.child.pid} since \\d{4}-\\d\\d-\\d\\dT`));
    await first.end(now);
    const third = manager();
    await third.up;
    await third.end(now);
  });
});
