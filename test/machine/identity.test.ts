import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { steps } from '../../src/base/json-pointer.js';
import { formatAddress } from '../../src/base/pci-address.js';
import type { Result } from '../../src/base/result.js';
import { changeWords, guestChanges } from '../../src/machine/guest-changes.js';
import { guestOf, type Guest, type GuestDevice } from '../../src/machine/guest.js';
import { formatIdentity, readIdentity } from '../../src/machine/identity-text.js';
import { deviceWords, lockedValue, traitsOf, traitVariable, type Identity } from '../../src/machine/identity.js';
import { partsOf } from '../../src/machine/parts.js';
import { deviceModels } from '../../src/devices/registry.js';
import { twinWarnings } from '../../src/machine/twins.js';
import { compareWithLock, lockIdentity, type LockOptions } from '../../src/machine/lock-identity.js';
import { loadSpecText } from '../../src/machine/load-spec.js';
import type { PlanOptions } from '../../src/machine/plan.js';
import type { Spec, SpecText } from '../../src/spec/parse-spec.js';
import { validSpec } from '../support/arbitraries.js';
import {
  machineOf,
  minimal,
  specOf,
  specText,
  told,
  valuesOf,
  withDevices,
  type SpecObject,
} from '../support/specs.js';
import { runs } from '../support/runs.js';

function sound<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(result.problems.map(told).join('\n'));
  return result.value;
}

const identityFrom = async (spec: SpecObject, options: LockOptions = {}): Promise<Identity> =>
  sound(lockIdentity(await specOf(spec, {}, options), options)).identity;

const guestFrom = async (
  spec: SpecObject,
  target = 'default',
  options: PlanOptions = {},
  more: Partial<SpecText> = {},
): Promise<Guest> => sound(guestOf(await specOf(spec, more, options), target, options));

/** `0:1:0 disk0 BHYVE-…`, a line for each device but the bridges. */
const seen = ({ devices }: Pick<Guest, 'devices'>): readonly string[] =>
  devices
    .filter(({ field }) => field === undefined)
    .map((device) =>
      [formatAddress(device.address), deviceWords(device), device.mac ?? device.serial ?? '']
        .filter((word) => word !== '')
        .join(' '),
    );

const disk = { device: 'virtio-blk', path: 'disk.img' };
const card = { device: 'virtio-net', name: 'tap0' };

describe('what bhyve makes up is computed as it does', () => {
  // The digests are those of md5(1).
  test.each<[what: string, device: object, vm: object, expected: Partial<GuestDevice>]>([
    [
      'the MAC of a virtio card, of slot, function and name',
      { ...card, slot: 2 },
      { name: 'rescue' },
      { mac: '00:a0:98:4a:01:e1' },
    ],
    ['whatever the bus', { ...card, slot: '3:2:0' }, { name: 'rescue' }, { mac: '00:a0:98:4a:01:e1' }],
    ['that of an e1000', { device: 'e1000', name: 'tap0', slot: 4 }, { name: 'web' }, { mac: '00:a0:98:2f:45:75' }],
    [
      'of the first 79 bytes',
      { ...card, slot: '1:31:0' },
      { name: 'x'.repeat(100), lpc_slot: 30 },
      { mac: '00:a0:98:92:a8:de' },
    ],
    ['a MAC that is said, in one spelling', { ...card, mac: '2:0:AB:c:0:1' }, {}, { mac: '02:00:ab:0c:00:01' }],
    [
      'a MAC that a variable says',
      { ...card, slot: 5 },
      { config: { 'pci.0.5.0.mac': '02:00:00:00:00:07' } },
      { mac: '02:00:00:00:00:07' },
    ],
    [
      'the serial number of a virtio disk, of its path',
      { device: 'virtio-blk', path: 'rescue.img' },
      {},
      { serial: 'BHYVE-AD5F-1AE4-348F' },
    ],
    ['that of an AHCI disk', { device: 'ahci-hd', path: '/vm/disk.img' }, {}, { serial: 'BHYVE-FC3C-A324-E502' }],
    [
      'that of an NVMe disk, of slot and function',
      { device: 'nvme', path: 'a.img', slot: 7 },
      {},
      { serial: 'NVME-7-0' },
    ],
    ['one that is said', { device: 'nvme', path: 'a.img', ser: 'S1' }, {}, { serial: 'S1' }],
    [
      'those of drives on one controller',
      {
        device: 'ahci',
        ports: [
          { type: 'hd', path: 'rescue.img' },
          { type: 'cd', path: 'x', ser: 'S2' },
        ],
      },
      {},
      { serials: { 'rescue.img': 'BHYVE-AD5F-1AE4-348F', x: 'S2' } },
    ],
  ])('%s', async (_what, device, vm, expected) => {
    const { devices } = await guestFrom({ ...withDevices(device), ...vm });
    expect(devices.find(({ pointer }) => pointer === '/emulations/0')).toMatchObject(expected);
  });

  test('a path is taken as bhyve is told it, and its device is known by the path as the file says it', async () => {
    const { devices } = await guestFrom(withDevices(disk), 'default', {}, { resolveFile: (file) => `/vm/${file}` });
    expect(devices[1]).toMatchObject({ label: 'disk.img', serial: 'BHYVE-FC3C-A324-E502' });
  });

  test('a UUID that nobody says is not known', async () => {
    expect((await guestFrom({ ...minimal })).uuid).toBeUndefined();
    expect((await guestFrom({ ...minimal, uuid: '5A34B1CC-7D4F-11EE-8D3C-B42E991B0A01' })).uuid).toBe(
      '5a34b1cc-7d4f-11ee-8d3c-b42e991b0a01',
    );
  });
});

test('every trait of every model is pinned in its field, and reaches bhyve as its variable', async () => {
  let traits = 0;
  for (const model of deviceModels) {
    const spec = await specOf({ ...withDevices({ device: model.model, ...model.example }), release: 16 });
    const [part] = partsOf(spec.effective('default').vm);
    const found = part === undefined ? [] : traitsOf(part, spec.effective('default'));
    const locked = sound(lockIdentity(spec)).identity;
    const machine = machineOf(spec, 'default', { identity: locked });
    const device = sound(guestOf(spec, 'default')).devices.find(({ pointer }) => pointer === '/emulations/0');
    if (device === undefined) throw new Error(model.model);
    for (const trait of found) {
      traits += 1;
      const value = lockedValue(trait, device);
      expect(value).toBeDefined();
      expect(machine.variables).toContainEqual({ key: traitVariable(trait, device.address), value });
    }
    const [before, after] = [guestOf(spec, 'default'), guestOf(spec, 'default', { identity: locked })].map(sound);
    if (before === undefined || after === undefined) throw new Error(model.model);
    expect(guestChanges(before, after)).toEqual([]);
  }
  expect(traits).toBe(8);
});

describe('locking', () => {
  test('a lock that is made and honoured at once changes nothing that can be known', async () => {
    const spec = await specOf(withDevices(disk, card, { device: 'nvme', path: 'n.img' }));
    const { identity } = sound(lockIdentity(spec));
    const before = sound(guestOf(spec, 'default'));
    expect(guestChanges(before, sound(guestOf(spec, 'default', { identity })))).toEqual([]);
    const words = valuesOf(machineOf(spec, 'default', { identity }).argv, '-s');
    expect(words).toContain('0:2:0,virtio-net,tap0,mac=00:a0:98:f0:55:05');
    expect(words).toContain('0:3:0,nvme,n.img,ser=NVME-3-0');
  });

  test("the UUID is the spec's, else the one that was locked, else one made of both names, as RFC 9562 makes it", async () => {
    const spec = await specOf({ ...minimal, name: 'web' });
    const made = sound(lockIdentity(spec, { hostName: 'host.example' }));
    expect(made).toMatchObject({ identity: { uuid: '33791211-afb2-5325-863b-25d0d579b20e' }, isNewUuid: true });
    const again = sound(lockIdentity(spec, { hostName: 'other', identity: made.identity }));
    expect(again).toMatchObject({ identity: { uuid: made.identity.uuid }, isNewUuid: false });
    const own = '00000000-0000-4000-8000-000000000001';
    const said = await specOf({ ...minimal, name: 'web', uuid: own });
    expect(sound(lockIdentity(said, { identity: made.identity }))).toMatchObject({
      identity: { uuid: own },
      isNewUuid: false,
    });
    expect(valuesOf(machineOf(spec, 'default', { identity: made.identity }).argv, '-U')).toEqual([made.identity.uuid]);
    expect(valuesOf(machineOf(said, 'default', { identity: made.identity }).argv, '-U')).toEqual([own]);
  });

  test('a target that says a UUID of its own keeps it when it does so no more', async () => {
    const own = '00000000-0000-4000-8000-000000000002';
    const identity = await identityFrom({ ...minimal, targets: { other: { uuid: own } } });
    const spec = { ...minimal, targets: { other: {} } };
    expect((await guestFrom(spec, 'other', { identity })).uuid).toBe(own);
    expect((await guestFrom(spec, 'default', { identity })).uuid).toBe(identity.uuid);
  });

  test('what is gone stays as stale, and has its place back when it returns; --prune forgets it', async () => {
    const all = withDevices(disk, card, { device: 'virtio-rnd' });
    const identity = await identityFrom({ ...all, targets: { old: {} } });
    const less = { ...withDevices(card), targets: {} };
    const later = await identityFrom(less, { identity });
    expect(
      later.targets
        .get('default')
        ?.devices.filter(({ isStale }) => isStale)
        .map(deviceWords),
    ).toEqual(['virtio-blk disk.img', 'virtio-rnd']);
    expect(later.targets.get('old')?.isStale).toBe(true);
    expect(
      seen(await guestFrom(withDevices({ device: 'virtio-rnd' }, card, disk), 'default', { identity: later })),
    ).toEqual(seen(await guestFrom(all)));
    const pruned = await identityFrom(less, { identity: later, prune: true });
    expect([...pruned.targets.keys()]).toEqual(['default']);
    expect(pruned.targets.get('default')?.devices.map(deviceWords)).toEqual(['hostbridge', 'virtio-net tap0', 'lpc']);
  });

  test('none that is gone comes back as another of its kind', async () => {
    const identity = await identityFrom(withDevices(disk, card));
    const later = await identityFrom(withDevices(card), { identity });
    const other = { device: 'virtio-blk', path: 'other.img' };
    const [first] = seen(await guestFrom(withDevices(other, card), 'default', { identity: later })).filter((line) =>
      line.includes('other.img'),
    );
    expect(first).toMatch(/^0:3:0 /);
  });

  test('a new card does not get the MAC of one that has moved away from there', async () => {
    const identity = await identityFrom(withDevices({ ...card, id: 'a' }));
    const moved = withDevices({ ...card, id: 'a', slot: 9 });
    const later = await identityFrom(moved, { identity });
    const both = withDevices({ ...card, id: 'a', slot: 9 }, { device: 'virtio-net', name: 'tap1', id: 'b', slot: 1 });
    expect(twinWarnings(await specOf(both), ['default'], { identity: later }).map(({ message }) => message)).toEqual([
      expect.stringContaining('its MAC 00:a0:98:27:8d:55 is that of b at 0:1:0 too'),
    ]);
    const last = await identityFrom(both, { identity: later });
    const macs = last.targets.get('default')?.devices.flatMap(({ mac }) => mac ?? []) ?? [];
    expect(macs).toHaveLength(2);
    expect(new Set(macs).size).toBe(2);
    expect(macs.every((mac) => mac.startsWith('00:a0:98:'))).toBe(true);
  });
});

const named = [
  { ...disk, id: 'disk0' },
  { ...card, id: 'net0' },
  { device: 'ahci-cd', id: 'cd0', path: 'a.iso' },
];
const base: SpecObject = {
  ...withDevices(...named),
  targets: {
    install: { emulations: [{ device: 'nvme', path: 'n.img' }] },
    bare: { emulations: [{ id: 'disk0', remove: true }] },
  },
};
const more = { device: 'virtio-blk', path: 'more.img' };
const without = (...ids: readonly string[]) => named.filter(({ id }) => !ids.includes(id));

describe('with a lock, an edit moves nothing', () => {
  test.each<[what: string, edited: SpecObject, gone: readonly string[]]>([
    ['a disk before the card', { ...base, emulations: [more, ...named] }, []],
    ['a disk between the others', { ...base, emulations: [named[0], more, ...named.slice(1)] }, []],
    [
      'the first device goes',
      { ...base, emulations: without('disk0'), targets: { ...(base.targets as object), bare: {} } },
      ['disk0'],
    ],
    ['another order', { ...base, emulations: [...named].reverse() }, []],
    [
      'a target has another name',
      {
        ...base,
        targets: {
          ...(base.targets as object),
          install: undefined,
          setup: { emulations: [{ device: 'nvme', path: 'n.img' }] },
        },
      },
      [],
    ],
    ['another target', { ...base, targets: { ...(base.targets as object), extra: { emulations: [more] } } }, []],
    ['the VM has another name', { ...base, name: 'renamed' }, []],
    ['a screen', { ...base, graphic: { port: 5901 } }, []],
    ['the card has another backend', { ...base, emulations: [named[0], { ...named[1], name: 'tap7' }, named[2]] }, []],
    [
      'the image is elsewhere',
      { ...base, emulations: [{ ...named[0], path: '/dev/zvol/tank/vm0' }, ...named.slice(1)] },
      [],
    ],
    [
      'the disk is another model',
      { ...base, emulations: [{ device: 'nvme', id: 'disk0', path: 'disk.img' }, ...named.slice(1)] },
      [],
    ],
    [
      'nobody has a name any more',
      { ...base, emulations: named.map((each) => ({ ...each, id: undefined })), targets: {} },
      [],
    ],
  ])('%s', async (_what, edited, gone) => {
    const identity = await identityFrom(base);
    const [old, spec] = [await specOf(base), await specOf(edited, {}, { identity })];
    for (const target of spec.targets) {
      const was = sound(guestOf(old, old.targets.includes(target) ? target : 'default'));
      const is = sound(guestOf(spec, target, { identity }));
      const places = is.devices.map(({ address, mac, serial }) => [formatAddress(address), mac, serial].join(' '));
      for (const device of was.devices.filter(({ id = '' }) => !gone.includes(id))) {
        expect(places).toContain([formatAddress(device.address), device.mac, device.serial].join(' '));
      }
      expect(is.uuid).toBe(identity.uuid);
    }
  });

  test('without ids too: they are known by model and backend, and by their order', async () => {
    const spec = withDevices(disk, card, { device: 'virtio-rnd' }, { device: 'virtio-blk', path: 'b.img' });
    const identity = await identityFrom(spec);
    const edited = withDevices(
      { device: 'virtio-rnd' },
      { ...card, name: 'tap5' },
      { device: 'virtio-blk', path: 'b.img' },
    );
    expect(seen(await guestFrom(edited, 'default', { identity }))).toEqual([
      '0:2:0 virtio-net tap5 00:a0:98:f0:55:05',
      '0:3:0 virtio-rnd',
      '0:4:0 virtio-blk b.img BHYVE-A3F1-B750-8E1C',
    ]);
  });

  test('a drive keeps its serial number when its controller has another drive in front of it', async () => {
    const drives = (...paths: readonly string[]) =>
      withDevices({ device: 'ahci', id: 'c', ports: paths.map((path) => ({ type: 'hd', path })) });
    const spec = drives('a.img', 'b.img');
    const identity = await identityFrom(spec);
    const { devices } = await guestFrom(
      drives('c.img', 'b.img', 'a.img'),
      'default',
      { identity },
      { resolveFile: (file) => `/vm/${file}` },
    );
    const serials = devices.find(({ id }) => id === 'c')?.serials ?? {};
    const before = (await guestFrom(spec)).devices.find(({ id }) => id === 'c')?.serials ?? {};
    expect(serials).toMatchObject(before);
    expect(serials['c.img']).not.toBe(before['a.img']);
  });

  test('a device that another target has is where it is there, and a new one is at one place in all', async () => {
    const spec = { ...withDevices(disk), targets: { install: { emulations: [{ device: 'ahci-cd', path: 'a.iso' }] } } };
    const identity = await identityFrom(spec);
    const edited = { ...spec, emulations: [disk, card], targets: { ...spec.targets, second: { inherits: 'install' } } };
    const place = async (target: string): Promise<readonly string[]> =>
      seen(await guestFrom(edited, target, { identity })).map((line) => line.split(' ').slice(0, 2).join(' '));
    expect(await place('default')).toEqual(['0:1:0 virtio-blk', '0:3:0 virtio-net']);
    expect(await place('install')).toEqual(['0:1:0 virtio-blk', '0:2:0 ahci-cd', '0:3:0 virtio-net']);
    expect(await place('second')).toEqual(await place('install'));
  });

  test('what the spec says comes first', async () => {
    const identity = await identityFrom(base);
    const edited = {
      ...base,
      emulations: [named[0], { ...named[1], slot: '0:9:0', mac: '02:00:00:00:00:09' }, { ...named[2], ser: 'S' }],
    };
    expect(seen(await guestFrom(edited, 'default', { identity })).slice(1)).toEqual([
      '0:3:0 cd0 S',
      '0:9:0 net0 02:00:00:00:00:09',
    ]);
  });

  test('a variable of the spec is as good as a field', async () => {
    const spec = {
      ...withDevices(card),
      config: { 'pci.0.1.0.mac': '02:00:00:00:00:08', uuid: '00000000-0000-4000-8000-000000000003' },
    };
    const identity = await identityFrom(withDevices(card));
    const { argv } = machineOf(await specOf(spec, {}, { identity }), 'default', { identity });
    expect(valuesOf(argv, '-o')).toContain('pci.0.1.0.mac=02:00:00:00:00:08');
    expect(argv).not.toContain('-U');
    expect(argv.join(' ')).not.toContain(',mac=');
  });

  test('a slot that another device is kept at cannot be named', async () => {
    const identity = await identityFrom(withDevices(...named));
    const edited = withDevices(...named, { device: 'virtio-rnd', slot: '0:2:0' });
    await expect(specOf(edited, {}, { identity })).rejects.toThrow(
      /slot-kept: emulations\[3\] virtio-rnd wants slot 0:2, where the lock file keeps emulations\[1\] virtio-net "tap0"/,
    );
    const freed = withDevices(named[0], { ...named[1], slot: 12 }, named[2], { device: 'virtio-rnd', slot: '0:2:0' });
    expect(seen(await guestFrom(freed, 'default', { identity }))).toContain('0:2:0 virtio-rnd');
  });
});

describe('guests of two systems name what they find', () => {
  const namesOf = async (...devices: readonly object[]) => {
    const { devices: found } = await guestFrom({ ...withDevices(...devices), extra_options: '-S' });
    return found.filter(({ field }) => field === undefined).map(({ names = {} }) => names);
  };
  const iso = { device: 'ahci-cd', path: 'a.iso' };

  test.each<[what: string, devices: readonly object[], names: readonly object[]]>([
    [
      'FreeBSD by driver, counting; Linux a network card by its slot',
      [
        card,
        { device: 'e1000', name: 'tap1' },
        { device: 'virtio-net', name: 'tap2', slot: '2:3:1' },
        disk,
        iso,
      ].concat({ device: 'virtio-rnd', slot: '2:3:0' } as never),
      [
        { linux: 'enp0s1', freebsd: ['vtnet0'] },
        { linux: 'enp0s2', freebsd: ['em0'] },
        { freebsd: ['vtbd0'] },
        { freebsd: ['cd0'] },
        {},
        { linux: 'enp2s3f1', freebsd: ['vtnet1'] },
      ],
    ],
    [
      'each drive of a controller',
      [
        { device: 'ahci-hd', path: 'a' },
        {
          device: 'ahci',
          ports: [
            { type: 'cd', path: 'b' },
            { type: 'hd', path: 'c' },
          ],
        },
        { device: 'ahci-hd', path: 'd' },
        { device: 'nvme', path: 'e' },
      ],
      [{ freebsd: ['ada0'] }, { freebsd: ['cd0', 'ada1'] }, { freebsd: ['ada2'] }, { freebsd: ['nda0'] }],
    ],
    [
      'none where a card of the host may be of that driver, and comes first',
      [card, { device: 'nvme', path: 'e' }, { device: 'passthru', src: '2:0:0' }, { device: 'nvme', path: 'f' }, card],
      [
        { linux: 'enp0s1', freebsd: ['vtnet0'] },
        { freebsd: ['nda0'] },
        {},
        {},
        { linux: 'enp0s5', freebsd: ['vtnet1'] },
      ],
    ],
    [
      'a raw device by the model that it begins with',
      [{ device: 'raw', value: 'virtio-net,tap5' }, card, { device: 'raw', value: 'ahci-hd,/a,cd:/b' }, iso],
      [{ linux: 'enp0s1', freebsd: ['vtnet0'] }, { linux: 'enp0s2', freebsd: ['vtnet1'] }, {}, {}],
    ],
    [
      'none behind a model that nobody knows',
      [card, { device: 'raw', value: 'floppy' }, card],
      [{ linux: 'enp0s1', freebsd: ['vtnet0'] }, {}, { linux: 'enp0s3' }],
    ],
  ])('%s', async (_what, devices, names) => {
    expect(await namesOf(...devices)).toEqual(names);
  });

  test.each([
    '-s 9,virtio-blk,/x',
    '-HPs9,nvme,/x',
    '-k /file',
    '-o pci.0.9.0.device=e1000',
    '-opci.0.9.0.device=e1000',
  ])('FreeBSD in an order that nobody knows where there is %s', async (extra) => {
    const { devices } = await guestFrom({ ...withDevices(card), extra_options: extra });
    expect(devices.flatMap(({ names = [] }) => names)).toEqual([{ linux: 'enp0s1' }]);
  });
});

describe('what is told', () => {
  const words = async (spec: SpecObject, identity: Identity, targets = ['default']) => {
    const compared = sound(
      compareWithLock(await specOf(spec, {}, { identity }), targets, { identity, file: 'vm.lock.json' }),
    );
    return {
      changes: compared.changes.map(changeWords),
      held: compared.held.map(changeWords),
      warnings: compared.warnings.map(({ message }) => message),
    };
  };

  test('what the guest would find without the lock', async () => {
    const identity = await identityFrom(base);
    const { changes, held } = await words({ ...base, emulations: [more, ...named] }, identity);
    expect(changes).toEqual(['virtio-blk more.img is new, at 0:5:0: the guest finds a new device']);
    expect(held).toEqual([
      'disk0 0:1:0 -> 0:2:0: a Linux guest would have another name for it in /dev/disk/by-path, a FreeBSD guest would rename vtbd0 to vtbd1',
      'net0 0:2:0 -> 0:3:0: a Linux guest would rename enp0s2 to enp0s3',
      'net0 MAC 00:a0:98:f0:55:05 -> 00:a0:98:eb:76:05: the network sees another card: DHCP leases, firewall rules',
      'cd0 0:3:0 -> 0:4:0: a Linux guest would have another name for it in /dev/disk/by-path',
    ]);
  });

  test('what it finds changed all the same', async () => {
    const identity = await identityFrom(base);
    const edited = {
      ...base,
      uuid: '00000000-0000-4000-8000-000000000004',
      emulations: [
        { ...named[0], ser: 'S' },
        { ...named[1], slot: '1:4:1' },
        { device: 'virtio-rnd', slot: '1:4:0' },
      ],
    };
    expect((await words(edited, identity)).changes).toEqual([
      `UUID ${identity.uuid ?? ''} -> 00000000-0000-4000-8000-000000000004: the guest takes itself for another machine: licences, machine id`,
      'disk0 serial number BHYVE-E581-6406-DE15 -> S: a Linux guest would have another name for it in /dev/disk/by-id',
      'virtio-rnd is new, at 1:4:0: the guest finds a new device',
      'net0 0:2:0 -> 1:4:1: a Linux guest would rename enp0s2 to enp1s4f1',
      'cd0 is gone from 0:3:0: the guest loses it',
    ]);
  });

  test('what only a name tells: FreeBSD counts the cards and drives of each driver', async () => {
    const cards = [
      { device: 'virtio-net', id: 'lan', name: 'tap0', slot: 3 },
      { device: 'virtio-net', id: 'wan', name: 'tap1', slot: 5 },
    ];
    const identity = await identityFrom(withDevices(...cards, { device: 'virtio-rnd', slot: 6 }));
    const more = { device: 'virtio-net', id: 'dmz', name: 'tap2', slot: 4 };
    expect((await words(withDevices(...cards, more), identity)).changes).toEqual([
      'dmz is new, at 0:4:0: the guest finds a new device',
      'wan vtnet1 -> vtnet2: a FreeBSD guest would rename it',
      'virtio-rnd is gone from 0:6:0: the guest loses it',
    ]);
    const beside = [...cards, { device: 'virtio-rnd', slot: '3:1' }];
    expect((await words(withDevices(...beside), identity)).changes.slice(0, 2)).toEqual([
      'lan enp0s3 -> enp0s3f0: a Linux guest would rename it',
      'virtio-rnd 0:6:0 -> 0:3:1: the guest finds it at another place of its PCI bus',
    ]);
    const { changes } = await words(withDevices({ ...cards[1], slot: 7 }), identity);
    expect(changes[0]).toBe(
      'wan 0:5:0 -> 0:7:0: a Linux guest would rename enp0s5 to enp0s7, a FreeBSD guest vtnet1 to vtnet0',
    );
    expect(
      (await words({ ...withDevices(cards[1] ?? {}), extra_options: '-s 1,virtio-net,tap9' }, identity)).changes,
    ).toEqual(['lan is gone from 0:3:0: the guest loses it', 'virtio-rnd is gone from 0:6:0: the guest loses it']);
  });

  test('a copy that has another name, and a device that is taken for another', async () => {
    const identity = await identityFrom(withDevices(disk));
    const { warnings, changes } = await words({ ...withDevices(more), name: 'copy' }, identity);
    expect(changes).toEqual([]);
    const loaded = await loadSpecText(specText({ ...withDevices(more), name: 'copy' }), { identity });
    expect(loaded.ok ? loaded.warnings.map(told) : []).toEqual([
      '2:11 /name lock-name: the lock file was made for the VM vm0, this is copy [if it was renamed: vmrun lock; if it is a copy, remove the lock file, or the two have one UUID and the same MACs]',
    ]);
    expect(warnings).toEqual(['it takes the place of virtio-blk disk.img, being the next of its kind']);
  });

  test('nothing, where the spec is as it was locked', async () => {
    const identity = await identityFrom(base);
    const spec = await specOf(base);
    expect(await words(base, identity, [...spec.targets])).toEqual({ changes: [], held: [], warnings: [] });
  });
});

/** A device of a spec that knows which it is: keys that begin with x- are the user's own. */
interface Tagged {
  readonly 'x-tag': number;
  readonly id?: string;
}

const fresh: fc.Arbitrary<(unique: number) => object> = fc.constantFrom(
  (unique: number) => ({ device: 'virtio-net', name: `tap${1000 + unique}` }),
  (unique: number) => ({ device: 'virtio-blk', id: `new ${unique}`, path: 'disk.img' }),
  (unique: number) => ({ device: 'nvme', path: `new${unique}.img` }),
  (unique: number) => ({ device: 'ahci', ports: [{ type: 'cd', path: `new${unique}.iso` }] }),
);

/** For each list of devices: which go, where new ones come in, in what order the rest is. */
const edits = fc.record({
  gone: fc.array(fc.nat(20), { maxLength: 3 }),
  added: fc.array(fc.tuple(fc.nat(20), fresh), { maxLength: 3 }),
  order: fc.array(fc.nat(1000), { minLength: 12, maxLength: 12 }),
});

describe('with a lock, whatever is edited', () => {
  test('no device that is still there has another slot, MAC or serial number, nor any target another UUID', async () => {
    let compared = 0;
    const lists = fc.array(edits, { minLength: 6, maxLength: 6 });
    await fc.assert(
      fc.asyncProperty(validSpec, lists, fc.boolean(), fc.boolean(), async (object, edited, isRenamed, isElsewhere) => {
        const before = tagged(object);
        const after = editedSpec(before, edited, isRenamed);
        const old = await specOf(before);
        const { identity } = sound(lockIdentity(old, { hostName: 'h' }));
        const more = isElsewhere ? { resolveFile: (file: string) => `/elsewhere/${file}` } : {};
        const spec = await specOf(after, more, {
          identity: sound(readIdentity(formatIdentity(identity), 'vm.lock.json')),
        });
        const again = sound(lockIdentity(spec, { identity }));
        for (const target of spec.targets.filter((name) => old.targets.includes(name))) {
          const was = sound(guestOf(old, target, { identity }));
          const is = sound(guestOf(spec, target, { identity }));
          expect(is.uuid).toBe(was.uuid);
          const survivors = byTag(spec, before, after, is);
          for (const [tag, device] of byTag(old, before, before, was)) {
            const now = survivors.get(tag);
            if (now === undefined) continue;
            compared += 1;
            expect(whatIsKnown(now)).toEqual(whatIsKnown(device));
          }
          // To lock again accepts what is new, and moves nothing either.
          expect(
            sound(guestOf(spec, target, { identity: again.identity })).devices.map(({ address }) => address),
          ).toEqual(is.devices.map(({ address }) => address));
        }
        expect(formatIdentity(sound(lockIdentity(spec, { identity: again.identity })).identity)).toBe(
          formatIdentity(again.identity),
        );
      }),
      { numRuns: runs(30) },
    );
    expect(compared).toBeGreaterThan(runs(100));
  }, 120_000);
});

const whatIsKnown = ({ address, mac, serial, serials }: GuestDevice): object => ({
  slot: formatAddress(address),
  mac,
  serial,
  serials,
});

/** The devices of a guest by their tags. Twins without a name, and what the machine brings, are nobody's. */
function byTag(
  spec: Spec,
  ...[before, after, guest]: readonly [SpecObject, SpecObject, Guest]
): ReadonlyMap<number, GuestDevice> {
  const effective = spec.effective(guest.target);
  const found = guest.devices
    .filter(({ pointer }) => pointer.startsWith('/emulations/'))
    .map((device) => [at(after, effective.place(device.pointer).pointer), device] as const);
  const twins = (object: SpecObject, key: string): number =>
    listsOf(object)
      .flat()
      .filter((each) => each.id === undefined && JSON.stringify({ ...each, 'x-tag': 0 }) === key).length;
  return new Map(
    found.flatMap(([own, device]) => {
      const key = JSON.stringify({ ...own, 'x-tag': 0 });
      const same = found.filter(
        ([, other]) => other.id === undefined && other.model === device.model && other.label === device.label,
      );
      const isTwin =
        device.id === undefined &&
        (same.length > 1 || Math.max(twins(before, key), twins(after, key)) > 1 || device.label === undefined);
      return isTwin ? [] : [[own['x-tag'], device] as const];
    }),
  );
}

const at = (object: SpecObject, pointer: string): Tagged =>
  steps(pointer).reduce<unknown>((value, step) => (value as Record<string, unknown>)[step], object) as Tagged;

const listsOf = ({ emulations = [], targets = {} }: SpecObject): readonly (readonly Tagged[])[] => [
  emulations as readonly Tagged[],
  ...Object.values(targets as Record<string, { emulations?: readonly Tagged[] }>).map(
    (target) => target.emulations ?? [],
  ),
];

/** Every device with a number of its own; without what names other targets. */
function tagged(object: SpecObject): SpecObject {
  let tag = 0;
  const tagAll = (list: unknown): unknown =>
    Array.isArray(list) ? list.map((device: object) => ({ ...device, 'x-tag': (tag += 1) })) : undefined;
  const { emulations, targets, ...rest } = object;
  const alone = (layer: SpecObject): SpecObject => ({ ...layer, next_target: undefined, on_give_up: undefined });
  return JSON.parse(
    JSON.stringify({
      ...alone(rest),
      emulations: tagAll(emulations),
      targets: Object.fromEntries(
        Object.entries(targets as Record<string, SpecObject>).map(([name, target]) => [
          name,
          { ...alone(target), emulations: tagAll(target.emulations) },
        ]),
      ),
    }),
  ) as SpecObject;
}

type Edit = typeof edits extends fc.Arbitrary<infer T> ? T : never;

/** The spec after the edits of its base and its targets; the last target is taken away, and another put there. */
function editedSpec(object: SpecObject, all: readonly Edit[], isRenamed: boolean): SpecObject {
  let unique = 10_000;
  const edit = (list: unknown, index: number): readonly object[] => {
    const own = all[index];
    if (own === undefined) return [];
    const rest = (Array.isArray(list) ? (list as readonly object[]) : []).filter(
      (_, position) => !own.gone.includes(position),
    );
    const keyed = rest.map((device, index) => ({ device, key: own.order[index] ?? 0 }));
    const devices: object[] = keyed.sort((a, b) => a.key - b.key).map(({ device }) => device);
    for (const [position, make] of own.added) {
      unique += 1;
      devices.splice(position, 0, { ...make(unique), 'x-tag': unique });
    }
    return devices;
  };
  const targets = Object.entries(object.targets as Record<string, SpecObject>);
  return {
    ...object,
    ...(isRenamed ? { name: 'renamed' } : {}),
    emulations: edit(object.emulations, 0),
    targets: Object.fromEntries(
      targets.map(([name, target], index) => [
        index === targets.length - 1 ? 'added' : name,
        { ...target, emulations: edit(target.emulations, index + 1) },
      ]),
    ),
  };
}
