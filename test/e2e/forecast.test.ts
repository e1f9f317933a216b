import { expect, test } from '@jest/globals';
import { askVmrun } from './support/ask.js';
import { inPlace, smallVm } from './support/place.js';
import { runVmrun } from './support/vmrun.js';

const said = "bhyve of FreeBSD 15 will not start with -l com9,stdio: invalid lpc device configuration 'com9,stdio'";

test('what bhyve will refuse of its own words is an error before a run, and a warning in it', async () => {
  await inPlace(async (place) => {
    place.write('vm.json', JSON.stringify({ ...smallVm(place.name), release: 15, extra_options: '-l com9,stdio' }));
    const vmrun = (...words: readonly string[]) =>
      runVmrun(place, [...words, '-c', place.path('vm.json'), '--run-dir', place.runBase]);
    for (const command of ['check', 'plan']) {
      const refused = await vmrun(command);
      expect(refused).toMatchObject({ status: 65, stdout: '' });
      expect(refused.stderr).toContain(`/extra_options  ${said}\n`);
      expect(refused.stderr).toContain('fix: correct -l com9,stdio, or leave it out\n');
    }
    for (const command of ['check', 'plan']) {
      const other = await vmrun(command, '--bhyve', '/opt/bhyve');
      expect(other.stderr + other.stdout).toContain(`warning: ${said}`);
      expect(other.status).not.toBe(65);
      expect(await vmrun(command, '--bhyve', '/usr/sbin/bhyve')).toMatchObject({ status: 65 });
    }
    // A dry run has no use for it, and a run may be of another bhyve.
    expect(await vmrun('--dry-run')).toMatchObject({ status: 0, stderr: '' });
    const run = await vmrun('--simulate');
    expect(run.stderr).toContain(`warning: ${said}\n`);
    expect(run.status).toBe(64);
    expect((await vmrun('--simulate', '--quiet')).stderr).not.toContain('warning: ');
  });
});

test('what bhyve does not read is a warning of a plan', async () => {
  await inPlace(async (place) => {
    const config = { 'pci.0.5.0.unix': '/tmp/vnc' };
    place.write('vm.json', JSON.stringify({ ...smallVm(place.name), release: 15, graphic: { slot: '5' }, config }));
    const planned = await askVmrun(place, ['plan', '-c', place.path('vm.json')]);
    expect(planned.status).toBe(0);
    expect(planned.stderr).toContain(
      '/config/pci.0.5.0.unix  warning: bhyve of FreeBSD 15 does not read pci.0.5.0.unix in this machine, and ignores it\n',
    );
  });
});
