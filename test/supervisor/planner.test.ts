import { expect, test } from '@jest/globals';
import { planner } from '../../src/supervisor/planner.js';
import { minimal, specOf } from '../support/specs.js';

const spec = await specOf({ ...minimal, targets: { install: { mem: '2G' } } });
const paths = { runDirectory: '/run/vm0' };

test('a target that boots again is the same machine, planned once', () => {
  const planned = planner(spec, {});
  const machine = planned('install', paths);
  expect(planned('install', { ...paths })).toBe(machine);
});

test.each<[what: string, target: string | undefined, more: Parameters<ReturnType<typeof planner>>[1]]>([
  ['another target', undefined, paths],
  ['another run directory', 'install', { runDirectory: '/elsewhere/vm0' }],
  ['what the host says of its cards', 'install', { ...paths, hostCards: new Map() }],
])('%s is planned anew', (_what, target, more) => {
  const planned = planner(spec, {});
  const machine = planned('install', paths);
  expect(planned(target, more)).not.toBe(machine);
  expect(planned('install', paths)).toEqual(machine);
});
