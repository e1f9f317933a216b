import { describe, expect, test } from '@jest/globals';
import { askVmrun } from './support/ask.js';
import { inPlace } from './support/place.js';
import { runVmrun } from './support/vmrun.js';

describe.each<[command: string, more: readonly string[]]>([
  ['check', []],
  ['plan', ['-t', 'install']],
  ['graph', ['--what', 'boots']],
  ['lock', ['--check']],
  ['facts', []],
])('vmrun %s', (command, more) => {
  test('takes the spec as an operand as it does with -c, before its options and after them', async () => {
    await inPlace(async (place) => {
      place.spec({ targets: { install: {} } });
      const words: readonly (readonly string[])[] = [
        ['-c', 'vm.json', ...more],
        ['vm.json', ...more],
        [...more, 'vm.json'],
        [...more, '--', 'vm.json'],
      ];
      const [withOption, ...others] = await Promise.all(words.map((each) => askVmrun(place, [command, ...each])));
      expect([0, 65, 69]).toContain(withOption?.status);
      const told = ({ status, stdout, stderr }: NonNullable<typeof withOption>) => ({
        status,
        // The moment of capture, and how much is free.
        stdout: stdout.replaceAll(/\d+/g, 'N'),
        stderr,
      });
      for (const other of others) expect(told(other)).toEqual(withOption && told(withOption));
    });
  });

  test('refuses a spec of each kind', async () => {
    await inPlace(async (place) => {
      place.spec();
      const { status, stderr } = await askVmrun(place, [command, 'vm.json', '-c', 'vm.json']);
      expect(status).toBe(64);
      expect(stderr).toMatch(
        /error: (too many arguments: give one spec, found vm.json and -c vm.json|give specs as operands or with -c, not both)\n/,
      );
    });
  });
});

test.each([
  ['check', 'vm.json'],
  ['plan', '-'],
])('vmrun %s reads %s', async (command, operand) => {
  await inPlace(async (place) => {
    place.spec();
    const input = JSON.stringify({ name: place.name, cpu: 1, mem: '64M' });
    const { stderr, status } = await askVmrun(place, [command, operand], { input });
    expect(stderr).not.toContain('error:');
    expect([0, 69]).toContain(status);
  });
});

test.each(['check', 'plan', 'lock'])('vmrun %s takes one spec, and says how two are done', async (command) => {
  await inPlace(async (place) => {
    const refused = async (other: string) => (await askVmrun(place, [command, 'a.json', other])).stderr.split('\n')[0];
    expect(await refused('b c.json')).toBe(
      `error: too many arguments: unexpected 'b c.json'; give one spec at a time: vmrun ${command} a.json; vmrun ${command} 'b c.json'`,
    );
    expect(await refused('install')).toContain(
      command === 'lock' ? 'give one spec' : 'a target is chosen with -t: -t install',
    );
  });
});

test('vmrun stop given a spec as its name says how that is done', async () => {
  await inPlace(async (place) => {
    place.spec();
    const { status, stderr } = await runVmrun(place, ['stop', 'vm.json', '--run-dir', place.runBase]);
    expect(status).toBe(69);
    expect(stderr).toContain('vmrun stop -c vm.json');
    expect(stderr).toContain(`(looked in ${place.runBase} and ${place.runBase}-simulated)`);
  });
});
