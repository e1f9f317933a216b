import { formatAddress, maxBus, maxFunction, maxSlot, type PciAddress } from '../base/pci-address.js';
import { scanInts } from './c-numbers.js';
import type { Config } from './config-tree.js';
import type { Output } from './outcome.js';
import { legacyReaders, readGeneric } from './pci-legacy.js';
import type { Arch, Platform } from './releases.js';

/** A device model that bhyve knows. */
interface Model {
  readonly name: string;
  /** What an alias stands for. Aliases are for `-s` only: as value of a `device` variable they are an error. */
  readonly alias?: string;
  /** Absent where every bhyve has it. */
  readonly arch?: Arch;
}

/** In the order in which `-s help` lists them. */
export const models: readonly Model[] = [
  { name: 'hostbridge' },
  { name: 'amd_hostbridge', alias: 'hostbridge' },
  { name: 'lpc', arch: 'amd64' },
  { name: 'ahci' },
  { name: 'ahci-hd', alias: 'ahci' },
  { name: 'ahci-cd', alias: 'ahci' },
  { name: 'e1000' },
  { name: 'fbuf', arch: 'amd64' },
  { name: 'hda' },
  { name: 'nvme' },
  { name: 'passthru', arch: 'amd64' },
  { name: 'uart' },
  { name: 'virtio-9p' },
  { name: 'virtio-blk' },
  { name: 'virtio-console' },
  { name: 'virtio-input' },
  { name: 'virtio-net' },
  { name: 'virtio-rnd' },
  { name: 'virtio-scsi' },
  { name: 'xhci' },
];

export const modelsOf = (arch: Arch): readonly Model[] =>
  models.filter((model) => model.arch === undefined || model.arch === arch);

/** Case counts: `Virtio-blk` is unknown. */
export const findModel = (name: string, arch: Arch): Model | undefined =>
  modelsOf(arch).find((model) => model.name === name);

export const pciVariable = ({ bus, slot, func }: PciAddress): string => `pci.${bus}.${slot}.${func}`;

/** `-s`. @returns false, mostly after a message, where it cannot be used */
export function parseSlot(text: string, config: Config, output: Output, platform: Platform): boolean {
  const [, place, name, rest] = /^([^,]*),([^,]*)(?:,(.*))?$/s.exec(text) ?? [];
  const address = place === undefined ? undefined : scanAddress(place);
  if (name === undefined || address === undefined) {
    output.stderr.push(`Invalid PCI slot info field "${text}"`);
    return false;
  }
  const where = `pci slot ${formatAddress(address)}`;
  const model = findModel(name, platform.arch);
  if (model === undefined) {
    output.stderr.push(`${where}: unknown device "${name}"`);
    return false;
  }
  const variable = pciVariable(address);
  if (config.find(variable) !== undefined) {
    output.stderr.push(`${where} already occupied!`);
    return false;
  }
  // No node where something on the way to it is a value: the device then lands at the top of the tree.
  const node = config.create(variable);
  config.setIn(node, 'device', model.alias ?? model.name);
  const read = legacyReaders[model.name] ?? readGeneric;
  return read({ node, rest, config, output, release: platform.release });
}

/** `B:S:F`, `S:F` or `S`; what follows the last number is ignored, so `3x` is slot 3 and `0x4` is slot 0. */
export function scanAddress(text: string): PciAddress | undefined {
  const [first, second, third] = scanInts(text, ['', ':', ':']);
  if (first === undefined) return undefined;
  const address =
    second === undefined
      ? { bus: 0, slot: first, func: 0 }
      : third === undefined
        ? { bus: 0, slot: first, func: second }
        : { bus: first, slot: second, func: third };
  const isInside = (value: number, max: number): boolean => value >= 0 && value <= max;
  return isInside(address.bus, maxBus) && isInside(address.slot, maxSlot) && isInside(address.func, maxFunction)
    ? address
    : undefined;
}
