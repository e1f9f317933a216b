import type { Platform } from '../releases.js';

/**
 * What bhyve reads and takes whatever it says, or reads when the guest runs: no check of a start asks for it. Below the
 * node of a device, by its model; `direct` is not asked for beside `sync`, which is the same.
 */
const ofModel: Readonly<Record<string, (platform: Platform) => RegExp>> = {
  ahci: () => /^port\.(0|[12]?[1-9]|[123]0|31)\.(nmrr|ser|rev|model|direct)$/,
  e1000: () => backend,
  hda: () => /^(play|rec)$/,
  hostbridge: ({ release }) => (release === 14 ? /^(vendor|devid)$/ : /^pcireg\.(vendor|device)$/),
  lpc: ({ release }) => (release === 14 ? nothing : /^pcireg\.(vendor|device|revid|subvendor|subdevice)$/),
  passthru: () => /^rom$/,
  nvme: () => /^direct$/,
  'virtio-blk': () => /^(ser|direct)$/,
  'virtio-console': () => /^port\.\d+\.name$/,
  'virtio-net': () => backend,
  'virtio-scsi': ({ release }) => (release === 16 ? /^(backend|target\.\d+)$/ : nothing),
};

const nothing = /^(?!)/;
const backend = /^(hostfwd|open|path|peerhook|socket|hook)$/;

/** Of every machine. */
const everywhere =
  /^(name|config\.dump|destroy_on_poweroff|acpi_tables|acpi_tables_in_memory|pci\.enable_bars|memory\.(wired|guest_in_core))$/;
const ofPc =
  /^(keyboard\.layout|x86\.strict(io|msr)|lpc\.(fwcfg|pc-testdev)|oemstring\.(\d|[1-9]\d|1\d\d|2[0-4]\d|25[0-5])|bios\.(vendor|version|release_date)|system\.(family_name|manufacturer|product_name|serial_number|sku|version)|board\.(manufacturer|product_name|version|serial_number|asset_tag|location)|chassis\.(manufacturer|version|serial_number|asset_tag|sku))$/;

/** Whether something in bhyve reads a variable that no check of its start has asked for. */
export function isReadUnchecked(variable: string, platform: Platform, modelAt: (node: string) => string): boolean {
  const { release, arch } = platform;
  const [, node, setting] = /^(pci\.\d+\.\d+\.\d+)\.(.+)$/s.exec(variable) ?? [];
  if (node !== undefined && setting !== undefined) {
    return (ofModel[modelAt(node)]?.(platform) ?? nothing).test(setting);
  }
  if (everywhere.test(variable) || variable === (release === 16 ? 'virtio.msix' : 'virtio_msix')) return true;
  if (release === 16 && variable === 'virtio_msix') return true; // copied to its new name
  if (arch === 'arm64') return variable === 'bootrom';
  if (variable === 'x86.verbosemsr') return release !== 14;
  const bootVariables = release === 14 ? /^lpc\.boot(rom|vars)$/ : /^(lpc\.)?boot(rom|vars)$/;
  return ofPc.test(variable) || bootVariables.test(variable);
}

/** Booleans that are read only while the guest runs, and when: bhyve then ends with 4 where one is none. */
export const readWhileRunning = (arch: Platform['arch']): readonly (readonly [variable: string, when: string])[] => [
  ...(arch === 'amd64'
    ? ([
        ['x86.strictio', 'when the guest uses an I/O port'],
        ['x86.strictmsr', 'when the guest uses an MSR that bhyve does not know'],
      ] as const)
    : []),
  ['destroy_on_poweroff', 'when the guest powers off'],
];
