import fc from 'fast-check';
import type { Arch, Platform, Release } from '../../src/devices/device.js';
import { modelNamed } from '../../src/devices/registry.js';
import { awkwardText, devices, fieldsOf, frameBuffer } from './arbitraries.js';
import { minimal, type SpecObject } from './specs.js';

/** Each field is there or not. */
const some = <Fields extends object>(fields: { [Key in keyof Fields]: fc.Arbitrary<Fields[Key]> }) =>
  fc.record(fields, { requiredKeys: [] });

const platforms: readonly Platform[] = [
  ...([14, 15, 16] as const).map((release) => ({ release, arch: 'amd64' as const })),
  ...([15, 16] as const).map((release) => ({ release, arch: 'arm64' as const })),
];

const text = awkwardText(4);
const file = fc.oneof(text, fc.constant('/images/some file'));

/** Any part of 0 to n - 1, as a set of CPUs: numbers and ranges. */
const cpuset = (n: number): fc.Arbitrary<string> =>
  fc
    .array(fc.tuple(fc.nat(n - 1), fc.nat(n - 1)), { minLength: 1, maxLength: 3 })
    .map((parts) => parts.map(([a, b]) => (a === b ? String(a) : `${Math.min(a, b)}-${Math.max(a, b)}`)).join(','));

const policy = fc.constantFrom('all', 'first-touch', 'prefer:1', 'interleave:0-1,3', 'rr', '0,2');

/** Domains that split the vCPUs and the memory among them. */
const domains = (vcpus: number, mebibytes: number): fc.Arbitrary<readonly object[]> =>
  fc
    .record({
      count: fc.integer({ min: 1, max: Math.min(vcpus, mebibytes, 8) }),
      policies: fc.array(fc.option(policy, { nil: undefined }), { minLength: 8, maxLength: 8 }),
      isStriped: fc.boolean(),
      hasIds: fc.boolean(),
    })
    .map(({ count, policies, isStriped, hasIds }) =>
      Array.from({ length: count }, (_, index) => {
        const own = Array.from({ length: vcpus }, (__, cpu) => cpu).filter((cpu) =>
          isStriped ? cpu % count === index : Math.floor((cpu * count) / vcpus) === index,
        );
        const share = Math.floor(mebibytes / count);
        const mine = policies[index];
        return {
          ...(hasIds ? { id: index } : {}),
          mem: `${index === 0 ? mebibytes - share * (count - 1) : share}M`,
          cpus: own.join(','),
          ...(mine === undefined ? {} : { policy: mine }),
        };
      }),
    );

const strings = (...names: readonly string[]) => some(Object.fromEntries(names.map((name) => [name, text])));

const smbios = some({
  bios: strings('vendor', 'version', 'release_date'),
  system: strings('family_name', 'manufacturer', 'product_name', 'serial_number', 'sku', 'version'),
  board: strings('manufacturer', 'product_name', 'version', 'serial_number', 'asset_tag', 'location'),
  chassis: strings('manufacturer', 'version', 'serial_number', 'asset_tag', 'sku'),
});

const config = fc
  .tuple(
    fc.dictionary(
      fc.nat(254).map((index) => `oemstring.${index}`),
      fc.oneof<fc.Arbitrary<string | number>[]>(text, fc.nat(99)),
      {
        maxKeys: 3,
      },
    ),
    some({ 'pci.enable_bars': fc.boolean() }),
  )
  .map(([a, b]) => ({ ...a, ...b }));

const gdb = fc.oneof(
  fc.integer({ min: 1, max: 65535 }),
  fc.constantFrom('w127.0.0.1:1234', '[::1]:99'),
  fc
    .tuple(
      fc.integer({ min: 1, max: 65535 }),
      some({
        address: fc.oneof(
          text.filter((name) => !/^\[+(?!.*\]$)|^\[\[/.test(name)),
          fc.constantFrom('::1', 'www'),
        ),
        wait: fc.boolean(),
      }),
    )
    .map(([port, more]) => ({ port, ...more })),
);

/** What both architectures have. */
const common = (vcpus: number, release: Release) =>
  some({
    cpu_pin: fc.dictionary(fc.nat(vcpus - 1).map(String), cpuset(1024), { maxKeys: 4 }),
    gdb,
    uuid: fc.uuid(),
    smbios,
    config,
    wire_guest_mem: fc.constant(true),
    force_msi: fc.boolean(),
    power_off_destroy_vm: fc.boolean(),
    guest_mem_in_core: fc.boolean(),
    monitor: fc.constant(release === 16),
    bootrom: file,
  });

const fwCfgFiles = fc.uniqueArray(fc.nat(99), { minLength: 1, maxLength: 3 }).chain((numbers) =>
  fc.tuple(
    ...numbers.map((number) =>
      fc.oneof(
        text.map((string) => ({ name: `opt/n${number}=%`, string })),
        text.map((path) => ({ name: `name=${number}`, file: `/f${path}` })),
      ),
    ),
  ),
);

const loader = fc.oneof(
  fc.constant('none'),
  fc
    .tuple(
      some({
        disk: fc.oneof(file, fc.array(file, { minLength: 1, maxLength: 3 })),
        args: fc.array(text, { minLength: 1, maxLength: 2 }),
      }),
    )
    .map(([more]) => ({ kind: 'bhyveload', disk: 'a', ...more })),
  some({
    device_map: fc.oneof(file, fc.constant({ hd0: 'a b' })),
    commands: fc.array(text, { minLength: 1, maxLength: 3 }),
  }).map((more) => ({ kind: 'grub-bhyve', root: 'hd0,msdos1', ...more })),
);

/** What only a PC has, serial ports and devices excepted. */
const pc = (vcpus: number, mebibytes: number, release: Release) =>
  fc
    .tuple(
      fc.oneof({ arbitrary: fc.constant({}), weight: 3 }, fc.record({ varfile: file }), fc.record({ loader })),
      some({
        utc_clock: fc.boolean(),
        yield_on_hlt: fc.boolean(),
        disable_mptable_gen: fc.boolean(),
        yield_on_pause: fc.boolean(),
        x2apic: fc.boolean(),
        strict_io: fc.boolean(),
        ignore_unknown_msrs: fc.boolean(),
        keyboard: fc.constantFrom('de_noacc', 'us.unix'),
        hostbridge: fc.constantFrom('hostbridge', 'amd_hostbridge', 'none'),
        lpc_slot: fc.constantFrom<string | number>('0:31:0', 31, '31:0'),
        tpm: fc.record({ type: fc.constantFrom('passthru', 'swtpm'), path: file }),
        fw_cfg_files: fwCfgFiles,
      }),
      fc.oneof(
        fc.record({ generate_acpi: fc.boolean() }),
        release === 14 ? fc.constant({}) : fc.record({ numa: domains(vcpus, mebibytes) }),
      ),
    )
    .map(([a, b, c]) => ({ ...a, ...b, ...c }));

const serialPorts = (arch: Arch) =>
  fc
    .uniqueArray(
      fc.oneof(
        text.map((path) => `/dev/${path}`),
        fc.integer({ min: 1, max: 65535 }).map((port) => `tcp=[::1]:${port}`),
        fc.constant('stdio'),
      ),
      { maxLength: arch === 'arm64' ? 1 : 4 },
    )
    .map((backends) => Object.fromEntries(backends.map((backend, index) => [`com${index + 1}`, backend])));

/** A screen, a USB controller, or both as `graphic`: one of each per VM. */
const screens = (release: Release) => {
  const unixSocket = text.map((path) => ({ path: `/run/${path.replaceAll('/', '')}` }));
  const where = release === 16 ? fc.oneof(frameBuffer, unixSocket) : frameBuffer;
  const secret = fc.oneof(fc.constant({}), fc.constant({ password_file: '/etc/vnc', password: undefined }));
  const screen = fc.tuple(where, secret).map(([a, b]) => ({ ...a, ...b }));
  return fc.oneof(
    fc.constant({}),
    fc
      .tuple(screen, some({ xhci_table: fc.boolean(), slot: fc.constantFrom('29', '0:30:1') }))
      .map(([a, b]) => ({ graphic: { ...a, ...b, ...('slot' in b && b.slot === '0:30:1' ? { slot: 30 } : {}) } })),
    screen.map((fields) => ({ device: { device: 'fbuf', ...fields } })),
    (fieldsOf.xhci ?? fc.constant(() => ({}))).map((make) => ({ device: { device: 'xhci', ...make(0) } })),
  );
};

const isThere = (arch: Arch, device: object): boolean =>
  arch === 'amd64' || !('device' in device) || modelNamed(String(device.device)).isAmd64Only !== true;

/** Without its place in the boot order, where this bhyve has none for it. */
const fit = (device: object, hasOrder: boolean): object => {
  const isOff = 'slot' in device && /^[1-9]\d*:/.test(String(device.slot));
  return hasOrder && !isOff ? device : { ...device, bootindex: undefined };
};

/** The spec of one machine over all root fields and devices, for every release and architecture. */
export const wholeMachine: fc.Arbitrary<SpecObject> = fc
  .tuple(
    fc.constantFrom(...platforms),
    fc.integer({ min: 1, max: 12 }),
    fc.integer({ min: 1, max: 4096 }),
    fc.boolean(),
  )
  .chain(([{ release, arch }, vcpus, mebibytes, isNamed]) =>
    fc
      .record({
        fields: common(vcpus, release),
        own: arch === 'amd64' ? pc(vcpus, mebibytes, release) : fc.constant({}),
        ports: serialPorts(arch),
        screen: arch === 'amd64' ? screens(release) : fc.constant({}),
        list: devices(0, 6, { ...(release === 16 ? { release } : {}), ...(arch === 'amd64' ? { fwcfg: 'qemu' } : {}) }),
        name: isNamed ? awkwardText(5).map((name) => `v${name.replaceAll(/[\s/%]/g, '_')}`) : fc.constant(minimal.name),
      })
      .map(({ fields, own, ports, screen, list, name }): SpecObject => {
        const isLoaded = 'loader' in own;
        const wantsQemu = arch === 'amd64';
        const { device, ...graphic } = screen as { device?: object };
        const emulations = [...list, ...(device === undefined ? [] : [device])]
          .filter((each) => isThere(arch, each))
          .map((each) => fit(each, wantsQemu && !(release === 14 && 'src' in each)));
        return JSON.parse(
          JSON.stringify({
            name,
            release,
            arch,
            cpu: vcpus,
            mem: `${mebibytes}M`,
            ...fields,
            ...own,
            ...(isLoaded ? { bootrom: undefined, monitor: undefined } : {}),
            ...(wantsQemu ? { fwcfg: 'qemu' } : {}),
            ...ports,
            ...graphic,
            emulations,
          }),
        ) as SpecObject;
      }),
  );
