import type { PciAddress } from '../../src/base/pci-address.js';

/** A device that says all that its model takes together. */
export interface DeviceExample {
  /** What it shows, where a model has several: fields that exclude one another. */
  readonly title?: string;
  readonly fields: object;
  /** Root fields that it needs. */
  readonly needs?: { readonly fwcfg?: 'qemu'; readonly release?: 14 | 15 | 16 };
  /** What its `lookup` finds. */
  readonly hostCard?: PciAddress;
}

const bootable = { fwcfg: 'qemu' } as const;
const mac = '58:9c:fc:00:00:01';
const blockOptions = { nocache: true, direct: true, sync: true, ro: true, nodelete: true };
const sectorSizes = { logical_sector_size: 512, physical_sector_size: 4096 };
const identity = { nmrr: 7200, ser: 'DISK0001', rev: '1.0', model: 'ACME Disk' };

const drive = (path: string): readonly DeviceExample[] => [
  { fields: { path, ...blockOptions, sectorsize: '512/4096', bootindex: 0, ...identity }, needs: bootable },
  { title: 'The sector sizes one by one', fields: { path, ...sectorSizes } },
];

const cards = (more: object): readonly DeviceExample[] => [
  {
    title: 'A tap interface with a name of its own',
    fields: { name: 'vm0-lan', type: 'tap', mac, bridge: 'bridge0', ...more },
  },
  { title: 'A port of a VALE switch', fields: { name: 'vale0:vm0', mac, ...more } },
  {
    title: 'A netgraph node',
    fields: { type: 'netgraph', path: 'sw0:', peerhook: 'link1', socket: 'vm0', hook: 'vmlink', mac, ...more },
  },
  {
    title: 'Network in user space, with port 2222 of the host for SSH of the guest',
    fields: { type: 'slirp', hostfwd: ['tcp:127.0.0.1:2222-:22', 'udp::5353-:53'], open: true, mac, ...more },
  },
];

/**
 * What docs/devices.md shows, by model. All the fields of a model are in its examples; a test says where one is not.
 * They are not part of the modules of the devices, which every start of vmrun loads.
 */
export const deviceExamples: Readonly<Record<string, readonly DeviceExample[]>> = {
  'virtio-net': cards({ mtu: 1500 }),
  e1000: cards({}),
  'virtio-blk': [
    {
      fields: { path: 'disk.img', ...blockOptions, sectorsize: '512/4096', bootindex: 0, ser: 'DISK0001' },
      needs: bootable,
    },
    { title: 'The sector sizes one by one', fields: { path: 'disk.img', ...sectorSizes } },
  ],
  'ahci-hd': drive('disk.img'),
  'ahci-cd': drive('install.iso'),
  ahci: [
    {
      fields: {
        ports: [
          { type: 'hd', path: 'disk.img', ...blockOptions, sectorsize: '512/4096', bootindex: 0, ...identity },
          { type: 'hd', path: 'data.img', ...sectorSizes },
          { type: 'cd', path: 'install.iso', bootindex: 1 },
        ],
      },
      needs: bootable,
    },
  ],
  nvme: [
    {
      fields: {
        ...{ path: 'nvme.img', maxq: 16, qsz: 2048, ioslots: 8, sectsz: 4096, ser: 'NVME0001' },
        ...{ eui64: '0x589cfc0000000001', dsm: 'auto', ...blockOptions, sectorsize: '512/4096', bootindex: 0 },
      },
      needs: bootable,
    },
    { title: 'The sector sizes one by one', fields: { path: 'nvme.img', ...sectorSizes } },
    { title: 'A disk of 512 MiB in memory', fields: { ram: 512 } },
  ],
  'virtio-scsi': [
    { title: 'One CTL device', fields: { path: '/dev/cam/ctl1.1', iid: 1, bootindex: 0 }, needs: bootable },
    {
      title: 'Several targets, with FreeBSD 16',
      fields: {
        targets: ['/dev/cam/ctl1.1', { id: 5, path: '/dev/cam/ctl2.1' }],
        ...{ iid: 1, bootindex: 0, seg_max: 254, num_queues: 4 },
        ...{ ctl_ringsz: 64, evt_ringsz: 64, req_ringsz: 128, thr_per_q: 16 },
      },
      needs: { ...bootable, release: 16 },
    },
  ],
  'virtio-9p': [{ fields: { sharename: 'home', path: '/export/home', ro: true } }],
  'virtio-rnd': [{ fields: {} }],
  'virtio-console': [
    {
      fields: {
        ports: ['/var/run/vm0-port1.sock', { name: 'org.qemu.guest_agent.0', path: '/var/run/vm0-agent.sock' }],
      },
    },
  ],
  'virtio-input': [{ fields: { path: '/dev/input/event0' } }],
  fbuf: [
    {
      fields: {
        ...{ host: '127.0.0.1', port: 5901, width: 1920, height: 1080, vga: 'off', password: 'secret', wait: true },
      },
    },
    {
      title: 'At a UNIX socket, with FreeBSD 16',
      fields: { path: '/var/run/vm0-vnc.sock', width: 1920, height: 1080, password_file: 'vnc.password' },
      needs: { release: 16 },
    },
  ],
  xhci: [{ fields: { devices: ['tablet'] } }],
  hda: [{ fields: { play: '/dev/dsp0', rec: '/dev/dsp1' } }],
  uart: [
    { title: 'A null modem', fields: { path: '/dev/nmdm0A' } },
    { title: 'A TCP socket', fields: { path: 'tcp=127.0.0.1:1234' } },
  ],
  passthru: [
    {
      title: 'A card by its address',
      fields: { src: '3:0:0', rom: 'gpu.rom', bootindex: 0 },
      needs: { ...bootable, release: 15 },
    },
    {
      title: 'A card by its ids, which is found at 3:0:0 here',
      fields: { lookup: { vendor: '0x10de1458', device: '0x1c8137ab' } },
      hostCard: { bus: 3, slot: 0, func: 0 },
    },
  ],
  hostbridge: [{ fields: { model: 'amd_hostbridge', vendor: '0x1022', devid: '0x7432' } }],
  raw: [{ fields: { value: 'virtio-rnd' } }],
};
