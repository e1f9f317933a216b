import { describe, expect, test } from '@jest/globals';
import type { Release } from '../../src/devices/device.js';
import { planOf, problemsOf, specOf, told, valuesOf, withDevices } from '../support/specs.js';
import { plan } from '../../src/machine/plan.js';
import { parseCommandLine } from '../../src/bhyve/parse.js';
import { checkStart } from '../../src/bhyve/start/start-checks.js';
import { expectedConfig, refusal, simulateMachine, sorted } from '../support/simulated.js';

/** Without line, column and fix. */
const saidOf = async (device: object): Promise<readonly string[]> =>
  (await problemsOf(withDevices(device))).map((problem) =>
    told(problem)
      .replace(/^\S+ \/emulations\/0/, '')
      .replace(/ \[.*\]$/, ''),
  );

/** What follows the slot in -s. */
const wordsOf = async (device: object): Promise<string | undefined> =>
  valuesOf((await planOf({ ...withDevices(device), fwcfg: 'qemu' })).argv, '-s')[1]?.replace(/^0:1:0,/, '');

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
    const disks = [
      { ...disk, bootindex: 1 },
      { ...disk, bootindex: 2 },
      { device: 'nvme', path: 'b', bootindex: 1 },
    ];
    const problems = await problemsOf({ ...withDevices(...disks), fwcfg: 'qemu' });
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
      { name: 'vale0:vm1', bridge: 'bridge0' },
      '/bridge wrong-backend: bridge belongs to a tap or vmnet backend, this one is vale',
    ],
    [
      { type: 'slirp', bridge: 'bridge0' },
      '/bridge wrong-backend: bridge belongs to a tap or vmnet backend, this one is slirp',
    ],
    [{ name: 'tap0', bridge: 'my lan' }, '/bridge interface-name: "my lan" cannot be the name of an interface'],
    [
      { name: 'tap0', bridge: 'vm-öffentlich-1' },
      '/bridge interface-name: "vm-öffentlich-1" cannot be the name of an interface',
    ],
    [{ name: 'vmnet0', bridge: '-a' }, '/bridge interface-name: "-a" cannot be the name of an interface'],
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
    [{ name: 'tap0', mac: '0:0:0:0:0:0' }, '/mac mac: 0:0:0:0:0:0 is not an address'],
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
      { password: 'ninechars' },
      '/password wrong-text: "***" is not 1 to 8 printable ASCII characters without a comma; VNC would cut a longer one, bhyve\'s -s would split at a comma',
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

describe('a SCSI controller', () => {
  const scsi = (fields: object) => ({ device: 'virtio-scsi', ...fields });
  const planned = (fields: object, release: Release) =>
    planOf({ ...withDevices(scsi(fields)), release, fwcfg: 'qemu' });
  const said = async (fields: object, release: Release) =>
    (await problemsOf({ ...withDevices(scsi(fields)), release })).map((problem) =>
      told(problem).replace(/^\S+ \/emulations\/0/, ''),
    );

  test.each<[release: Release, fields: object, words: string]>([
    [14, { path: '/dev/cam/ctl' }, '/dev/cam/ctl'],
    [15, { path: '/dev/cam/ctl1.2', iid: 1, bootindex: 0 }, '/dev/cam/ctl1.2,iid=1,bootindex=0'],
    [15, { path: 'ctl:0=a' }, 'ctl:0=a'],
    [16, { path: '/dev/cam/ctl1.2', iid: 1, bootindex: 0 }, '/dev/cam/ctl1.2,iid=1,bootindex=0'],
    [16, { path: '/dev/5:a' }, '/dev/5:a'],
    [16, { path: '/dev/a=b' }, 'target=/dev/a=b'],
    [16, { targets: '/a' }, '/a'],
    [16, { targets: ['/a', '/b'] }, '/a,target=1:/b'],
    [16, { targets: [{ id: 7, path: '/a' }, '/b'] }, '7:/a,target=8:/b'],
    [16, { targets: [{ id: 7, path: '/a=b' }] }, 'target=7:/a=b'],
    [
      16,
      { targets: ['/a', { id: 9, path: '/b' }, { id: 3, path: '/c' }, '/d'] },
      '/a,target=9:/b,target=3:/c,target=10:/d',
    ],
    [
      16,
      {
        targets: [
          { id: 1, path: '/a' },
          { id: 0, path: '/b' },
        ],
      },
      '1:/a,target=0:/b',
    ],
    [
      16,
      { path: '/a', seg_max: 64, num_queues: 2, ctl_ringsz: 4, evt_ringsz: 8, req_ringsz: 128, thr_per_q: 16 },
      '/a,seg_max=64,num_queues=2,ctl_ringsz=4,evt_ringsz=8,req_ringsz=128,thr_per_q=16',
    ],
  ])('with release %i and %j is told to bhyve as %s', async (release, fields, words) => {
    const machine = await planned(fields, release);
    expect(valuesOf(machine.argv, '-s')[1]).toBe(`0:1:0,virtio-scsi,${words}`);
    expect(sorted(simulateMachine(machine).config)).toEqual(sorted(expectedConfig(machine)));
    expect(refusal(simulateMachine(machine).start)).toBe('');
  });

  test.each<[what: string, path: string]>([
    ['a number and a colon in front', '5:a'],
    ['no slash in front', 'ctl'],
    ['a comma', '/dev/a,b'],
    ['a percent sign', '/dev/50%(name)'],
    ['a percent sign and a backslash', '/dev/\\50%'],
  ])('whose target has %s is told by variables, and the value as it is', async (_what, path) => {
    const { argv, variables, release, arch } = await planned({ targets: ['/a', { id: 4, path }], iid: 2 }, 16);
    expect(valuesOf(argv, '-o')).toEqual([
      'pci.0.1.0.device=virtio-scsi',
      'pci.0.1.0.target.0=/a',
      `pci.0.1.0.target.4=${path}`,
      'pci.0.1.0.iid=2',
    ]);
    expect(variables.filter(({ isLiteral }) => isLiteral === true).map(({ key }) => key)).toEqual([
      'pci.0.1.0.target.0',
      'pci.0.1.0.target.4',
    ]);
    const parsed = parseCommandLine(argv, { release, arch, readFile: () => undefined });
    // bhyve opens what stands in its tree.
    expect(parsed.kind === 'parsed' && parsed.config.get('pci.0.1.0.target.4')).toBe(path);
    expect(parsed.kind === 'parsed' && checkStart(parsed.tree, { release, arch }).kind).toBe('started');
  });

  test('of an earlier release has its path expanded like any other value', async () => {
    const { argv } = await planned({ path: '/dev/50%' }, 15);
    expect(valuesOf(argv, '-o')).toEqual(['pci.0.1.0.device=virtio-scsi', 'pci.0.1.0.dev=/dev/50\\%']);
  });

  test.each<[release: Release, fields: object, problems: readonly unknown[]]>([
    [
      15,
      {},
      [
        '/path required: path is required: the CTL device [add e.g. "path": "/dev/cam/ctl", or with FreeBSD 16 "targets"]',
      ],
    ],
    [16, { iid: 1 }, [expect.stringMatching(/^\/path required: /)]],
    [
      16,
      { path: '/a', targets: ['/b'] },
      ['/targets scsi-targets-twice: path and targets both name a target [keep one of them: path is target 0]'],
    ],
    [
      15,
      { targets: ['/a'] },
      ['/targets release: targets needs FreeBSD 16, this is FreeBSD 15 [use "path" for one target]'],
    ],
    [
      14,
      { path: '/a', seg_max: 3, thr_per_q: 1 },
      [
        '/seg_max release: seg_max needs FreeBSD 16, this is FreeBSD 14 [leave "seg_max" out]',
        '/thr_per_q release: thr_per_q needs FreeBSD 16, this is FreeBSD 14 [leave "thr_per_q" out]',
      ],
    ],
    [
      16,
      { targets: ['/a', { id: 2, path: '/b' }, { id: 0, path: '/c' }, { path: '/d' }, { id: 2, path: '/e' }] },
      [
        '/targets/2 scsi-target-twice: target 0 is /a already [give each target an "id" of its own, or leave it out]',
        '/targets/4 scsi-target-twice: target 2 is /b already [give each target an "id" of its own, or leave it out]',
      ],
    ],
    [
      16,
      { targets: [{ id: 255, path: '/a' }, '/b'] },
      [
        '/targets/1 scsi-target: a target without an id takes the highest one plus 1, which is 256, and 255 is the last [give it an "id" that is free]',
      ],
    ],
    [16, { targets: [{ id: 256, path: '/a' }] }, ['/targets/0/id out-of-range: id must be 0 to 255, got 256']],
    [16, { targets: [{ id: 1 }] }, [expect.stringMatching(/^\/targets\/0\/path required: /)]],
    [16, { targets: [] }, [expect.stringMatching(/^\/targets /)]],
    [16, { path: '/a', bootindex: -1 }, [expect.stringMatching(/^\/bootindex out-of-range: /)]],
  ])('with release %i and %j is refused', async (release, fields, problems) => {
    expect(await said(fields, release)).toEqual(problems);
  });

  test('wants the right to write to each of its devices', async () => {
    const needs = async (fields: object) =>
      (await planned(fields, 16)).requirements.flatMap(({ need }) =>
        need.kind === 'file' && need.pointer !== '/bootrom' ? [need] : [],
      );
    const need = { kind: 'file', types: ['character device'], access: 'write' };
    expect(await needs({ path: '/dev/cam/ctl' })).toEqual([{ ...need, path: '/dev/cam/ctl', pointer: '/path' }]);
    expect(await needs({ targets: ['/a', { id: 9, path: '/b' }] })).toEqual([
      { ...need, path: '/a', pointer: '/targets/0' },
      { ...need, path: '/b', pointer: '/targets/1' },
    ]);
  });
});

describe('a PCI serial port', () => {
  test.each(['stdio', '/dev/nmdm0A', '/dev/ttyu0', 'tcp=127.0.0.1:1234', 'tcp=[::1]:65535'])(
    'on %s is told to bhyve as it is',
    async (path) => {
      expect(await wordsOf({ device: 'uart', path })).toBe(`uart,${path}`);
      const machine = await planOf(withDevices({ device: 'uart', path }));
      expect(simulateMachine(machine).config.get('pci.0.1.0.path')).toBe(path);
      expect(machine.usesStdio).toBe(path === 'stdio');
    },
  );

  test('can be the console that vmrun serves, which is stdio to bhyve', async () => {
    expect(await wordsOf({ device: 'uart', path: 'console' })).toBe('uart,stdio');
    const machine = await planOf(withDevices({ device: 'uart', path: 'console' }));
    expect(simulateMachine(machine).config.get('pci.0.1.0.path')).toBe('stdio');
    expect(machine).toMatchObject({ usesStdio: false, servesConsole: true });
  });

  test('keeps a path with a comma', async () => {
    const machine = await planOf(withDevices({ device: 'uart', path: '/dev/a,b=c' }));
    expect(sorted(simulateMachine(machine).config)).toEqual(sorted(expectedConfig(machine)));
  });

  test.each<[fields: object, problem: unknown]>([
    [{}, expect.stringMatching(/^\/path required: path is required/)],
    [{ path: 'ttyu0' }, '/path console-backend: "ttyu0" is not a backend for a serial port'],
    [{ path: 'tcp=localhost:1' }, '/path console-backend: "tcp=localhost:1" is not a backend for a serial port'],
    [
      { path: 'tcp=127.0.0.1:65536' },
      '/path console-backend: "tcp=127.0.0.1:65536" is not a backend for a serial port',
    ],
  ])('%j is refused', async (fields, problem) => {
    expect(await saidOf({ device: 'uart', ...fields })).toEqual([problem]);
  });

  test('shares no backend with another serial port', async () => {
    const uart = (path: string) => ({ device: 'uart', path });
    const lines = async (spec: object) => (await problemsOf(spec as Record<string, unknown>)).map(told);
    expect(await lines({ ...withDevices(uart('stdio')), com2: 'stdio' })).toEqual([
      expect.stringMatching(
        /\/emulations\/0 console-twice: emulations\[0\] uart "stdio" and com2 are both stdio \[one of them can be stdio/,
      ),
    ]);
    expect(await lines(withDevices(uart('/dev/nmdm0A'), uart('/dev/nmdm1A'), uart('/dev/nmdm0A')))).toEqual([
      expect.stringMatching(
        /\/emulations\/2 console-twice: emulations\[2\] uart "\/dev\/nmdm0A" and emulations\[0\] uart "\/dev\/nmdm0A" are both/,
      ),
    ]);
    expect(await lines({ ...withDevices(uart('/dev/nmdm1A')), com1: 'stdio', com2: '/dev/nmdm0A' })).toEqual([]);
  });

  test('asks the host for what its backend needs, as a com port does', async () => {
    const spec = { ...withDevices({ device: 'uart', path: '/dev/nmdm1A' }, { device: 'uart', path: '/dev/ttyu1' }) };
    const { requirements } = await planOf({ ...spec, com1: '/dev/nmdm0A', com2: 'tcp=[::1]:5' });
    expect(requirements.map(({ need }) => need)).toEqual(
      expect.arrayContaining([
        { kind: 'module', name: 'nmdm', why: 'com1 on /dev/nmdm0A', pointer: '/com1' },
        { kind: 'tcp-port', host: '::1', port: 5, use: 'com2', pointer: '/com2' },
        { kind: 'module', name: 'nmdm', why: 'uart on /dev/nmdm1A', pointer: '/path' },
        { kind: 'file', path: '/dev/ttyu1', types: ['character device'], access: 'write', pointer: '/path' },
      ]),
    );
  });

  test('with release 14 warns of a tcp backend, which not every 14 has, and so does a com port', async () => {
    const spec = { ...withDevices({ device: 'uart', path: 'tcp=127.0.0.1:1' }), com3: 'tcp=127.0.0.1:2' };
    const warned = await problemsOf({ ...spec, release: 14 });
    expect(warned.map(({ code, severity, message, place }) => [code, severity, message, place?.pointer])).toEqual([
      ['release', 'warning', 'tcp backends came with FreeBSD 14.3', '/emulations/0/path'],
      ['release', 'warning', 'tcp backends came with FreeBSD 14.3', '/com3'],
    ]);
    expect(await problemsOf({ ...spec, release: 15 })).toEqual([]);
  });
});

describe('a second host bridge', () => {
  const bridge = (fields: object) => withDevices({ device: 'hostbridge', slot: '0:4:0', ...fields });

  test.each<[fields: object, vendor: string | undefined, device: string | undefined]>([
    [{}, undefined, undefined],
    [{ model: 'hostbridge' }, undefined, undefined],
    [{ model: 'amd_hostbridge' }, '0x1022', '0x7432'],
    [{ vendor: 0x8086, devid: '0x1237' }, '0x8086', '0x1237'],
    [{ vendor: '0X1AF4' }, '0x1af4', undefined],
    [{ devid: 5 }, undefined, '0x0005'],
    [{ model: 'amd_hostbridge', devid: '0x1' }, '0x1022', '0x0001'],
    [{ model: 'amd_hostbridge', vendor: 0, devid: 65535 }, '0x0000', '0xffff'],
  ])('%j has the vendor %s and the device %s', async (fields, vendor, device) => {
    for (const release of [14, 15, 16] as const) {
      const machine = await planOf({ ...bridge(fields), release });
      const { config, start } = simulateMachine(machine);
      const [vendorKey, deviceKey] = release === 14 ? ['vendor', 'devid'] : ['pcireg.vendor', 'pcireg.device'];
      expect(config.get('pci.0.4.0.device')).toBe('hostbridge');
      expect(config.get(`pci.0.4.0.${vendorKey}`)).toBe(vendor);
      expect(config.get(`pci.0.4.0.${deviceKey}`)).toBe(device);
      expect(refusal(start)).toBe('');
    }
  });

  test("stands beside the machine's own, and is said by -s where it has no ids", async () => {
    const { argv } = await planOf({ ...bridge({}), hostbridge: 'amd_hostbridge' });
    expect(valuesOf(argv, '-s')).toEqual(['0:0:0,amd_hostbridge', '0:4:0,hostbridge', '0:31:0,lpc']);
  });

  test.each<[fields: object, problem: unknown]>([
    [{ model: 'intel' }, '/model not-allowed: model cannot be "intel"'],
    [{ vendor: 65536 }, '/vendor out-of-range: vendor must be 0 to 65535, got 65536'],
    [{ devid: -1 }, '/devid out-of-range: devid must be 0 to 65535, got -1'],
    [{ vendor: '8086' }, '/vendor wrong-text: "8086" is not a 16-bit number in hex such as "0x1022"'],
    [{ devid: '0x12345' }, '/devid wrong-text: "0x12345" is not a 16-bit number in hex such as "0x7432"'],
  ])('%j is refused', async (fields, problem) => {
    expect(await saidOf({ device: 'hostbridge', ...fields })).toEqual([problem]);
  });
});

describe('a raw device', () => {
  test('is passed to bhyve as it is', async () => {
    expect(await wordsOf({ device: 'raw', value: 'virtio-9p,share=/a,ro,%(name)' })).toBe(
      'virtio-9p,share=/a,ro,%(name)',
    );
  });
});
