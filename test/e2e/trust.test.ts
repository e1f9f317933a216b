import { chmodSync, existsSync, mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { askVmrun } from './support/ask.js';
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

/** Files that decide what runs, as a spec names them. */
test.each<[what: string, fields: (file: string) => object, told: string]>([
  ['a boot ROM', (file) => ({ bootrom: file }), 'the boot ROM'],
  ['the ROM of a device', (file) => ({ emulations: [{ device: 'passthru', src: '3:0:0', rom: file }] }), 'the ROM of'],
  [
    'one of a raw device',
    (rom) => ({ emulations: [{ device: 'raw', value: `passthru,3/0/0,rom=${rom}` }] }),
    'a ROM of',
  ],
  ['a boot ROM in extra options', (file) => ({ loader: 'none', extra_options: `-l bootrom,${file}` }), 'a ROM of'],
  ['a file of variables', (file) => ({ extra_options: ['-k', file] }), 'the file of variables'],
  ['a device map', (device_map) => ({ loader: { kind: 'grub-bhyve', device_map, root: 'hd0' } }), 'with -m'],
  [
    'a folder of GRUB',
    (f) => ({ loader: { kind: 'grub-bhyve', root: 'hd0', args: `--directory=${f}` } }),
    'with --dir',
  ],
  ['the second stage', (f) => ({ loader: { kind: 'bhyveload', disk: '/dev/null', args: ['-l', f] } }), 'with -l'],
  [
    'a program behind env(1)',
    (file) => ({ hooks: { pre_start: ['env', 'A=b', file] } }),
    'the program of hook pre_start',
  ],
  ['a script of a shell', (file) => ({ hooks: { post_stop: ['sh', '-x', file] } }), 'the program of hook post_stop'],
  ['a password file', (file) => ({ graphic: { password_file: file } }), 'the password file'],
])('%s that others can change is refused with --strict', async (_what, fields, told) => {
  await inPlace(async (place) => {
    const file = place.script('file', ':');
    chmodSync(file, 0o700);
    place.spec(fields(file));
    const check = ['check', 'vm.json', '--strict', '--run-dir', place.runBase];
    const clean = await askVmrun(place, check);
    expect(clean.stderr).not.toContain('others can');
    chmodSync(file, 0o777);
    const { status, stderr } = await askVmrun(place, check);
    expect([status, stderr.replaceAll(/\s+/g, ' ')]).toEqual([69, expect.stringContaining(told)]);
    expect(stderr).toContain('others can change');
  });
});

test('bhyve or a loader that others can change is refused with --strict, given by path or found in PATH', async () => {
  await inPlace(async (place) => {
    place.spec({ loader: { kind: 'bhyveload', disk: '/dev/null' } });
    mkdirSync(place.path('bin'));
    for (const name of ['bhyve', 'bhyveload']) chmodSync(place.script(`bin/${name}`, ':'), 0o777);
    const env = { PATH: `${place.path('bin')}:${process.env.PATH ?? ''}` };
    const found = await askVmrun(place, ['check', 'vm.json', '--strict'], { env });
    expect(found.status).toBe(69);
    expect(found.stderr).toContain('others can change the bhyve program, bhyve');
    expect(found.stderr).toContain('others can change the loader, bhyveload');
    const named = await askVmrun(place, ['check', 'vm.json', '--strict', '--bhyve', place.path('bin/bhyve')]);
    expect([named.status, named.stderr.includes('others can change the bhyve program')]).toEqual([69, true]);
  });
});

test('a password file that others can read is warned of, and refused with --strict', async () => {
  await inPlace(async (place) => {
    chmodSync(place.folder, 0o755);
    place.spec({ graphic: { password_file: place.write('secret', 'geheim17') } });
    const looks = async (...words: string[]) => {
      const { status, stderr } = await runVmrun(place, simulated(place, 'power_off', ...words));
      return [status, stderr.includes('others can read the password file'), stderr.includes('be read by everybody')];
    };
    chmodSync(place.path('secret'), 0o644);
    expect(await looks()).toEqual([1, true, true]);
    expect(await looks('--strict')).toEqual([69, true, true]);
    chmodSync(place.path('secret'), 0o600);
    expect(await looks('--strict')).toEqual([1, false, false]);
    chmodSync(place.path('secret'), 0o644);
    chmodSync(place.folder, 0o700);
    expect(await looks('--strict')).toEqual([1, false, false]);
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
    const checked = await askVmrun(place, ['check', 'vm.json', '--strict']);
    expect([checked.status, checked.stderr.includes(told)]).toEqual([69, true]);
    chmodSync(place.path('vm.json'), 0o644);
    chmodSync(place.path('hook'), 0o777);
    const hook = await runVmrun(place, simulated(place, 'power_off', '--strict'));
    expect([hook.status, hook.stderr.includes('others can change the program of hook pre_start')]).toEqual([69, true]);
  });
});
