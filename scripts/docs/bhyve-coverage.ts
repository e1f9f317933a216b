import type { Arch, Release } from '../../src/devices/device.js';
import { modelNamed } from '../../src/devices/registry.js';
import { smbiosTexts } from './spec-examples.js';

/** Part of a spec: what stands beside name, cpu and mem. */
export type SpecPart = Readonly<Record<string, unknown>>;

/** Where bhyve has something; absent: everywhere. */
export interface Where {
  readonly from?: Release;
  readonly to?: Release;
  readonly arch?: Arch;
}

/** How vmrun's command says it: by the option, by `-o` with the variable, or not at all. */
export type Said = 'option' | 'variable' | 'never';

/** Something that bhyve can be told, and the fields of a spec that say it. */
export interface Row extends Where {
  /** `-c`, or the name of a variable in which N stands for any number. */
  readonly name: string;
  /** What follows the option, as bhyve(8) writes it. */
  readonly argument?: string;
  /** The device of `-l` and `-s`. */
  readonly device?: string;
  readonly said: Said;
  readonly fields: readonly string[];
  /** Absent where nothing says it. */
  readonly example?: SpecPart;
  /** What the example comes to, by the names of the variables. */
  readonly sets?: Readonly<Record<string, string>>;
  readonly note?: string;
}

const pc = { arch: 'amd64' } as const;
const byConfig = 'config';

const device = (model: string, fields: object, more: SpecPart = {}): SpecPart => ({
  ...more,
  emulations: [{ device: model, ...fields }],
});

export const optionRows: readonly Row[] = [
  {
    name: '-a',
    ...pc,
    said: 'variable',
    fields: [byConfig],
    example: { config: { 'x86.x2apic': false } },
    sets: { 'x86.x2apic': 'false' },
    note: 'Obsolete: it says what holds anyway. vmrun never passes it.',
  },
  {
    name: '-A',
    ...pc,
    said: 'option',
    fields: ['generate_acpi'],
    example: { generate_acpi: true },
    sets: { acpi_tables: 'true' },
    note: 'vmrun passes it unless told not to. From 15 on it does nothing, since the tables are made anyway; `false` is said by the variable.',
  },
  {
    name: '-C',
    said: 'option',
    fields: ['guest_mem_in_core'],
    example: { guest_mem_in_core: true },
    sets: { 'memory.guest_in_core': 'true' },
  },
  {
    name: '-c',
    argument: '[cpus=]N[,sockets=N][,cores=N][,threads=N]',
    said: 'option',
    fields: ['cpu'],
    example: { cpu: { sockets: 1, cores: 4, threads: 2 } },
    sets: { cpus: '8', sockets: '1', cores: '4', threads: '2' },
    note: 'vmrun always says all four.',
  },
  {
    name: '-D',
    said: 'option',
    fields: ['power_off_destroy_vm'],
    example: { power_off_destroy_vm: true },
    sets: { destroy_on_poweroff: 'true' },
    note: 'vmrun itself destroys the VM after every boot, also without it.',
  },
  {
    name: '-e',
    ...pc,
    said: 'option',
    fields: ['strict_io'],
    example: { strict_io: true },
    sets: { 'x86.strictio': 'true' },
  },
  {
    name: '-f',
    argument: '[name=]NAME,(string=TEXT|file=PATH)',
    ...pc,
    said: 'option',
    fields: ['fw_cfg_files'],
    example: { fwcfg: 'qemu', fw_cfg_files: [{ name: 'opt/com.example/key', string: 'value' }] },
    note: 'It sets no variable. The guest sees it with `fwcfg: qemu` only.',
  },
  {
    name: '-G',
    argument: '[w][ADDRESS:]PORT',
    said: 'option',
    fields: ['gdb'],
    example: { gdb: { address: '127.0.0.1', port: 1234, wait: true } },
    sets: { 'gdb.address': '127.0.0.1', 'gdb.port': '1234', 'gdb.wait': 'true' },
  },
  {
    name: '-H',
    ...pc,
    said: 'option',
    fields: ['yield_on_hlt'],
    example: { yield_on_hlt: true },
    sets: { 'x86.vmexit_on_hlt': 'true' },
    note: 'vmrun passes it unless told not to.',
  },
  { name: '-h', said: 'never', fields: [], note: 'Prints the usage text and ends: vmrun never passes it.' },
  { name: '-I', ...pc, said: 'never', fields: [], note: 'Obsolete, does nothing: vmrun never passes it.' },
  {
    name: '-k',
    argument: 'FILE',
    said: 'option',
    fields: ['graphic.password', 'extra_options'],
    example: { graphic: { password: 'secret' } },
    sets: { 'pci.0.1.0.password': 'secret' },
    note: 'vmrun makes such a file for passwords. One of yours is passed by `"extra_options": "-k FILE"`; a variable needs none: `config`.',
  },
  {
    name: '-K',
    argument: 'LAYOUT',
    ...pc,
    said: 'option',
    fields: ['keyboard'],
    example: { keyboard: 'de_noacc' },
    sets: { 'keyboard.layout': 'de_noacc' },
  },
  {
    name: '-l',
    argument: 'DEVICE[,…]',
    ...pc,
    said: 'option',
    fields: ['bootrom', 'varfile', 'fwcfg', 'com1', 'com2', 'com3', 'com4', 'tpm'],
    example: { com1: 'stdio' },
    note: 'See below.',
  },
  {
    name: '-M',
    from: 16,
    said: 'option',
    fields: ['monitor'],
    example: { release: 16, monitor: true },
    sets: { 'monitor.enabled': 'true' },
  },
  {
    name: '-m',
    argument: 'SIZE',
    said: 'option',
    fields: ['mem'],
    example: { mem: '4G' },
    sets: { 'memory.size': '4G' },
  },
  {
    name: '-N',
    from: 16,
    ...pc,
    said: 'variable',
    fields: [byConfig],
    example: { release: 16, monitor: true, config: { 'monitor.no_reboot': true } },
    sets: { 'monitor.no_reboot': 'true' },
    note: 'Without monitor mode, `"reboot_on": []` is the same.',
  },
  {
    name: '-n',
    argument: 'id=N[,size=SIZE][,cpus=LIST][,domain_policy=POLICY]',
    from: 15,
    ...pc,
    said: 'option',
    fields: ['numa'],
    example: {
      cpu: 4,
      mem: '4G',
      numa: [
        { mem: '2G', cpus: '0-1' },
        { mem: '2G', cpus: '2-3', policy: 'prefer:1' },
      ],
    },
    sets: { 'domains.0.size': '2G', 'domains.0.cpus': '0-1', 'domains.1.domain_policy': 'prefer:1' },
    note: 'A list of CPUs with a comma is said by the variables: `-n` would lose what follows the comma.',
  },
  {
    name: '-o',
    argument: 'VARIABLE=VALUE',
    said: 'option',
    fields: [byConfig],
    example: { config: { 'x86.verbosemsr': true } },
    sets: { 'x86.verbosemsr': 'true' },
    note: 'Most variables have a field of their own, see below.',
  },
  {
    name: '-P',
    ...pc,
    said: 'option',
    fields: ['yield_on_pause'],
    example: { yield_on_pause: true },
    sets: { 'x86.vmexit_on_pause': 'true' },
  },
  {
    name: '-p',
    argument: 'VCPU:HOSTCPU',
    said: 'variable',
    fields: ['cpu_pin'],
    example: { cpu: 2, cpu_pin: { '0': '2', '1': '4-5,7' } },
    sets: { 'vcpu.0.cpuset': '2', 'vcpu.1.cpuset': '4-5,7' },
    note: 'Said by the variable: before 16, `-p` ignores what follows the two numbers.',
  },
  {
    name: '-r',
    argument: 'FILE',
    said: 'never',
    fields: ['extra_options'],
    note: 'Releases refuse it, so vmrun never passes it: only a bhyve that was built with `WITH_BHYVE_SNAPSHOT` has it. For that one: `"extra_options": "-r FILE"`.',
  },
  {
    name: '-S',
    said: 'option',
    fields: ['wire_guest_mem'],
    example: { wire_guest_mem: true },
    sets: { 'memory.wired': 'true' },
    note: 'vmrun passes it where a `passthru` device needs it.',
  },
  {
    name: '-s',
    argument: 'SLOT,DEVICE[,…]',
    said: 'option',
    fields: ['emulations', 'hostbridge', 'lpc_slot', 'graphic'],
    example: device('virtio-blk', { path: 'disk.img', slot: '0:4:0' }),
    sets: { 'pci.0.4.0.device': 'virtio-blk' },
    note: 'See below. The slot is `slot` of the device; without one vmrun chooses.',
  },
  {
    name: '-U',
    argument: 'UUID',
    said: 'option',
    fields: ['uuid'],
    example: { uuid: '5a34b1cc-7d4f-11ee-8d3c-b42e991b0a01' },
    sets: { uuid: '5a34b1cc-7d4f-11ee-8d3c-b42e991b0a01' },
  },
  {
    name: '-u',
    ...pc,
    said: 'option',
    fields: ['utc_clock'],
    example: { utc_clock: true },
    sets: { 'rtc.use_localtime': 'false' },
    note: 'vmrun passes it unless told not to.',
  },
  {
    name: '-W',
    said: 'option',
    fields: ['force_msi'],
    example: { release: 16, force_msi: true },
    sets: { 'virtio.msix': 'false' },
  },
  {
    name: '-w',
    ...pc,
    said: 'option',
    fields: ['ignore_unknown_msrs'],
    example: { ignore_unknown_msrs: true },
    sets: { 'x86.strictmsr': 'false' },
  },
  {
    name: '-x',
    ...pc,
    said: 'option',
    fields: ['x2apic'],
    example: { x2apic: true },
    sets: { 'x86.x2apic': 'true' },
  },
  {
    name: '-Y',
    ...pc,
    said: 'option',
    fields: ['disable_mptable_gen'],
    example: { disable_mptable_gen: true },
    sets: { 'x86.mptable': 'false' },
    note: 'vmrun passes it where a device is on another bus than 0.',
  },
  {
    name: 'VMNAME',
    said: 'option',
    fields: ['name'],
    example: { name: 'freebsd' },
    sets: { name: 'freebsd' },
  },
];

const lpc = (word: string, row: Pick<Row, 'argument' | 'fields' | 'example' | 'sets' | 'note'>): Row => ({
  name: '-l',
  device: word,
  ...pc,
  said: 'option',
  ...row,
});

const rom = '/usr/local/share/uefi-firmware/BHYVE_UEFI_CODE.fd';

/** The devices of `-l`. */
export const lpcRows: readonly Row[] = [
  lpc('bootrom', {
    argument: 'ROM',
    fields: ['bootrom'],
    example: { bootrom: rom },
    sets: { bootrom: rom },
    note: 'By default the firmware of the package edk2-bhyve.',
  }),
  lpc('bootrom', {
    argument: 'ROM,VARS',
    fields: ['bootrom', 'varfile'],
    example: { bootrom: rom, varfile: 'vars.fd' },
    sets: { bootrom: rom, bootvars: 'vars.fd' },
  }),
  lpc('bootrom', {
    argument: 'ROM[,VARS],fwcfg=qemu',
    fields: ['fwcfg'],
    example: { fwcfg: 'qemu' },
    sets: { 'lpc.fwcfg': 'qemu' },
  }),
  ...[1, 2, 3, 4].map((port) =>
    lpc(`com${port}`, {
      argument: 'BACKEND',
      fields: [`com${port}`],
      example: { [`com${port}`]: '/dev/nmdm0A' },
      sets: { [`lpc.com${port}.path`]: '/dev/nmdm0A' },
    }),
  ),
  lpc('tpm', {
    argument: 'TYPE,PATH[,version=2.0]',
    fields: ['tpm'],
    example: { fwcfg: 'qemu', tpm: { type: 'passthru', path: '/dev/tpm0' } },
    sets: { 'tpm.type': 'passthru', 'tpm.path': '/dev/tpm0', 'tpm.version': '2.0' },
    note: 'The type `swtpm` came with 14.3.',
  }),
  {
    ...lpc('pc-testdev', {
      fields: [byConfig],
      example: { config: { 'lpc.pc-testdev': true } },
      sets: { 'lpc.pc-testdev': 'true' },
      note: 'For tests of bhyve itself.',
    }),
    said: 'variable',
  },
  { ...lpc('help', { fields: [], note: 'Lists the devices and ends: vmrun never passes it.' }), said: 'never' },
];

/** A variable; its name is that of the first one that is set. */
const variable = (
  set: Readonly<Record<string, string>>,
  fields: readonly string[],
  example: SpecPart,
  more: Where & Pick<Row, 'note'> = {},
): Row => ({
  name: withoutNumbers(Object.keys(set)[0] ?? ''),
  said: 'variable',
  fields,
  example,
  sets: set,
  ...more,
});

/** `vcpu.N.cpuset` of `vcpu.0.cpuset`. */
export const withoutNumbers = (key: string): string => key.replaceAll(/(?<=\.)\d+(?=\.|$)/g, 'N');

const config = (key: string, value: string | number | boolean, more: Where & Pick<Row, 'note'> = {}, needs = {}): Row =>
  variable({ [key]: String(value) }, [byConfig], { ...needs, config: { [key]: value } }, more);

const numa = { cpu: 2, mem: '2G', numa: [{ mem: '2G', cpus: '0-1', policy: 'prefer:0' }] };
const from15 = { from: 15, ...pc } as const;
const tpm = { fwcfg: 'qemu', tpm: { type: 'passthru', path: '/dev/tpm0' } };
const gdb = { gdb: { address: '127.0.0.1', port: 1234, wait: true } };
const topology = { cpu: { sockets: 1, cores: 4, threads: 2 } };
const uuid = '5a34b1cc-7d4f-11ee-8d3c-b42e991b0a01';

/** The variables of bhyve_config(5) but those of PCI devices. */
export const variableRows: readonly Row[] = [
  variable({ acpi_tables: 'false' }, ['generate_acpi'], { generate_acpi: false }, pc),
  config('acpi_tables_in_memory', false, { note: 'Off for a Windows guest with a TPM.' }),
  ...Object.entries(smbiosTexts).flatMap(([structure, texts]) =>
    Object.entries(texts).map(([name, value]) =>
      variable({ [`${structure}.${name}`]: value }, [`smbios.${structure}.${name}`], {
        smbios: { [structure]: { [name]: value } },
      }),
    ),
  ),
  variable(
    { bootrom: rom },
    ['bootrom'],
    { bootrom: rom },
    { note: 'On amd64 from 15 on, before it is `lpc.bootrom`.' },
  ),
  variable({ bootvars: 'vars.fd' }, ['varfile'], { varfile: 'vars.fd' }, from15),
  {
    name: 'config.dump',
    said: 'never',
    fields: [],
    note: 'bhyve would print its variables and end, so vmrun refuses it. `vmrun --dry-run --format config` prints them.',
  },
  variable({ console: 'stdio' }, ['com1'], { arch: 'arm64', com1: 'stdio' }, { arch: 'arm64' }),
  variable({ cores: '4' }, ['cpu.cores'], topology),
  variable({ cpus: '8' }, ['cpu'], topology),
  variable({ destroy_on_poweroff: 'true' }, ['power_off_destroy_vm'], { power_off_destroy_vm: true }),
  variable({ 'domains.0.cpus': '0-1' }, ['numa[].cpus'], numa, from15),
  variable({ 'domains.0.domain_policy': 'prefer:0' }, ['numa[].policy'], numa, from15),
  variable({ 'domains.0.size': '2G' }, ['numa[].mem'], numa, from15),
  variable({ 'gdb.address': '127.0.0.1' }, ['gdb.address'], gdb),
  variable({ 'gdb.port': '1234' }, ['gdb.port'], gdb),
  variable({ 'gdb.wait': 'true' }, ['gdb.wait'], gdb),
  variable({ 'keyboard.layout': 'de_noacc' }, ['keyboard'], { keyboard: 'de_noacc' }, pc),
  variable({ 'lpc.bootrom': rom }, ['bootrom'], { release: 14, bootrom: rom }, { to: 14, ...pc }),
  variable({ 'lpc.bootvars': 'vars.fd' }, ['varfile'], { release: 14, varfile: 'vars.fd' }, { to: 14, ...pc }),
  ...[1, 2, 3, 4].map((port) =>
    variable({ [`lpc.com${port}.path`]: 'stdio' }, [`com${port}`], { [`com${port}`]: 'stdio' }, pc),
  ),
  variable({ 'lpc.fwcfg': 'qemu' }, ['fwcfg'], { fwcfg: 'qemu' }, pc),
  config('lpc.pc-testdev', true, { ...pc, note: 'For tests of bhyve itself.' }),
  variable({ 'memory.guest_in_core': 'true' }, ['guest_mem_in_core'], { guest_mem_in_core: true }),
  variable({ 'memory.size': '4G' }, ['mem'], { mem: '4G' }),
  variable({ 'memory.wired': 'true' }, ['wire_guest_mem'], { wire_guest_mem: true }),
  variable({ 'monitor.enabled': 'true' }, ['monitor'], { release: 16, monitor: true }, { from: 16 }),
  config('monitor.no_reboot', true, { from: 16 }, { release: 16, monitor: true }),
  variable({ name: 'freebsd' }, ['name'], { name: 'freebsd' }),
  config('oemstring.1', 'text', { note: 'Up to 255 of them.' }),
  config('pci.enable_bars', true, { note: 'By default true without a boot ROM and false with one.' }),
  variable({ 'rtc.use_localtime': 'false' }, ['utc_clock'], { utc_clock: true }, pc),
  config('rundir', '/var/run/vms/', { from: 16 }, { release: 16 }),
  variable({ sockets: '1' }, ['cpu.sockets'], topology),
  variable({ threads: '2' }, ['cpu.threads'], topology),
  config('tpm.intf', 'crb', { ...pc, note: 'bhyve has this one only.' }, tpm),
  variable({ 'tpm.path': '/dev/tpm0' }, ['tpm.path'], tpm, pc),
  config('tpm.ppi', 'qemu', { ...pc, note: 'bhyve has this one only.' }, tpm),
  variable({ 'tpm.type': 'passthru' }, ['tpm.type'], tpm, pc),
  variable({ 'tpm.version': '2.0' }, ['tpm.version'], tpm, pc),
  variable({ uuid }, ['uuid'], { uuid }),
  variable({ 'vcpu.0.cpuset': '4-5,7' }, ['cpu_pin'], { cpu_pin: { '0': '4-5,7' } }),
  variable({ 'virtio.msix': 'false' }, ['force_msi'], { release: 16, force_msi: true }, { from: 16 }),
  variable({ virtio_msix: 'false' }, ['force_msi'], { release: 15, force_msi: true }, { to: 15 }),
  variable({ 'x86.mptable': 'false' }, ['disable_mptable_gen'], { disable_mptable_gen: true }, pc),
  variable({ 'x86.strictio': 'true' }, ['strict_io'], { strict_io: true }, pc),
  variable({ 'x86.strictmsr': 'false' }, ['ignore_unknown_msrs'], { ignore_unknown_msrs: true }, pc),
  config('x86.verbosemsr', true, from15),
  variable({ 'x86.vmexit_on_hlt': 'true' }, ['yield_on_hlt'], { yield_on_hlt: true }, pc),
  variable({ 'x86.vmexit_on_pause': 'true' }, ['yield_on_pause'], { yield_on_pause: true }, pc),
  variable({ 'x86.x2apic': 'true' }, ['x2apic'], { x2apic: true }, pc),
];

/** Variables of the devices with one value of `device`, below pci.BUS.SLOT.FUNCTION. */
export interface DeviceRows extends Where {
  readonly device: string;
  /** The words of `-s` for it; vmrun's models where they are not the same. */
  readonly words: readonly string[];
  readonly models: readonly string[];
  readonly rows: readonly Row[];
  readonly note?: string;
}

/** The slot that the one device of an example gets. */
export const exampleSlot = 'pci.0.1.0';

/** A variable of the example's device; the name has no `pci.N.N.N` in front. */
const below = (
  key: string,
  value: string,
  field: string | readonly string[],
  example: SpecPart,
  more: Where & Pick<Row, 'note'> = {},
): Row => ({
  ...variable({ [`${exampleSlot}.${key}`]: value }, [field].flat(), example, more),
  name: withoutNumbers(`.${key}`).slice(1),
});

const qemu = { fwcfg: 'qemu' };

/** The options of a disk image, by bhyve's names. */
const blockRows = (model: string, path: string, prefix = ''): readonly Row[] => {
  const row = (key: string, value: string, field: string, fields: object, more?: SpecPart): Row =>
    below(prefix + key, value, field, device(model, { path, ...fields }, more));
  return [
    row('path', path, 'path', {}),
    ...['nocache', 'direct', 'sync', 'ro', 'nodelete'].map((flag) => row(flag, 'true', flag, { [flag]: true })),
    {
      ...row('sectorsize', '512/4096', 'sectorsize', { sectorsize: '512/4096' }),
      note: 'Or `logical_sector_size` and `physical_sector_size`.',
    },
    row('bootindex', '0', 'bootindex', { bootindex: 0 }, qemu),
  ];
};

const netgraph = { type: 'netgraph', path: 'sw0:', peerhook: 'link1', socket: 'vm0', hook: 'vmlink' };
const slirp = { type: 'slirp', hostfwd: ['tcp:127.0.0.1:2222-:22'], open: true };
const card = (fields: object): SpecPart => device('virtio-net', fields);
const screen = (fields: object, more: SpecPart = {}): SpecPart => device('fbuf', fields, more);
const nvme = (fields: object): SpecPart => device('nvme', { path: 'nvme.img', ...fields });
const scsi16 = (fields: object): SpecPart =>
  device('virtio-scsi', { path: '/dev/cam/ctl1.1', ...fields }, { release: 16 });
const drive = (fields: object): SpecPart => device('ahci-hd', { path: 'disk.img', ...fields });
const bridge = (release: Release): SpecPart => device('hostbridge', { vendor: '0x1022', devid: '0x7432' }, { release });

/** A variable of a device that no field says. */
const tinker = (
  at: string,
  key: string,
  value: string,
  needs: SpecPart,
  more: Where & Pick<Row, 'note'> = {},
): Row => ({
  ...config(`${at}.${key}`, value, more, needs),
  name: withoutNumbers(`.${key}`).slice(1),
});

const ofDevice = (name: string, rows: readonly Row[], more: Partial<DeviceRows> = {}): DeviceRows => ({
  device: name,
  words: [name],
  models: [name],
  rows,
  ...more,
});

/** Every device that bhyve has. */
export const deviceRows: readonly DeviceRows[] = [
  ofDevice(
    'hostbridge',
    [
      below('vendor', '0x1022', 'vendor', bridge(14), { to: 14 }),
      below('devid', '0x7432', 'devid', bridge(14), { to: 14 }),
      below('pcireg.vendor', '0x1022', 'vendor', bridge(15), { from: 15 }),
      below('pcireg.device', '0x7432', 'devid', bridge(15), { from: 15 }),
    ],
    { words: ['hostbridge', 'amd_hostbridge'] },
  ),
  ofDevice(
    'lpc',
    (['vendor', 'device', 'revid', 'subvendor', 'subdevice'] as const).map((key) =>
      tinker('pci.0.31.0', `pcireg.${key}`, 'host', {}, { from: 15 }),
    ),
    { models: [], ...pc },
  ),
  ofDevice('virtio-blk', [
    ...blockRows('virtio-blk', 'disk.img'),
    below('ser', 'DISK0001', 'ser', device('virtio-blk', { path: 'disk.img', ser: 'DISK0001' })),
  ]),
  ofDevice(
    'ahci',
    [
      below('port.0.type', 'hd', 'ports[].type', device('ahci', { ports: [{ type: 'hd', path: 'disk.img' }] }), {
        note: '`ahci-hd` and `ahci-cd` have one port and its type in their names.',
      }),
      ...blockRows('ahci-hd', 'disk.img', 'port.0.'),
      below('port.0.nmrr', '7200', 'nmrr', drive({ nmrr: 7200 })),
      below('port.0.ser', 'DISK0001', 'ser', drive({ ser: 'DISK0001' })),
      below('port.0.rev', '1.0', 'rev', drive({ rev: '1.0' })),
      below('port.0.model', 'ACME Disk', 'model', drive({ model: 'ACME Disk' })),
    ],
    { words: ['ahci', 'ahci-hd', 'ahci-cd'], models: ['ahci', 'ahci-hd', 'ahci-cd'] },
  ),
  ofDevice('nvme', [
    ...blockRows('nvme', 'nvme.img'),
    below('ram', '512', 'ram', device('nvme', { ram: 512 })),
    below('maxq', '8', 'maxq', nvme({ maxq: 8 })),
    below('qsz', '1024', 'qsz', nvme({ qsz: 1024 })),
    below('ioslots', '16', 'ioslots', nvme({ ioslots: 16 })),
    below('sectsz', '4096', 'sectsz', nvme({ sectsz: 4096 })),
    below('ser', 'NVME0001', 'ser', nvme({ ser: 'NVME0001' })),
    below('eui64', '4096', 'eui64', nvme({ eui64: '0x1000' })),
    below('dsm', 'enable', 'dsm', nvme({ dsm: 'enable' })),
  ]),
  ofDevice('virtio-scsi', [
    below('dev', '/dev/cam/ctl1.1', 'path', device('virtio-scsi', { path: '/dev/cam/ctl1.1' }), { to: 15 }),
    below(
      'target.5',
      '/dev/cam/ctl1.1',
      'targets',
      device('virtio-scsi', { targets: [{ id: 5, path: '/dev/cam/ctl1.1' }] }, { release: 16 }),
      { from: 16, note: '`path` is target 0.' },
    ),
    below('iid', '1', 'iid', device('virtio-scsi', { path: '/dev/cam/ctl1.1', iid: 1 })),
    below('bootindex', '0', 'bootindex', device('virtio-scsi', { path: '/dev/cam/ctl1.1', bootindex: 0 }, qemu)),
    tinker(exampleSlot, 'backend', 'ctl', scsi16({}), { from: 16, note: 'bhyve has this one only.' }),
    ...Object.entries({
      ...{ seg_max: 254, num_queues: 4, ctl_ringsz: 64, evt_ringsz: 64, req_ringsz: 128, thr_per_q: 16 },
    }).map(([key, value]) => below(key, String(value), key, scsi16({ [key]: value }), { from: 16 })),
  ]),
  ofDevice(
    'virtio-net',
    [
      below('backend', 'tap0', 'name', card({ name: 'tap0' })),
      below('type', 'tap', 'type', card({ name: 'vm0-lan', type: 'tap' })),
      below('mac', '58:9c:fc:00:00:01', 'mac', card({ name: 'tap0', mac: '58:9c:fc:00:00:01' })),
      below('mtu', '9000', 'mtu', card({ name: 'tap0', mtu: 9000 }), { note: 'Not for e1000.' }),
      ...(['path', 'peerhook', 'socket', 'hook'] as const).map((key) => below(key, netgraph[key], key, card(netgraph))),
      below('hostfwd', 'tcp:127.0.0.1:2222-:22', 'hostfwd', card(slirp)),
      below('open', 'true', 'open', card(slirp)),
    ],
    { words: ['virtio-net', 'e1000'], models: ['virtio-net', 'e1000'] },
  ),
  ofDevice('virtio-9p', [
    below('sharename', 'home', 'sharename', device('virtio-9p', { sharename: 'home', path: '/export/home' })),
    below('path', '/export/home', 'path', device('virtio-9p', { sharename: 'home', path: '/export/home' })),
    below('ro', 'true', 'ro', device('virtio-9p', { sharename: 'home', path: '/export/home', ro: true })),
  ]),
  ofDevice('virtio-rnd', []),
  ofDevice('virtio-console', [
    below(
      'port.0.name',
      'agent',
      'ports[].name',
      device('virtio-console', { ports: [{ name: 'agent', path: '/a.sock' }] }),
    ),
    below(
      'port.0.path',
      '/a.sock',
      'ports[].path',
      device('virtio-console', { ports: [{ name: 'agent', path: '/a.sock' }] }),
    ),
  ]),
  ofDevice('virtio-input', [
    below('path', '/dev/input/event0', 'path', device('virtio-input', { path: '/dev/input/event0' })),
  ]),
  ofDevice(
    'fbuf',
    [
      below('tcp', '127.0.0.1:5901', ['host', 'port'], screen({ host: '127.0.0.1', port: 5901 })),
      below('rfb', 'unix:/var/run/vm0.sock', 'path', screen({ path: '/var/run/vm0.sock' }, { release: 16 }), {
        note: 'Before 16 it is another name of `tcp`.',
      }),
      below('w', '1280', 'width', screen({ width: 1280, height: 720 })),
      below('h', '720', 'height', screen({ width: 1280, height: 720 })),
      below('vga', 'off', 'vga', screen({ vga: 'off' })),
      below('password', 'secret', 'password', screen({ password: 'secret' }), {
        note: 'Or `password_file`. It is never in the command.',
      }),
      below('wait', 'true', 'wait', screen({ wait: true })),
    ],
    { ...pc, note: '`graphic` has the same fields.' },
  ),
  ofDevice('xhci', [below('slot.1.device', 'tablet', 'devices', device('xhci', { devices: ['tablet'] }))]),
  ofDevice('hda', [
    below('play', '/dev/dsp0', 'play', device('hda', { play: '/dev/dsp0' })),
    below('rec', '/dev/dsp0', 'rec', device('hda', { rec: '/dev/dsp0' })),
  ]),
  ofDevice('uart', [below('path', '/dev/nmdm0A', 'path', device('uart', { path: '/dev/nmdm0A' }))]),
  ofDevice(
    'passthru',
    [
      below('bus', '3', 'src', device('passthru', { src: '3:0:0' })),
      below('slot', '0', 'src', device('passthru', { src: '3:0:0' })),
      below('func', '0', 'src', device('passthru', { src: '3:0:0' })),
      below('pptdev', 'ppt0', 'src', device('passthru', { src: 'ppt0' })),
      below('rom', 'gpu.rom', 'rom', device('passthru', { src: '3:0:0', rom: 'gpu.rom' })),
      below('bootindex', '0', 'bootindex', device('passthru', { src: '3:0:0', bootindex: 0 }, qemu), { from: 15 }),
    ],
    pc,
  ),
];

/** What all devices have. */
export const nodeRow: Row = variable(
  { [`${exampleSlot}.device`]: 'virtio-rnd' },
  ['emulations[].device', 'emulations[].slot'],
  device('virtio-rnd', {}),
  { note: 'BUS, SLOT and FUNCTION are `slot` of the device.' },
);

const slotRow = (
  word: string,
  fields: readonly string[],
  example: SpecPart,
  more: Where & Pick<Row, 'note'> = {},
): Row => ({
  name: '-s',
  device: word,
  said: 'option',
  fields,
  example,
  ...more,
});

const onBoard: readonly Row[] = [
  slotRow(
    'hostbridge',
    ['hostbridge', 'emulations[].device'],
    { hostbridge: 'hostbridge' },
    {
      note: 'A machine has one unless told not to.',
    },
  ),
  slotRow('amd_hostbridge', ['hostbridge', 'emulations[].model'], { hostbridge: 'amd_hostbridge' }),
  slotRow('lpc', ['lpc_slot'], { lpc_slot: '0:30:0' }, { ...pc, note: 'A machine has one unless told not to.' }),
];

/** The devices of `-s`. */
export const slotRows: readonly Row[] = [
  ...onBoard,
  ...deviceRows
    .filter(({ words }) => !onBoard.some(({ device: word = '' }) => words.includes(word)))
    .flatMap(({ words, arch }) =>
      words.map((word) =>
        slotRow(
          word,
          ['emulations[].device'],
          device(word, modelNamed(word).example),
          arch === undefined ? {} : { arch },
        ),
      ),
    ),
  { name: '-s', device: 'help', said: 'never', fields: [], note: 'Lists the devices and ends: vmrun never passes it.' },
];
