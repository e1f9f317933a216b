import { existsSync, linkSync, readFileSync, symlinkSync } from 'node:fs';
import { expect, test } from '@jest/globals';
import { askVmrun } from './support/ask.js';
import { inPlace, vmrunCommand } from './support/place.js';
import { runVmrun } from './support/vmrun.js';

const disk = { device: 'virtio-blk', path: 'disk.img' };
const cd = { device: 'ahci-cd', path: 'cd.iso' };

test.each<[option: string, file: string, message: string]>([
  ['--log', 'vm.json', '--log vm.json: this file is the spec'],
  ['--events', 'vm.lock.json', '--events vm.lock.json: this file is the lock file of the spec'],
  ['--console-log', 'hard.log', '--console-log hard.log: it is disk.img, which is used by the VM: emulations[0]'],
  ['--log', 'dangling.log', '--log dangling.log: it is cd.iso, which is used by the VM: target install'],
  ['-p', 'disk.img', '--pid-file disk.img: this file is used by the VM: emulations[0] virtio-blk "disk.img"'],
])('73: %s %s is refused before anything is opened or started', async (option, file, message) => {
  await inPlace(async (place) => {
    const spec = place.spec({ com1: 'stdio', emulations: [disk], targets: { install: { emulations: [cd] } } });
    const before = readFileSync(spec, 'utf8');
    const image = place.write('disk.img', '');
    linkSync(image, place.path('hard.log'));
    symlinkSync('cd.iso', place.path('dangling.log'));
    const words = ['-c', 'vm.json', '--simulate=halt', '--run-dir', place.runBase, '--log', 'good.log', option, file];
    const { status, stdout, stderr } = await runVmrun(place, words);
    expect({ status, stdout }).toEqual({ status: 73, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).toMatch(/\n {4}fix: /);
    expect(readFileSync(spec, 'utf8')).toBe(before);
    expect(readFileSync(image, 'utf8')).toBe('');
    for (const name of ['vm.lock.json', 'cd.iso', 'good.log', '-', 'run', 'run-simulated'])
      expect([name, existsSync(place.path(name))]).toEqual([name, false]);
  });
});

test('73: a spec on standard input is not written to, whatever it is called', async () => {
  await inPlace(async (place) => {
    const spec = place.spec();
    const before = readFileSync(spec, 'utf8');
    const words = ['-c', '-', '--simulate=halt', '--run-dir', place.runBase, '--log', 'vm.json'];
    const command = ['/bin/sh', '-c', 'exec "$@" < vm.json', 'sh', ...vmrunCommand];
    const { status, stderr } = await runVmrun(place, words, { command });
    expect(status).toBe(73);
    expect(stderr).toContain('--log vm.json: it is standard input, which is the spec');
    expect(readFileSync(spec, 'utf8')).toBe(before);
  });
});

test('a log goes on into what a shell opened, and one stream may take log and events', async () => {
  await inPlace(async (place) => {
    place.spec();
    const words = ['-c', 'vm.json', '--simulate=halt', '--run-dir', place.runBase, '-q'];
    const command = ['/bin/sh', '-c', '"$@" 2>&1 | cat', 'sh', ...vmrunCommand];
    const { stdout } = await runVmrun(place, [...words, '--log', '/dev/fd/2', '--events', '/dev/stderr'], { command });
    expect(stdout).toMatch(/Z vmrun: boot 1 halted/);
    expect(stdout).toMatch(/"kind":"exit"/);
    const alone = await runVmrun(place, [...words, '--log', '-']);
    expect(alone.stderr).toMatch(/Z vmrun: boot 1 halted/);
    expect(existsSync(place.path('-'))).toBe(false);
    expect((await runVmrun(place, [...words, '--log', '/dev/null', '--events', '/dev/null'])).status).toBe(2);
  });
});

test.each(['-p', '-P', '--console-log'])('64: %s wants a file, and - is none', async (option) => {
  await inPlace(async (place) => {
    place.spec({ com1: 'stdio' });
    const { status, stderr } = await runVmrun(place, ['-c', 'vm.json', '--simulate=halt', option, '-']);
    expect({ status, stderr }).toEqual({ status: 64, stderr: expect.stringContaining(' -: a file is needed here') });
    expect(existsSync(place.path('-'))).toBe(false);
  });
});

test.each([
  ['the spec', 'vm.json'],
  ['a disk of the VM that is still to be made', 'disk.img'],
])('73: lock does not write its file over %s', async (_what, file) => {
  await inPlace(async (place) => {
    const spec = place.spec({ emulations: [disk] });
    const before = readFileSync(spec, 'utf8');
    const { status, stderr } = await askVmrun(place, ['lock', '-c', 'vm.json', '--lock', file]);
    expect(status).toBe(73);
    expect(stderr).toContain(`--lock ${file}: this file is `);
    expect(readFileSync(spec, 'utf8')).toBe(before);
    expect(existsSync(place.path('disk.img'))).toBe(false);
  });
});
