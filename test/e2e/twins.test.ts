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
