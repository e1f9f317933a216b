import { describe, expect, test } from '@jest/globals';
import { forecast, type ForecastOptions } from '../../src/forecast/forecast.js';
import { minimal, specOf, told, type SpecObject } from '../support/specs.js';

/** What bhyve will say to a spec with these fields beside name, cpu and mem. */
async function saidOf(fields: SpecObject, options: ForecastOptions = {}): Promise<readonly string[]> {
  const spec = await specOf({ ...minimal, ...fields });
  return forecast(spec, spec.targets, options).map(
    (problem) => `${problem.severity === 'warning' ? 'warning ' : ''}${told(problem).replace(/^[^ ]* /, '')}`,
  );
}

const will = 'bhyve of FreeBSD 15 will not start with';
const raw = (value: string): SpecObject => ({ emulations: [{ device: 'raw', value }] });

describe('a value of config that bhyve will refuse is an error at that value', () => {
  const disk = { device: 'virtio-blk', path: '/a' };
  test.each<[config: Readonly<Record<string, unknown>>, at: string, said: string, more?: SpecObject]>([
    [{ uuid: 'x' }, 'uuid', 'that is not an UUID: 8-4-4-4-12 hex digits [correct uuid, or leave it out]'],
    [{ 'memory.wired': 'x' }, 'memory.wired', 'Invalid value x for boolean variable memory.wired'],
    [{ 'vcpu.0.cpuset': '9-1' }, 'vcpu.0.cpuset', 'Invalid hostcpu range 9-1'],
    [{ 'vcpu.0.cpuset': '1,x' }, 'vcpu.0.cpuset', "invalid cpuset for vcpu 0: '1,x'"],
    [{ 'x86.mptable': 'x' }, 'x86.mptable', 'Invalid value x for boolean variable x86.mptable'],
    [
      { acpi_tables_in_memory: 'x' },
      'acpi_tables_in_memory',
      'Invalid value x for boolean variable acpi_tables_in_memory',
    ],
    [{ 'pci.enable_bars': 2 }, 'pci.enable_bars', 'Invalid value 2 for boolean variable pci.enable_bars'],
    [{ 'gdb.port': 'x' }, 'gdb.port', 'gdb address resolution: '],
    [{ 'domains.0.size': '1G' }, 'domains.0.size', 'Missing CPU set for domain 0'],
    [{ 'domains.0.size': '1Q', 'domains.0.cpus': '0' }, 'domains.0.size', "invalid memsize for domain 0: '1Q'"],
    [
      { 'lpc.com1.path': 'tcp=x' },
      'lpc.com1.path',
      "Invalid number of parameter; Unable to initialize backend 'tcp=x' for LPC device com1",
    ],
    [
      { 'lpc.com2.path': 'stdio' },
      'lpc.com2.path',
      "Unable to initialize backend 'stdio' for LPC device com2",
      { com1: 'stdio' },
    ],
    [
      { 'tpm.type': 'none', 'tpm.path': '/x', 'tpm.version': '2.0' },
      'tpm.type',
      'TPM emulation "none" not found; init_tpm: unable to create a TPM device (22); Failed to init TPM device',
    ],
    [
      { 'pci.0.1.0.sectorsize': '500' },
      'pci.0.1.0.sectorsize',
      'Invalid sector size 500/500; Could not open backing file: Invalid argument',
      { emulations: [disk] },
    ],
    [
      { 'pci.0.1.0.ro': true, 'pci.0.1.0.direct': 'maybe' },
      'pci.0.1.0.direct',
      'Invalid value maybe for boolean variable direct',
      { emulations: [disk] },
    ],
    [
      { 'pci.0.1.0.bootindex': 1 },
      'pci.0.1.0.bootindex',
      'Could not set bootindex 1 for virtio-blk@pci.0.2.0. Bootindex already occupied by virtio-blk@pci.0.1.0',
      { emulations: [disk, { ...disk, bootindex: 1 }], fwcfg: 'qemu' },
    ],
    [{ 'pci.0.5.0.vga': 'x' }, 'pci.0.5.0.vga', 'fbuf: Invalid vga setting: "x"', { graphic: { slot: '5' } }],
    [
      { 'pci.0.1.0.mtu': 12 },
      'pci.0.1.0.mtu',
      'Device emulation initialization error: Invalid argument: mtu must be a number from 46 to 65535',
      { emulations: [{ device: 'virtio-net', name: 'tap0' }] },
    ],
  ])('%j', async (config, at, said, more = {}) => {
    expect(await saidOf({ ...more, config })).toEqual([
      expect.stringContaining(`/config/${at} bhyve-refuses: ${will} this: ${said}`),
    ]);
  });

  test.each<[words: string, said: string]>([
    ['-U x', 'will not start with -U x: that is not an UUID'],
    [
      '-s 5,e1000',
      'will not start with -s 5,e1000: Device emulation initialization error: Invalid argument: a backend begins with tap, vmnet,',
    ],
    [
      '-s 5,e1000,foo0',
      'will not start with -s 5,e1000,foo0: Device emulation initialization error: Invalid argument: a backend begins with tap, vmnet,',
    ],
    [
      '-s 5,virtio-net,foo0',
      'will not start with -s 5,virtio-net,foo0: Device emulation initialization error: Invalid argument: a backend begins with tap, vmnet,',
    ],
    [
      '-s 5,virtio-net,tap0,mtu=3',
      'will not start with -s 5,virtio-net,tap0,mtu=3: Device emulation initialization error: Invalid argument: mtu must be',
    ],
    ['-s 5,virtio-input', 'will not start with -s 5,virtio-input: virtio-input needs the path'],
    [
      '-s 5,virtio-console',
      'will be killed by SIGSEGV at its start because of -s 5,virtio-console: virtio-console needs',
    ],
    [`-s 5,hda,play=${'a'.repeat(64)}`, `,play=${'a'.repeat(64)}: the name of a sound device has at most 63 bytes`],
    ['-l com1', 'will be killed by SIGABRT at its start because of -l com1: a com port needs'],
    ['-n id=0', 'will not start with -n id=0: Missing CPU set for domain 0'],
    ['-r /x', 'will not start with -r: illegal option -- r'],
  ])('%s of extra_options is named, with the reason that bhyve keeps to itself', async (words, said) => {
    const told = await saidOf({ extra_options: words });
    expect(told.filter((each) => !each.startsWith('warning '))).toEqual([
      expect.stringMatching(new RegExp(`^/extra_options bhyve-refuses: .*${said.replaceAll(/[/]/g, '.')}`)),
    ]);
  });

  test('with what it wants beside it', async () => {
    expect(await saidOf({ config: { 'tpm.path': '/x' } })).toEqual([
      '/config/tpm.path bhyve-refuses: bhyve of FreeBSD 15 will be killed by SIGABRT at its start because of this [set tpm.version as well, or leave tpm.path out]',
    ]);
  });

  test.each(['x86.strictio', 'destroy_on_poweroff'])('also where it is read later: %s', async (variable) => {
    expect(await saidOf({ config: { [variable]: 'maybe' } })).toEqual([
      expect.stringMatching(
        new RegExp(
          `^/config/${variable} bhyve-refuses: bhyve of FreeBSD 15 will end with 4 when the guest .*: Invalid value maybe for boolean variable ${variable}`,
        ),
      ),
    ]);
  });

  test('and all of them at once', async () => {
    const said = await saidOf({ config: { uuid: 'x', 'memory.wired': 'x', 'vcpu.0.cpuset': 'x', 'tpm.path': '/x' } });
    expect(said.map((each) => each.split(' ')[0])).toEqual([
      '/config/uuid',
      '/config/memory.wired',
      '/config/vcpu.0.cpuset',
      '/config/tpm.path',
    ]);
  });

  test('in the target that says it', async () => {
    const targets = { a: { config: { uuid: 'x' } }, b: { emulations: [] } };
    expect(await saidOf({ targets })).toEqual([expect.stringMatching(/^\/targets\/a\/config\/uuid bhyve-refuses: /)]);
  });

  test('by the release and the architecture that the spec is for', async () => {
    const config = { 'domains.0.size': '1Q' };
    expect(await saidOf({ config, release: 16 })).toEqual([
      expect.stringContaining("bhyve of FreeBSD 16 will not start with this: invalid memsize for domain 0: '1Q'"),
    ]);
    expect(await saidOf({ config, release: 14 })).toEqual([
      expect.stringContaining('config-unread: bhyve of FreeBSD 14 does not read domains.0.size in this machine'),
    ]);
    expect(await saidOf({ arch: 'arm64', config: { 'x86.x2apic': 'x' } })).toEqual([
      expect.stringContaining('bhyve of FreeBSD 15 on arm64 does not read x86.x2apic in this machine'),
    ]);
  });
});

describe('so is a raw device', () => {
  test.each<[value: string, said: string]>([
    [
      'virtio-blk,/x,sectorsize=500',
      'Invalid sector size 500/500; Could not open backing file: Invalid argument [correct the "value" of the device]',
    ],
    ['virtio-foo,/x', 'pci slot 0:1:0: unknown device "virtio-foo"'],
    ['Virtio-blk,/x', 'pci slot 0:1:0: unknown device "Virtio-blk"'],
    ['e1000', 'Device emulation initialization error: Invalid argument'],
    ['virtio-net,bridge0', 'Device emulation initialization error: Invalid argument'],
    ['virtio-net,tap0,mac=01:00:5e:00:00:01', 'Invalid MAC 01:00:5e:00:00:01'],
    ['virtio-blk', 'Missing "path" for block device.; Could not open backing file: Invalid argument'],
    ['virtio-9p,a=/a,b=/b', 'virtio-9p: more than one share name given'],
    ['nvme,/x,qsz=0', 'nvme: Invalid qsz option 0'],
    ['passthru,2:0:0', 'passthru: invalid options "2:0:0"'],
    ['passthru,2/0/0', 'passthru requires guest memory to be wired'],
    ['lpc', 'Only one LPC bridge is allowed.'],
    ['fbuf,tcp=1.2.3.4:', 'fbuf: Missing port number: "1.2.3.4:"'],
    ['virtio-blk,/x,a.b=c', 'Invalid config node name a.b'],
  ])('%s', async (value, said) => {
    expect(await saidOf(raw(value))).toEqual([
      expect.stringContaining(`/emulations/0/value bhyve-refuses: ${will} this: ${said}`),
    ]);
  });

  test('that makes bhyve crash', async () => {
    expect(await saidOf(raw('virtio-console'))).toEqual([
      '/emulations/0/value bhyve-refuses: bhyve of FreeBSD 15 will be killed by SIGSEGV at its start because of this: virtio-console needs a port, NAME=PATH [correct the "value" of the device]',
    ]);
  });

  test('beside one that vmrun adds itself', async () => {
    const emulations = [{ device: 'raw', slot: '6', value: 'xhci,tablet' }];
    expect(await saidOf({ emulations, graphic: {} })).toEqual([
      expect.stringContaining('/emulations/0/value bhyve-refuses: '),
    ]);
  });
});

describe('so is an option', () => {
  test.each<[options: string, said: string]>([
    ['-l com9,stdio', "invalid lpc device configuration 'com9,stdio' [correct -l com9,stdio, or leave it out]"],
    ['-l bootrom', 'invalid bootrom option "bootrom"'],
    ['-s 99,virtio-rnd', 'Invalid PCI slot info field "99,virtio-rnd"'],
    ['-s 0,virtio-rnd', 'pci slot 0:0:0 already occupied!'],
    ['-s 5', 'Invalid PCI slot info field "5"'],
    ['-c 0', "Invalid value for cpus: '0'"],
    ['-c 3', 'Topology (1 sockets, 1 cores, 1 threads) does not match 3 vCPUs'],
    ['-c threads', "Invalid value for cpus: 'threads'"],
    ['-m 1Q', "invalid memsize '1Q'"],
    ['-U x', 'that is not an UUID'],
    ['-o memory=1', 'Attempting to add value 1 to existing node memory'],
    ['-o foo', "invalid configuration option 'foo'"],
    ['-o foo=', "invalid configuration option 'foo='"],
    ['-o config.dump=1', 'it prints its configuration and ends'],
    ['-p 1', "invalid format: 1; invalid vcpu pinning configuration '1'"],
    ['-n size=3', "Missing NUMA domain ID in 'size=3'; invalid NUMA configuration 'size=3'"],
    ['-G foo', 'gdb address resolution: '],
    ['-f x', 'Invalid fw_cfg option "x"; -f [name=]<name>,(string|file)=<value>; invalid fwcfg item \'x\''],
    ['-Z', 'illegal option -- Z [correct -Z, or leave it out]'],
    ['-M', 'illegal option -- M [correct -M, or leave it out]'],
    ['-h', 'it prints its help and ends [correct -h, or leave it out]'],
    ['-s help', 'it prints its help and ends'],
  ])('%s', async (options, said) => {
    const last = /-\S+(?: \S+)?$/.exec(options)?.[0] ?? '';
    expect(await saidOf({ extra_options: options })).toEqual([
      expect.stringContaining(`/extra_options bhyve-refuses: ${will} ${last}: ${said}`),
    ]);
  });

  test.each<[options: string, variable: string]>([
    ['-m 4G', 'memory.size'],
    ['-c 1,sockets=1,cores=1,threads=1 -o cpus=2 -o threads=2', 'cpus'],
    ['-o memory.size=4G', 'memory.size'],
    ['-l bootrom,/other.fd', 'bootrom'],
  ])('%s in place of what a field says is a warning', async (options, variable) => {
    const told = await saidOf({ bootrom: '/rom.fd', extra_options: options });
    expect(told[0]).toContain(`warning /extra_options config-overruled: bhyve of FreeBSD 15 takes ${variable} from -`);
  });

  test('what says the same as a field is none', async () => {
    expect(await saidOf({ mem: '2G', extra_options: '-m 2G -A' })).toEqual([]);
  });

  test('at its own word in a list, and every one of them', async () => {
    expect(await saidOf({ extra_options: ['-H', '-U', 'x', '-l', 'com9', '-c', '3'] })).toEqual([
      expect.stringContaining('/extra_options/1 bhyve-refuses: '),
      expect.stringContaining('/extra_options/3 bhyve-refuses: '),
      expect.stringContaining('/extra_options/5 bhyve-refuses: '),
    ]);
  });

  test('of the command line, without a place', async () => {
    const spec = await specOf(minimal);
    const [problem, ...more] = forecast(spec, spec.targets, { extraArguments: ['-l', 'com9'], severity: 'warning' });
    expect(more).toEqual([]);
    expect(problem).toEqual({
      code: 'bhyve-refuses',
      severity: 'warning',
      message: `${will} -l com9: invalid lpc device configuration 'com9'`,
      fix: 'correct -l com9, or leave it out',
    });
  });
});

describe('what bhyve only warns of, or does not read, is a warning', () => {
  test.each<[fields: SpecObject, said: string]>([
    [
      { extra_options: ['-o', 'gdb.port=1', '-l', 'com1,%(nobody)x'] },
      "warning /extra_options/2 bhyve-warns: bhyve of FreeBSD 15 will warn of -l 'com1,%(nobody)x': Failed to fetch referenced configuration variable nobody [correct -l 'com1,%(nobody)x', or leave it out]",
    ],
    [
      { extra_options: ['-o', 'keyboard.layout=%'] },
      'warning /extra_options/0 bhyve-warns: bhyve of FreeBSD 15 will warn of -o keyboard.layout=%: Invalid reference in configuration value "%" [correct -o keyboard.layout=%, or leave it out]',
    ],
    [
      { extra_options: '-p 99:1' },
      'warning /extra_options config-unread: bhyve of FreeBSD 15 does not read vcpu.99.cpuset in this machine, and ignores it [check the name in -p 99:1]',
    ],
    [
      raw('virtio-blk,/x,colour=red'),
      'warning /emulations/0/value config-unread: bhyve of FreeBSD 15 does not read pci.0.1.0.colour in this machine, and ignores it [check the name in the "value" of the device]',
    ],
    [
      { graphic: { slot: '30' }, config: { 'pci.0.30.0.unix': '/x' } },
      'warning /config/pci.0.30.0.unix config-unread: bhyve of FreeBSD 15 does not read pci.0.30.0.unix in this machine, and ignores it [check the name, or leave it out]',
    ],
    [
      {
        emulations: [{ device: 'ahci', ports: [{ type: 'hd', path: '/x' }] }],
        config: { 'pci.0.1.0.path': '/y' },
      },
      'warning /config/pci.0.1.0.path config-unread: bhyve of FreeBSD 15 does not read pci.0.1.0.path in this machine, and ignores it [check the name, or leave it out]',
    ],
    [
      { config: { 'gdb.wait': true } },
      'warning /config/gdb.wait config-unread: bhyve of FreeBSD 15 does not read gdb.wait in this machine, and ignores it [check the name, or leave it out]',
    ],
    [
      { config: { 'virtio.msix': false } },
      'warning /config/virtio.msix config-unread: bhyve of FreeBSD 15 does not read virtio.msix in this machine, and ignores it [check the name, or leave it out]',
    ],
  ])('%j', async (fields, said) => {
    expect(await saidOf(fields)).toContain(said);
  });

  test('a name outside of devices that no bhyve knows is reported by the spec itself', async () => {
    expect(await saidOf({ config: { nonsense: 1 } })).toEqual([]);
  });
});

describe('what bhyve takes for something else than it says, without a word, is a warning', () => {
  const many = Array.from({ length: 34 }, (_, at) => `hd:/d${at}`).join(',');
  test.each<[options: string, said: string, more?: SpecObject]>([
    ['-p 0:4-5', 'pins vCPU 0 to CPU 4 alone: it does not read "-5" in -p 0:4-5'],
    ['-p 0:4,6', 'pins vCPU 0 to CPU 4 alone: it does not read ",6" in -p 0:4,6'],
    ['-p 0:4-5', 'pins vCPU 0 to CPU 4 alone', { release: 16 }],
    ['-n id=0,cpus=0,1', 'does not read "1" in -n id=0,cpus=0,1: a comma ends the word before it'],
    ['-s 3x,virtio-rnd', 'takes slot "3x" for 0:3:0'],
    ['-s 0:5:0:7,virtio-rnd', 'takes slot "0:5:0:7" for 0:5:0'],
    [`-s 5,ahci,${many}`, 'leaves "hd:/d32" and 1 more out: an ahci controller has 32 ports'],
    ['-f opt/x,string=1', 'shows the guest what -f gives with fwcfg qemu only'],
    ['-s 5,nvme,/x,maxq=99', 'takes 16 for maxq: "99" is not in 1 to 16'],
    ['-s 5,nvme,/x,sectsz=1024', 'ignores sectsz "1024"'],
    ['-s 5,nvme,/x,dsm=on', 'ignores dsm "on"'],
    ['-s 5,ahci,hd:/x -o pci.0.5.0.port.0.type=HD', 'takes "HD" for a CD drive'],
    ['-s 5:1,virtio-rnd', 'does not show the guest function 1 of slot 0:5, which has no function 0'],
    ['-s 5,virtio-blk,/x,bootindex=1', 'tells the firmware of a bootindex with fwcfg qemu only'],
    [
      '-Y -s 1:5:0,virtio-blk,/x,bootindex=1',
      'tells the firmware of bus 0 only, not of bus 1',
      { bootrom: '/rom.fd', fwcfg: 'qemu' },
    ],
    ['-o lpc.fwcfg=QEMU', 'gives the firmware neither of its two interfaces for lpc.fwcfg "QEMU"'],
    ['-o lpc.bootrom=/other', 'takes /rom.fd for bootrom, and ignores lpc.bootrom', { bootrom: '/rom.fd' }],
  ])('%s', async (options, said, more = {}) => {
    const told = await saidOf({ extra_options: options, ...more });
    expect(told.filter((each) => each.startsWith('warning /extra_options bhyve-misreads: '))).toEqual([
      expect.stringContaining(said),
    ]);
  });

  test.each<[options: string, more?: SpecObject]>([
    ['-p 0:4 -p 0:5'],
    ['-p 0-0:4-4', { release: 16 }],
    ['-s 0:05:0,virtio-rnd -s 5:1,virtio-rnd'],
    [`-s 5,ahci,${many.split(',').slice(0, 32).join(',')}`],
    ['-s 5,nvme,/x,maxq=16,sectsz=4096,dsm=auto'],
    ['-s 5,virtio-blk,/x,bootindex=-1'],
    ['-f opt/x,string=a,b -s 5,virtio-blk,/x,bootindex=1', { bootrom: '/rom.fd', fwcfg: 'qemu' }],
  ])('and nothing is said of %s', async (options, more = {}) => {
    expect(await saidOf({ extra_options: options, ...more })).toEqual([]);
  });
});

describe('what cannot be known is not foretold', () => {
  test.each<[title: string, fields: SpecObject]>([
    ['what stands in a file of bhyve', { extra_options: ['-k', '/own.conf'] }],
    ['what such a file adds', { extra_options: ['-k', '/own.conf', '-o', 'tpm.path=/dev/tpm0'] }],
    ['whether a file is there', { extra_options: ['-f', 'opt/x,file=/nobody'], fwcfg: 'qemu' }],
    ['a tap, a card, a disk of the host', { emulations: [{ device: 'raw', value: 'virtio-net,tap77' }] }],
  ])('%s', async (_title, fields) => {
    expect((await saidOf(fields)).filter((said) => !said.startsWith('warning'))).toEqual([]);
  });
});

test('a password of config is not quoted', async () => {
  const said = await saidOf({ graphic: { slot: '5' }, config: { 'pci.0.5.0.password': 'tiger', uuid: 'x' } });
  expect(said.join('\n')).not.toContain('tiger');
  expect(said).toHaveLength(1);
});
