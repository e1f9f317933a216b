import { hostname } from 'node:os';
import { describe, expect, test } from '@jest/globals';
import { canary, piecesIn } from '../support/canary.js';
import { inPlace } from './support/place.js';
import { runVmrun, simulated, startVmrun } from './support/vmrun.js';

describe('vmrun doctor', () => {
  test('tells of versions and the host, and says first that it is to be read', () =>
    inPlace(async (place) => {
      const { status, stdout, stderr } = await runVmrun(place, ['doctor']);
      expect([status, stderr]).toEqual([0, '']);
      expect(stdout).toMatch(/^Read this before you send it/);
      expect(stdout).toMatch(/"vmrun": "\d+\.\d+\.\d+",\s+"node": "\d+/);
      expect(stdout.match(/^## .*$/gm)).toEqual(['## Versions', '## Host']);
    }));

  test('tells of a VM that runs by its spec or its name: spec, plan, state, why a boot has ended, log', () =>
    inPlace(async (place) => {
      place.spec({ reboot_on: ['triple_fault'], restart: { delay: 0 } });
      const vmrun = startVmrun(place, simulated(place, 'triple_fault,run', '--log', 'vm.log'));
      await vmrun.event('boot', 2);
      const words = ['--log', 'vm.log', '--run-dir', place.runBase];
      const [bySpec, byName] = [
        await runVmrun(place, ['doctor', '-c', 'vm.json', ...words]),
        await runVmrun(place, ['doctor', place.name, ...words]),
      ];
      const sections = (text: string) => [...text.matchAll(/^## (\w+)/gm)].map(([, title]) => title);
      expect(sections(bySpec.stdout)).toEqual(['Versions', 'Spec', 'Plan', 'Runs', 'The', 'Host']);
      expect(sections(byName.stdout)).toEqual(['Versions', 'Runs', 'The', 'Host']);
      for (const { status, stdout, stderr } of [bySpec, byName]) {
        expect([status, stderr]).toEqual([0, '']);
        expect(stdout).toContain('"reason": "triple_fault"');
        expect(stdout).toContain('"cause": "a triple fault');
        expect(stdout).toContain('boot 1 had a triple fault');
      }
      vmrun.kill('SIGTERM');
      await vmrun.ended;
      expect(place.runDirectories()).toEqual([]);
    }));

  test('says that no run has the name, and tells of the host all the same', () =>
    inPlace(async (place) => {
      const { status, stdout, stderr } = await runVmrun(place, ['doctor', 'nobody', '--run-dir', place.runBase]);
      expect(status).toBe(0);
      expect(stdout).toContain('## Host');
      const where = `${place.runBase} or ${place.runBase}-simulated`;
      expect(stderr).toBe(`vmrun: nobody: no run of this name is in ${where}; vmrun ps lists those that are\n`);
    }));

  test('has no secret, wherever one is, and not the name of the host', () =>
    inPlace(async (place) => {
      place.write('vnc.password', `${canary}\n`, 0o600);
      place.write('bhyve.secrets', `y.password=${canary}\n`, 0o600);
      place.script('notify', `echo "notified with $1 on ${hostname()}"`);
      place.spec({
        config: { 'x.password': canary },
        emulations: [{ device: 'fbuf', slot: 8, password_file: place.path('vnc.password') }],
        extra_options: ['-k', place.path('bhyve.secrets')],
        hooks: { pre_start: [place.path('notify'), canary], post_stop: `${place.path('notify')} ${canary}` },
        fwcfg: 'qemu',
        fw_cfg_files: [{ name: 'opt/org.example/key', string: canary }],
        targets: { seen: { emulations: [{ device: 'raw', slot: 7, value: `virtio-rnd,password=${canary}` }] } },
        'x-mine': { note: canary },
      });
      expect((await runVmrun(place, simulated(place, 'power_off', '--log', 'vm.log'))).status).toBe(1);
      const { status, stdout, stderr } = await runVmrun(
        place,
        ['doctor', '-c', 'vm.json', '--log', 'vm.log', '--run-dir', place.runBase],
        { env: { VMRUN_TOKEN: canary, MY_PASSWORD: canary } },
      );
      expect([status, stderr]).toEqual([0, '']);
      expect(stdout).toContain('## Plan');
      expect(stdout).toContain('notified with ***');
      expect(piecesIn(stdout)).toEqual([]);
      if (hostname().length > 2) expect(stdout).not.toMatch(new RegExp(String.raw`\b${hostname()}\b`, 'i'));
    }));

  test.each<[words: readonly string[], said: string]>([
    [['web', '-c', 'vm.json'], 'give the name of one VM, or its spec with -c'],
    [['web', 'db'], 'too many arguments'],
  ])('%j is refused: %s', (words, said) =>
    inPlace(async (place) => {
      const { status, stdout, stderr } = await runVmrun(place, ['doctor', ...words]);
      expect([status, stdout]).toEqual([64, '']);
      expect(stderr).toContain(said);
    }),
  );

  test('a log that is not a file is not waited for', () =>
    inPlace(async (place) => {
      const { status, stdout } = await runVmrun(place, ['doctor', place.name, '--log', place.folder]);
      expect(status).toBe(0);
      expect(stdout).toContain('There is none: it is a directory');
    }));
});
