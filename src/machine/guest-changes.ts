import { formatAddress } from '../base/pci-address.js';
import { deviceWords, matchDevices, type LockedDevice, type LockedTarget } from './identity.js';
import { guestNames, type GuestNames } from './guest-names.js';
import type { Guest, GuestDevice } from './guest.js';

/** One thing that a guest would find different, and what that means to it. */
export interface GuestChange {
  readonly target: string;
  readonly kind: 'added' | 'removed' | 'slot' | 'model' | 'name' | 'mac' | 'serial' | 'uuid';
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
  const names = guestNames(before.devices);
  const used = new Set(matches.map((match) => match?.entry));
  const { target } = after;
  const found = after.devices.flatMap((device, index) => {
    const entry = matches[index]?.entry;
    return entry === undefined || entry.isStale === true
      ? [added(device, target)]
      : deviceChanges(entry, device, { target, names: namesIn(entry) ?? names.get(entry) ?? {} });
  });
  const removed = before.devices
    .filter((entry) => !used.has(entry) && entry.isStale !== true)
    .map((entry): GuestChange => ({
      target,
      kind: 'removed',
      device: deviceWords(entry),
      from: formatAddress(entry.address),
      effect: 'the guest loses it',
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

/** As `guestOf` says: it knows more of a device than a lock file does, which says none. */
const namesIn = (device: LockedDevice | GuestDevice): GuestNames | undefined =>
  'pointer' in device ? (device.names ?? {}) : undefined;

interface Before {
  readonly target: string;
  /** What guests called the device. */
  readonly names: GuestNames;
}

function deviceChanges(from: LockedDevice, to: GuestDevice, { target, names }: Before): readonly GuestChange[] {
  const about = { target, device: deviceWords(to), pointer: to.pointer };
  const changes: GuestChange[] = [];
  const compare = (kind: GuestChange['kind'], a: string | undefined, b: string | undefined, effect: string): void => {
    if (a !== undefined && b !== undefined && a !== b) changes.push({ ...about, kind, from: a, to: b, effect });
  };
  const renames = renamesOf(names, to.names ?? {});
  compare('slot', formatAddress(from.address), formatAddress(to.address), moveEffect(to, renames));
  compare('model', from.model, to.model, 'the guest needs another driver for it');
  // Whoever moves is told its new names with its new place.
  if (changes.length === 0) for (const { system, a, b } of renames) compare('name', a, b, `${system} would rename it`);
  compare('mac', from.mac, to.mac, 'the network sees another card: DHCP leases, firewall rules');
  compare('serial', from.serial, to.serial, serialEffect);
  for (const [image, serial] of Object.entries(to.serials ?? {})) {
    compare('serial', from.serials?.[image], serial, serialEffect);
  }
  return changes;
}

const serialEffect = 'a Linux guest would have another name for it in /dev/disk/by-id';

interface Rename {
  readonly system: 'a Linux guest' | 'a FreeBSD guest';
  readonly a: string;
  readonly b: string;
}

/** The names that are known before and after, and differ. */
function renamesOf(before: GuestNames, after: GuestNames): readonly Rename[] {
  const of = (system: Rename['system'], a: string | undefined, b: string | undefined): readonly Rename[] =>
    a === undefined || b === undefined || a === b ? [] : [{ system, a, b }];
  return [
    ...of('a Linux guest', before.linux, after.linux),
    ...of('a FreeBSD guest', before.freebsd?.join(', '), after.freebsd?.join(', ')),
  ];
}

/** Linux names a network card by its place, and a disk in one of its directories; FreeBSD counts. */
function moveEffect({ serial, serials }: GuestDevice, renames: readonly Rename[]): string {
  const isDisk = serial !== undefined || serials !== undefined;
  const effects = [
    ...(isDisk ? ['a Linux guest would have another name for it in /dev/disk/by-path'] : []),
    ...renames.map(({ system, a, b }, index) => `${system} ${index === 0 ? 'would rename ' : ''}${a} to ${b}`),
  ];
  return effects.length === 0 ? 'the guest finds it at another place of its PCI bus' : effects.join(', ');
}

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
    case 'name':
      return `${what} ${from} -> ${to}: ${effect}`;
    case 'mac':
      return `${what} MAC ${from} -> ${to}: ${effect}`;
    case 'serial':
      return `${what} serial number ${from} -> ${to}: ${effect}`;
    case 'uuid':
      return `UUID ${from} -> ${to}: ${effect}`;
  }
}
