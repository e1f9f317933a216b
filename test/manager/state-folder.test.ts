import { chmodSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { systemClock, type Clock } from '../../src/host/clock.js';
import { systemHost } from '../../src/host/host.js';
import { inPlace, smallVm, until, type Place } from '../e2e/support/place.js';
import { openStateFolder, type StateFolder } from '../../src/host/files/state-folder.js';
import { stateFolders } from '../../src/manager/create-manager.js';
import type { ManagerEvent } from '../../src/manager/manager-events.js';
import type { VmView } from '../../src/manager/vm-view.js';
import { addSpec, asker, endNow, guestsOf, manage, removeSpec, type Guests } from './support.js';

const isRoot = process.getuid?.() === 0;

/** A manager has started and stopped the VM of the place, and has made another; what its folder holds by then. */
async function withState(place: Place, guests: Guests): Promise<ReadonlyMap<string, string>> {
  addSpec(place, place.name);
  const first = await manage(place, guests);
  await first.ended(first.manager.start(place.name, {}, asker));
  await first.ended(first.manager.stop(place.name, { now: true }, asker));
  await endNow(first);
  const folder = place.path('state');
  const files = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.json'));
  return new Map(files.map((name) => [name, readFileSync(path.join(folder, name), 'utf8')]));
}

test('all that is kept is for its user alone, and nothing is left half written', async () => {
  await inPlace(async (place) => {
    const files = await withState(place, guestsOf(place));
    const folder = place.path('state');
    expect([...files.keys()].map((name) => path.dirname(name)).sort()).toEqual([
      ...['accepted', 'operations', 'operations', 'vms'],
    ]);
    for (const name of files.keys()) expect(statSync(path.join(folder, name)).mode & 0o777).toBe(0o600);
    for (const each of ['.', 'vms', 'specs', 'accepted', 'operations']) {
      expect(statSync(path.join(folder, each)).mode & 0o777).toBe(0o700);
    }
    expect(readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.new'))).toEqual(
      [],
    );
  });
});

/** All that a manager of the place tells from its first moment to its end, and what it shows of its VMs. */
async function lookOnce(place: Place, guests: Guests, state: StateFolder) {
  // Nobody has wanted anything of some of them since then.
  const clock: Clock = { ...systemClock, now: () => new Date('2026-01-01T00:00:00Z') };
  const { manager } = await manage(place, guests, { state, host: { ...systemHost(), clock } });
  const events = manager.events.subscribe({ fromFirst: true });
  const [vms, operations] = [manager.vms(), manager.operations.list()];
  await manager.end({ kind: 'stop', budgetMs: 0 });
  const told: ManagerEvent[] = [];
  for await (const event of events) told.push(event);
  return { vms, operations, damaged: told.filter((event) => event.kind === 'warning').map(({ problem }) => problem) };
}

test.each([['vms'], ['specs'], ['accepted'], ['operations']])(
  'a file of %s that is cut at any byte loses nothing but itself, is told, and keeps nothing from starting',
  async (folder) => {
    await inPlace(async (place) => {
      const guests = guestsOf(place);
      addSpec(place, 'b');
      await withState(place, guests);
      const state = await openStateFolder(place.path('state'), { folders: stateFolders, holder: 'test' });
      state.writeText('specs/made.json', JSON.stringify(smallVm('made')));
      await lookOnce(place, guests, state);
      const whole = await lookOnce(place, guests, state);
      expect(whole).toMatchObject({ damaged: [], vms: [{ name: 'b' }, { name: 'made' }, { name: place.name }] });
      const files = readdirSync(state.path, { recursive: true, encoding: 'utf8' }).filter((name) =>
        name.endsWith('.json'),
      );
      expect(files.map((name) => path.dirname(name)).sort()).toEqual([
        ...['accepted', 'accepted', 'accepted', 'operations', 'operations', 'specs', 'vms', 'vms', 'vms'],
      ]);
      for (const name of files.filter((each) => path.dirname(each) === folder)) {
        const file = state.file(name);
        const text = readFileSync(file, 'utf8');
        // Without its last line feed it is whole.
        const end = text.endsWith('\n') ? text.length - 1 : text.length;
        for (let length = 0; length < end; length += 1) {
          writeFileSync(file, text.slice(0, length));
          const { vms, operations, damaged } = await lookOnce(place, guests, state);
          const own = path.basename(name, '.json');
          const at = `${name} cut at ${length}`;
          const others = (all: readonly VmView[]) => all.filter((vm) => vm.name !== own);
          expect([at, others(vms)]).toEqual([at, others(whole.vms)]);
          expect([at, operations]).toEqual([at, whole.operations.filter(({ id }) => id !== own)]);
          const view = vms.find((vm) => vm.name === own);
          if (folder === 'specs') {
            expect([at, view?.spec]).toMatchObject([
              at,
              { nextBoot: 'accepted', file, problems: [{ severity: 'error' }] },
            ]);
          } else {
            expect([at, damaged.map(({ code }) => code)]).toEqual([at, ['damaged-state']]);
            expect(damaged[0]?.message).toContain(file);
            expect(damaged[0]?.fix).toBeTruthy();
          }
          if (folder === 'vms')
            expect(view).toMatchObject({ wanted: { state: 'stopped', by: 'nobody' }, problems: damaged });
          if (folder === 'accepted') expect(view).toEqual(whole.vms.find((vm) => vm.name === own));
          writeFileSync(file, text, { mode: 0o600 });
        }
      }
      expect(await lookOnce(place, guests, state)).toEqual(whole);
      state.release();
    });
  },
);

test('what is damaged is told at every start, until somebody says what is wanted', async () => {
  await inPlace(async (place) => {
    const guests = guestsOf(place);
    await withState(place, guests);
    const file = place.write(`state/vms/${place.name}.json`, '{"version":1,', 0o600);
    for (const _time of [1, 2]) {
      const managing = await manage(place, guests);
      expect(managing.manager.vm(place.name)?.problems).toMatchObject([{ code: 'damaged-state', severity: 'warning' }]);
      expect(managing.manager.vm(place.name)?.problems?.[0]?.message).toContain(file);
      await endNow(managing);
    }
    const managing = await manage(place, guests);
    await managing.ended(managing.manager.start(place.name, {}, asker));
    expect(managing.manager.vm(place.name)?.problems).toBeUndefined();
    await endNow(managing);
  });
});

test('a VM has an id of its own from the first sight on, until it is gone; the next of its name has another', async () => {
  await inPlace(async (place) => {
    const guests = guestsOf(place);
    addSpec(place, place.name);
    addSpec(place, 'b');
    const first = await manage(place, guests);
    const ids = first.manager.vms().map(({ id }) => id);
    for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$/);
    expect(new Set(ids).size).toBe(2);
    await first.ended(first.manager.start('b', {}, asker));
    addSpec(place, 'b', { cpu: 2 });
    await first.manager.reload(asker);
    await first.ended(first.manager.stop('b', { now: true }, asker));
    await endNow(first);
    const second = await manage(place, guests);
    expect(second.manager.vms().map(({ id }) => id)).toEqual(ids);
    removeSpec(place, 'b.json');
    await second.manager.reload(asker);
    addSpec(place, 'b');
    await second.manager.reload(asker);
    expect(second.manager.vm('b')?.id).not.toBe(ids[0]);
    await endNow(second);
  });
});

test('of an older vmrun, which gave no ids, nothing is lost', async () => {
  await inPlace(async (place) => {
    const guests = guestsOf(place);
    await withState(place, guests);
    const file = place.path('state', 'vms', `${place.name}.json`);
    const { id: _, ...record } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    writeFileSync(file, JSON.stringify(record));
    const managing = await manage(place, guests);
    expect(managing.manager.vm(place.name)?.wanted).toMatchObject({ state: 'stopped', by: 'test' });
    await endNow(managing);
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({ ...record, id: managing.manager.vm(place.name)?.id });
  });
});

test('what a crash has left of a file that was being written is no file of ours, and is written over', async () => {
  await inPlace(async (place) => {
    const guests = guestsOf(place);
    await withState(place, guests);
    place.write(`state/vms/.${place.name}.json.new`, '{"version":1,"wan');
    const managing = await manage(place, guests);
    expect(managing.manager.vm(place.name)?.wanted).toMatchObject({ state: 'stopped', by: 'test' });
    await managing.ended(managing.manager.start(place.name, {}, asker));
    expect(readdirSync(place.path('state', 'vms'))).toEqual([`${place.name}.json`]);
    await endNow(managing);
  });
});

test('a file of a newer version is refused, and not changed; so is nothing else', async () => {
  await inPlace(async (place) => {
    const guests = guestsOf(place);
    const files = await withState(place, guests);
    for (const [name, text] of files) {
      const newer = text.replace('"version":1', '"version":2');
      writeFileSync(place.path('state', name), newer);
      const error: unknown = await manage(place, guests).catch((thrown: unknown) => thrown);
      expect(error).toMatchObject({ kind: 'cannot-create', problems: [{ code: 'newer-state' }] });
      expect(String(error)).toContain(path.basename(name) === name ? name : 'version 2');
      expect(readFileSync(place.path('state', name), 'utf8')).toBe(newer);
      writeFileSync(place.path('state', name), text);
    }
    await endNow(await manage(place, guests));
  });
});

/** Its seconds take 10 ms. */
const inHaste = () => {
  const clock: Clock = { ...systemClock, sleep: (ms, signal) => systemClock.sleep(ms / 100, signal) };
  return { ...systemHost(), clock };
};

test('where the folder is gone, VMs are started and stopped all the same: it is told once, and made good later', async () => {
  await inPlace(async (place) => {
    const guests = guestsOf(place);
    addSpec(place, place.name);
    const managing = await manage(place, guests, { host: inHaste() });
    const { manager, ended, seen } = managing;
    rmSync(place.path('state', 'vms'), { recursive: true });
    expect(await ended(manager.start(place.name, {}, asker))).toMatchObject({ state: 'done' });
    expect(await ended(manager.stop(place.name, { now: true }, asker))).toMatchObject({ state: 'done' });
    const warnings = seen.filter((event) => event.kind === 'warning');
    expect(warnings).toMatchObject([{ problem: { code: 'not-kept' } }]);
    mkdirSync(place.path('state', 'vms'), { mode: 0o700 });
    await until(() => readdirSync(place.path('state', 'vms')).length === 1);
    await endNow(managing);
    const next = await manage(place, guests);
    expect(next.manager.vm(place.name)?.wanted).toMatchObject({ state: 'stopped', by: 'test' });
    await endNow(next);
  });
});

(isRoot ? test.skip : test)('a folder that cannot be written is refused with what to do', async () => {
  await inPlace(async (place) => {
    mkdirSync(place.path('locked'), { mode: 0o500 });
    const error: unknown = await manage(place, guestsOf(place), { state: place.path('locked', 'state') }).catch(
      (thrown: unknown) => thrown,
    );
    chmodSync(place.path('locked'), 0o700);
    expect(error).toMatchObject({ kind: 'cannot-create', problems: [{ code: 'state-folder' }] });
  });
});

const canMount = isRoot && process.platform === 'linux';

(canMount ? test : test.skip)('a disk that is full stops no VM, and keeps what was there', async () => {
  await inPlace(async (place) => {
    const guests = guestsOf(place);
    addSpec(place, place.name);
    mkdirSync(place.path('disk'));
    const mounted = spawnSync('mount', ['-t', 'tmpfs', '-o', 'size=256k,mode=700', 'tmpfs', place.path('disk')]);
    if (mounted.status !== 0) return;
    try {
      const state = place.path('disk', 'state');
      const managing = await manage(place, guests, { state, host: inHaste() });
      const { manager, ended, seen } = managing;
      await ended(manager.start(place.name, {}, asker));
      const before = readFileSync(path.join(state, 'vms', `${place.name}.json`), 'utf8');
      fill(place.path('disk', 'filler'));
      expect(await ended(manager.stop(place.name, { now: true }, asker))).toMatchObject({ state: 'done' });
      expect(seen.some((event) => event.kind === 'warning' && event.problem.code === 'not-kept')).toBe(true);
      // The old one is whole.
      expect(readFileSync(path.join(state, 'vms', `${place.name}.json`), 'utf8')).toBe(before);
      rmSync(place.path('disk', 'filler'));
      await until(() => readFileSync(path.join(state, 'vms', `${place.name}.json`), 'utf8').includes('"stopped"'));
      await endNow(managing);
    } finally {
      spawnSync('umount', [place.path('disk')]);
    }
  });
});

/** Takes all that is left of a disk. */
function fill(file: string): void {
  for (const bytes of [65536, 4096, 1]) {
    try {
      for (;;) writeFileSync(file, Buffer.alloc(bytes), { flag: 'a' });
    } catch {
      // It is full, but for less than that.
    }
  }
}
