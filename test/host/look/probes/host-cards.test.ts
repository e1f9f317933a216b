import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { formatAddress } from '../../../../src/base/pci-address.js';
import type { HostCard } from '../../../../src/devices/device.js';
import { parsePciconf } from '../../../../src/host/look/probes/pciconf.js';
import { checkBoth } from '../../both-views.js';
import { fixture, makeFakeHost, requirement, sentences, type FakeHost } from '../../fake-host.js';

const at = (bus: number, slot: number, func: number): HostCard => ({ by: 'address', address: { bus, slot, func } });
const named = (name: string): HostCard => ({ by: 'name', name });
const igb: HostCard = { by: 'ids', vendor: '80868086', device: '15210001' };
const device = (card: HostCard, subject = 'passthru') => requirement({ kind: 'host-card', card }, { subject });

describe('what pciconf prints', () => {
  test('is read alike in the newer and the older format', () => {
    const cards = parsePciconf(fixture('pciconf.txt'));
    expect(parsePciconf(fixture('pciconf-12.txt'))).toEqual(cards);
    expect(cards).toHaveLength(9);
    expect(cards?.[3]).toEqual({
      name: 'none0',
      driver: undefined,
      domain: 0,
      address: { bus: 1, slot: 0, func: 1 },
      vendor: 0x10de,
      device: 0x10f0,
      subvendor: 0x1458,
      subdevice: 0x3701,
      headerType: 0,
    });
    expect(cards?.[7]).toMatchObject({ name: 'mlx5_core0', driver: 'mlx5_core' });
    expect(cards?.[8]).toMatchObject({ domain: 10000, address: { bus: 225, slot: 0, func: 0 } });
  });

  test('may lack columns, have details below, and be of other domains', () => {
    expect(parsePciconf(fixture('pciconf-odd.txt'))).toEqual([
      expect.objectContaining({ name: 'hostb0', vendor: 0x8086, subdevice: 0x8694 }),
      { name: 'xhci0', driver: 'xhci', domain: 0, address: { bus: 0, slot: 20, func: 0 }, headerType: 0 },
      { name: 'ahci12', driver: 'ahci', domain: 0, address: { bus: 0, slot: 31, func: 2 } },
      expect.objectContaining({ name: 'cbb0', vendor: 0x104c, device: 0xac56, headerType: 2 }),
      expect.objectContaining({ name: 'igb0', address: { bus: 3, slot: 0, func: 128 }, subvendor: 0xffff }),
      expect.objectContaining({ name: 'none7', address: { bus: 4, slot: 0, func: 0 }, subdevice: 0x84 }),
      expect.objectContaining({ name: 'nvme1', domain: 10001, address: { bus: 1, slot: 0, func: 0 } }),
    ]);
  });

  test.each<[what: string, text: string, names: readonly string[] | undefined]>([
    ['nothing is a host without cards', '', []],
    ['words that name no card are not understood', 'pciconf: core dumped\n', undefined],
    ['a line without columns still names its card', 'em0@pci0:0:25:0:\n', ['em0']],
    [
      'noise and indented details are passed over',
      "noise\nem0@pci0:0:25:0:\thdr=0x00\n    vendor     = 'Intel'\n",
      ['em0'],
    ],
    ['a column that is not a number is passed over', 'em0@pci0:0:25:0:\thdr=zero vendor=0x8086\n', ['em0']],
  ])('%s', (_what, text, names) => {
    expect(parsePciconf(text)?.map(({ name }) => name)).toEqual(names);
  });
});

describe('a host card', () => {
  let host: FakeHost;
  beforeEach(() => {
    host = makeFakeHost();
  });
  afterEach(() => {
    host.remove();
  });

  test.each<
    [what: string, card: HostCard, resolved: string | undefined, said: readonly string[], fix: string | undefined]
  >([
    ['on ppt is ready', at(3, 0, 2), '3:0:2', [], undefined],
    ['named by its ppt device is ready, and its address found', named('ppt0'), '3:0:2', [], undefined],
    [
      'with a driver is taken from it',
      at(3, 0, 0),
      '3:0:0',
      ['card-driver: pci0:3:0:0 is in use by the host as igb0, it must be on the ppt driver'],
      'devctl set driver -f pci0:3:0:0 ppt',
    ],
    [
      'without a driver is given to ppt; a card of several functions is not a bridge',
      at(1, 0, 1),
      '1:0:1',
      ['card-driver: pci0:1:0:1 has no driver, it must be on ppt'],
      'devctl set driver -f pci0:1:0:1 ppt',
    ],
    [
      'that is a bridge cannot be passed through',
      at(0, 1, 0),
      undefined,
      ['card-is-bridge: pci0:0:1:0 (pcib1) is a bridge (header type 1), ppt takes cards only'],
      'name a card behind the bridge; pciconf -lv lists them',
    ],
    [
      'that is not there is said so',
      at(9, 0, 0),
      undefined,
      ['card-missing: this host has no PCI card at pci0:9:0:0'],
      'name another card; pciconf -lv lists those of this host',
    ],
    [
      'of another domain cannot be passed through',
      at(225, 0, 0),
      undefined,
      ['card-domain: pci10000:225:0:0 is in PCI domain 10000, bhyve passes through cards of domain 0 only'],
      'name another card; pciconf -lv lists those of this host',
    ],
    [
      'whose ppt device is not there is told with those that are',
      named('ppt4'),
      undefined,
      ['card-missing: this host has no PCI card ppt4'],
      'use ppt0 (pci0:3:0:2)',
    ],
    [
      'looked up by its ids is the first of them',
      { by: 'ids', vendor: '15b315b3', device: '10170020' },
      '10:0:0',
      ['card-driver: pci0:10:0:0 is in use by the host as mlx5_core0, it must be on the ppt driver'],
      'devctl set driver -f pci0:10:0:0 ppt',
    ],
    [
      'looked up by ids of another subsystem is told with the ids that would do',
      { by: 'ids', vendor: '15b30000', device: '10170020' },
      undefined,
      ['card-missing: this host has no card with vendor 0x15b30000 device 0x10170020'],
      'look for vendor 0x15b315b3 device 0x10170020 (pci0:10:0:0)',
    ],
    [
      'looked up in vain is said so',
      { by: 'ids', vendor: '12345678', device: '9abcdef0' },
      undefined,
      ['card-missing: this host has no card with vendor 0x12345678 device 0x9abcdef0'],
      'name another card; pciconf -lv lists those of this host',
    ],
    [
      'looked up and found in another domain only is said so',
      { by: 'ids', vendor: '144d144d', device: 'a808a801' },
      undefined,
      [
        'card-none-left: no card with vendor 0x144d144d device 0xa808a801 is left: ' +
          'pci10000:225:0:0 is in PCI domain 10000, not 0',
      ],
      'use as many such devices as the host has cards to pass through',
    ],
    [
      'looked up and found to be a bridge is said so',
      { by: 'ids', vendor: '80861043', device: '19018694' },
      undefined,
      ['card-none-left: no card with vendor 0x80861043 device 0x19018694 is left: pci0:0:1:0 is a bridge'],
      'use as many such devices as the host has cards to pass through',
    ],
  ])('%s', async (_what, card, resolved, said, fix) => {
    const asked = device(card);
    const { findings, cards } = await checkBoth([asked], host);
    const address = cards.get(asked);
    expect(address === undefined ? undefined : formatAddress(address)).toBe(resolved);
    expect(sentences(findings)).toEqual(said);
    expect(findings[0]?.problem.fix).toBe(fix);
  });

  test('of a kind that two devices look up is a different one for each, in the order of addresses', async () => {
    const asked = [device(igb), device(igb)];
    const { cards } = await checkBoth(asked, host);
    expect(asked.map((one) => cards.get(one))).toEqual([
      { bus: 3, slot: 0, func: 0 },
      { bus: 3, slot: 0, func: 1 },
    ]);
  });

  test('that one device names is not chosen for another that looks it up, wherever it stands', async () => {
    const asked = [device(igb), device(at(3, 0, 0)), device(igb), device(named('ppt0'))];
    const { cards, findings } = await checkBoth(asked, host);
    expect(cards.get(asked[0] ?? device(igb))).toEqual({ bus: 3, slot: 0, func: 1 });
    expect(sentences(findings).filter((sentence) => sentence.startsWith('card-none-left'))).toEqual([
      'card-none-left: no card with vendor 0x80868086 device 0x15210001 is left: pci0:3:0:0 goes to passthru, ' +
        'pci0:3:0:1 goes to passthru and pci0:3:0:2 goes to passthru',
    ]);
  });

  test('that two devices name, each in its way, is told at the second', async () => {
    const { findings } = await checkBoth([device(named('ppt0'), 'the first'), device(at(3, 0, 2))], host);
    expect(sentences(findings)).toEqual(['card-twice: pci0:3:0:2 is already the card of the first']);
  });

  test('that was not on ppt carries what gives it back', async () => {
    const { findings } = await checkBoth([device(at(3, 0, 0)), device(at(1, 0, 1))], host);
    expect(findings.map(({ fix }) => fix?.undo)).toEqual([
      { kind: 'release-card', address: { bus: 3, slot: 0, func: 0 }, formerDriver: 'igb' },
      { kind: 'release-card', address: { bus: 1, slot: 0, func: 1 } },
    ]);
  });

  test('is missing where pciconf lists nothing at all', async () => {
    host.setCards('');
    const { findings } = await checkBoth([device(named('ppt0'))], host);
    expect(sentences(findings)).toEqual(['card-missing: this host has no PCI card ppt0, and none on the ppt driver']);
  });
});
