import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { puppet } from '../supervisor/orphans.js';
import { inPlace } from './support/place.js';
import { startVmrun } from './support/vmrun.js';

const starts = 64;

test('of many starts of one name at once one wins, and the others name it and change nothing', async () => {
  await inPlace(async (place) => {
    const bhyve = puppet(place);
    place.spec();
    place.script('counted', `echo $$ >> '${place.path('begun')}'`, `exec '${bhyve.file}'`);
    const words = ['-c', 'vm.json', '--no-requirement-check', '--run-dir', place.runBase, '--bhyve', './counted'];
    const all = Array.from({ length: starts }, () => startVmrun(place, words));
    const winner = await Promise.any(all.map(async (each) => each.said('up ').then(() => each)));
    const others = all.filter((each) => each !== winner);
    const ends = await Promise.all(others.map(({ ended }) => ended));
    expect(ends.map(({ status }) => status)).toEqual(others.map(() => 75));
    const holder = `this VM is run by process ${winner.child.pid ?? 0} since `;
    expect(ends.filter(({ stderr }) => !stderr.includes(holder)).map(({ stderr }) => stderr)).toEqual([]);
    winner.kill('SIGTERM');
    expect(await winner.ended).toMatchObject({ status: 1, signal: null });
    expect(readFileSync(place.path('begun'), 'utf8').trim().split('\n')).toHaveLength(1);
    expect(place.runDirectories()).toEqual([]);
  });
});
