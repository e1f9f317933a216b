import { flag as flagSchema } from '../devices/json-schema.js';
import { flagVariable, settingOf, type Field, type Flag } from './field.js';
import { wireGuestMem } from './memory.js';

interface FlagField<Vm, Name extends string> extends Field<Vm, Name> {
  readonly flag: Flag;
}

type Said<Name extends string> = Readonly<Record<Name, boolean>>;

interface More<Vm, Name extends string> extends Partial<Omit<Field<Vm, Name>, 'name' | 'schema' | 'chapter'>> {
  /** True unless the spec says otherwise. On arm64, where no option says it, it is left out. */
  readonly isDefault?: true;
  /** What the variable is where the field is true; absent: true. */
  readonly value?: boolean;
}

/** A field that is a flag. What is false is bhyve's own default, and is not said. */
const flag = <Name extends string, Others = unknown>(
  name: Name,
  option: string,
  variable: Flag['variable'],
  chapter: Field['chapter'],
  description: string,
  { isDefault, value = true, ...more }: More<Others & Said<Name>, Name> = {},
): FlagField<Others & Said<Name>, Name> => {
  const own: Flag = { option, variable, value, isPcOnly: isDefault === true || more.pcOnly !== undefined };
  return {
    name,
    chapter,
    schema: flagSchema(description, isDefault === true),
    flag: own,
    stage: 'flags',
    settings: ({ vm, release, arch }) =>
      vm[name] && !(isDefault === true && arch === 'arm64')
        ? [settingOf(name, [option], flagVariable(own, { release, arch }), String(value))]
        : [],
    ...more,
  };
};

const utcClock = flag(
  'utc_clock',
  '-u',
  'rtc.use_localtime',
  'What the guest finds',
  'The RTC keeps UTC (-u); false: local time.',
  { isDefault: true, value: false, after: { command: 'yield_on_hlt' } },
);

const yieldOnHlt = flag(
  'yield_on_hlt',
  '-H',
  'x86.vmexit_on_hlt',
  'How it is run',
  'Give up the host CPU while the guest is idle (-H).',
  { isDefault: true, after: { command: 'generate_acpi' } },
);

const acpiTables = flag('generate_acpi', '-A', 'acpi_tables', 'What the guest finds', 'Generate ACPI tables (-A).', {
  isDefault: true,
});

/** From release 15 on, bhyve makes the tables unless told not to, and no option tells it. */
const generateAcpi: typeof acpiTables = {
  ...acpiTables,
  settings: (context) =>
    context.vm.generate_acpi || context.arch === 'arm64'
      ? (acpiTables.settings?.(context) ?? [])
      : [{ variables: [{ key: 'acpi_tables', value: 'false' }], pointers: ['/generate_acpi'] }],
};

const forceMsi = flag(
  'force_msi',
  '-W',
  ({ release }) => (release === 16 ? 'virtio.msix' : 'virtio_msix'),
  'What the guest finds',
  'Make virtio devices use MSI instead of MSI-X interrupts (-W).',
  { value: false },
);

const noMpTable = flag(
  'disable_mptable_gen',
  '-Y',
  'x86.mptable',
  'What the guest finds',
  'Do not generate an MP table (-Y).',
  { value: false, after: { document: 'generate_acpi' }, pcOnly: 'it makes no MP table' },
);

/** Guests that read the MP table see no bus but 0 in it, so a machine that reaches past it has none. */
const disableMptableGen: typeof noMpTable = {
  ...noMpTable,
  settings(context) {
    if (context.arch === 'arm64' || context.vm.disable_mptable_gen) {
      return context.arch === 'arm64' ? [] : (noMpTable.settings?.(context) ?? []);
    }
    if (context.far === undefined) return [];
    const { pointer } = context.far;
    const setting = settingOf(noMpTable.name, [noMpTable.flag.option], 'x86.mptable', 'false');
    return [{ ...setting, because: { why: 'a bus past 0 is used', pointer } }];
  },
};

/** In monitor mode bhyve restarts the guest itself, and so nobody would load it again. */
const monitor = flag<'monitor', { readonly loader?: unknown }>(
  'monitor',
  '-M',
  'monitor.enabled',
  'How its life goes on',
  'bhyve restarts the guest by itself (-M), from FreeBSD 16 on. Without next_target, reboot_on and on_give_up, which need a new bhyve.',
  {
    after: { command: 'power_off_destroy_vm', written: 'power_off_destroy_vm', document: 'on_give_up' },
    since: { release: 16, what: 'monitor mode (-M)' },
    check: ({ vm, arch }) =>
      !vm.monitor || vm.loader === undefined || arch === 'arm64'
        ? []
        : [
            {
              code: 'monitor-loader',
              pointer: '/monitor',
              message: 'with monitor bhyve restarts the guest by itself, and nobody would load it again',
              fix: 'leave "monitor" out, or use a bootrom',
            },
          ],
  },
);

const powerOffDestroyVm = flag(
  'power_off_destroy_vm',
  '-D',
  'destroy_on_poweroff',
  'How its life goes on',
  'Destroy the VM when the guest powers off (-D).',
  {
    after: { command: 'guest_mem_in_core', written: 'guest_mem_in_core', document: 'stop_timeout' },
  },
);

const yieldOnPause = flag(
  'yield_on_pause',
  '-P',
  'x86.vmexit_on_pause',
  'How it is run',
  'Give up the host CPU when the guest executes PAUSE (-P).',
  { after: { written: 'yield_on_hlt' }, pcOnly: 'arm64 has no PAUSE instruction' },
);

const x2apic = flag(
  'x2apic',
  '-x',
  'x86.x2apic',
  'What the guest finds',
  "Put the guest's local APIC into x2APIC mode (-x).",
  { pcOnly: 'arm64 has no local APIC' },
);

const strictIo = flag(
  'strict_io',
  '-e',
  'x86.strictio',
  'How it is run',
  'End the VM when the guest touches an I/O port that nothing emulates (-e).',
  { pcOnly: 'arm64 has no I/O ports' },
);

const ignoreUnknownMsrs = flag(
  'ignore_unknown_msrs',
  '-w',
  'x86.strictmsr',
  'How it is run',
  'Ignore model specific registers that bhyve does not emulate (-w); many guests need it.',
  { value: false, pcOnly: 'arm64 has no model specific registers' },
);

const guestMemInCore = flag(
  'guest_mem_in_core',
  '-C',
  'memory.guest_in_core',
  'The machine',
  'Put guest memory into core dumps of bhyve (-C).',
);

/** The family, in the order of the registry. */
export const flags = [
  utcClock,
  yieldOnHlt,
  generateAcpi,
  wireGuestMem,
  forceMsi,
  disableMptableGen,
  monitor,
  powerOffDestroyVm,
  yieldOnPause,
  x2apic,
  strictIo,
  ignoreUnknownMsrs,
  guestMemInCore,
] as const;

/** All but wire_guest_mem, whose default hangs on the devices. */
export type FlagFields = Said<Exclude<(typeof flags)[number]['name'], typeof wireGuestMem.name>>;
