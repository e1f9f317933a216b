import { chmodSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { spawnSync } from 'node:child_process';
import path from 'node:path';
import { expect, test } from '@jest/globals';
import { systemClock, type Clock } from '../../src/host/clock.js';
import { systemHost } from '../../src/host/host.js';
import { inPlace, until, type Place } from '../e2e/support/place.js';
import { addSpec, asker, endNow, guestsOf, manage, type Guests } from './support.js';

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

test('a file that is cut at whichever byte keeps no manager from starting, nor a VM from being started', async () => {
  await inPlace(async (place) => {
    const guests = guestsOf(place);
    const files = await withState(place, guests);
    for (const [name, text] of files) {
      const file = place.path('state', name);
      const step = Math.max(1, Math.floor(text.length / 12));
      for (let length = 0; length < text.length - 1; length += step) {
        writeFileSync(file, text.slice(0, length));
        const managing = await manage(place, guests);
        const view = managing.manager.vm(place.name);
        expect(view).toMatchObject({ state: 'stopped', spec: { problems: [] } });
        if (name.startsWith('vms')) expect(view?.wanted.by).toBe('nobody');
        await endNow(managing);
      }
      writeFileSync(file, text);
    }
    const last = await manage(place, guests);
    expect(last.manager.vm(place.name)?.wanted).toMatchObject({ state: 'stopped', by: 'test' });
    expect(await last.ended(last.manager.start(place.name, {}, asker))).toMatchObject({ state: 'done' });
    await endNow(last);
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
