import { formatAddress, type PciAddress } from '../base/pci-address.js';
import { deviceWords, matchDevices, type LockedDevice, type LockedTarget } from './identity.js';
import type { Guest, GuestDevice } from './guest.js';

/** One thing that a guest would find different, and what that means to it. */
export interface GuestChange {
  readonly target: string;
  readonly kind: 'added' | 'removed' | 'slot' | 'model' | 'mac' | 'serial' | 'uuid';
  /** `net0`, `virtio-blk disk.img`; absent for the UUID. */
  readonly device?: string;
  readonly from?: string;
  readonly to?: string;
  /** What the guest notices, for people. */
  readonly effect: string;
  /** Where the effective spec has the device, or the UUID: a JSON Pointer. Absent for what has been removed. */
  readonly pointer?: string;
}

/**
 * What a guest notices when its machine changes from one to the other, in the order of the slots; what has been removed
 * comes last. Entries of a lock file that are stale were not seen, so nothing is missed with them.
 * @param before as a lock file has it, or as `guestOf` says
 */
export function guestChanges(before: LockedTarget, after: Guest): readonly GuestChange[] {
  const matches = matchDevices(after.devices, before.devices);
  const used = new Set(matches.map((match) => match?.entry));
  const { target } = after;
  const found = after.devices.flatMap((device, index) => {
    const entry = matches[index]?.entry;
    return entry === undefined || entry.isStale === true
      ? [added(device, target)]
      : deviceChanges(entry, device, target);
  });
  const removed = before.devices
    .filter((entry) => !used.has(entry) && entry.isStale !== true)
    .map((entry): GuestChange => ({
      target,
      kind: 'removed',
      device: deviceWords(entry),
      from: formatAddress(entry.address),
      effect: 'the guest misses it',
    }));
  return [...uuidChange(before, after), ...found, ...removed];
}

function uuidChange({ uuid: from }: LockedTarget, { target, uuid: to }: Guest): readonly GuestChange[] {
  // What nobody says, bhyve makes up: it may well be the same.
  if (from === to || from === undefined || to === undefined) return [];
  const effect = 'the guest takes itself for another machine: licences, machine id';
  return [{ target, kind: 'uuid', from, to, effect, pointer: '/uuid' }];
}

const added = (device: GuestDevice, target: string): GuestChange => ({
  target,
  kind: 'added',
  device: deviceWords(device),
  to: formatAddress(device.address),
  effect: 'the guest finds a new device',
  pointer: device.pointer,
});

function deviceChanges(from: LockedDevice, to: GuestDevice, target: string): readonly GuestChange[] {
  const about = { target, device: deviceWords(to), pointer: to.pointer };
  const changes: GuestChange[] = [];
  const compare = (kind: GuestChange['kind'], a: string | undefined, b: string | undefined, effect: string): void => {
    if (a !== undefined && b !== undefined && a !== b) changes.push({ ...about, kind, from: a, to: b, effect });
  };
  compare('slot', formatAddress(from.address), formatAddress(to.address), moveEffect(from, to));
  compare('model', from.model, to.model, 'the guest needs another driver for it');
  compare('mac', from.mac, to.mac, 'the network sees another card: DHCP leases, firewall rules');
  compare('serial', from.serial, to.serial, serialEffect);
  for (const [image, serial] of Object.entries(to.serials ?? {})) {
    compare('serial', from.serials?.[image], serial, serialEffect);
  }
  return changes;
}

const serialEffect = 'a Linux guest would have another name for it in /dev/disk/by-id';

/** Linux names a network card by its place, and a disk in one of its directories. */
function moveEffect(from: LockedDevice, to: GuestDevice): string {
  if (to.mac !== undefined) return `a Linux guest would rename ${linuxName(from.address)} to ${linuxName(to.address)}`;
  if (to.serial === undefined && to.serials === undefined) return 'the guest finds it at another place of its PCI bus';
  return 'a Linux guest would have another name for it in /dev/disk/by-path';
}

/** systemd.net-naming-scheme(7): by PCI bus, slot and function. */
export const linuxName = ({ bus, slot, func }: PciAddress): string =>
  `enp${bus}s${slot}${func === 0 ? '' : `f${func}`}`;

/** For people, on one line. */
export function changeWords({ kind, device, from = '', to = '', effect }: GuestChange): string {
  const what = device ?? 'the VM';
  switch (kind) {
    case 'added':
      return `${what} is new, at ${to}: ${effect}`;
    case 'removed':
      return `${what} is gone from ${from}: ${effect}`;
    case 'slot':
    case 'model':
      return `${what} ${from} -> ${to}: ${effect}`;
    case 'mac':
      return `${what} MAC ${from} -> ${to}: ${effect}`;
    case 'serial':
      return `${what} serial number ${from} -> ${to}: ${effect}`;
    case 'uuid':
      return `UUID ${from} -> ${to}: ${effect}`;
  }
}
