import { expect, test } from '@jest/globals';
import { plan } from '../../src/machine/plan.js';
import { planner, type Planner } from '../../src/supervisor/planner.js';
import { machineOf, minimal, specOf } from '../support/specs.js';

const spec = await specOf({ ...minimal, targets: { install: { mem: '2G' } } });
const planning = { runDirectory: '/run/vm0' };

test('a target that boots again is the same machine, planned once', () => {
  const planned = planner(spec, planning);
  const machine = planned('install');
  expect(planned('install')).toBe(machine);
});

test('what the caller has planned is not planned again', () => {
  const machine = machineOf(spec, 'install', planning);
  const planned = planner(spec, planning, machine);
  expect(planned('install')).toBe(machine);
  expect(planned('default')).toEqual(machineOf(spec, 'default', planning));
});

test('a machine of another VM is none of this spec', async () => {
  const other = machineOf(await specOf({ ...minimal, name: 'vm1' }));
  expect(planner(spec, planning, other)()).toEqual(machineOf(spec, 'default', planning));
});

test('one that was planned for another folder is refused', async () => {
  const graphic = { host: '127.0.0.1', password: 'geheim17' };
  const secret = await specOf({ ...minimal, graphic });
  const planned = plan(secret, 'default', { runDirectory: '/elsewhere/vm0' });
  if (!planned.ok) throw new Error('it can be planned');
  expect(() => planner(secret, planning, planned.value)).toThrow('but its run directory is /run/vm0');
});

test.each<[what: string, ...asked: Parameters<Planner>]>([
  ['another target', undefined],
  ['what the host says of its cards', 'install', new Map()],
])('%s is planned anew', (_what, ...asked) => {
  const planned = planner(spec, planning);
  const machine = planned('install');
  expect(planned(...asked)).not.toBe(machine);
  expect(planned('install')).toEqual(machine);
});
