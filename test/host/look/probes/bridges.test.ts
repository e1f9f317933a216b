import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import type { Need } from '../../../../src/devices/device.js';
import { checkBoth } from '../../both-views.js';
import { fixture, makeFakeHost, requirement, type FakeHost } from '../../fake-host.js';

type Network = Omit<Extract<Need, { readonly kind: 'interface' }>, 'kind' | 'type'>;

const card = (network: Network) => requirement({ kind: 'interface', type: 'tap', ...network });

describe('a tap and the bridge that it is to be in', () => {
  let host: FakeHost;
  beforeEach(() => {
    host = makeFakeHost();
    host.breakTool('ifconfig', fixture('ifconfig-bridges.txt'), 0);
  });
  afterEach(() => {
    host.remove();
  });

  test.each<[what: string, network: Network, said: readonly string[]]>([
    ['are fine where it is', { name: 'tap1', bridge: 'storage' }, []],
    [
      'are brought together',
      { name: 'tap2', bridge: 'bridge1' },
      ['error bridge-member: tap2 is not a member of bridge1 [ifconfig bridge1 addm tap2 up]'],
    ],
    [
      'are brought together when it is made',
      { name: 'tap9', bridge: 'bridge1' },
      [
        'error interface-missing: there is no interface tap9 [ifconfig tap9 create]',
        'error bridge-member: tap9 is not a member of bridge1 [ifconfig bridge1 addm tap9 up]',
      ],
    ],
    [
      'have one MTU when it is made',
      { name: 'vm1', bridge: 'storage' },
      [
        'error interface-missing: there is no interface vm1 [ifconfig tap create name vm1]',
        'warning interface-mtu: vm1 must have the MTU of storage, 9000 [ifconfig vm1 mtu 9000]',
        'error bridge-member: vm1 is not a member of storage [ifconfig storage addm vm1 up]',
      ],
    ],
    [
      'should have one MTU',
      { name: 'tap2', bridge: 'storage' },
      [
        'warning interface-mtu: tap2 has an MTU of 1500, its bridge storage one of 9000 [ifconfig tap2 mtu 9000]',
        'error bridge-member: tap2 is not a member of storage [ifconfig storage addm tap2 up]',
      ],
    ],
    [
      'are told where the guest sends more',
      { name: 'tap1', bridge: 'storage', mtu: 9001 },
      [
        'warning guest-mtu: the guest is told an MTU of 9001, the bridge storage has one of 9000 ' +
          '[set "mtu" to at most 9000, or give every member of the bridge a larger one]',
      ],
    ],
    ['are fine where the guest sends less', { name: 'tap1', bridge: 'storage', mtu: 1500 }, []],
    [
      'cannot be brought together while another bridge has it',
      { name: 'tap1', bridge: 'bridge1' },
      [
        'warning interface-mtu: tap1 has an MTU of 9000, its bridge bridge1 one of 1500 [ifconfig tap1 mtu 1500]',
        'error bridge-other: tap1 is a member of storage, not of bridge1 ' +
          '[use another bridge or tap, or remove it there: ifconfig storage deletem tap1]',
      ],
    ],
    [
      'are left alone while somebody has it open',
      { name: 'tap3', bridge: 'bridge1' },
      ['error interface-in-use: tap3 is open in process 2204 [stop that process, or use another tap]'],
    ],
    [
      'are told where there is no bridge, which people make',
      { name: 'tap2', bridge: 'bridge7' },
      ['error bridge-missing: there is no bridge bridge7 [ifconfig bridge7 create]'],
    ],
    [
      'are told where both are missing',
      { name: 'tap9', bridge: 'lan' },
      [
        'error interface-missing: there is no interface tap9 [ifconfig tap9 create]',
        'error bridge-missing: there is no bridge lan [ifconfig bridge create name lan]',
      ],
    ],
    [
      'are told where it is not a bridge',
      { name: 'tap2', bridge: 'lo0' },
      ['error bridge-kind: lo0 is not a bridge (groups: lo) [name a bridge; ifconfig -g bridge lists them]'],
    ],
    [
      'are told where neither is what it should be',
      { name: 'storage', bridge: 'ix0' },
      [
        'error interface-kind: storage is a bridge, bhyve opens a tap ' +
          '[name a tap here, and put it into the bridge: ifconfig storage addm tap0 up]',
        'error bridge-kind: ix0 is not a bridge [name a bridge; ifconfig -g bridge lists them]',
      ],
    ],
    [
      'are no matter without a bridge; the MTU of the guest is that of a tap that is made for it',
      { name: 'tap9', mtu: 9000 },
      [
        'error interface-missing: there is no interface tap9 [ifconfig tap9 create]',
        'warning interface-mtu: tap9 must have the MTU of the guest, 9000 [ifconfig tap9 mtu 9000]',
      ],
    ],
    ['are no matter without a bridge', { name: 'tap2', mtu: 9000 }, []],
  ])('%s', async (_what, network, said) => {
    const { findings } = await checkBoth([card(network)], host);
    expect(
      findings.map(({ problem: { severity, code, message, fix } }) => `${severity} ${code}: ${message} [${fix ?? ''}]`),
    ).toEqual(said);
  });

  test('are known in old releases by their names', async () => {
    host.breakTool('ifconfig', fixture('ifconfig-9.txt').replace(/\tOpened.*\n/, ''), 0);
    expect((await checkBoth([card({ name: 'tap0', bridge: 'bridge0' })], host)).findings).toEqual([]);
    const { findings } = await checkBoth([card({ name: 'tap0', bridge: 'em0' })], host);
    expect(findings.map(({ problem }) => problem.message)).toEqual(['em0 is not a bridge']);
  });
});
