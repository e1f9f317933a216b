import { afterEach, beforeEach, expect, test } from '@jest/globals';
import type { Need } from '../../../../src/devices/device.js';
import { checkBoth } from '../../both-views.js';
import { makeFakeHost, requirement, tap, type FakeHost } from '../../fake-host.js';

let host: FakeHost;
beforeEach(() => {
  host = makeFakeHost();
});
afterEach(() => {
  host.remove();
});

const bridged: Need = { kind: 'interface', name: 'tap0', type: 'tap', bridge: 'bridge0' };

test.each<[what: string, sysctl: string, uid: number, isThere: boolean, codes: readonly string[]]>([
  ['stays down', 'net.link.tap.up_on_open: 0', 0, true, ['warning interface-down: ifconfig tap0 up']],
  [
    'will be made, and stay down',
    'net.link.tap.up_on_open: 0',
    0,
    false,
    ['error interface-missing: ifconfig tap0 create', 'warning interface-down: ifconfig tap0 up'],
  ],
  ['comes up when it is opened', 'net.link.tap.up_on_open: 1', 0, true, []],
  ['of a kernel that does not say is not judged', 'hw.ncpu: 1', 0, true, []],
  [
    'may be opened by root alone',
    'net.link.tap.user_open: 0',
    1001,
    true,
    [
      'error interface-access: sysctl net.link.tap.user_open=1, and let the user read and write /dev/tap0; or run vmrun as root',
    ],
  ],
  ['may be opened by everybody', 'net.link.tap.user_open: 1', 1001, true, []],
])('a tap that %s', async (_what, sysctl, uid, isThere, codes) => {
  host.setSysctls(`${sysctl}\n`);
  if (isThere) host.addInterface('tap0');
  const { findings } = await checkBoth([tap('tap0')], { ...host, uid });
  expect(findings.map(({ problem: { severity, code, fix } }) => `${severity} ${code}: ${fix ?? ''}`)).toEqual(codes);
});

test('a bridge that is up is fine', async () => {
  host.setSysctls('net.link.tap.up_on_open: 1\n');
  host.addInterface('tap0');
  host.addInterface('bridge0', { groups: 'bridge', members: ['tap0'] });
  expect((await checkBoth([requirement(bridged)], host)).findings).toEqual([]);
});
