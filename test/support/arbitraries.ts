import fc from 'fast-check';
import { bhyveBackend } from '../../src/devices/serial.js';
import { deviceModels } from '../../src/devices/registry.js';
import type { SpecObject } from './specs.js';

/** What is special to somebody between a spec and a guest: shells, getopt, bhyve's readers, config files. */
const pieces = [
  ...[
    ',',
    ' ',
    '%',
    '%(name)',
    '%%',
    '\\',
    '\\%',
    '=',
    '"',
    "'",
    '#',
    '$HOME',
    '~',
    ';',
    '|',
    ':',
    '-',
    '.',
    '..',
    '/',
  ],
  ...['é', 'ß', '漢', '😀', '\u00a0', 'true', 'a', 'Z', '0', 'port', 'ram=', 'hd:', 'unix:', '[', ']', '<'],
];

/** Text that any field for free text takes, and that is as awkward as possible. */
export const awkwardText = (max = 8): fc.Arbitrary<string> =>
  fc.array(fc.constantFrom(...pieces), { minLength: 1, maxLength: max }).map((parts) => parts.join(''));

const ascii = (max: number): fc.Arbitrary<string> =>
  fc
    .array(fc.constantFrom(...pieces.filter((piece) => /^[ -~]$/.test(piece))), { minLength: 1, maxLength: max })
    .map((parts) => parts.join(''));

const image = fc.oneof(awkwardText(), fc.constantFrom('disk.img', '/dev/zvol/tank/vm0'));

/** Each field is there or not. */
const some = <Fields extends object>(fields: { [Key in keyof Fields]: fc.Arbitrary<Fields[Key]> }) =>
  fc.record(fields, { requiredKeys: [] });

const sizes = fc.constantFrom(512, 1024, 4096, 8192);

const sectors = fc.oneof(
  fc.record({ sectorsize: sizes }),
  fc.tuple(sizes, sizes).map(([a, b]) => ({ sectorsize: `${Math.min(a, b)}/${Math.max(a, b)}` })),
  fc.record({ logical_sector_size: sizes }),
  fc
    .tuple(sizes, sizes)
    .map(([a, b]) => ({ logical_sector_size: Math.min(a, b), physical_sector_size: Math.max(a, b) })),
  fc.constant({}),
);

const block = fc
  .tuple(
    sectors,
    some({
      nocache: fc.boolean(),
      direct: fc.boolean(),
      sync: fc.boolean(),
      ro: fc.boolean(),
      nodelete: fc.boolean(),
    }),
  )
  .map(([a, b]) => ({ ...a, ...b }));

const drive = fc
  .tuple(
    fc.record({ path: image }),
    block,
    some({ nmrr: fc.integer({ min: 0, max: 65534 }), ser: ascii(20), rev: ascii(8), model: ascii(40) }),
  )
  .map(([a, b, c]) => ({ ...a, ...b, ...c }));

const mac = fc
  .tuple(fc.integer({ min: 0, max: 127 }), fc.array(fc.integer({ min: 0, max: 255 }), { minLength: 5, maxLength: 5 }))
  .map(([first, rest]) => [first * 2, ...rest].map((octet) => octet.toString(16)).join(':'))
  .filter((text) => !/^[0:]+$/.test(text));

/** `unique` makes the name of an interface that no other card of the VM has. */
const backend = fc.oneof(
  some({ bridge: fc.constantFrom('bridge0', 'vm-lan', "b'r$%") }).map((more) => (unique: number) => ({
    name: `tap${unique}`,
    ...more,
  })),
  fc.constant((unique: number) => ({ name: `vmnet${unique}`, bridge: 'bridge0' })),
  fc.constant((unique: number) => ({ name: `%b'r$${unique}`, type: 'tap' })),
  awkwardText(3).map((port) => (unique: number) => ({ name: `vale${unique}:${port}` })),
  awkwardText(3).map((port) => (unique: number) => ({ name: `netmap:${unique}${port}` })),
  awkwardText(3).map((port) => (unique: number) => ({ name: `${port}${unique}`, type: 'netmap' })),
  fc
    .tuple(awkwardText(4), awkwardText(4), some({ socket: awkwardText(2), hook: awkwardText(2) }))
    .map(([path, peerhook, more]) => () => ({ type: 'netgraph', path, peerhook, ...more })),
  some({
    open: fc.boolean(),
    hostfwd: fc.constantFrom(['tcp:127.0.0.1:2222-:22'], ['udp::53-10.0.2.15:53', 'tcp::80-:8080']),
  }).map((more) => () => ({ type: 'slirp', ...more })),
);

const card = (more: fc.Arbitrary<object>): fc.Arbitrary<(unique: number) => object> =>
  fc
    .tuple(backend, some({ mac }), more)
    .map(([make, ownMac, others]) => (unique: number) => ({ ...make(unique), ...ownMac, ...others }));

const plainly = (fields: fc.Arbitrary<object>): fc.Arbitrary<(unique: number) => object> =>
  fields.map((value) => () => value);

const socketPath = fc
  .tuple(awkwardText(4), fc.nat(99))
  .map(([text, number]) => `/run/${text}/s${text.replaceAll('/', '')}${number}`);

const host = fc.constantFrom('127.0.0.1', '0.0.0.0', '::1', '[::1]', 'fe80::1%em0', '[fe80::1%em0]');

export const frameBuffer = fc
  .tuple(
    some({
      host,
      port: fc.integer({ min: 1, max: 65535 }),
      vga: fc.constantFrom('io', 'off'),
      password: ascii(8).map((text) => text.replaceAll(',', ';')),
      wait: fc.boolean(),
    }),
    fc.oneof(
      fc.constant({}),
      fc.record({ width: fc.integer({ min: 640, max: 1920 }), height: fc.integer({ min: 480, max: 1200 }) }),
    ),
  )
  .map(([a, b]) => ({ ...a, ...b }));

const ctlDevice = fc.oneof(
  awkwardText(),
  awkwardText().map((text) => `/${text}`),
  fc.constantFrom('/dev/cam/ctl', '/dev/cam/ctl1.2'),
);

interface ScsiTarget {
  readonly id?: number;
  readonly path: string;
}

/** Leaves out targets whose id is taken; one without an id has the highest plus 1. */
function distinctTargets(targets: readonly ScsiTarget[]): readonly ScsiTarget[] {
  const taken = new Set<number>();
  return targets.filter(({ id = Math.max(-1, ...taken) + 1 }) => {
    const isFree = id <= 255 && !taken.has(id);
    if (isFree) taken.add(id);
    return isFree;
  });
}

const scsiTargets = fc
  .array(
    fc
      .tuple(fc.record({ path: ctlDevice }), some({ id: fc.oneof(fc.nat(5), fc.nat(255)) }))
      .map(([path, id]): ScsiTarget => ({ ...path, ...id })),
    { minLength: 1, maxLength: 6 },
  )
  .map((targets) => ({
    targets: distinctTargets(targets).map((target) => (target.id === undefined ? target.path : target)),
  }));

const scsiPath = fc
  .tuple(fc.record({ path: ctlDevice }), some({ iid: fc.nat(2 ** 31 - 1) }))
  .map(([path, more]) => ({ ...path, ...more }));

const scsi16 = fc
  .tuple(
    fc.oneof(fc.record({ path: ctlDevice }), scsiTargets),
    some({
      iid: fc.nat(2 ** 31 - 1),
      seg_max: fc.integer({ min: 3, max: 4092 }),
      num_queues: fc.integer({ min: 1, max: 30 }),
      ctl_ringsz: fc.integer({ min: 4, max: 4096 }),
      evt_ringsz: fc.integer({ min: 4, max: 4096 }),
      req_ringsz: fc.integer({ min: 4, max: 4096 }),
      thr_per_q: fc.integer({ min: 1, max: 256 }),
    }),
  )
  .map(([backing, more]) => ({ ...backing, ...more }));

const pciId = fc.oneof(
  fc.nat(0xffff),
  fc.nat(0xffff).map((id) => `0x${id.toString(16)}`),
  fc.constantFrom('0X7432', '0xABCD'),
);

const hostSlot = fc.tuple(
  fc.integer({ min: 0, max: 255 }),
  fc.integer({ min: 0, max: 31 }),
  fc.integer({ min: 0, max: 7 }),
);

/**
 * Valid fields of every model that the registry has; the number that makes a backend unique comes last. `raw` is left
 * out: vmrun does not know what it says.
 */
export const fieldsOf: Readonly<Record<string, fc.Arbitrary<(unique: number) => object>>> = {
  'virtio-net': card(some({ mtu: fc.integer({ min: 46, max: 65535 }) })),
  e1000: card(fc.constant({})),
  'virtio-blk': plainly(
    fc.tuple(fc.record({ path: image }), block, some({ ser: ascii(20) })).map(([a, b, c]) => ({ ...a, ...b, ...c })),
  ),
  'ahci-hd': plainly(drive),
  'ahci-cd': plainly(drive),
  ahci: plainly(
    fc
      .array(
        fc.tuple(fc.constantFrom('hd', 'cd'), drive).map(([type, fields]) => ({ type, ...fields })),
        { minLength: 1, maxLength: 32 },
      )
      .map((ports) => ({ ports })),
  ),
  'virtio-9p': plainly(
    fc
      .tuple(fc.record({ sharename: awkwardText(4), path: image }), some({ ro: fc.boolean() }))
      .map(([a, b]) => ({ ...a, ...b })),
  ),
  'virtio-rnd': plainly(fc.constant({})),
  'virtio-input': plainly(fc.record({ path: image })),
  'virtio-scsi': plainly(fc.oneof(scsiPath, scsi16)),
  // No com port has a name that begins so.
  uart: fc.oneof(
    awkwardText(4).map((text) => (unique: number) => ({ path: `/dev/uart${text}.${unique}` })),
    fc.constantFrom('127.0.0.2', '[::2]').map((at) => (unique: number) => ({ path: `tcp=${at}:${unique + 1}` })),
  ),
  hostbridge: plainly(some({ model: fc.constantFrom('hostbridge', 'amd_hostbridge'), vendor: pciId, devid: pciId })),
  hda: plainly(some({ play: image, rec: image })),
  nvme: plainly(
    fc
      .tuple(
        fc.oneof(fc.record({ path: image }), fc.record({ ram: fc.integer({ min: 1, max: 2 ** 24 }) })),
        block,
        some({
          maxq: fc.integer({ min: 1, max: 16 }),
          qsz: fc.integer({ min: 1, max: 65535 }),
          ioslots: fc.integer({ min: 1, max: 2 ** 31 - 1 }),
          sectsz: fc.constantFrom(512, 4096, 8192),
          ser: ascii(20),
          eui64: fc.oneof(
            fc.maxSafeNat(),
            fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map((id) => `0x${id.toString(16)}`),
            fc.bigInt({ min: 0n, max: 2n ** 64n - 1n }).map(String),
          ),
          dsm: fc.constantFrom('auto', 'enable', 'disable'),
        }),
      )
      .map(([a, b, c]) => ({ ...a, ...b, ...c })),
  ),
  'virtio-console': plainly(
    fc
      .array(
        fc.oneof(
          socketPath,
          fc.tuple(awkwardText(3), socketPath).map(([name, path]) => ({ name, path })),
        ),
        { minLength: 1, maxLength: 16 },
      )
      .map((ports) => ({
        // Each a name and a socket of its own.
        ports: ports.map((port, index) =>
          typeof port === 'string'
            ? `${port}.${index}`
            : { name: `${port.name}.n${index}`, path: `${port.path}.${index}` },
        ),
      })),
  ),
  fbuf: plainly(frameBuffer),
  xhci: plainly(some({ devices: fc.array(fc.constant('tablet'), { minLength: 1, maxLength: 4 }) })),
  passthru: plainly(
    fc
      .tuple(
        fc.oneof(
          hostSlot.map((parts) => parts.join(':')),
          hostSlot.map((parts) => parts.join('/')),
          hostSlot.map((parts) => `pci0:${parts.join(':')}`),
          hostSlot.map((parts) => `pci${parts.join(':')}`),
          fc.nat(99).map((unit) => `ppt${unit}`),
        ),
        some({ rom: image }),
      )
      .map(([src, more]) => ({ src, ...more })),
  ),
};

/** What devices may count on in their VM. Without a release, they are those that every release takes. */
interface Variant {
  readonly release?: 16;
  /** With it, they may have a place in the boot order. */
  readonly fwcfg?: 'qemu';
}

/** Where they are not those of every release. */
const portableFieldsOf: typeof fieldsOf = { 'virtio-scsi': plainly(scsiPath) };

const shared = deviceModels.filter(({ model, isSingle }) => model !== 'raw' && isSingle !== true);

const ownSlot = fc.option(
  fc.oneof(
    fc.integer({ min: 1, max: 28 }).map((slot) => ({ bus: 0, slot })),
    fc.record({ bus: fc.constantFrom(1, 2, 255), slot: fc.integer({ min: 0, max: 31 }) }),
  ),
  { nil: undefined },
);

interface Draft {
  readonly device: string;
  readonly make: (unique: number) => object;
  readonly slot: { readonly bus: number; readonly slot: number } | undefined;
  readonly hasId: boolean;
}

const draft = ({ release }: Variant) =>
  fc.constantFrom(...shared.map(({ model }) => model)).chain((device) =>
    fc.record<Draft>({
      device: fc.constant(device),
      make:
        (release === undefined ? portableFieldsOf[device] : undefined) ?? fieldsOf[device] ?? fc.constant(() => ({})),
      slot: ownSlot,
      hasId: fc.boolean(),
    }),
  );

const bootable = new Set(['virtio-blk', 'ahci-hd', 'ahci-cd', 'nvme', 'virtio-scsi']);
/** Not with release 14. */
const bootable16 = new Set([...bootable, 'passthru']);

/** Gives each its own interface, its own slot where it names one, and an id. */
const finish =
  (first: number, { release, fwcfg }: Variant) =>
  (drafts: readonly Draft[]): readonly object[] => {
    const taken = new Set<string>();
    return drafts.map(({ device, make, slot, hasId }, index) => {
      const unique = first + index;
      const address = slot === undefined ? undefined : `${slot.bus}:${slot.slot}:0`;
      const isFree = address !== undefined && first === 0 && !taken.has(address);
      if (address !== undefined) taken.add(address);
      // The firmware is told of bus 0 only.
      const hasPlace = fwcfg === 'qemu' && !(isFree && slot?.bus !== 0);
      const isBootable = (release === 16 ? bootable16 : bootable).has(device);
      return {
        device,
        ...make(unique),
        ...(isFree ? { slot: address } : {}),
        ...(hasId ? { id: `device ${unique}` } : {}),
        ...(hasId && hasPlace && isBootable ? { bootindex: unique } : {}),
      };
    });
  };

/** Devices of every model that a VM may have many of. `first` numbers their interfaces. */
export const devices = (first = 0, maxLength = 10, variant: Variant = {}): fc.Arbitrary<readonly object[]> =>
  fc.array(draft(variant), { maxLength }).map(finish(first, variant));

const file = fc.oneof(awkwardText(), fc.constant('/boot/rom.fd'));

const memory = fc.oneof(
  fc
    .tuple(fc.integer({ min: 1, max: 4096 }), fc.constantFrom('M', 'm', 'MB', 'G', 'g', 'Gb'))
    .map((parts) => parts.join('')),
  fc.integer({ min: 256, max: 2 ** 30 }).map((pages) => pages * 4096),
  fc.integer({ min: 256, max: 2 ** 20 }).map((pages) => `${pages * 4}K`),
);

const cpu = fc.oneof(
  fc.integer({ min: 1, max: 65535 }),
  some({
    sockets: fc.integer({ min: 1, max: 40 }),
    cores: fc.integer({ min: 1, max: 40 }),
    threads: fc.integer({ min: 1, max: 40 }),
  }),
);

const com = fc.oneof(
  awkwardText(4).map((text) => `/dev/${text}`),
  fc.integer({ min: 1, max: 65535 }).map((port) => `tcp=127.0.0.1:${port}`),
  fc.integer({ min: 1, max: 65535 }).map((port) => `tcp=[::1]:${port}`),
  fc.constantFrom('stdio', 'console'),
);

const duration = fc.oneof(
  fc.integer({ min: 0, max: 3600 }),
  fc.double({ min: 0, max: 100, noNaN: true }),
  fc.constant('90s'),
);

const reason = fc.constantFrom('reboot', 'power_off', 'halt', 'triple_fault', 'error', 'suspend', 'signal');

/** Some time has to pass. */
const someTime = fc.oneof(fc.integer({ min: 1, max: 3600 }), fc.constantFrom(0.25, '500ms', '2min'));

const command = fc.oneof(
  fc.array(awkwardText(3), { minLength: 1, maxLength: 3 }),
  fc.constantFrom('/bin/up --now', "/bin/sh -c 'echo up'"),
);

/** Root fields that a target may say too, but the devices. */
const machineFields = (names: readonly string[]) =>
  some({
    bootrom: file,
    varfile: file,
    hostbridge: fc.constantFrom('hostbridge', 'amd_hostbridge'),
    lpc_slot: fc.constantFrom<string | number>('0:31:0', '30', 29, '31:0'),
    gdb: fc.oneof(
      fc.integer({ min: 1, max: 65535 }),
      fc.constantFrom('1234', 'w1234', '127.0.0.1:1234', 'w[::1]:1234', 'localhost:01234', 'w[fe80::1%em0]:9'),
    ),
    uuid: fc.uuid(),
    graphic: fc
      .tuple(frameBuffer, some({ xhci_table: fc.boolean() }))
      .map(([screen, tablet]) => ({ ...screen, ...tablet })),
    utc_clock: fc.boolean(),
    yield_on_hlt: fc.boolean(),
    generate_acpi: fc.boolean(),
    wire_guest_mem: fc.constant(true),
    force_msi: fc.boolean(),
    disable_mptable_gen: fc.boolean(),
    power_off_destroy_vm: fc.boolean(),
    yield_on_pause: fc.boolean(),
    x2apic: fc.boolean(),
    strict_io: fc.boolean(),
    ignore_unknown_msrs: fc.boolean(),
    guest_mem_in_core: fc.boolean(),
    keyboard: fc.constantFrom('de_noacc', 'us.unix', 'jp'),
    next_target: fc.oneof(fc.constantFrom(...names), fc.dictionary(reason, fc.constantFrom(...names), { minKeys: 1 })),
    reboot_on: fc.array(fc.oneof<fc.Arbitrary<string | number>[]>(reason, fc.integer({ min: 0, max: 4 })), {
      maxLength: 5,
    }),
    // With max, so that an on_give_up can apply wherever this is inherited.
    restart: fc
      .tuple(fc.nat(99), some({ window: duration, delay: duration, max_delay: duration, stable: someTime }))
      .map(([max, times]) => ({ max, ...times })),
    on_give_up: fc.constantFrom('stop', ...names),
    stop_timeout: duration,
    hooks: some({
      pre_start: command,
      post_start: command,
      pre_reboot: command,
      post_stop: command,
      timeout: someTime,
    }),
    'x-mine': fc.jsonValue({ maxDepth: 1 }),
  });

/** What of `autostart` any VM can say: its own name is not known here, so it waits for those of long names. */
const autostart = fc.oneof(
  fc.boolean(),
  some({
    after: fc.array(fc.constantFrom('another-vm.1', 'db.example.org', '7.seven'), { maxLength: 3 }),
    ready: fc.oneof(
      some({ tcp: fc.constantFrom('10.0.0.5:22', 'db.example.org:65535', '[fd00::5]:1'), timeout: someTime }),
      some({ console: fc.constantFrom('login:', '1', 'a "b" $c'), timeout: someTime }),
      some({ command, timeout: someTime }),
    ),
    delay: duration,
    on_failure: fc.constantFrom('start', 'skip'),
  }),
);

/** Serial ports of one machine: no backend twice, as bhyve is told them. */
const consoles = fc
  .uniqueArray(com, { maxLength: 4, selector: bhyveBackend })
  .map((backends) => Object.fromEntries(backends.map((backend, index) => [`com${index + 1}`, backend])));

/** Its `ready` is a text on the console that vmrun serves. */
const isAwaited = ({ autostart }: { readonly autostart?: unknown }): boolean =>
  JSON.stringify(autostart ?? null).includes('"console"');

const names = ['default', 'install', '1', 'a b', 'constructor'];

const target = (first: number, variant: Variant) =>
  fc
    .tuple(machineFields(names), some({ cpu, mem: memory, emulations: devices(first, 3, variant) }), fc.boolean())
    .map(([fields, more]) => ({ ...fields, ...more }));

const vmName = awkwardText(6)
  .map((text) => text.replaceAll(/[\s/%]/g, '_'))
  .filter((text) => !/^(-.*|\.{1,2})$/.test(text) && new TextEncoder().encode(text).length <= 80);

const specFor = (variant: Variant): fc.Arbitrary<SpecObject> => {
  const own = devices(0, 10, variant);
  return fc
    .record({
      name: vmName,
      cpu,
      mem: memory,
      fields: machineFields(names),
      starts: some({ autostart }),
      consoles,
      emulations: fc.oneof(
        own,
        fc
          .tuple(own, fieldsOf.fbuf ?? fc.constant(() => ({})))
          .map(([list, make]) => [...list, { device: 'fbuf', ...make(0) }]),
        fc
          .tuple(own, fieldsOf.xhci ?? fc.constant(() => ({})))
          .map(([list, make]) => [{ device: 'xhci', ...make(0) }, ...list]),
      ),
      targets: fc.tuple(...names.map((_, index) => target(100 * (index + 1), variant))),
    })
    .map(({ fields, starts, consoles: ports, targets, emulations, ...spec }) => {
      // One screen and one USB controller per VM: `graphic` brings both.
      const isShown = emulations.some(
        (device) => 'device' in device && ['fbuf', 'xhci'].includes(String(device.device)),
      );
      const fit = ({ graphic, ...rest }: typeof fields) => ({
        ...rest,
        ...(graphic === undefined || isShown ? {} : { graphic }),
      });
      // An on_give_up without a max anywhere is a mistake.
      return {
        ...spec,
        ...variant,
        restart: { max: 9 },
        ...fit(fields),
        ...(isAwaited(starts) && !Object.values(ports).includes('console') ? {} : starts),
        ...ports,
        emulations,
        targets: Object.fromEntries(targets.map((each, index) => [names[index] ?? '', fit(each)])),
      };
    });
};

/** Valid specs over all devices and fields, without extra options and `raw`: what they come to is known exactly. */
export const validSpec: fc.Arbitrary<SpecObject> = fc.oneof(
  specFor({}),
  specFor({ fwcfg: 'qemu' }),
  specFor({ release: 16, fwcfg: 'qemu' }),
);

/** Every name that `validSpec` can be booted by. */
export const validTargets: readonly string[] = names;
