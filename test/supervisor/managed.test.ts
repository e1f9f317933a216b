import { once } from 'node:events';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { ProblemsError } from '../../src/base/problem.js';
import { whoRuns } from '../../src/host/run-directory/who-runs.js';
import { readKeptSpec } from '../../src/supervisor/kept-spec.js';
import { listRuns, stopRun, type ManagerStop } from '../../src/supervisor/runs.js';
import { inPlace, type Place } from '../e2e/support/place.js';
import { loadVm, supervise, type Supervised } from '../e2e/support/supervised.js';
import { addSpec } from '../manager/support.js';
import { run } from '../../src/supervisor/run.js';
import { managerProcess } from '../support/built-manager.js';
import { puppet, type Puppet } from './orphans.js';

const socket = '/somewhere/manager.sock';

interface Managed {
  readonly vm: Supervised;
  readonly bhyve: Puppet;
  readonly place: Place;
}

/** A run of this process, which says that it is a manager. */
const whileManaged = (use: (managed: Managed) => Promise<void>, options = {}): Promise<void> =>
  inPlace(async (place) => {
    const bhyve = puppet(place);
    const own = { bhyve: [bhyve.file], extraArguments: [], managedBy: socket, keepSpec: true };
    const vm = await supervise(place, '', {}, { ...own, ...options });
    await vm.said('up ');
    await use({ vm, bhyve, place });
    vm.stop();
    await vm.result;
    await vm.over;
  });

describe('a run of a manager', () => {
  test('says so in its lock, in its state file, and in the list of runs', async () => {
    await whileManaged(async ({ vm, place: { runBase, name, path } }) => {
      expect(readFileSync(path('run', name, 'lock'), 'utf8')).toBe(
        `process ${process.pid} since ${vm.state().since}, managed by ${socket}\n`,
      );
      expect(whoRuns(runBase, name).state?.managedBy).toBe(socket);
      expect(vm.state().managedBy).toBe(socket);
      expect(await listRuns({ runBase })).toMatchObject([
        { name, status: 'supervised', supervisor: process.pid, managedBy: socket },
      ]);
    });
  });

  test('is refused to another supervisor, who is told whom to ask', async () => {
    await whileManaged(async ({ place, bhyve }) => {
      const other = await supervise(place, '', {}, { bhyve: [bhyve.file], adopt: true, force: true });
      const error: unknown = await other.result.catch((thrown: unknown) => thrown);
      await other.over;
      expect(error).toMatchObject({
        kind: 'in-use',
        problems: [{ code: 'in-use', fix: 'have the manager stop it, with vmrun stop; nothing was changed' }],
      });
    });
  });

  test('is not stopped where nobody can ask the manager, and the manager is not signalled', async () => {
    await whileManaged(async ({ vm, place: { runBase, name } }) => {
      const error: unknown = await stopRun(name, { runBase }).catch((thrown: unknown) => thrown);
      expect(error).toBeInstanceOf(ProblemsError);
      expect(error).toMatchObject({
        problems: [{ code: 'managed', fix: `ask it to stop this one: vmrun stop ${name}` }],
      });
      expect(String(error)).toContain(socket);
      // We are that process: a SIGTERM would have ended us.
      expect(vm.state().phase).toBe('running');
    });
  });

  test('is stopped by asking, with the time that was given', async () => {
    await whileManaged(async ({ vm, place: { runBase, name } }) => {
      const asked: [string, string, ManagerStop][] = [];
      const outcome = await stopRun(name, {
        runBase,
        timeoutMs: 1234,
        askManager: async (...words) => {
          asked.push(words);
          await vm.request({ kind: 'stop' });
        },
      });
      expect(outcome).toBe('stopped');
      expect(asked).toEqual([[socket, name, { timeoutMs: 1234, now: false }]]);
    });
  });

  test('is not stopped where the manager says no', async () => {
    await whileManaged(async ({ vm, place: { runBase, name } }) => {
      const no = new Error('no');
      await expect(stopRun(name, { runBase, askManager: () => Promise.reject(no) })).rejects.toBe(no);
      expect(vm.state().phase).toBe('running');
    });
  });
});

test('the orphan of a manager that is killed while it is asked is stopped all the same', async () => {
  await inPlace(async (place) => {
    const bhyve = puppet(place);
    addSpec(place, place.name, { autostart: true });
    const { child, events, until } = managerProcess(place, bhyve.file, socket);
    await until('its boot', () => events.some((event) => event.kind === 'run' && event.event.kind === 'boot'));
    const exit = once(child, 'exit');
    const outcome = await stopRun(place.name, {
      runBase: place.runBase,
      askManager: async () => {
        child.kill('SIGKILL');
        await exit;
        throw Object.assign(new Error('read ECONNRESET'), { code: 'ECONNRESET' });
      },
    });
    expect(outcome).toBe('stopped');
    expect(place.runDirectories()).toEqual([]);
  });
});

describe('the spec that a run keeps', () => {
  const keptFile = ({ path, name }: Place): string => path('run', name, 'spec.json');

  test('is the one that booted last, for this user alone, and goes with the run', async () => {
    await inPlace(async (place) => {
      const bhyve = puppet(place);
      const [first, second] = [await loadVm(place), await loadVm(place, { mem: '96M' })];
      let next = first;
      let said = '';
      let onUp: () => void = () => undefined;
      const isUp = (count: number): Promise<void> =>
        new Promise((resolve) => {
          onUp = () => {
            if (said.split('up ').length > count) resolve();
          };
          onUp();
        });
      const vm = run(() => next, {
        ...{ bhyve: [bhyve.file], runBase: place.runBase, check: false, keepSpec: true },
        onStderr: (text) => {
          said += text;
          onUp();
        },
      });
      await isUp(1);
      expect(statSync(keptFile(place)).mode & 0o777).toBe(0o600);
      expect((await readKeptSpec(place.name, place))?.spec.written()).toEqual(first.written());
      next = second;
      // It runs with the first until it boots again.
      expect((await readKeptSpec(place.name, place))?.spec.effective('default').vm.mem).toBe('64M');
      bhyve.end(0);
      await isUp(2);
      expect((await readKeptSpec(place.name, place))?.spec.effective('default').vm.mem).toBe('96M');
      vm.stop();
      await vm.result;
      expect(existsSync(keptFile(place))).toBe(false);
      expect(place.runDirectories()).toEqual([]);
    });
  });

  test('is not there where nobody asked for it', async () => {
    await whileManaged(
      async ({ place }) => {
        expect(existsSync(keptFile(place))).toBe(false);
        expect(await readKeptSpec(place.name, place)).toBeUndefined();
      },
      { keepSpec: false },
    );
  });

  test('is none where its file is cut, at whichever byte', async () => {
    await whileManaged(async ({ place }) => {
      const text = readFileSync(keptFile(place), 'utf8');
      for (let length = 0; length < text.length - 1; length += 1) {
        place.write(`run/${place.name}/spec.json`, text.slice(0, length));
        expect(await readKeptSpec(place.name, place)).toBeUndefined();
      }
    });
  });
});

test('what a run comes to is told before anything of it is removed, and what that throws stops nothing', async () => {
  await inPlace(async (place) => {
    const bhyve = puppet(place);
    const seen: unknown[] = [];
    const vm = await supervise(
      place,
      '',
      {},
      {
        ...{ bhyve: [bhyve.file], extraArguments: [] },
        beforeEnd: ({ because, end }) => {
          seen.push([because, end?.kind, place.runDirectories()]);
          throw new Error('no');
        },
      },
    );
    await vm.said('up ');
    bhyve.end(1);
    await vm.result;
    await vm.over;
    expect(seen).toEqual([['guest', 'powered-off', [place.name]]]);
    expect(vm.seen).toContainEqual(expect.objectContaining({ kind: 'degraded', part: 'beforeEnd' }));
  });
});
