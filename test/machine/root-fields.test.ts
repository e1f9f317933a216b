import { describe, expect, test } from '@jest/globals';
import type { Arch, Platform, Release } from '../../src/devices/device.js';
import { plan } from '../../src/machine/plan.js';
import { expectedConfig, refusal, simulateMachine, sorted } from '../support/simulated.js';
import { codesAt, machineOf, minimal, planOf, problemsOf, specOf, told, valuesOf } from '../support/specs.js';

const disk = { device: 'virtio-blk', path: 'disk.img' };
const four = { name: 'vm0', cpu: 4, mem: '4G' };

/** What bhyve makes of a spec, which it accepts and which says what the machine says. */
async function configOf(more: object, platform: Partial<Platform> = {}): Promise<ReadonlyMap<string, string>> {
  const machine = await planOf({ ...minimal, ...more }, 'default', platform);
  const { config, warnings, start } = simulateMachine(machine);
  expect(sorted(config)).toEqual(sorted(expectedConfig(machine)));
  // Some builds of 16 say so of every -M.
  expect(warnings.filter((line) => !line.endsWith('fetch value of node monitor'))).toEqual([]);
  expect(refusal(start)).toBe('');
  return config;
}

const codes = async (more: object): Promise<readonly string[]> => codesAt(await problemsOf({ ...minimal, ...more }));

describe('a field of the spec sets', () => {
  test.each<[spec: object, release: Release, variables: Readonly<Record<string, string>>]>([
    [{ ...four, cpu_pin: { 0: '2', 1: '4-5,7' } }, 15, { 'vcpu.0.cpuset': '2', 'vcpu.1.cpuset': '4-5,7' }],
    [{ ...four, cpu_pin: { 3: 1023 } }, 14, { 'vcpu.3.cpuset': '1023' }],
    [
      {
        ...four,
        numa: [
          { mem: '1G', cpus: '0-1' },
          { id: 1, mem: '3G', cpus: '2-3', policy: 'prefer:1' },
        ],
      },
      15,
      {
        'domains.0.size': '1G',
        'domains.0.cpus': '0-1',
        'domains.1.size': '3G',
        'domains.1.cpus': '2-3',
        'domains.1.domain_policy': 'prefer:1',
      },
    ],
    [
      {
        ...four,
        numa: [
          { mem: '2G', cpus: '0,2' },
          { mem: '2G', cpus: '1,3', policy: 'interleave:0,1' },
        ],
      },
      16,
      { 'domains.0.cpus': '0,2', 'domains.1.cpus': '1,3', 'domains.1.domain_policy': 'interleave:0,1' },
    ],
    [{ fwcfg: 'qemu' }, 15, { 'lpc.fwcfg': 'qemu' }],
    [
      { fwcfg: 'qemu', bootrom: '/a,b', varfile: '/v=w' },
      15,
      { 'lpc.fwcfg': 'qemu', bootrom: '/a,b', bootvars: '/v=w' },
    ],
    [{ bootrom: '/rom', varfile: '/vars' }, 14, { 'lpc.bootrom': '/rom', 'lpc.bootvars': '/vars' }],
    [
      { fwcfg: 'qemu', tpm: { type: 'passthru', path: '/dev/tpm0' } },
      14,
      { 'tpm.type': 'passthru', 'tpm.path': '/dev/tpm0', 'tpm.version': '2.0' },
    ],
    [
      { fwcfg: 'qemu', tpm: { type: 'swtpm', path: '/run/50%,a' } },
      15,
      { 'tpm.type': 'swtpm', 'tpm.path': '/run/50%,a', 'tpm.version': '2.0' },
    ],
    [{ gdb: { port: 1234 } }, 15, { 'gdb.port': '1234' }],
    [
      { gdb: { address: '::1', port: 1234, wait: true } },
      15,
      { 'gdb.address': '::1', 'gdb.port': '1234', 'gdb.wait': 'true' },
    ],
    [{ gdb: { address: 'www', port: 1234 } }, 15, { 'gdb.address': 'www', 'gdb.port': '1234' }],
    [{ gdb: 'w[::1]:1234' }, 15, { 'gdb.address': '::1', 'gdb.wait': 'true' }],
    [
      {
        smbios: {
          bios: { vendor: 'A, B' },
          system: { serial_number: 42 },
          board: { asset_tag: '50%' },
          chassis: { sku: 's' },
        },
      },
      15,
      { 'bios.vendor': 'A, B', 'system.serial_number': '42', 'board.asset_tag': '50%', 'chassis.sku': 's' },
    ],
    [{ monitor: true }, 16, { 'monitor.enabled': 'true' }],
    [
      {
        config: { 'oemstring.0': 'a,b %(name) \\', 'x86.verbosemsr': true, 'pci.enable_bars': false, 'oemstring.1': 7 },
      },
      15,
      { 'oemstring.0': 'a,b %(name) \\', 'x86.verbosemsr': 'true', 'pci.enable_bars': 'false', 'oemstring.1': '7' },
    ],
    [
      { emulations: [{ ...disk, slot: 4 }], config: { 'pci.0.4.0.nocache': true } },
      15,
      { 'pci.0.4.0.nocache': 'true' },
    ],
    [{ emulations: [{ ...disk, bootindex: 0 }], fwcfg: 'qemu' }, 15, { 'pci.0.1.0.bootindex': '0' }],
    [{ graphic: { path: '/run/a,b' } }, 16, { 'pci.0.1.0.rfb': 'unix:/run/a,b' }],
    [{ graphic: { slot: 7 } }, 15, { 'pci.0.7.0.device': 'fbuf', 'pci.0.1.0.device': 'xhci' }],
    [{ release: 16, force_msi: true }, 14, { 'virtio.msix': 'false' }],
  ])('%j for release %i: %j', async (more, release, variables) => {
    expect(Object.fromEntries(await configOf(more, { release }))).toMatchObject(variables);
  });

  test('bridges, or none of them', async () => {
    const machine = await planOf({
      ...minimal,
      loader: 'none',
      hostbridge: 'none',
      lpc_slot: 'none',
      emulations: [disk],
    });
    expect(valuesOf(machine.argv, '-s')).toEqual(['0:1:0,virtio-blk,disk.img']);
    expect(valuesOf(machine.argv, '-l')).toEqual([]);
    const { start } = simulateMachine(machine);
    expect(refusal(start)).toBe('');
  });

  test('files that the firmware hands on, which no value is expanded in', async () => {
    const items = [
      { name: 'opt/a', string: 'x,file=50% \\%(name)' },
      { name: 'name=b', file: '/a,b %' },
    ];
    const machine = await planOf({ ...minimal, fwcfg: 'qemu', fw_cfg_files: items });
    expect(valuesOf(machine.argv, '-f')).toEqual(['name=opt/a,string=x,file=50% \\%(name)', 'name=name=b,file=/a,b %']);
    expect(refusal(simulateMachine(machine).start)).toBe('');
    expect(
      machine.requirements.filter(({ owner, need }) => owner === '' && need.pointer.startsWith('/fw_cfg')),
    ).toEqual([
      expect.objectContaining({ need: expect.objectContaining({ path: '/a,b %', access: 'read' }) as unknown }),
    ]);
  });
});

describe('on arm64', () => {
  const arm = { arch: 'arm64' as Arch, release: 15 as Release };

  test('console and boot ROM are variables, and no option of a PC is given', async () => {
    const machine = await planOf(
      { ...minimal, com1: 'stdio', emulations: [disk], uuid: '5a34b1cc-7d4f-11ee-8d3c-b42e991b0a01' },
      'default',
      arm,
    );
    expect(machine.argv).toEqual([
      ...['-c', 'cpus=1,sockets=1,cores=1,threads=1', '-m', '1G'],
      ...['-U', '5a34b1cc-7d4f-11ee-8d3c-b42e991b0a01'],
      ...['-s', '0:0:0,hostbridge', '-s', '0:1:0,virtio-blk,disk.img'],
      ...['-o', 'bootrom=/usr/local/share/u-boot/u-boot-bhyve-arm64/u-boot.bin', '-o', 'console=stdio', 'vm0'],
    ]);
    expect(machine.usesStdio).toBe(true);
    const { warnings, start } = simulateMachine(machine);
    expect(warnings).toEqual([]);
    expect(refusal(start)).toBe('');
  });

  test('what both have is said the same way', async () => {
    const more = {
      gdb: 1234,
      wire_guest_mem: true,
      force_msi: true,
      power_off_destroy_vm: true,
      guest_mem_in_core: true,
    };
    const config = await configOf({ ...more, monitor: true, cpu_pin: { 0: '1' } }, { ...arm, release: 16 });
    expect(Object.fromEntries(config)).toMatchObject({
      'gdb.port': '1234',
      'memory.wired': 'true',
      'virtio.msix': 'false',
      destroy_on_poweroff: 'true',
      'memory.guest_in_core': 'true',
      'monitor.enabled': 'true',
      'vcpu.0.cpuset': '1',
    });
  });

  test.each<[more: object, problem: string]>([
    [{ varfile: '/v' }, 'arch /varfile'],
    [{ lpc_slot: 31 }, 'arch /lpc_slot'],
    [{ com2: '/dev/nmdm0A' }, 'arch /com2'],
    [{ tpm: { type: 'passthru', path: '/dev/tpm0' }, fwcfg: 'qemu' }, 'arch /tpm'],
    [{ fwcfg: 'qemu' }, 'arch /fwcfg'],
    [{ graphic: {} }, 'arch /graphic'],
    [{ keyboard: 'de_noacc' }, 'arch /keyboard'],
    [{ numa: [{ mem: '1G', cpus: '0' }] }, 'arch /numa'],
    [{ disable_mptable_gen: true }, 'arch /disable_mptable_gen'],
    [{ x2apic: true }, 'arch /x2apic'],
    [{ strict_io: true }, 'arch /strict_io'],
    [{ yield_on_pause: true }, 'arch /yield_on_pause'],
    [{ ignore_unknown_msrs: true }, 'arch /ignore_unknown_msrs'],
    [{ hostbridge: 'amd_hostbridge' }, 'arch /hostbridge'],
    [{ loader: 'none' }, 'arch /loader'],
    [{ emulations: [{ device: 'fbuf' }] }, 'arch /emulations/0/device'],
    [{ emulations: [{ device: 'passthru', src: 'ppt0' }] }, 'arch /emulations/0/device'],
    [{ release: 14 }, 'arch /arch'],
  ])('%j is an error', async (more, problem) => {
    expect(await codes({ arch: 'arm64', ...more })).toContain(problem);
  });

  test('the host says what it is, unless the spec does', async () => {
    const spec = await specOf({ ...minimal, emulations: [disk] });
    expect(machineOf(spec, 'default', arm)).toMatchObject({ arch: 'arm64', release: 15 });
    expect(machineOf(await specOf({ ...minimal, arch: 'amd64', release: 14 }), 'default', arm)).toMatchObject({
      arch: 'amd64',
      release: 14,
    });
  });
});

describe('what a release lacks is an error that names it', () => {
  test.each<[more: object, release: Release, problem: string]>([
    [{ numa: [{ mem: '1G', cpus: '0' }] }, 14, 'bhyve of FreeBSD 14 has no NUMA domains (-n)'],
    [{ monitor: true }, 15, 'bhyve of FreeBSD 15 has no monitor mode (-M)'],
    [{ graphic: { path: '/run/vnc' } }, 15, 'bhyve of FreeBSD 15 has VNC on TCP only'],
    [
      { emulations: [{ device: 'passthru', src: 'ppt0', bootindex: 1 }], fwcfg: 'qemu' },
      14,
      'bhyve of FreeBSD 14 has no bootindex for passthru',
    ],
    [
      { tpm: { type: 'swtpm', path: '/s' }, fwcfg: 'qemu' },
      14,
      'swtpm came with FreeBSD 14.3; bhyve of 14.2 and before does not start with it',
    ],
  ])('%j on %i', async (more, release, message) => {
    const found = await problemsOf({ ...minimal, ...more, release });
    expect(found.map((problem) => problem.message)).toEqual([message]);
    expect(await problemsOf({ ...minimal, ...more, release: 16 })).toEqual([]);
  });
});

describe('NUMA domains without ACPI tables', () => {
  const spec = { mem: '1G', numa: [{ mem: '1G', cpus: '0', policy: 'prefer:0' }], generate_acpi: false };

  test.each<[release: Release, severity: 'warning' | 'error', message: string]>([
    [
      15,
      'warning',
      'without ACPI tables the guest does not see its NUMA domains; bhyve only places its memory by them',
    ],
    [16, 'error', 'bhyve of FreeBSD 16 refuses NUMA domains without ACPI tables'],
  ])('are reported for release %i as %s', async (release, severity, message) => {
    const found = await problemsOf({ ...minimal, ...spec, release });
    expect(found).toMatchObject([{ code: 'numa-acpi', severity, message, place: { pointer: '/generate_acpi' } }]);
  });

  test('place the memory in release 15', async () => {
    const config = await configOf(spec, { release: 15 });
    expect(config.get('acpi_tables')).toBe('false');
    expect(config.get('domains.0.domain_policy')).toBe('prefer:0');
  });

  test('do not hide what else is wrong with them', async () => {
    const wrong = { ...spec, numa: [{ mem: '512M', cpus: '0' }] };
    expect(await codes({ ...wrong, release: 15 })).toEqual(['numa-memory /numa', 'numa-acpi /generate_acpi']);
  });
});

describe('what bhyve would drop or misread is told', () => {
  test.each<[more: object, problems: readonly string[]]>([
    [{ cpu_pin: { 1: '2' } }, ['vcpu-missing /cpu_pin/1']],
    [{ cpu_pin: { '00': '2' } }, ['vcpu-missing /cpu_pin/00']],
    [{ cpu_pin: { 0: '1024' } }, ['cpuset /cpu_pin/0']],
    [{ cpu_pin: { 0: '5-4' } }, ['cpuset /cpu_pin/0']],
    [{ cpu_pin: { 0: '4-' } }, ['wrong-text /cpu_pin/0']],
    [{ numa: [{ mem: '1G', cpus: '0', id: 1 }] }, ['numa-id /numa/0/id']],
    [{ numa: [{ mem: '512M', cpus: '0' }] }, ['numa-memory /numa']],
    [{ numa: [{ mem: '1G', cpus: '1' }] }, ['cpuset /numa/0/cpus']],
    [{ numa: [{ mem: '1G', cpus: '0', policy: 'policy' }] }, ['wrong-text /numa/0/policy']],
    [{ numa: [{ mem: '1G', cpus: '0', policy: 'prefer:all' }] }, ['wrong-text /numa/0/policy']],
    [{ numa: [{ mem: '1G', cpus: '0', policy: 'prefer:2-1' }] }, ['numa-policy /numa/0/policy']],
    [{ numa: [{ mem: '1G', cpus: '0' }], generate_acpi: false, release: 16 }, ['numa-acpi /generate_acpi']],
    [{ cpu: 2, numa: [{ mem: '1G', cpus: '0' }] }, ['numa-cpu /numa']],
    [
      {
        numa: [
          { mem: '512M', cpus: '0' },
          { mem: '512M', cpus: '0' },
        ],
      },
      ['numa-cpu /numa/1/cpus'],
    ],
    [{ numa: Array.from({ length: 9 }, () => ({ mem: '1G', cpus: '0' })) }, ['wrong-length /numa']],
    [{ fw_cfg_files: [{ name: 'a', string: 'b' }] }, ['fwcfg /fw_cfg_files']],
    [{ fwcfg: 'qemu', fw_cfg_files: [{ name: 'a' }] }, ['fw-cfg-content /fw_cfg_files/0']],
    [{ fwcfg: 'qemu', fw_cfg_files: [{ name: 'a', string: 'b', file: 'c' }] }, ['fw-cfg-content /fw_cfg_files/0']],
    [{ fwcfg: 'qemu', fw_cfg_files: [{ name: 'a,b', string: 'b' }] }, ['wrong-text /fw_cfg_files/0/name']],
    [{ fwcfg: 'qemu', fw_cfg_files: [{ name: 'x'.repeat(55), string: 'b' }] }, []],
    [{ fwcfg: 'qemu', fw_cfg_files: [{ name: 'x'.repeat(56), string: 'b' }] }, ['too-long /fw_cfg_files/0/name']],
    [
      {
        fwcfg: 'qemu',
        fw_cfg_files: [
          { name: 'a', string: 'b' },
          { name: 'a', string: 'c' },
        ],
      },
      ['fw-cfg-twice /fw_cfg_files/1/name'],
    ],
    [{ tpm: { type: 'passthru', path: '/dev/tpm0' } }, ['fwcfg /tpm']],
    [{ tpm: { type: 'passthru', path: '/dev/tpm0', version: '1.2' }, fwcfg: 'qemu' }, ['not-allowed /tpm/version']],
    [{ emulations: [{ ...disk, bootindex: 1 }] }, ['fwcfg /emulations/0/bootindex']],
    [
      { emulations: [{ ...disk, bootindex: 1, slot: '1:0:0' }], fwcfg: 'qemu' },
      ['bootindex-bus /emulations/0/bootindex'],
    ],
    [{ lpc_slot: 'none', com1: '/dev/nmdm0A' }, ['lpc-needed /lpc_slot']],
    [{ lpc_slot: 'none' }, ['lpc-needed /lpc_slot']],
    [{ lpc_slot: 'none', loader: 'none' }, []],
    [{ lpc_slot: 'nowhere' }, ['wrong-text /lpc_slot']],
    [{ monitor: true, release: 16, next_target: 'default' }, ['monitor /next_target']],
    [{ monitor: true, release: 16, reboot_on: ['reboot'] }, ['monitor /reboot_on']],
    [{ monitor: true, release: 16, restart: { max: 1 }, on_give_up: 'default' }, ['monitor /on_give_up']],
    [{ monitor: true, release: 16, loader: 'none' }, ['monitor-loader /monitor']],
    [{ loader: 'some' }, ['wrong-text /loader']],
    [{ loader: { kind: 'bhyveload' } }, ['required /loader/disk']],
    [{ loader: { kind: 'bhyveload', args: '-h /guest' } }, []],
    [{ loader: { kind: 'bhyveload' }, emulations: [disk] }, []],
    [{ loader: { kind: 'bhyveload', args: '-h "/guest' } }, ['quoting /loader/args']],
    [{ loader: { kind: 'bhyveload', disk: 'a', root: 'hd0' } }, ['wrong-loader /loader/root']],
    [{ loader: { kind: 'bhyveload', disk: 'a', env: { 'a=b': '1' } } }, ['loader-variable /loader/env/a=b']],
    [
      { loader: { kind: 'bhyveload', disk: 'a', env: { 'x.passphrase': '1' } } },
      ['secret-in-view /loader/env/x.passphrase'],
    ],
    [{ loader: { kind: 'bhyveload', disk: Array.from({ length: 33 }, () => 'a') } }, ['wrong-length /loader/disk']],
    [{ loader: { kind: 'grub-bhyve' } }, ['required /loader/root']],
    [{ loader: { kind: 'grub-bhyve', root: 'hd0', disk: 'a' } }, ['wrong-loader /loader/disk']],
    [
      { loader: { kind: 'grub-bhyve', root: 'hd0', device_map: { '(hd0)': 'a' } } },
      ['grub-drive /loader/device_map/(hd0)'],
    ],
    [{ loader: 'none', varfile: '/v' }, ['varfile-loader /varfile']],
    [{ loader: 'none', bootrom: '/b' }, ['loader-bootrom /bootrom']],
    [{ loader: { kind: 'bhyveload', disk: 'a' }, bootrom: '/b' }, ['loader-bootrom /bootrom']],
    [{ bootrom: '/b', targets: { a: { loader: 'none' } } }, []],
    [{ loader: { kind: 'bhyveload', disk: 'a' }, loader_timeout: 0 }, ['loader-timeout /loader_timeout']],
    [{ config: { 'x86.verbosemrs': true } }, ['config-unknown /config/x86.verbosemrs']],
    [{ config: { cpus: 2 } }, ['config-twice /config/cpus']],
    [{ config: { name: 'other' } }, ['config-twice /config/name']],
    [{ config: { memory: 1 } }, ['config-node /config/memory']],
    [{ config: { 'name.x': 1 } }, ['config-node /config/name.x']],
    [{ config: { 'config.dump': true } }, ['config-dump /config/config.dump']],
    [{ config: { 'a..b': 1 } }, ['config-name /config/a..b']],
    [{ config: { 'a=b': 1 } }, ['config-name /config/a=b']],
    [{ config: { 'oemstring.0': '' } }, ['wrong-text /config/oemstring.0']],
    [{ config: { 'oemstring.0': 'a\nb' } }, ['wrong-text /config/oemstring.0']],
    [{ config: { 'pci.0.9.0.nocache': true } }, ['config-device /config/pci.0.9.0.nocache']],
    [{ config: { 'pci.0.01.0.ro': true }, emulations: [disk] }, ['config-device /config/pci.0.01.0.ro']],
    [{ config: { 'pci.0.1.0.path': 'x' }, emulations: [disk] }, ['config-twice /config/pci.0.1.0.path']],
    [{ config: { 'pci.0.9.0.device': 'virtio-rnd' } }, ['config-device /config/pci.0.9.0.device']],
    [{ gdb: { port: 0 } }, ['out-of-range /gdb/port']],
    [{ gdb: { port: 1, address: '[::1' } }, ['gdb-address /gdb']],
    [{ gdb: 'w[[::1]]:99' }, ['gdb-address /gdb']],
    [{ gdb: {} }, ['required /gdb/port']],
    [{ smbios: { bios: { vendro: 'a' } } }, ['unknown-field /smbios/bios/vendro']],
    [{ graphic: { path: '/a', host: '127.0.0.1' }, release: 16 }, ['vnc-twice /graphic/path']],
    [{ graphic: { path: `/${'x'.repeat(103)}` }, release: 16 }, ['socket-name /graphic/path']],
    [{ graphic: { password: 'a', password_file: 'b' } }, ['password-twice /graphic/password_file']],
    [{ release: 13 }, ['not-allowed /release']],
    [{ arch: 'i386' }, ['not-allowed /arch']],
    [{ targets: { a: { release: 14 } } }, ['unknown-field /targets/a/release']],
  ])('%j', async (more, problems) => {
    expect(await codes(more)).toEqual(problems);
  });

  test('by sentences that say what to do', async () => {
    const spec = { ...minimal, config: { 'x86.verbosemrs': true }, emulations: [{ ...disk, bootindex: 1 }] };
    expect((await problemsOf(spec)).map(told)).toEqual([
      '6:23 /config/x86.verbosemrs config-unknown: bhyve knows no variable x86.verbosemrs, and would ignore it [did you mean "x86.verbosemsr"?]',
      '12:20 /emulations/0/bootindex fwcfg: bootindex has no effect: the firmware learns of it with fwcfg qemu only [add "fwcfg": "qemu" to the spec]',
    ]);
  });
});

describe('a guest without a boot ROM', () => {
  const loaderOf = async (more: object, target?: string) =>
    (await planOf({ ...minimal, mem: '512M', ...more }, target, { runDirectory: '/run/vm0' })).loader;

  test.each<[more: object, argv: readonly string[]]>([
    [
      { loader: { kind: 'bhyveload' }, emulations: [{ device: 'ahci-cd', path: 'a.iso' }, disk], com1: '/dev/nmdm0A' },
      ['bhyveload', '-c', '/dev/nmdm0A', '-m', '512M', '-d', 'disk.img', 'vm0'],
    ],
    [
      { loader: { kind: 'bhyveload' }, emulations: [{ device: 'ahci-cd', path: 'a.iso' }], com1: 'tcp=127.0.0.1:5' },
      ['bhyveload', '-m', '512M', '-d', 'a.iso', 'vm0'],
    ],
    [
      {
        loader: { kind: 'bhyveload', disk: ['a b', 'c'], env: { autoboot_delay: 3 }, args: "-l '/boot/l o'" },
        wire_guest_mem: true,
        guest_mem_in_core: true,
        com1: 'stdio',
      },
      [
        ...['bhyveload', '-c', 'stdio', '-m', '512M', '-S', '-C', '-d', 'a b', '-d', 'c'],
        ...['-e', 'autoboot_delay=3', '-l', '/boot/l o', 'vm0'],
      ],
    ],
    [
      { loader: { kind: 'grub-bhyve', root: 'hd0,msdos1' }, emulations: [disk], com1: '/dev/nmdm0A' },
      ['grub-bhyve', '-c', '/dev/nmdm0A', '-m', '/run/vm0/device.map', '-M', '512M', '-r', 'hd0,msdos1', 'vm0'],
    ],
    [
      {
        loader: { kind: 'grub-bhyve', commands: ['ls', 'boot'], device_map: 'my.map' },
        com1: '/dev/nmdm0A',
        mem: 512000000,
      },
      ['grub-bhyve', '-m', 'my.map', '-M', '500000K', 'vm0'],
    ],
    [
      { loader: { kind: 'grub-bhyve', root: 'hd0' }, com1: 'console' },
      ['grub-bhyve', '-m', '/run/vm0/device.map', '-M', '512M', '-r', 'hd0', 'vm0'],
    ],
    [
      { loader: { kind: 'bhyveload', disk: 'c' }, com1: 'console' },
      ['bhyveload', '-c', 'stdio', '-m', '512M', '-d', 'c', 'vm0'],
    ],
  ])('%j', async (more, argv) => {
    expect((await loaderOf(more))?.argv).toEqual(argv);
  });

  test('has the console that vmrun serves, unless its input is typed for it', async () => {
    const servesConsole = async (loader: object) => (await loaderOf({ loader, com1: 'console' }))?.servesConsole;
    expect(await servesConsole({ kind: 'bhyveload', disk: 'c' })).toBe(true);
    expect(await servesConsole({ kind: 'grub-bhyve', root: 'hd0' })).toBe(true);
    expect(await servesConsole({ kind: 'grub-bhyve', commands: 'boot' })).toBe(false);
  });

  test('is described to GRUB by the disks that it has, or by those that the spec names', async () => {
    const emulations = [
      disk,
      {
        device: 'ahci',
        ports: [
          { type: 'cd', path: 'a.iso' },
          { type: 'hd', path: 'b.img' },
        ],
      },
      { device: 'nvme', ram: 1 },
    ];
    const grub = { kind: 'grub-bhyve', root: 'cd0' };
    expect((await loaderOf({ loader: grub, emulations }))?.files).toEqual([
      { path: '/run/vm0/device.map', content: '(hd0) disk.img\n(cd0) a.iso\n(hd1) b.img\n' },
    ]);
    expect((await loaderOf({ loader: { ...grub, device_map: { hd3: 'x' } }, emulations }))?.files).toEqual([
      { path: '/run/vm0/device.map', content: '(hd3) x\n' },
    ]);
  });

  test('is started by bhyve without a boot ROM, once the loader has made the VM', async () => {
    const machine = await planOf({ ...minimal, loader: { kind: 'bhyveload' }, emulations: [disk], fwcfg: 'qemu' });
    expect(valuesOf(machine.argv, '-l')).toEqual([]);
    expect(refusal(simulateMachine(machine, false).start)).toContain('no bootrom was configured');
    expect(refusal(simulateMachine(machine).start)).toBe('');
  });

  test('a target that says how it starts takes the other way away', async () => {
    const spec = await specOf({
      ...minimal,
      bootrom: '/rom',
      varfile: '/vars',
      emulations: [disk],
      targets: {
        loaded: { loader: { kind: 'bhyveload' } },
        again: { inherits: 'loaded', bootrom: '/other' },
      },
    });
    const about = (target: string) => {
      const { loader, argv } = machineOf(spec, target);
      return [loader?.kind, valuesOf(argv, '-l')];
    };
    expect(about('default')).toEqual([undefined, ['bootrom,/rom,/vars']]);
    expect(about('loaded')).toEqual(['bhyveload', []]);
    expect(about('again')).toEqual([undefined, ['bootrom,/other']]);
  });

  test('that somebody else has loaded boots once', async () => {
    const machine = await planOf({ ...minimal, loader: 'none' });
    expect(machine).toMatchObject({ isLoadedByOthers: true, policy: { rebootOn: [] } });
    expect(machine.loader).toBeUndefined();
  });
});

test('a password in config is in the private file alone', async () => {
  const planned = plan(
    await specOf({ ...minimal, graphic: { slot: 9 }, config: { 'pci.0.9.0.password': 'canary42' } }),
    'default',
  );
  if (!planned.ok) throw new Error(planned.problems.map(told).join('\n'));
  expect(planned.value.argv.join(' ')).not.toContain('canary42');
  expect(planned.value.privateConfig?.content).toBe('pci.0.9.0.password=canary42\n');
  expect(simulateMachine(planned.value).config.get('pci.0.9.0.password')).toBe('canary42');
});
