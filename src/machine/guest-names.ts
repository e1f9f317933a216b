import { compareAddresses, formatAddress, type PciAddress } from '../base/pci-address.js';
import { raw } from '../devices/raw.js';
import { modelOfWord } from '../devices/registry.js';
import type { LockedDevice } from './identity.js';

/** What an operating system calls a card, or the drives of a device, in a guest. Absent: nothing, or it cannot be known. */
export interface GuestNames {
  /** Of a network card: by its place on the PCI bus. */
  readonly linux?: string;
  /** Of each card or drive behind the device: by its driver, counted in the order of the slots. */
  readonly freebsd?: readonly string[];
}

/** A device whose names are asked for. */
export type NamedDevice = Pick<LockedDevice, 'address' | 'model' | 'label' | 'isStale'> & {
  /** Of a controller with several drives: FreeBSD's driver of each, in order. */
  readonly drivers?: readonly string[];
};

/**
 * Names the devices of a machine as its guest does.
 * @param hasMore there may be devices that are not listed, so nothing can be counted
 */
export function guestNames<Device extends NamedDevice>(
  devices: readonly Device[],
  hasMore = false,
): ReadonlyMap<Device, GuestNames> {
  const there = devices.filter(({ isStale }) => isStale !== true);
  const functions = new Map<string, number>();
  for (const { address } of there) functions.set(slotKey(address), (functions.get(slotKey(address)) ?? 0) + 1);
  const namesOf = unitCounter(hasMore);
  const names = new Map<Device, GuestNames>();
  for (const device of there.toSorted((a, b) => compareAddresses(a.address, b.address))) {
    const freebsd = namesOf(device);
    const isAlone = functions.get(slotKey(device.address)) === 1;
    const isCard = modelOfWord(wordOf(device))?.isNetworkCard === true;
    if (!isCard && freebsd === undefined) continue;
    names.set(device, {
      ...(isCard ? { linux: linuxName(device.address, isAlone) } : {}),
      ...(freebsd === undefined ? {} : { freebsd }),
    });
  }
  return names;
}

const slotKey = ({ bus, slot }: PciAddress): string => formatAddress({ bus, slot, func: 0 });

/** systemd.net-naming-scheme(7): by PCI bus and slot, and by function where the slot has several. */
const linuxName = ({ bus, slot, func }: PciAddress, isAlone: boolean): string =>
  `enp${bus}s${slot}${isAlone && func === 0 ? '' : `f${func}`}`;

/** A raw device begins with its model; that of any other is said. */
const wordOf = ({ model, label = '' }: NamedDevice): string => (isRaw(model) ? (label.split(',')[0] ?? '') : model);

const isRaw = (model: string): boolean => model === raw.model;

/** Counts the units of each driver; undefined where a device may have used up one that nobody can know. */
function unitCounter(hasMore: boolean): (device: NamedDevice) => readonly string[] | undefined {
  const next = new Map<string, number>();
  const uncertain = new Set<string>();
  let isUncertain = hasMore;
  return (device) => {
    const model = modelOfWord(wordOf(device));
    isUncertain ||= model === undefined;
    const { driver: only, mayHaveDrivers = [] } = model ?? {};
    const drivers = device.drivers ?? (only === undefined ? undefined : [only]);
    // After the model of a raw device, anything may follow.
    if (drivers === undefined || isRaw(device.model)) for (const driver of mayHaveDrivers) uncertain.add(driver);
    if (drivers === undefined) return undefined;
    const names = drivers.map((driver) => {
      const unit = next.get(driver) ?? 0;
      next.set(driver, unit + 1);
      return `${driver}${unit}`;
    });
    return isUncertain || drivers.some((driver) => uncertain.has(driver)) ? undefined : names;
  };
}
