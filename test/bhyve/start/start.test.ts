import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { parseCommandLine, type Platform } from '../../../src/bhyve/parse.js';
import { models } from '../../../src/bhyve/pci.js';
import { checkStart, type StartOptions } from '../../../src/bhyve/start/start-checks.js';

const amd64: Platform = { release: 15, arch: 'amd64' };

const parse = (argv: readonly string[], platform: Platform = amd64) =>
  parseCommandLine(argv, { ...platform, readFile: () => undefined });

const started = (argv: readonly string[], options: Partial<StartOptions> = {}) => {
  const platform = { ...amd64, ...options };
  const parsed = parse([...argv, 'vm'], platform);
  if (parsed.kind !== 'parsed') throw new Error(JSON.stringify(parsed));
  return checkStart(parsed.tree, { loaded: true, ...platform });
};

const startRefusal = (argv: readonly string[], options: Partial<StartOptions> = {}) => {
  const failed = started(argv, options);
  if (failed.kind !== 'failed') return [failed.kind];
  return [
    [...failed.stdout, ...failed.messages].join('\n').replace(/\n.*initialization error: .*/, '\n+init'),
    failed.status,
  ];
};

describe('bhyve refuses to start', () => {
  test.each<[argv: readonly string[], words: string, status: number]>([
    [['-c', '65536'], "bhyve: Invalid value for cpus: '65536'", 4],
    [['-c', '4,cores=2'], 'bhyve: Topology (4 sockets, 2 cores, 1 threads) does not match 4 vCPUs', 4],
    [['-o', 'cpus=2\r'], "bhyve: Invalid value for cpus: '2\r'", 4],
    [['-o', 'vcpu.0.cpuset=1-2-3'], "bhyve: invalid cpuset for vcpu 0: '1-2-3'", 4],
    [['-o', 'vcpu.0.cpuset=1,'], "bhyve: invalid cpuset for vcpu 0: '1,'", 4],
    [['-o', 'vcpu.0.cpuset=1024'], "bhyve: hostcpu '1024' outside valid range from 0 to 1023", 4],
    [['-m', '4X'], "bhyve: invalid memsize '4X'", 64],
    [
      ['-n', 'id=0'],
      'bhyve: At least one domain memory size was not specified, distributing total VM memory size across all domains\nMissing CPU set for domain 0',
      4,
    ],
    [['-n', 'id=0,size=x,cpus=0'], "bhyve: invalid memsize for domain 0: 'x'", 64],
    [['-n', 'id=0,size=1G,cpus=0,domain_policy=rr:all'], "bhyve: failed to parse domain policy 'rr:all'", 64],
    [['-o', 'memory.wired=x'], 'bhyve: Invalid value x for boolean variable memory.wired: No error: 0', 4],
    [['-G', 'localhost:gdb'], 'bhyve: gdb address resolution: Name does not resolve', 1],
    [['-U', '{5a34b1cc-7d4f-11ee-8d3c-b42e991b0a01}'], '', 4],
    [
      ['-s', '1:0:0,virtio-rnd'],
      'MPtable is incompatible with multiple PCI hierarchies.\nMPtable generation can be disabled by passing the -Y option to bhyve(8).',
      4,
    ],
    [
      ['-l', 'tpm,other,/x'],
      'bhyve: TPM emulation "other" not found\nbhyve: init_tpm: unable to create a TPM device (22)\nFailed to init TPM device',
      4,
    ],
    [
      ['-s', '4,virtio-blk,/d,nocache=maybe'],
      'bhyve: Invalid value maybe for boolean variable nocache: No error: 0',
      4,
    ],
    [
      ['-s', '4,virtio-blk,/d,sectorsize=4096/512'],
      'Invalid sector size 4096/512\nCould not open backing file: Invalid argument\n+init',
      4,
    ],
    [['-s', '4,nvme,/d,bootindex=-1'], 'bhyve: Invalid bootindex -1 for nvme@pci.0.4.0', 4],
    [
      ['-s', '4,ahci,hd:/a,bootindex=1,hd:/b,bootindex=1'],
      'bhyve: Could not set bootindex 1 for ahci@pci.0.4.0. Bootindex already occupied by ahci@pci.0.4.0',
      4,
    ],
    [['-s', '4,ahci,hd:/a,sectorsize=x'], 'Invalid sector size "x"\n+init', 4],
    [['-s', '4,nvme,/d,ioslots=0'], 'Invalid ioslots option 0\n+init', 4],
    [['-s', '5,virtio-net,tap0,mac=00:00:00:00:00:00'], 'Invalid MAC 00:00:00:00:00:00\n+init', 4],
    [['-s', '5,e1000,tap0,mac=1:2:3'], 'Invalid MAC 1:2:3\n+init', 4],
    [['-s', '5,virtio-net,netgraph,path=x:'], 'peer hook must be provided\n+init', 4],
    [
      ['-s', '6,virtio-console,a=/s', '-o', 'pci.0.6.0.port.16.path=/t'],
      'vtcon: Invalid port 16\ncannot create port 16: Invalid argument\n+init',
      4,
    ],
    [
      ['-o', 'pci.0.6.0.device=virtio-console', '-o', 'pci.0.6.0.port.3.path=/t'],
      'vtcon: required name missing for port 3\ncannot create port 3: Invalid argument\n+init',
      4,
    ],
    [['-s', `6,virtio-console,a=/d/${'s'.repeat(104)}`], 'cannot create port 0: File name too long\n+init', 4],
    [['-s', `7,virtio-9p,${'t'.repeat(257)}=/x`], 'virtio-9p: share name too long\n+init', 4],
    [['-o', 'pci.0.8.0.device=virtio-input'], 'pci_vtinput_init: missing required path config value\n+init', 4],
    [['-s', '3,xhci', '-s', '4,xhci'], 'pci_xhci controller already defined\n+init', 4],
    [
      ['-s', '3,xhci,tablet,tablet,tablet,tablet,tablet'],
      'pci_xhci max number of USB 2 or 3 devices reached, max 4\n+init',
      4,
    ],
    [['-s', '3,xhci', '-o', 'pci.0.3.0.slot.65.device=tablet'], "pci_xhci: invalid slot '65'\n+init", 4],
    [
      ['-S', '-o', 'pci.0.3.0.device=passthru', '-o', 'pci.0.3.0.bus=1'],
      'passthru: missing required slot setting\n+init',
      4,
    ],
    [['-s', '29,fbuf,rfb=[::1'], 'fbuf: Invalid IPv6 address: "[::1"\n+init', 4],
    [['-s', '29,fbuf,rfb=localhost:5900'], 'getaddrinfo: Name does not resolve\n+init', 4],
    [['-s', '29,fbuf,rfb=unix:/x'], 'getaddrinfo: Name does not resolve\n+init', 4],
    [
      ['-s', '3,uart,stdio', '-s', '31,lpc', '-l', 'com1,stdio'],
      "Unable to initialize backend 'stdio' for LPC device com1\n+init",
      4,
    ],
    [
      ['-s', '3,uart,tcp=1.2.3.4'],
      "bhyve: Invalid number of parameter\nUnable to initialize backend 'tcp=1.2.3.4' for pci uart at 3:0\n+init",
      4,
    ],
    [
      ['-s', '31,lpc', '-l', 'com2,tcp=[1.2.3.4]:5'],
      "bhyve: Invalid address 1.2.3.4:5\nUnable to initialize backend 'tcp=[1.2.3.4]:5' for LPC device com2\n+init",
      4,
    ],
    [['-s', '31,lpc', '-l', 'com1'], '', 134],
    [['-o', 'tpm.path=/x'], '', 134],
  ])('%j', (argv, words, status) => {
    expect(startRefusal(argv)).toEqual([words, status]);
  });

  test('arm64 wants a boot ROM, loader or not', () => {
    expect(startRefusal([], { arch: 'arm64' })).toEqual(['bhyve: no bootrom specified', 4]);
  });

  test('a name has to fit below /dev/vmm, and in 16 its socket below rundir', () => {
    const named = (bytes: number, release: 14 | 15 | 16) => {
      const parsed = parse(['n'.repeat(bytes)], { release, arch: 'amd64' });
      return parsed.kind === 'parsed' ? checkStart(parsed.tree, { release, arch: 'amd64', loaded: true }) : parsed;
    };
    expect([named(229, 15).kind, named(87, 16).kind]).toEqual(['started', 'started']);
    expect(named(230, 15)).toMatchObject({ kind: 'failed', status: 4 });
    expect(named(230, 14)).toMatchObject({ kind: 'failed', status: 4 });
    expect(named(88, 16)).toMatchObject({ kind: 'failed', status: 71 });
  });

  test('release 16 reports the ranges of virtio-scsi', () => {
    const scsi = (word: string) => startRefusal(['-s', `9,virtio-scsi,/a,${word}`], { release: 16 });
    expect(scsi('num_queues=31')[1]).toBe(4);
    expect(scsi('num_queues=30')).toEqual(['started']);
  });
});

describe('bhyve starts all the same', () => {
  test.each<[title: string, argv: readonly string[]]>([
    ['a network card without a cable', ['-s', '5,virtio-net']],
    ['a MAC with something behind it', ['-s', '5,virtio-net,tap0,mac=58:9c:fc:00:00:01garbage']],
    ['unknown words', ['-s', '5,virtio-net,tap0,colour=red', '-o', 'nonsense.x=y']],
    ['a renamed tap', ['-s', '5,e1000,vm0,type=tap']],
    ['no ports of an ahci', ['-s', '5,ahci']],
    ['an ahci port without a type', ['-s', '5,ahci', '-o', 'pci.0.5.0.port.3.nothing=1']],
    ['a negative bootindex of a disk', ['-s', '5,virtio-blk,/d,bootindex=-1']],
    ['too many queues', ['-s', '5,nvme,ram=1,maxq=99']],
    ['a second frame buffer after one without VNC', ['-s', '5,fbuf,vga=on', '-s', '6,fbuf']],
    ['slots nobody looks at', ['-o', 'pci.0.04.0.x=1', '-o', 'pci.0.32.0.x=1', '-o', 'pci.256.0.0.x=1']],
    ['several buses without an MP table', ['-Y', '-s', '1:0:0,virtio-rnd']],
    ['com1 with nothing behind it and no lpc', ['-l', 'com1']],
    ['an upper-case UUID', ['-U', '5A34B1CC-7D4F-11EE-8D3C-B42E991B0A01']],
    ['C syntax', ['-c', '0x4,sockets=02,cores=2']],
    ['zoned VNC', ['-s', '29,fbuf,rfb=[fe80::1\\%em0]:5900']],
    ['every policy', ['-n', 'id=0,size=1G,cpus=0,domain_policy=prefer:1']],
  ])('%s', (_title, argv) => {
    expect(started(argv)).toMatchObject({ kind: 'started' });
  });

  test.each<[size: string, release: 14 | 15, bytes: bigint | undefined]>([
    ['256', 15, 2n ** 28n],
    ['1048575', 15, 1048575n * 2n ** 20n],
    ['1048576', 15, 2n ** 20n],
    ['0x200', 15, 2n ** 29n],
    ['4g', 15, 2n ** 32n],
    ['4GB', 15, 2n ** 32n],
    ['12kilobytes', 14, 12288n],
    ['12kilobytes', 15, undefined],
    ['1.5G', 14, undefined],
    ['16E', 15, undefined],
  ])('-m %s in release %i', (size, release, bytes) => {
    const start = started(['-m', size], { release });
    expect(start.kind === 'started' ? start.machine.memoryBytes : undefined).toBe(bytes);
  });

  test('domains with sizes make up the memory, whatever -m says', () => {
    const start = started(['-m', '8G', '-n', 'id=0,size=1G,cpus=0', '-n', 'id=1,size=2G,cpus=1', '-n', 'id=5,size=x']);
    expect(start).toMatchObject({ kind: 'started', machine: { memoryBytes: 3n * 2n ** 30n } });
  });

  test('devices start in the order of their addresses, whatever the order of the options', () => {
    const start = started(['-Y', '-s', '1:0:0,virtio-rnd', '-s', '31,lpc', '-s', '2:1,hda', '-s', '2:0,virtio-rnd']);
    const order = start.kind === 'started' ? start.machine.devices.map(({ model }) => model) : [];
    expect(order).toEqual(['virtio-rnd', 'hda', 'lpc', 'virtio-rnd']);
  });
});

describe('nothing that is typed makes the simulator itself fail', () => {
  const word = fc.oneof(
    fc.string({ maxLength: 12 }),
    fc.constantFrom('a=b', 'hd:/x', 'port', '1:2', 'tap0', 'ppt1', 'pci0:1:2:3', 'bootindex=1', '=', ''),
  );
  const slot = fc
    .tuple(fc.nat(33), fc.constantFrom(...models.map(({ name }) => name)), fc.array(word, { maxLength: 5 }))
    .map(([number, model, words]) => ['-s', [number, model, ...words].join(',')]);
  const setting = fc
    .tuple(
      fc.array(fc.constantFrom('pci', '0', '1', 'port', 'slot', 'device', 'lpc', 'com1', 'x'), { minLength: 1 }),
      word,
    )
    .map(([path, value]) => ['-o', `${path.join('.')}=${value}`]);
  const other = fc
    .tuple(fc.constantFrom('-c', '-p', '-n', '-f', '-G', '-l', '-m', '-U'), word)
    .map((pair) => [...pair]);
  const commandLine = fc.array(fc.oneof(slot, setting, other), { maxLength: 6 }).map((options) => options.flat());
  const platform = fc.record({
    release: fc.constantFrom(14 as const, 15 as const, 16 as const),
    arch: fc.constantFrom('amd64' as const, 'arm64' as const),
  });

  test('it reads, lists or refuses, and what it reads it starts or refuses', () => {
    fc.assert(
      fc.property(commandLine, platform, (argv, on) => {
        const parsed = parse([...argv, 'vm'], on);
        if (parsed.kind !== 'parsed') return;
        const before = JSON.stringify([...parsed.config]);
        checkStart(parsed.tree, { ...on, loaded: true });
        const again = parse([...argv, 'vm'], on);
        expect(again.kind === 'parsed' && JSON.stringify([...again.config])).toBe(before);
      }),
      { numRuns: 500 },
    );
  });
});
