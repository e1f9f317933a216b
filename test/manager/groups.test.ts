import { mkdirSync, readFileSync, rmSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { ProblemsError } from '../../src/base/problem.js';
import { inPlace } from '../e2e/support/place.js';
import { addSpec, asker, endNow, guestsOf, manage } from './support.js';

test('a VM is in its group for the next manager, too, and is wanted as before', async () => {
  await inPlace(async (place) => {
    const guests = guestsOf(place);
    for (const name of ['web', 'db', 'idle']) addSpec(place, name);
    const first = await manage(place, guests);
    await first.ended(first.manager.start('web', {}, asker));
    for (const name of ['web', 'db']) expect(first.manager.setGroup(name, 'root/shops')).toBeUndefined();
    await first.ended(first.manager.stop('db', {}, asker));
    await endNow(first);
    const second = await manage(place, guests);
    expect(second.manager.vms().map(({ name, group, wanted }) => [name, group, wanted.state])).toEqual([
      ['db', 'root/shops', 'stopped'],
      ['idle', 'root', 'stopped'],
      ['web', 'root/shops', 'running'],
    ]);
    await endNow(second);
  });
});

test('a VM that starts by itself, and is asked for by nobody, still does so after it was moved', async () => {
  await inPlace(async (place) => {
    const guests = guestsOf(place);
    addSpec(place, 'web', { autostart: true });
    const first = await manage(place, guests);
    await first.boots('web');
    expect(first.manager.setGroup('web', 'root/shops')).toBeUndefined();
    await endNow(first);
    const second = await manage(place, guests);
    await second.boots('web');
    expect(second.manager.vm('web')).toMatchObject({
      group: 'root/shops',
      wanted: { state: 'running', by: 'autostart' },
    });
    await endNow(second);
  });
});

test.each([true, false])('a move that cannot be written has not happened; it had a file: %s', async (hadFile) => {
  await inPlace(async (place) => {
    const guests = guestsOf(place);
    addSpec(place, 'web');
    const first = await manage(place, guests);
    if (hadFile) first.manager.setGroup('web', 'root/before');
    const before = hadFile ? readFileSync(place.path('state/vms/web.json'), 'utf8') : undefined;
    // Nothing can be written through a folder.
    const inTheWay = place.path('state/vms/.web.json.new');
    mkdirSync(`${inTheWay}/kept`, { recursive: true });
    expect(first.manager.setGroup('web', 'root/shops')).toMatchObject({ code: 'not-kept' });
    const group = hadFile ? 'root/before' : 'root';
    expect(first.manager.vm('web')?.group).toBe(group);
    if (before !== undefined) expect(readFileSync(place.path('state/vms/web.json'), 'utf8')).toBe(before);
    rmSync(inTheWay, { recursive: true });
    expect(() => first.manager.setGroup('none', 'root')).toThrow(ProblemsError);
    await endNow(first);
    await first.until('warning', () => first.seen.some(({ kind }) => kind === 'warning'));
    expect(first.seen.filter(({ kind }) => kind === 'group')).toHaveLength(hadFile ? 1 : 0);
    const second = await manage(place, guests);
    expect(second.manager.vm('web')?.group).toBe(group);
    await endNow(second);
  });
});
