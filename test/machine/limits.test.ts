import { describe, expect, test } from '@jest/globals';
import type { Release } from '../../src/devices/device.js';
import { parseCommandLine } from '../../src/bhyve/parse.js';
import { checkStart } from '../../src/bhyve/start/start-checks.js';
import { minimal, problemsOf } from '../support/specs.js';

const silence = 'ends without a word';

/** What bhyve says to words that are put before the name; `starts` where it says nothing of them. */
function bhyveSays(words: readonly string[], release: Release): string {
  const argv = ['-m', '1G', '-s', '31,lpc', '-l', 'bootrom,/rom', ...words, 'vm0'];
  const platform = { release, arch: 'amd64' as const };
  const said = (lines: readonly string[]): string => lines.join('\n').replaceAll(/^bhyve: /gm, '');
  const parsed = parseCommandLine(argv, { ...platform, readFile: () => '' });
  if (parsed.kind !== 'parsed') return said(parsed.messages) || silence;
  const start = checkStart(parsed.tree, { ...platform, maxcpu: 64, loaded: false });
  if (start.kind === 'started') return 'starts';
  return said([...start.stdout, ...start.messages]) || silence;
}

const device = (fields: object): object => ({ emulations: [fields] });
const blk = (fields: object): object => device({ device: 'virtio-blk', path: 'a', ...fields });
const sockets = (count: number): readonly string[] => Array.from({ length: count }, (_, index) => `/run/s${index}`);

interface Limit {
  readonly spec: object;
  /** The same, said to bhyve. */
  readonly words: readonly string[];
  readonly says: string | RegExp;
  readonly release?: Release;
}

const s = (...words: readonly string[]): readonly string[] => ['-s', ['4', ...words].join(',')];

describe('a limit that bhyve enforces is checked by vmrun first', () => {
  test.each<Limit>([
    {
      spec: { cpu: { sockets: 300, cores: 300 } },
      words: ['-c', 'sockets=300,cores=300'],
      says: /^Computed number of vCPUs too high/,
    },
    { spec: { cpu: 0 }, words: ['-c', '0'], says: /^Invalid value for cpus/ },
    { spec: { cpu: 65536 }, words: ['-c', '65536'], says: /^Invalid value for cpus/ },
    { spec: { mem: '12kilobytes' }, words: ['-m', 'x'], says: /^invalid memsize/ },
    {
      spec: { cpu_pin: { 0: '1024' } },
      words: ['-o', 'vcpu.0.cpuset=1024'],
      says: /^hostcpu '?1024'? outside valid range/,
    },
    { spec: { cpu_pin: { 0: '5-4' } }, words: ['-o', 'vcpu.0.cpuset=5-4'], says: /^Invalid hostcpu range 5-4/ },
    { spec: { cpu_pin: { 0: 'a' } }, words: ['-o', 'vcpu.0.cpuset=a'], says: /^invalid cpuset for vcpu 0/ },
    { spec: { numa: [{ mem: '1G' }] }, words: ['-n', 'id=0,size=1G'], says: /^Missing CPU set for domain 0/ },
    {
      spec: { numa: [{ mem: '1G', cpus: '0', policy: 'any' }] },
      words: ['-n', 'id=0,size=1G,cpus=0,domain_policy=any'],
      says: /^failed to parse domain policy/,
    },
    {
      spec: { numa: [{ mem: 'x', cpus: '0' }] },
      words: ['-n', 'id=0,size=x,cpus=0'],
      says: /^invalid memsize for domain 0/,
    },
    {
      spec: { numa: [{ mem: '1G', cpus: '0' }], generate_acpi: false, release: 16 },
      words: ['-o', 'acpi_tables=false', '-n', 'id=0,size=1G,cpus=0'],
      says: /^NUMA emulation requires ACPI/,
      release: 16,
    },
    { spec: { uuid: 'x' }, words: ['-U', 'x'], says: silence },
    { spec: { gdb: 'localhost:http' }, words: ['-G', 'localhost:http'], says: /^gdb address resolution/ },
    {
      spec: { name: 'x'.repeat(88), release: 16 },
      words: ['-o', `rundir=/${'x'.repeat(100)}`],
      says: /socket path/,
      release: 16,
    },
    {
      spec: { fwcfg: 'qemu', fw_cfg_files: [{ name: 'x'.repeat(56), string: 'a' }] },
      words: ['-f', `name=${'x'.repeat(56)},string=a`],
      says: /^fw_cfg name too long/,
    },
    { spec: { fwcfg: 'qemu', fw_cfg_files: [{ name: 'a' }] }, words: ['-f', 'name=a'], says: /^Invalid fw_cfg option/ },
    {
      spec: { tpm: { type: 'tis', path: '/dev/tpm0' }, fwcfg: 'qemu' },
      words: ['-l', 'tpm,tis,/dev/tpm0'],
      says: /^TPM emulation "tis" not found/,
    },
    {
      spec: { tpm: { type: 'passthru', path: '/t', version: '1.2' }, fwcfg: 'qemu' },
      words: ['-l', 'tpm,passthru,/t,version=1.2'],
      says: /unsupported tpm version 1.2/,
    },
    {
      spec: { com1: 'stdio', com2: 'stdio' },
      words: ['-l', 'com1,stdio', '-l', 'com2,stdio'],
      says: /Unable to initialize backend 'stdio' for/,
    },
    { spec: blk({ sectorsize: 500 }), words: s('virtio-blk', 'a', 'sectorsize=500'), says: /^Invalid sector size/ },
    {
      spec: blk({ sectorsize: '4096/512' }),
      words: s('virtio-blk', 'a', 'sectorsize=4096/512'),
      says: /^Invalid sector size/,
    },
    { spec: device({ device: 'virtio-blk' }), words: s('virtio-blk'), says: /^Missing "path" for block device/ },
    {
      spec: device({ device: 'nvme', ram: 1, qsz: 0 }),
      words: s('nvme', 'ram=1', 'qsz=0'),
      says: /^nvme: Invalid qsz option 0/,
    },
    {
      spec: device({ device: 'nvme', ram: 1, qsz: 65536 }),
      words: s('nvme', 'ram=1', 'qsz=65536'),
      says: /^nvme: Invalid qsz option 0/,
    },
    {
      spec: device({ device: 'hda', play: `/dev/${'d'.repeat(59)}` }),
      words: s('hda', `play=/dev/${'d'.repeat(59)}`),
      says: silence,
    },
    {
      spec: device({ device: 'nvme', ram: 1, ioslots: 0 }),
      words: s('nvme', 'ram=1', 'ioslots=0'),
      says: /Invalid ioslots option 0/,
    },
    {
      spec: {
        fwcfg: 'qemu',
        emulations: [
          { device: 'virtio-blk', path: 'a', bootindex: 1 },
          { device: 'virtio-blk', path: 'b', bootindex: 1 },
        ],
      },
      words: ['-s', '4,virtio-blk,a,bootindex=1', '-s', '5,virtio-blk,b,bootindex=1'],
      says: /^Could not set bootindex 1 for/,
    },
    {
      spec: device({ device: 'virtio-net', name: 'tap0', mac: '01:00:5e:00:00:01' }),
      words: s('virtio-net', 'tap0', 'mac=01:00:5e:00:00:01'),
      says: /^Invalid MAC/i,
    },
    {
      spec: device({ device: 'virtio-net', name: 'tap0', mtu: 45 }),
      words: s('virtio-net', 'tap0', 'mtu=45'),
      says: /initialization error/,
    },
    { spec: device({ device: 'e1000' }), words: s('e1000'), says: /initialization error/ },
    {
      spec: device({ device: 'virtio-console', ports: sockets(17) }),
      words: s('virtio-console', ...sockets(17).map((path, index) => `p${index}=${path}`)),
      says: /^vtcon: too many ports/,
    },
    {
      spec: device({ device: 'virtio-9p', sharename: 'x'.repeat(257), path: '/a' }),
      words: s('virtio-9p', `${'x'.repeat(257)}=/a`),
      says: /share name too long/,
    },
    { spec: device({ device: 'virtio-input' }), words: s('virtio-input'), says: silence },
    {
      spec: { graphic: { width: 639, height: 480 } },
      words: s('fbuf', 'w=639', 'h=480'),
      says: /minimum resolution is 640x480/,
    },
    {
      spec: { graphic: { width: 3841, height: 2160 } },
      words: s('fbuf', 'w=3841', 'h=2160'),
      says: /max resolution is/,
    },
    {
      spec: { graphic: { width: 1921, height: 1200 }, release: 14 },
      words: s('fbuf', 'w=1921', 'h=1200'),
      says: /max resolution is/,
      release: 14,
    },
    { spec: { graphic: { vga: 'maybe' } }, words: s('fbuf', 'vga=maybe'), says: /^fbuf: Invalid vga setting/ },
    {
      spec: { emulations: [{ device: 'fbuf' }, { device: 'fbuf' }] },
      words: ['-s', '4,fbuf', '-s', '5,fbuf'],
      says: /^Only one frame buffer device is allowed/,
    },
    {
      spec: device({ device: 'xhci', devices: ['mouse'] }),
      words: s('xhci', 'mouse'),
      says: /unknown device model "mouse"/,
    },
    {
      spec: { emulations: [{ device: 'passthru', src: 'ppt0' }], wire_guest_mem: false },
      words: s('passthru', 'ppt0'),
      says: /passthru requires guest memory to be wired/,
    },
    { spec: device({ device: 'passthru', src: 'x' }), words: s('passthru', 'x'), says: /^passthru: invalid options/ },
    {
      spec: device({ device: 'uart', path: 'tcp=localhost:1' }),
      words: s('uart', 'tcp=localhost:1'),
      says: /Invalid address|Unable to initialize backend/,
    },
    {
      spec: {
        emulations: [
          { device: 'virtio-rnd', slot: 4 },
          { device: 'virtio-rnd', slot: 4 },
        ],
      },
      words: ['-s', '4,virtio-rnd', '-s', '4,virtio-rnd'],
      says: 'pci slot 0:4:0 already occupied!',
    },
    {
      spec: device({ device: 'virtio-rnd', slot: '256:0:0' }),
      words: ['-s', '256:0:0,virtio-rnd'],
      says: /^Invalid PCI slot info field/,
    },
    { spec: device({ device: 'floppy' }), words: s('floppy'), says: /unknown device "floppy"/ },
  ])('$spec', async ({ spec, words, says, release = 15 }) => {
    const problems = await problemsOf({ ...minimal, ...spec });
    expect(problems.filter(({ severity }) => severity === 'error')).not.toEqual([]);
    expect(bhyveSays(words, release)).toEqual(typeof says === 'string' ? says : expect.stringMatching(says));
  });
});

describe('what bhyve would take without a word, and do otherwise, vmrun refuses or warns of', () => {
  const disks = Array.from({ length: 33 }, (_, index) => `hd:/d${index}`);

  test.each<Omit<Limit, 'says'>>([
    { spec: blk({ ser: 'x'.repeat(21) }), words: s('virtio-blk', 'a', `ser=${'x'.repeat(21)}`) },
    {
      spec: device({ device: 'ahci-hd', path: 'a', rev: 'x'.repeat(9) }),
      words: s('ahci-hd', 'a', `rev=${'x'.repeat(9)}`),
    },
    {
      spec: device({ device: 'ahci-hd', path: 'a', model: 'x'.repeat(41) }),
      words: s('ahci-hd', 'a', `model=${'x'.repeat(41)}`),
    },
    {
      spec: device({ device: 'ahci', ports: disks.map((path) => ({ type: 'hd', path })) }),
      words: s('ahci', ...disks),
    },
    {
      spec: device({ device: 'ahci', ports: [{ type: 'dvd', path: 'a' }] }),
      words: ['-o', 'pci.0.4.0.device=ahci', '-o', 'pci.0.4.0.port.0.type=dvd', '-o', 'pci.0.4.0.port.0.path=a'],
    },
    { spec: device({ device: 'nvme', ram: 1, maxq: 17 }), words: s('nvme', 'ram=1', 'maxq=17') },
    { spec: device({ device: 'nvme', ram: 1, sectsz: 1024 }), words: s('nvme', 'ram=1', 'sectsz=1024') },
    { spec: device({ device: 'nvme', ram: 1, dsm: 'maybe' }), words: s('nvme', 'ram=1', 'dsm=maybe') },
    { spec: blk({ bootindex: 1 }), words: s('virtio-blk', 'a', 'bootindex=1') },
    {
      spec: { ...blk({ bootindex: 1, slot: '1:0:0' }), fwcfg: 'qemu' },
      words: ['-Y', '-l', 'bootrom,/rom,fwcfg=qemu', '-s', '1:0:0,virtio-blk,a,bootindex=1'],
    },
    { spec: blk({ nochache: true }), words: s('virtio-blk', 'a', 'nochache') },
    { spec: { graphic: { vga: 'on' } }, words: s('fbuf', 'vga=on') },
    { spec: { graphic: { password: 'longer than eight' } }, words: s('fbuf', 'password=longer than eight') },
    { spec: { config: { 'x86.strictmrs': true } }, words: ['-o', 'x86.strictmrs=true'] },
    { spec: { fw_cfg_files: [{ name: 'a', string: 'b' }] }, words: ['-f', 'name=a,string=b'] },
    { spec: { numa: [{ mem: '512M', cpus: '0' }] }, words: ['-n', 'id=0,size=512M,cpus=0'] },
    { spec: { numa: [{ mem: '1G', cpus: '0', id: 3 }] }, words: ['-n', 'id=3,size=1G,cpus=0'] },
    { spec: device({ device: 'virtio-rnd', slot: '0:4:1' }), words: ['-s', '4:1,virtio-rnd'] },
    { spec: device({ device: 'virtio-rnd', slot: '3x' }), words: ['-s', '3x,virtio-rnd'] },
    {
      spec: device({ device: 'virtio-net', name: 'tap0', mac: '58:9c:fc:00:00:01x' }),
      words: s('virtio-net', 'tap0', 'mac=58:9c:fc:00:00:01x'),
    },
    { spec: device({ device: 'xhci', devices: [] }), words: s('xhci') },
  ])('$spec', async ({ spec, words, release = 15 }) => {
    expect(await problemsOf({ ...minimal, ...spec })).not.toEqual([]);
    expect(bhyveSays(words, release)).toBe('starts');
  });
});
