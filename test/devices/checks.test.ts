import { describe, expect, test } from '@jest/globals';
import type { Release } from '../../src/devices/device.js';
import { planOf, problemsOf, specOf, told, valuesOf, withDevices } from '../support/specs.js';
import { plan } from '../../src/machine/plan.js';

/** Without line, column and fix. */
const saidOf = async (device: object): Promise<readonly string[]> =>
  (await problemsOf(withDevices(device))).map((problem) =>
    told(problem)
      .replace(/^\S+ \/emulations\/0/, '')
      .replace(/ \[.*\]$/, ''),
  );

/** What follows the slot in -s. */
const wordsOf = async (device: object): Promise<string | undefined> =>
  valuesOf((await planOf(withDevices(device))).argv, '-s')[1]?.replace(/^0:1:0,/, '');

describe('a disk', () => {
  const disk = { device: 'virtio-blk', path: 'disk.img' };

  test.each<[options: object, words: string]>([
    [{}, ''],
    [{ sectorsize: 4096 }, ',sectorsize=4096'],
    [{ sectorsize: '512/4096' }, ',sectorsize=512/4096'],
    [{ logical_sector_size: 512 }, ',sectorsize=512'],
    [{ logical_sector_size: 512, physical_sector_size: 4096 }, ',sectorsize=512/4096'],
    [{ ro: true, nocache: true, direct: true, sync: true, nodelete: true }, ',nocache,direct,sync,ro,nodelete'],
    [{ ro: false, nocache: false }, ''],
    [{ ser: 'a b', bootindex: 0 }, ',bootindex=0,ser=a b'],
  ])('with %j is told to bhyve as disk.img%s', async (options, words) => {
    expect(await wordsOf({ ...disk, ...options })).toBe(`virtio-blk,disk.img${words}`);
  });

  test.each<[options: object, problem: unknown]>([
    [{ sectorsize: 500 }, '/sectorsize sector-size: 500 is not a power of two from 512 to 67108864'],
    [{ sectorsize: 256 }, '/sectorsize sector-size: 256 is not a power of two from 512 to 67108864'],
    [{ sectorsize: 0 }, '/sectorsize sector-size: 0 is not a power of two from 512 to 67108864'],
    [{ sectorsize: 2 ** 32 }, '/sectorsize sector-size: 4294967296 is not a power of two from 512 to 67108864'],
    [
      { logical_sector_size: 2 ** 31 },
      '/logical_sector_size sector-size: 2147483648 is not a power of two from 512 to 67108864',
    ],
    [{ sectorsize: '512/600' }, '/sectorsize sector-size: 600 is not a power of two from 512 to 67108864'],
    [
      { sectorsize: '4096/512' },
      '/sectorsize sector-size: the logical sector size 4096 is above the physical one, 512',
    ],
    [
      { sectorsize: '512/4096/8192' },
      '/sectorsize wrong-text: "512/4096/8192" is not a number of bytes, or "logical/physical" such as "512/4096"',
    ],
    [
      { physical_sector_size: 4096 },
      '/physical_sector_size sector-size-incomplete: physical_sector_size has no effect without logical_sector_size',
    ],
    [
      { logical_sector_size: 4096, physical_sector_size: 512 },
      '/logical_sector_size sector-size: the logical sector size 4096 is above the physical one, 512',
    ],
    [
      { logical_sector_size: 512, physical_sector_size: 5 },
      '/physical_sector_size sector-size: 5 is not a power of two from 512 to 67108864',
    ],
    [
      { sectorsize: 512, logical_sector_size: 512 },
      '/sectorsize sector-size-twice: the sector size is given twice, by sectorsize and by logical_sector_size or physical_sector_size',
    ],
  ])('with %j is refused', async (options, problem) => {
    for (const device of ['virtio-blk', 'ahci-hd', 'ahci-cd', 'nvme']) {
      expect(await saidOf({ ...disk, device, ...options })).toEqual([problem]);
    }
  });

  test('asks for the right to write, unless it is read-only or a CD', async () => {
    const accessOf = async (device: object) =>
      (await planOf(withDevices(device))).requirements.flatMap(({ need }) =>
        need.kind === 'file' && need.pointer === '/path' ? [need.access] : [],
      );
    expect(await accessOf(disk)).toEqual(['write']);
    expect(await accessOf({ ...disk, ro: true })).toEqual(['read']);
    expect(await accessOf({ ...disk, device: 'ahci-cd' })).toEqual(['read']);
    expect(await accessOf({ ...disk, device: 'nvme' })).toEqual(['write']);
    expect(await accessOf({ device: 'nvme', ram: 1 })).toEqual([]);
  });

  test('has a place in the boot order to itself', async () => {
    const problems = await problemsOf(
      withDevices({ ...disk, bootindex: 1 }, { ...disk, bootindex: 2 }, { device: 'nvme', path: 'b', bootindex: 1 }),
    );
    expect(problems.map(told)).toEqual([
      expect.stringMatching(
        /\/emulations\/2\/bootindex bootindex-taken: bootindex 1 is that of emulations\[0\] virtio-blk "disk\.img" already/,
      ),
    ]);
  });
});

describe('an NVMe disk', () => {
  test.each<[fields: object, words: string]>([
    [{ path: 'a.img' }, 'a.img'],
    [{ ram: 512 }, 'ram=512'],
    [
      { path: 'a', maxq: 16, qsz: 8, ioslots: 1, sectsz: 4096, dsm: 'auto' },
      'a,maxq=16,qsz=8,ioslots=1,sectsz=4096,dsm=auto',
    ],
    [{ path: 'a', eui64: '0x123456789abcdef0' }, 'a,eui64=1311768467463790320'],
    [{ path: 'a', eui64: '0XFFFFFFFFFFFFFFFF' }, 'a,eui64=18446744073709551615'],
    [{ path: 'a', eui64: '18446744073709551615' }, 'a,eui64=18446744073709551615'],
    [{ path: 'a', eui64: 5 }, 'a,eui64=5'],
  ])('%j is told to bhyve as %s', async (fields, words) => {
    expect(await wordsOf({ device: 'nvme', ...fields })).toBe(`nvme,${words}`);
  });

  test('whose path looks like a size is told by variables', async () => {
    const { argv } = await planOf(withDevices({ device: 'nvme', path: 'ram=512' }));
    expect(valuesOf(argv, '-o')).toEqual(['pci.0.1.0.device=nvme', 'pci.0.1.0.path=ram=512']);
  });

  test.each<[fields: object, problem: unknown]>([
    [{}, '/path required: path is required: the disk image'],
    [{ path: 'a', ram: 5 }, '/ram nvme-two-backings: an NVMe disk is backed by path or by ram, not both'],
    [{ ram: 0 }, '/ram out-of-range: ram must be 1 to 16777216, got 0'],
    [{ path: 'a', sectsz: 1024 }, '/sectsz not-allowed: sectsz cannot be 1024'],
    [{ path: 'a', dsm: 'on' }, '/dsm not-allowed: dsm cannot be "on"'],
    [{ path: 'a', eui64: '18446744073709551616' }, '/eui64 too-large: eui64 has more than 64 bits'],
    [
      { path: 'a', eui64: '0x1ffffffffffffffff' },
      '/eui64 wrong-text: "0x1ffffffffffffffff" is not a 64-bit number such as "0x589cfc0000000001"',
    ],
    [{ path: 'a', eui64: -1 }, '/eui64 out-of-range: eui64 must be at least 0, got -1'],
  ])('%j is refused', async (fields, problem) => {
    expect(await saidOf({ device: 'nvme', ...fields })).toEqual([problem]);
  });
});

describe('a network card', () => {
  test.each<[fields: object, words: string]>([
    [{ name: 'tap0' }, 'tap0'],
    [{ name: 'vm0', type: 'tap' }, 'vm0,type=tap'],
    [{ name: 'tap0', type: 'tap' }, 'tap0'],
    [{ name: 'vmnet3' }, 'vmnet3'],
    [{ name: 'vale0:vm1' }, 'vale0:vm1'],
    [{ name: 'netmap:em0' }, 'netmap:em0'],
    [{ name: 'em0', type: 'netmap' }, 'netmap:em0'],
    [{ name: 'vale0:1', type: 'netmap' }, 'vale0:1'],
    [{ type: 'netgraph', path: 'sw0:', peerhook: 'link1' }, 'netgraph,path=sw0:,peerhook=link1'],
    [
      { name: 'netgraph', path: 'sw0:', peerhook: 'l', socket: 's', hook: 'h' },
      'netgraph,path=sw0:,peerhook=l,socket=s,hook=h',
    ],
    [{ type: 'slirp' }, 'slirp'],
    [
      { type: 'slirp', open: true, hostfwd: ['tcp::22-:22', 'udp::53-:53'] },
      'slirp,open,hostfwd=tcp::22-:22;udp::53-:53',
    ],
    [{ name: 'tap0', mac: '58:9c:fc:0:0:1' }, 'tap0,mac=58:9c:fc:0:0:1'],
  ])('%j is told to bhyve as %s', async (fields, words) => {
    expect(await wordsOf({ device: 'virtio-net', ...fields })).toBe(`virtio-net,${words}`);
    expect(await wordsOf({ device: 'e1000', ...fields })).toBe(`e1000,${words}`);
  });

  test.each<[fields: object, problem: unknown]>([
    [{}, '/name required: name is required: the tap interface to attach'],
    [{ type: 'tap' }, '/name required: name is required: the tap interface to attach'],
    [{ name: 'em0' }, '/name backend-unknown: bhyve cannot tell from "em0" what kind of interface it is'],
    [{ name: 'tap0,mtu=9' }, '/name interface-name: "tap0,mtu=9" cannot be the name of an interface'],
    [{ name: 'tap01234567890123' }, '/name interface-name: "tap01234567890123" cannot be the name of an interface'],
    [{ name: 'my tap', type: 'tap' }, '/name interface-name: "my tap" cannot be the name of an interface'],
    [{ name: 'vale0' }, '/name vale-port: a vale switch needs a port: "vale0"'],
    [{ name: 'vale0:' }, '/name vale-port: a vale switch needs a port: "vale0:"'],
    [{ type: 'vale' }, '/name vale-port: a vale switch needs a port: ""'],
    [{ type: 'netgraph', path: 'sw0:' }, '/peerhook required: peerhook is required for a netgraph backend'],
    [{ name: 'netgraph0', peerhook: 'l' }, '/path required: path is required for a netgraph backend'],
    [
      { name: 'tap0', peerhook: 'l' },
      '/peerhook wrong-backend: peerhook belongs to a netgraph backend, this one is tap',
    ],
    [
      { name: 'tap0', hostfwd: ['tcp::22-:22'] },
      '/hostfwd wrong-backend: hostfwd belongs to a slirp backend, this one is tap',
    ],
    [
      { type: 'slirp', hostfwd: ['tcp:22:22'] },
      '/hostfwd/0 wrong-text: "tcp:22:22" is not a rule such as "tcp:127.0.0.1:2222-:22"',
    ],
    [
      { type: 'slirp', hostfwd: ['tcp::22-:22;x'] },
      '/hostfwd/0 wrong-text: "tcp::22-:22;x" is not a rule such as "tcp:127.0.0.1:2222-:22"',
    ],
    [
      { name: 'tap0', mac: '01:00:5e:00:00:01' },
      '/mac mac: 01:00:5e:00:00:01 is a multicast address, bhyve takes unicast only',
    ],
    [{ name: 'tap0', mac: '0:0:0:0:0:0' }, '/mac mac: 0:0:0:0:0:0 is no address'],
    [
      { name: 'tap0', mac: 'zz,mtu=9' },
      '/mac wrong-text: "zz,mtu=9" is not six hex numbers with colons, e.g. "58:9c:fc:00:00:01"',
    ],
    [{ name: 'tap0', mac: '58:9c:fc:00:00:01:02' }, expect.stringMatching(/^\/mac wrong-text/)],
  ])('%j is refused', async (fields, problem) => {
    expect(await saidOf({ device: 'virtio-net', ...fields })).toEqual([problem]);
    expect(await saidOf({ device: 'e1000', ...fields })).toEqual([problem]);
  });

  test('open: false belongs nowhere in particular', async () => {
    expect(await saidOf({ device: 'virtio-net', name: 'tap0', open: false })).toEqual([]);
  });
});

describe('a frame buffer', () => {
  test.each<[fields: object, words: string]>([
    [{}, 'tcp=127.0.0.1:5900'],
    [{ host: '::1', port: 5901 }, 'tcp=[::1]:5901'],
    [{ host: '[::1]' }, 'tcp=[::1]:5900'],
    [{ width: 1024, height: 768, vga: 'off', wait: true }, 'tcp=127.0.0.1:5900,w=1024,h=768,vga=off,wait'],
    [{ wait: false, vga: 'io' }, 'tcp=127.0.0.1:5900,vga=io'],
    [{ width: 3840, height: 2160 }, 'tcp=127.0.0.1:5900,w=3840,h=2160'],
  ])('%j is told to bhyve as %s', async (fields, words) => {
    expect(await wordsOf({ device: 'fbuf', ...fields })).toBe(`fbuf,${words}`);
  });

  test('listens at an address with a zone, told by variables', async () => {
    const { argv, requirements } = await planOf(withDevices({ device: 'fbuf', host: 'fe80::1%em0' }));
    expect(valuesOf(argv, '-o')).toContain('pci.0.1.0.tcp=[fe80::1\\%em0]:5900');
    expect(requirements.map(({ need }) => need)).toContainEqual(
      expect.objectContaining({ kind: 'tcp-port', host: 'fe80::1%em0', port: 5900 }),
    );
  });

  test.each<[fields: object, problem: unknown]>([
    [
      { host: 'localhost' },
      '/host wrong-text: "localhost" is not a numeric address such as "127.0.0.1" or "::1"; bhyve looks up no names',
    ],
    [{ host: '300.1.1.1' }, '/host vnc-host: "300.1.1.1" is not a numeric address; bhyve looks up no names'],
    [{ host: 'beef' }, '/host vnc-host: "beef" is not a numeric address; bhyve looks up no names'],
    [{ host: '::1]' }, '/host vnc-host: "::1]" is not a numeric address; bhyve looks up no names'],
    [{ vga: 'on' }, '/vga vga-on: with vga "on" bhyve starts the VM without any VNC server'],
    [{ vga: 'yes' }, '/vga not-allowed: vga cannot be "yes"'],
    [{ width: 800 }, '/width resolution-incomplete: width is given without height'],
    [{ height: 600 }, '/height resolution-incomplete: height is given without width'],
    [
      { password: 'longer than 8' },
      '/password wrong-text: "***" is not 1 to 8 printable ASCII characters without a comma; VNC would cut a longer one, bhyve’s -s would split at a comma',
    ],
  ])('%j is refused', async (fields, problem) => {
    expect(await saidOf({ device: 'fbuf', ...fields })).toEqual([problem]);
  });

  test.each<[width: number, height: number, release: Release, isFine: boolean]>([
    [1920, 1200, 14, true],
    [1921, 1200, 14, false],
    [1920, 1201, 14, false],
    [3840, 2160, 15, true],
    [3840, 2160, 16, true],
  ])('of %ix%i pixels on release %i: %s', async (width, height, release, isFine) => {
    const spec = await specOf(withDevices({ device: 'fbuf', width, height }));
    const planned = plan(spec, 'default', { release });
    expect(planned.ok).toBe(isFine);
    if (!planned.ok) expect(planned.problems[0]?.code).toBe('resolution-release');
  });

  test('is the only one of its VM, be it a device or graphic', async () => {
    const codes = async (spec: object) =>
      (await problemsOf(spec as Record<string, unknown>)).map(({ code, place }) => `${code} ${place?.pointer ?? ''}`);
    expect(await codes(withDevices({ device: 'fbuf' }, { device: 'fbuf', port: 1 }))).toEqual([
      'device-twice /emulations/1',
    ]);
    expect(await codes({ ...withDevices({ device: 'fbuf' }), graphic: { xhci_table: false } })).toEqual([
      'device-twice /graphic',
    ]);
    expect(await codes({ ...withDevices({ device: 'xhci' }), graphic: {} })).toEqual(['device-twice /graphic']);
    expect(await codes({ ...withDevices({ device: 'xhci' }), graphic: { xhci_table: false } })).toEqual([]);
  });
});

describe('a card that is passed through', () => {
  test.each<[src: string, words: string]>([
    ['3:0:0', '3/0/0'],
    ['3/0/1', '3/0/1'],
    ['pci3:0:0', '3/0/0'],
    ['pci0:3:0:0', '3/0/0'],
    ['255:31:7', '255/31/7'],
    ['ppt0', 'ppt0'],
  ])('%s is told to bhyve as %s', async (src, words) => {
    expect(await wordsOf({ device: 'passthru', src })).toBe(`passthru,${words}`);
  });

  test.each<[fields: object, problem: unknown]>([
    [{}, '/src required: src is required: the card of this host to pass through'],
    [{ src: '3:0' }, '/src host-card: "3:0" does not name bus, slot and function'],
    [{ src: 'pci1:3:0:0' }, '/src host-card: bhyve passes through cards of PCI domain 0 only, got pci1:3:0:0'],
    [{ src: '256:0:0' }, '/src host-card: bus must be 0 to 255, got 256 in "256:0:0"'],
    [{ src: '3:32:0' }, '/src host-card: slot must be 0 to 31, got 32 in "3:32:0"'],
    [{ src: 'pci0:3:0:8' }, '/src host-card: function must be 0 to 7, got 8 in "3:0:8"'],
    [{ src: 'em0' }, '/src host-card: "em0" is not a PCI slot'],
    [{ src: '3/0/0,rom=x' }, expect.stringMatching(/^\/src wrong-text/)],
    [
      { src: '3:0:0', lookup: { vendor: '0x12345678', device: '0x12345678' } },
      '/lookup card-twice: src and lookup both name a card',
    ],
    [
      { lookup: { vendor: '0x1234', device: '0x12345678' } },
      expect.stringMatching(/^\/lookup\/vendor wrong-text: "0x1234" is not 0x and 8 hex digits/),
    ],
    [{ lookup: { vendor: '0x12345678' } }, '/lookup/device required: device is required: device id, then subdevice id'],
  ])('%j is refused', async (fields, problem) => {
    expect(await saidOf({ device: 'passthru', ...fields })).toEqual([problem]);
  });

  test('by its ids is a placeholder until somebody has looked, and then the card that was found', async () => {
    const spec = await specOf(
      withDevices({ device: 'passthru', lookup: { vendor: '0x8086ABCD', device: '0x10d38086' } }),
    );
    const argvOf = (hostCards?: ReadonlyMap<string, { bus: number; slot: number; func: number }>) => {
      const planned = plan(spec, 'default', hostCards === undefined ? {} : { hostCards });
      return planned.ok ? valuesOf(planned.value.argv, '-s')[1] : undefined;
    };
    expect(argvOf()).toBe('0:1:0,passthru,<host card vendor=0x8086abcd device=0x10d38086>');
    expect(argvOf(new Map([['/emulations/0', { bus: 3, slot: 0, func: 1 }]]))).toBe('0:1:0,passthru,3/0/1');
  });

  test('wires guest memory, and says so where the spec does not want it', async () => {
    const device = { device: 'passthru', src: '3:0:0' };
    expect((await planOf(withDevices(device))).argv).toContain('-S');
    expect((await planOf(withDevices())).argv).not.toContain('-S');
    const problems = await problemsOf({ ...withDevices(device), wire_guest_mem: false });
    expect(problems.map(({ code, place }) => `${code} ${place?.pointer ?? ''}`)).toEqual([
      'memory-not-wired /wire_guest_mem',
    ]);
  });
});

describe('console ports', () => {
  const console = (...ports: readonly unknown[]) => ({ device: 'virtio-console', ports });

  test.each<[ports: readonly unknown[], words: string]>([
    [['/a', '/b'], 'port1=/a,port2=/b'],
    [['/a', { name: 'agent', path: '/b' }, '/c'], 'port1=/a,agent=/b,port3=/c'],
    [[{ name: 'a b', path: '/x=y' }], 'a b=/x=y'],
  ])('%j are told to bhyve as %s', async (ports, words) => {
    expect(await wordsOf(console(...ports))).toBe(`virtio-console,${words}`);
  });

  test('whose name has an equals sign are told by variables', async () => {
    const { argv } = await planOf(withDevices(console({ name: 'a=b', path: '/x' })));
    expect(valuesOf(argv, '-o')).toEqual([
      'pci.0.1.0.device=virtio-console',
      'pci.0.1.0.port.0.name=a=b',
      'pci.0.1.0.port.0.path=/x',
    ]);
  });

  test.each<[ports: readonly unknown[], problem: unknown]>([
    [['/a', '/a'], '/ports/1 socket-twice: /a is the socket of port 1 already'],
    [['/a', { name: 'port1', path: '/b' }], '/ports/1 port-name-twice: two ports are named "port1"'],
    [['/run/'], '/ports/0 socket-name: the path of a socket must end in a name'],
    [[`/run/${'x'.repeat(104)}`], '/ports/0 socket-name: the name of a socket has at most 103 bytes'],
    [[{ name: 'a' }], expect.stringMatching(/^\/ports\/0\/path required: /)],
    [[{ name: '', path: '/a' }], expect.stringMatching(/^\/ports\/0\/name wrong-text: /)],
  ])('%j are refused', async (ports, problem) => {
    expect(await saidOf(console(...ports))).toEqual([problem]);
  });

  test('leave sockets behind, which vmrun removes, and want their places free', async () => {
    const { ephemerals, requirements } = await planOf(withDevices(console('/a', { name: 'b', path: '/b' })));
    expect(ephemerals).toEqual([
      { kind: 'socket', path: '/a' },
      { kind: 'socket', path: '/b' },
    ]);
    expect(requirements.flatMap(({ need }) => (need.kind === 'free-socket' ? [need.path] : []))).toEqual(['/a', '/b']);
  });
});

describe('a raw device', () => {
  test('is passed to bhyve as it is', async () => {
    expect(await wordsOf({ device: 'raw', value: 'virtio-9p,share=/a,ro,%(name)' })).toBe(
      'virtio-9p,share=/a,ro,%(name)',
    );
  });
});
