import { expect, test } from '@jest/globals';
import { endProcess, inPlace, isRunning, type Place } from '../e2e/support/place.js';
import { orphanOf, puppet, type Orphan } from '../supervisor/orphans.js';
import { addSpec, asker, endNow, guestsOf, manage, removeSpec, type Managing } from './support.js';

/** A manager of a VM whose loader was left by a supervisor that was killed. */
const withLoader = (use: (managing: Managing, place: Place, loader: Orphan) => Promise<void>): Promise<void> =>
  inPlace(async (place) => {
    const loader = await orphanOf(place, puppet(place, { name: 'loader' }), { role: 'loader' });
    addSpec(place, place.name);
    const managing = await manage(place, guestsOf(place));
    try {
      await use(managing, place, loader);
    } finally {
      endProcess(loader.pid);
      await endNow(managing);
      await loader.ended;
    }
  });

test('a start waits for a loader that is in the way, and goes on when that has ended', async () => {
  await withLoader(async ({ manager, ended, state, until }, place, loader) => {
    const start = manager.start(place.name, {}, asker);
    endProcess(loader.pid);
    expect(await ended(start)).toMatchObject({ state: 'done' });
    await state(place.name, 'running');
    // The VM is as any other from then on: one whose file goes is forgotten when it has ended.
    removeSpec(place, `${place.name}.json`);
    await manager.reload(asker);
    expect(manager.vm(place.name)).toMatchObject({ state: 'running' });
    manager.stop(place.name, { now: true }, asker);
    await until('it is forgotten', () => manager.vm(place.name) === undefined);
  });
});

test('a stop ends it', async () => {
  await withLoader(async ({ manager, ended, until }, place, loader) => {
    const start = manager.start(place.name, {}, asker);
    await until('it is seen', () => manager.vm(place.name)?.problems?.some(({ code }) => code === 'orphan'));
    expect(manager.operations.get(start.id)?.state).toBe('running');
    expect(await ended(manager.stop(place.name, { now: true }, asker))).toMatchObject({ state: 'done' });
    expect(isRunning(loader.pid)).toBe(false);
    expect(await ended(start)).toMatchObject({ state: 'interrupted' });
    expect(manager.vm(place.name)).toMatchObject({ state: 'stopped', wanted: { state: 'stopped' } });
  });
});

test('the end of the manager ends it, too', async () => {
  await withLoader(async ({ manager, until }, place, loader) => {
    manager.start(place.name, {}, asker);
    await until('it is seen', () => manager.vm(place.name)?.problems?.some(({ code }) => code === 'orphan'));
    await manager.end({ kind: 'stop', budgetMs: 60_000 });
    expect(isRunning(loader.pid)).toBe(false);
    expect(place.runDirectories()).toEqual([]);
  });
});
