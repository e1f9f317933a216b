import { steps } from '../base/json-pointer.js';
import { formatAddress, isAddressError, parseAddress, type PciAddress } from '../base/pci-address.js';
import type { Trait } from '../devices/device.js';
import type { EffectiveSpec } from '../spec/parse-spec.js';
import type { Part } from '../fields/part.js';

/** What tells a device from the others, so that it is known again when the spec has been edited. */
interface DeviceKey {
  readonly model: string;
  readonly id?: string;
  /** A path, an interface: as the file says it, which does not depend on where vmrun is started. */
  readonly label?: string;
  /** The root field that brings it; absent: it is one of `emulations`. */
  readonly field?: string;
}

/** For people: the name that the user gave it, or `virtio-blk disk.img`. */
export const deviceWords = ({ id, model, label }: DeviceKey): string =>
  id ?? [model, label].filter((word) => word !== undefined).join(' ');

/** What a guest knows one device by. */
export interface LockedDevice extends DeviceKey {
  readonly address: PciAddress;
  /** Of a network card: six pairs of lower-case hex digits. */
  readonly mac?: string;
  /** Of a disk or CD. */
  readonly serial?: string;
  /** Serial numbers of the drives of a controller with several, by image as the file says it. */
  readonly serials?: Readonly<Record<string, string>>;
  /** The spec did not have it any more when it was locked; its place waits for its return. */
  readonly isStale?: true;
}

/** What a guest knows its machine by, in one target. */
export interface LockedTarget {
  /** Absent: that of the VM. */
  readonly uuid?: string;
  /** By address. */
  readonly devices: readonly LockedDevice[];
  /** The spec did not have this target any more when it was locked. */
  readonly isStale?: true;
}

/**
 * What the guest of a VM knows it by, kept so that an edit of the spec moves nothing: the content of a lock file.
 * `identityOf` makes one.
 */
export interface Identity {
  /** The VM's when it was locked. */
  readonly name: string;
  readonly uuid?: string;
  /** `default` first. */
  readonly targets: ReadonlyMap<string, LockedTarget>;
  /** The devices of all targets by what tells them apart; of several the first. Made from `targets`. */
  readonly known: ReadonlyMap<string, LockedDevice>;
  /** Every place that is taken in some target. Made from `targets`. */
  readonly reserved: readonly PciAddress[];
}

/** What a lock file may say: in one spelling, and such as a field of a spec and bhyve take it. */
export const lockable = {
  uuid: /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/,
  mac: /^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/,
  serial: /^[ -~]{1,20}$/,
} as const;

/** Completes what a lock file says with what is looked up in it. */
export function identityOf(said: Omit<Identity, 'known' | 'reserved'>): Identity {
  const all = [...said.targets.values()].flatMap(({ devices }) => devices);
  const known = new Map<string, LockedDevice>();
  for (const device of all) {
    for (const key of keysOf(device)) if (key !== undefined && !known.has(key)) known.set(key, device);
  }
  // Most targets have most devices in common, and every one of them is planned around all that is reserved.
  const reserved = new Map(all.map(({ address }) => [formatAddress(address), address]));
  return { ...said, known, reserved: [...reserved.values()] };
}

/** What a device is known by, the most telling first: the field that brings it, its id, its model with its label. */
const keysOf = ({ field, id, model, label }: DeviceKey): readonly (string | undefined)[] => [
  field === undefined ? undefined : `field ${field === 'graphic' ? model : field}`,
  id === undefined ? undefined : `id ${id}`,
  label === undefined ? undefined : `model ${model} ${label}`,
];

/** How alike a device and an entry must be, the most alike first; each entry is used up by the first that takes it. */
const stages: readonly ((key: DeviceKey, isEntry: boolean) => string | undefined)[] = [
  (key) => keysOf(key)[0],
  (key) => keysOf(key)[1],
  // Those without a name among themselves before one that may have got its name just now.
  (key) => (key.id === undefined ? keysOf(key)[2] : undefined),
  (key) => keysOf(key)[2],
  // The same image behind another controller, or a device that got a name or lost it: but two names are two devices.
  ({ id, model, label = `model ${model}` }, isEntry) => (isEntry && id !== undefined ? undefined : label),
  ({ id, model, label = `model ${model}` }, isEntry) => (!isEntry && id !== undefined ? undefined : label),
  // Kind and order. A device with a name is itself, and none that has gone may come back as another.
  ({ id, model }) => (id === undefined ? model : undefined),
];

/** The stage that tells devices by kind and order alone. */
const byOrder = stages.length - 1;

/** A device of a machine, as it is looked for; `slot` where the spec names one. */
interface Sought extends DeviceKey {
  readonly slot?: PciAddress;
}

/** An entry that was found, and whether nothing but its kind and order speaks for it. */
interface Match {
  readonly entry: LockedDevice;
  readonly isGuess: boolean;
}

/** Finds the entry of each device, same order; undefined where there is none. No entry is found twice. */
export function matchDevices(
  sought: readonly Sought[],
  entries: readonly LockedDevice[],
): readonly (Match | undefined)[] {
  const found: (Match | undefined)[] = sought.map(() => undefined);
  const used = new Set<LockedDevice>();
  stages.forEach((stage, number) => {
    const queues = new Map<string, LockedDevice[]>();
    for (const entry of entries) {
      const key = used.has(entry) || (number === byOrder && entry.isStale === true) ? undefined : stage(entry, true);
      if (key === undefined) continue;
      const queue = queues.get(key);
      if (queue === undefined) queues.set(key, [entry]);
      else queue.push(entry);
    }
    if (queues.size === 0) return;
    const claim = (index: number, isNamed: boolean): void => {
      const device = sought[index];
      if (device === undefined || found[index] !== undefined || (device.slot !== undefined) !== isNamed) return;
      const queue = queues.get(stage(device, false) ?? '\0') ?? [];
      const at = isNamed ? queue.findIndex(({ address }) => isSame(address, device.slot)) : 0;
      const [entry] = queue.splice(Math.max(at, 0), 1);
      if (entry === undefined) return;
      used.add(entry);
      found[index] = { entry, isGuess: number === byOrder };
    };
    // Of twins, one that names its slot is the one that is there.
    for (const isNamed of [true, false])
      sought.forEach((_, index) => {
        claim(index, isNamed);
      });
  });
  return found;
}

const isSame = (a: PciAddress, b: PciAddress | undefined): boolean =>
  b !== undefined && formatAddress(a) === formatAddress(b);

/** What a lock file keeps for the machine of one target. */
export interface Pins {
  readonly uuid: string | undefined;
  readonly hostbridge: Pin;
  readonly lpc: Pin;
  /** One for each part, same order. */
  readonly parts: readonly Pin[];
  readonly reserved: readonly PciAddress[];
}

/** Where a device is to stay; what it is known by comes from the same entry. */
export interface Pin {
  /** In this target. */
  readonly kept?: LockedDevice;
  /** Nothing but kind and order says that it is this device's. */
  readonly isGuess?: true;
  /** In another target; this one did not have the device. */
  readonly elsewhere?: LockedDevice;
}

/** Finds what a lock file knows of the devices of a target: in that target first, then in the others. */
export function pinsFor(identity: Identity, effective: EffectiveSpec, parts: readonly Part[]): Pins {
  const sought: readonly Sought[] = [...bridgeKeys, ...parts.map((part) => soughtOf(part, effective))];
  const own = identity.targets.get(effective.target);
  const used = new Set<LockedDevice>();
  const matches = matchDevices(sought, own?.devices ?? []);
  const pins = matches.map((match, index): Pin => {
    if (match !== undefined) return { kept: match.entry, ...(match.isGuess ? { isGuess: true } : {}) };
    const key = keysOf(sought[index] ?? { model: '' }).find((each) => each !== undefined && identity.known.has(each));
    const elsewhere = key === undefined ? undefined : identity.known.get(key);
    // Of twins, only one can be meant.
    if (elsewhere === undefined || used.has(elsewhere)) return {};
    used.add(elsewhere);
    return { elsewhere };
  });
  const [hostbridge = {}, lpc = {}, ...rest] = pins;
  return { uuid: own?.uuid ?? identity.uuid, hostbridge, lpc, parts: rest, reserved: identity.reserved };
}

/** The bridges of a machine, hostbridge first; whichever model of hostbridge it is. */
const bridgeKeys: readonly DeviceKey[] = [
  { model: 'hostbridge', field: 'hostbridge' },
  { model: 'lpc', field: 'lpc_slot' },
];

/** What a part of a machine is looked for by. */
export function soughtOf(part: Part, effective: EffectiveSpec): Sought {
  const { model, id, slot, broughtBy } = part;
  const label = model.label?.(writtenFields(part, effective));
  const address = slot === undefined ? undefined : parseAddress(slot);
  return {
    model: model.model,
    ...(id === undefined ? {} : { id }),
    ...(label === undefined ? {} : { label }),
    ...(broughtBy === undefined ? {} : { field: broughtBy.field }),
    ...(address === undefined || isAddressError(address) ? {} : { slot: address }),
  };
}

/** The fields with file names as the file says them, whatever folder vmrun is started in. */
export const writtenFields = ({ pointer, fields, broughtBy }: Part, effective: EffectiveSpec): object =>
  broughtBy === undefined ? effective.written(pointer) : fields;

/** A trait of a device, and the image that it belongs to as the file says it. */
export interface WrittenTrait extends Trait {
  readonly writtenPart?: string;
}

/** What the guest of a machine knows a part of it by. */
export function traitsOf(part: Part, effective: EffectiveSpec): readonly WrittenTrait[] {
  const { model, fields } = part;
  const traits = model.traits?.(fields) ?? [];
  if (traits.every(({ part: image }) => image === undefined)) return traits;
  const written = model.traits?.(writtenFields(part, effective)) ?? [];
  return traits.map((trait, index) => {
    const writtenPart = written[index]?.part;
    return writtenPart === undefined ? trait : { ...trait, writtenPart };
  });
}

/** What an entry says of a trait. */
export const lockedValue = ({ kind, writtenPart }: WrittenTrait, entry: LockedDevice): string | undefined =>
  writtenPart === undefined ? entry[kind] : entry.serials?.[writtenPart];

/** The variable of a trait in the whole machine. */
export const traitVariable = ({ key }: Trait, { bus, slot, func }: PciAddress): string =>
  `pci.${bus}.${slot}.${func}.${key}`;

/** A part with what a lock file keeps of it; what the spec says, in a field or by a variable, comes first. */
export function withPin(part: Part, pin: Pin, address: PciAddress, effective: EffectiveSpec): Part {
  const entry = pin.kept ?? pin.elsewhere;
  if (entry === undefined || part.model.traits === undefined) return part;
  const { config = {} } = effective.vm;
  return traitsOf(part, effective).reduce((pinned, trait) => {
    const value = lockedValue(trait, entry);
    const isSaid = trait.said !== undefined || Object.hasOwn(config, traitVariable(trait, address));
    return value === undefined || isSaid
      ? pinned
      : { ...pinned, fields: withText(pinned.fields, steps(trait.pointer), value) };
  }, part);
}

/** A copy with text at a path, whose steps but the last are there. */
export function withText(value: object, [step = '', ...rest]: readonly string[], text: string): object {
  const items = Object.entries(value).map(([key, item]: [string, unknown]): readonly [string, unknown] =>
    key === step && rest.length > 0 && typeof item === 'object' && item !== null
      ? [key, withText(item, rest, text)]
      : [key, item],
  );
  if (Array.isArray(value)) return items.map(([, item]) => item);
  return Object.fromEntries(rest.length > 0 ? items : [...items, [step, text]]);
}
