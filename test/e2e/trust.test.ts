import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { inPlace, type Place } from './support/place.js';
import { runVmrun, simulated } from './support/vmrun.js';

/** A folder in which everybody can write. */
function openFolder(place: Place): string {
  const folder = place.path('open');
  mkdirSync(folder);
  chmodSync(folder, 0o777);
  return folder;
}

test.each(['--log', '--events', '-p', '-P'])(
  '%s is not written where others could have it lead elsewhere',
  async (option) => {
    await inPlace(async (place) => {
      place.spec({});
      const folder = openFolder(place);
      writeFileSync(place.path('precious'), '');
      symlinkSync(place.path('precious'), `${folder}/file`);
      const { status, stderr } = await runVmrun(place, simulated(place, 'power_off', option, `${folder}/file`));
      expect([status, readFileSync(place.path('precious'), 'utf8')]).toEqual([73, '']);
      expect(stderr).toContain(`${folder} can be written by everybody, who could have it lead to any file`);
    });
  },
);

test('a run directory below a folder that others can write is refused, and nothing is made there', async () => {
  await inPlace(async (place) => {
    place.spec({});
    const folder = openFolder(place);
    const { status, stderr } = await runVmrun(place, [
      '-c',
      'vm.json',
      '--simulate',
      'power_off',
      '--run-dir',
      `${folder}/run`,
    ]);
    expect(status).toBe(73);
    expect(stderr).toContain(`${folder} can be written by everybody`);
    expect(existsSync(`${folder}/run-simulated`)).toBe(false);
  });
});

test('a spec that others can change is warned of, and refused with --strict', async () => {
  await inPlace(async (place) => {
    place.spec({ hooks: { pre_start: [place.script('hook', 'exit 0')] } });
    const told = 'vm.json, and so what this user runs: it can be written by everybody';
    const clean = await runVmrun(place, simulated(place, 'power_off', '--strict'));
    expect([clean.status, clean.stderr.includes('others can change')]).toEqual([1, false]);
    chmodSync(place.path('vm.json'), 0o666);
    const warned = await runVmrun(place, simulated(place, 'power_off'));
    expect([warned.status, warned.stderr.includes(told)]).toEqual([1, true]);
    const refused = await runVmrun(place, simulated(place, 'power_off', '--strict'));
    expect([refused.status, refused.stderr.includes(told)]).toEqual([69, true]);
    const checked = await runVmrun(place, ['check', 'vm.json', '--strict']);
    expect([checked.status, checked.stderr.includes(told)]).toEqual([69, true]);
    chmodSync(place.path('vm.json'), 0o644);
    chmodSync(place.path('hook'), 0o777);
    const hook = await runVmrun(place, simulated(place, 'power_off', '--strict'));
    expect([hook.status, hook.stderr.includes('others can change the program of hook pre_start')]).toEqual([69, true]);
  });
});
