import { readFileSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { askVmrun } from './support/ask.js';
import { inPlace, type Place } from './support/place.js';
import { runVmrun, simulated } from './support/vmrun.js';

const disk = { device: 'virtio-blk', path: 'disk.img' };
const card = { device: 'virtio-net', id: 'net0', name: 'tap0' };

/** A VM with a card that is locked at 0:2:0, and a disk that was put in front of it later. */
async function lockedPlace(place: Place): Promise<string> {
  place.spec({ emulations: [disk, card] });
  const { status } = await askVmrun(place, ['lock', '-c', 'vm.json']);
  expect(status).toBe(0);
  place.spec({ emulations: [{ ...disk, path: 'new.img' }, disk, card] });
  const [mac = ''] = /(?<="mac": ")[^"]+/.exec(readFileSync(place.path('vm.lock.json'), 'utf8')) ?? [];
  return `0:2:0,virtio-net,tap0,mac=${mac}`;
}

test('a dry run honours the lock file that is beside the spec, or named', async () => {
  await inPlace(async (place) => {
    const word = await lockedPlace(place);
    const dryRun = async (...words: readonly string[]): Promise<string> => {
      const input = words.includes('-c-') ? { input: readFileSync(place.path('vm.json')) } : {};
      const { stdout, stderr, status } = await askVmrun(place, [...words, '-d'], input);
      expect({ stderr, status }).toEqual({ stderr: '', status: 0 });
      return stdout;
    };
    expect(await dryRun('-c', 'vm.json')).toContain(` ${word} `);
    expect(await dryRun('-c', place.path('vm.json'))).toContain(` ${word} `);
    expect(await dryRun('-c', 'vm.json', '--no-lock')).toContain(' 0:3:0,virtio-net,tap0 ');
    expect(await dryRun('-c-')).toContain(' 0:3:0,virtio-net,tap0 ');
    expect(await dryRun('-c-', '--lock', 'vm.lock.json')).toContain(` ${word} `);
  });
});

test('a run honours it in every boot', async () => {
  await inPlace(async (place) => {
    const word = await lockedPlace(place);
    const { stderr, status } = await runVmrun(place, simulated(place, 'reboot,power_off', '-v'));
    expect(status).toBe(1);
    const commands = stderr.split('\n').filter((line) => line.includes('virtio-net,tap0'));
    expect(commands).toHaveLength(2);
    for (const command of commands) expect(command).toContain(` ${word} `);
  });
});

test('a run with a damaged one is refused before anything is started', async () => {
  await inPlace(async (place) => {
    place.spec();
    place.write('vm.lock.json', '{ "version": 1');
    const ended = await runVmrun(place, simulated(place, 'power_off'));
    expect(ended.status).toBe(65);
    expect(ended.stderr).toContain('vm.lock.json:1:1  this object has no end');
    expect(place.runDirectories()).toEqual([]);
  });
});
