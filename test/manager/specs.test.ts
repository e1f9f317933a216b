import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { inPlace, smallVm, type Place } from '../e2e/support/place.js';
import { formatVms } from '../../src/cli/show-vms.js';
import { addSpec, asker, endNow, guestsOf, manage, removeSpec, type Managing } from './support.js';

const inManager = (use: (managing: Managing, place: Place) => Promise<void>, before?: (place: Place) => void) =>
  inPlace(async (place) => {
    const guests = guestsOf(place);
    addSpec(place, place.name);
    before?.(place);
    const managing = await manage(place, guests);
    try {
      await use(managing, place);
    } finally {
      await endNow(managing);
    }
  });

const codes = (managing: Managing, name: string): readonly string[] =>
  (managing.manager.vm(name)?.spec.problems ?? []).map(({ code }) => code);

test.each([
  ['json', (name: string) => JSON.stringify(smallVm(name))],
  ['yaml', (name: string) => `name: ${name}\ncpu: 1\nmem: 64M\n`],
  ['conf', (name: string) => `name = "${name}"\ncpu = 1\nmem = "64M"\n`],
])('a spec may be written as .%s', async (ending, text) => {
  await inManager(
    ({ manager }, place) => {
      expect(manager.vm(`${place.name}-b`)).toMatchObject({ state: 'stopped', spec: { problems: [], isOurs: false } });
      expect(manager.vm(`${place.name}-b`)?.spec.file).toBe(place.path('specs', `b.${ending}`));
      return Promise.resolve();
    },
    (place) => place.write(`specs/b.${ending}`, text(`${place.name}-b`)),
  );
});

test('a file with a mistake is shown with it, and keeps no other VM from running', async () => {
  await inManager(
    async (managing, place) => {
      const { manager, ended } = managing;
      expect(manager.vm('broken')).toMatchObject({ state: 'stopped' });
      expect(codes(managing, 'broken')).not.toEqual([]);
      expect(await ended(manager.start('broken', {}, asker))).toMatchObject({ state: 'failed' });
      expect(manager.vm('broken')).toMatchObject({ state: 'stopped', wanted: { state: 'stopped', by: 'nobody' } });
      expect(await ended(manager.start(place.name, {}, asker))).toMatchObject({ state: 'done' });
    },
    (place) => place.write('specs/broken.json', '{ "name": "broken", "cpu": 1,'),
  );
});

test('two files with one name are a problem of both, start neither, and the name is free again without one', async () => {
  await inManager(
    async (managing, place) => {
      const { manager, ended } = managing;
      expect(codes(managing, place.name)).toEqual(['name-taken', 'name-taken']);
      const failed = await ended(manager.start(place.name, {}, asker));
      expect(failed).toMatchObject({ state: 'failed', problems: [{ code: 'name-taken' }, { code: 'name-taken' }] });
      removeSpec(place, 'twin.json');
      expect(await manager.reload(asker)).toMatchObject({ added: [], removed: [], changed: [place.name] });
      expect(await ended(manager.start(place.name, {}, asker))).toMatchObject({ state: 'done' });
    },
    (place) => addSpec(place, place.name, {}, 'twin.json'),
  );
});

test('what is new, has changed or is gone is known after a reload, and told', async () => {
  await inManager(async ({ manager, seen, until }, place) => {
    addSpec(place, 'new');
    expect(await manager.reload(asker)).toEqual({ added: ['new'], changed: [], removed: [], problems: [] });
    addSpec(place, 'new', { cpu: 2 });
    expect(await manager.reload(asker)).toEqual({ added: [], changed: ['new'], removed: [], problems: [] });
    removeSpec(place, 'new.json');
    expect(await manager.reload(asker)).toEqual({ added: [], changed: [], removed: ['new'], problems: [] });
    expect(manager.vm('new')).toBeUndefined();
    expect(() => manager.start('new', {}, asker)).toThrow('there is no VM "new"');
    expect(await manager.reload(asker)).toEqual({ added: [], changed: [], removed: [], problems: [] });
    const told = (): readonly string[] =>
      seen.flatMap((event) => (event.kind === 'spec' && event.vm === 'new' ? [event.what] : []));
    await until('three', () => told().length === 3);
    expect(told()).toEqual(['added', 'changed', 'removed']);
  });
});

test('a reload starts nothing: a new VM with autostart is named, and starts with the next manager', async () => {
  await inPlace(async (place) => {
    const guests = guestsOf(place);
    addSpec(place, 'a');
    const managing = await manage(place, guests);
    addSpec(place, 'new', { autostart: true });
    addSpec(place, 'b');
    addSpec(place, 'a', { autostart: true });
    expect(await managing.manager.reload(asker)).toEqual({
      ...{ added: ['b', 'new'], changed: ['a'], removed: [], problems: [] },
      notStarted: ['new'],
    });
    expect(await managing.manager.reload(asker)).toEqual({ added: [], changed: [], removed: [], problems: [] });
    expect(managing.manager.vms().map(({ state }) => state)).toEqual(['stopped', 'stopped', 'stopped']);
    await endNow(managing);
    expect(guests.log()).toEqual([]);
    const next = await manage(place, guests);
    await next.boots('new');
    await next.boots('a');
    expect(next.manager.vm('b')).toMatchObject({ state: 'stopped' });
    await endNow(next);
  });
});

test('a file that is cut while it is written is a problem, and what was accepted holds at the next boot', async () => {
  await inPlace(async (place) => {
    const guests = guestsOf(place);
    addSpec(place, place.name, { cpu: 2 });
    const managing = await manage(place, guests);
    const { manager, ended, boots, seen } = managing;
    await ended(manager.start(place.name, {}, asker));
    place.write(`specs/${place.name}.json`, '{ "name"');
    await guests.end(place.name, 0);
    await boots(place.name, 2);
    expect(codes(managing, place.name)).toEqual(['syntax']);
    expect(manager.vm(place.name)?.spec).toMatchObject({ isChanged: false });
    const commands = seen.flatMap((event) =>
      event.kind === 'run' && event.event.kind === 'boot' ? [event.event.command.join(' ')] : [],
    );
    expect(commands).toHaveLength(2);
    expect(commands[1]).toBe(commands[0]);
    await endNow(managing);
    // The next manager finds the cut file, too, and goes by what was accepted.
    const next = await manage(place, guests);
    expect(next.manager.vm(place.name)).toMatchObject({ wanted: { state: 'running' } });
    await next.boots(place.name);
    expect(next.manager.accepted(place.name).effective('default').vm.cpu).toBe(2);
    await endNow(next);
  });
});

test('a change takes effect at the next boot, and is told with what the guest will notice', async () => {
  await inPlace(async (place) => {
    const guests = guestsOf(place);
    addSpec(place, place.name);
    const managing = await manage(place, guests);
    const { manager, ended, boots } = managing;
    await ended(manager.start(place.name, {}, asker));
    addSpec(place, place.name, { mem: '128M' });
    await manager.reload(asker);
    expect(manager.vm(place.name)?.spec).toMatchObject({
      isChanged: true,
      changes: [{ kind: 'setting', key: 'memory.size', from: '64M', to: '128M' }],
    });
    await guests.end(place.name, 0);
    await boots(place.name, 2);
    expect(manager.vm(place.name)?.spec).toMatchObject({ isChanged: false, changes: [], guestChanges: [] });
    await endNow(managing);
  });
});

test('a lock file beside the spec is part of it', async () => {
  await inManager(
    ({ manager }, place) => {
      expect(manager.vm(place.name)?.spec.problems.map(({ code }) => code)).toEqual(['lock-name']);
      return Promise.resolve();
    },
    (place) =>
      place.write(
        `specs/${place.name}.lock.json`,
        JSON.stringify({ version: 1, name: 'another', targets: { default: { devices: [] } } }),
      ),
  );
});

test('a VM whose file is gone runs on, boots again, and is forgotten when it ends', async () => {
  await inPlace(async (place) => {
    const guests = guestsOf(place);
    addSpec(place, place.name);
    const managing = await manage(place, guests);
    const { manager, ended, boots, state, until } = managing;
    await ended(manager.start(place.name, {}, asker));
    removeSpec(place, `${place.name}.json`);
    const message = `the file of ${place.name} is gone: it is forgotten when it stops`;
    const problems = [expect.objectContaining({ severity: 'warning', message })];
    expect(await manager.reload(asker)).toMatchObject({ removed: [], changed: [place.name], problems });
    const view = manager.vm(place.name);
    expect(view?.spec.file).toBeUndefined();
    expect(formatVms(view === undefined ? [] : [view], new Date())).toContain(`  ${message}\n`);
    await guests.end(place.name, 0);
    await boots(place.name, 2);
    await state(place.name, 'running');
    await guests.end(place.name, 1);
    await until('gone', () => manager.vm(place.name) === undefined);
    expect(manager.vms()).toEqual([]);
    await endNow(managing);
  });
});

test('a spec is written, replaced and removed whole, and only where it is as it was read', async () => {
  await inManager(async ({ manager, ended }, place) => {
    const text = (mem: string): string => JSON.stringify({ ...smallVm('made'), mem });
    const made = await manager.writeSpec({ text: text('64M'), ifMatch: 'none' }, asker);
    expect(made).toMatchObject({ ok: true, value: { name: 'made', spec: { isOurs: true } } });
    const file = place.path('state', 'specs', 'made.json');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(readFileSync(file, 'utf8')).toBe(text('64M'));
    const etag = manager.specText('made')?.etag ?? '';
    const refused = async (spec: Parameters<typeof manager.writeSpec>[0]): Promise<readonly string[]> => {
      const result = await manager.writeSpec(spec, asker);
      return result.ok ? [] : result.problems.map(({ code }) => code);
    };
    expect(await refused({ text: text('96M'), ifMatch: 'none' })).toEqual(['exists']);
    expect(await refused({ text: text('96M'), ifMatch: 'another' })).toEqual(['changed']);
    expect(await refused({ text: text('96M'), name: 'other', ifMatch: '*' })).toEqual(['no-such-vm']);
    expect(await refused({ text: text('96M'), name: 'other' })).toEqual(['name']);
    expect(await refused({ text: JSON.stringify(smallVm(place.name)) })).toEqual(['not-ours']);
    expect(await refused({ text: '{ "name": "made", "cpu": 0, "mem": "1G" }' })).not.toEqual([]);
    expect(readFileSync(file, 'utf8')).toBe(text('64M'));
    expect(await refused({ text: text('96M'), ifMatch: etag })).toEqual([]);
    expect(manager.specText('made')?.text).toBe(text('96M'));
    await ended(manager.start('made', {}, asker));
    expect(await manager.remove('made', asker)).toMatchObject({ code: 'running' });
    expect(await manager.remove(place.name, asker)).toMatchObject({ code: 'not-ours' });
    await ended(manager.stop('made', { now: true }, asker));
    expect(await manager.remove('made', asker)).toBeUndefined();
    expect(manager.vm('made')).toBeUndefined();
    writeFileSync(place.path('specs', 'x.txt'), 'no spec');
    expect(await manager.reload(asker)).toEqual({ added: [], changed: [], removed: [], problems: [] });
  });
});
