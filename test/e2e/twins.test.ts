import { expect, test } from '@jest/globals';
import { inPlace, smallVm } from './support/place.js';
import { runVmrun } from './support/vmrun.js';

const said = 'its serial number A is that of';

test('disks that the guest cannot tell apart are a warning of a run, and of no dry run', async () => {
  await inPlace(async (place) => {
    const disk = (number: number) => ({ device: 'virtio-blk', path: place.path(`${number}.img`), ser: 'A' });
    for (const number of [1, 2]) place.write(`${number}.img`, 'x'.repeat(512));
    place.write('vm.json', JSON.stringify({ ...smallVm(place.name), emulations: [disk(1), disk(2)] }));
    const vmrun = (...words: readonly string[]) =>
      runVmrun(place, [...words, '-c', place.path('vm.json'), '--run-dir', place.runBase]);
    const run = await vmrun('--simulate=power_off');
    expect(run.stderr.split(said)).toHaveLength(2);
    expect(run.stderr).toContain('warning: ');
    expect((await vmrun('--simulate=power_off', '--quiet')).stderr).not.toContain(said);
    expect(await vmrun('--dry-run')).toMatchObject({ status: 0, stderr: '' });
  });
});

test('those of a later boot are a warning before it, once; check and plan tell of every target', async () => {
  await inPlace(async (place) => {
    const disk = (number: number) => ({ device: 'virtio-blk', path: place.path(`${number}.img`), ser: 'A' });
    const targets = { more: { emulations: [disk(2)] }, end: {} };
    const next_target = { reboot: 'more' };
    const vm = { ...smallVm(place.name), emulations: [disk(1)], next_target, targets };
    place.write('vm.json', JSON.stringify(vm));
    const vmrun = (...words: readonly string[]) =>
      runVmrun(place, [...words, '-c', place.path('vm.json'), '--run-dir', place.runBase]);
    const { stderr } = await vmrun('--simulate=reboot,reboot,reboot,power_off');
    expect(stderr.split(said)).toHaveLength(2);
    expect(stderr.indexOf(said)).toBeGreaterThan(stderr.indexOf('rebooted'));
    expect((await vmrun('--simulate=reboot,power_off', '--quiet')).stderr).not.toContain(said);
    for (const command of ['check', 'plan']) expect((await vmrun(command)).stderr).toContain(said);
  });
});

test('two cards on one interface are an error of a plan, and a warning of a run without checks', async () => {
  await inPlace(async (place) => {
    const cards = [1, 2].map(() => ({ device: 'virtio-net', name: 'tap0' }));
    place.write('vm.json', JSON.stringify({ ...smallVm(place.name), emulations: cards }));
    const vmrun = (...words: readonly string[]) =>
      runVmrun(place, [...words, '-c', place.path('vm.json'), '--run-dir', place.runBase]);
    const told = 'tap0 is already the interface of virtio-net at 0:1:0: bhyve opens it once, and ends with 4';
    const planned = await vmrun('plan');
    expect(planned.status).toBe(65);
    expect(planned.stderr).toContain(told);
    expect((await vmrun('--simulate=power_off')).stderr).toContain(`warning: ${told}`);
    expect(await vmrun('--dry-run')).toMatchObject({ status: 0, stderr: '' });
  });
});
