import { createHash } from 'node:crypto';
import { compareAddresses } from '../base/pci-address.js';
import { success, type Result } from '../base/result.js';
import type { EffectiveSpec, Spec } from '../spec/parse-spec.js';
import {
  lockable,
  soughtOf,
  traitsOf,
  traitVariable,
  type LockedDevice,
  type LockedTarget,
  type WrittenTrait,
} from './identity.js';
import { uuidOf } from '../fields/guest-identity.js';
import { mayAddDevices } from '../fields/extra-options.js';
import { guestNames, type GuestNames, type NamedDevice } from './guest-names.js';
import type { PlannedDevice } from './machine.js';
import type { Part } from '../fields/part.js';
import { planInDetail, type DetailedPlan, type PlanOptions } from './plan.js';

/** A device as the guest sees it. */
export interface GuestDevice extends LockedDevice {
  /** Where the effective spec has it: a JSON Pointer. */
  readonly pointer: string;
  /** Nobody says its MAC or its serial number: bhyve makes it up. */
  readonly isMadeUp?: true;
  /** What guests of two systems call it, or what is behind it. */
  readonly names?: GuestNames;
}

/** A machine as its guest sees it. */
export interface Guest extends LockedTarget {
  readonly target: string;
  /** By address. */
  readonly devices: readonly GuestDevice[];
}

/**
 * What the guest of a target knows its machine by; what the spec leaves to bhyve is computed as bhyve does. The UUID
 * alone cannot be: bhyve makes it of the VM's name and 256 bytes of which the host's name fills the first, so it is
 * absent unless somebody says it (smbiostbl.c).
 * @param target one of `spec.targets`
 */
export function guestOf(spec: Spec, target: string, options: PlanOptions = {}): Result<Guest> {
  const detailed = planInDetail(spec, target, options);
  return detailed.ok ? success(guestIn(detailed.value), detailed.warnings) : detailed;
}

/** The same of a machine that has been planned. */
export function guestIn({ effective, machine, seats, pins, extraWords }: DetailedPlan): Guest {
  const { vm } = effective;
  const uuid = String(uuidOf(vm, pins?.uuid) ?? vm.config?.uuid ?? '').toLowerCase();
  const devices = seats.map(({ device, told, bridge }): GuestDevice => {
    if (told !== undefined) return ownDevice(told, device, effective);
    const field = bridge?.field ?? 'hostbridge';
    return { address: device.address, model: device.model, field, pointer: `/${field}` };
  });
  const named = devices.map((device, index) => ({ ...device, ...driversOf(seats[index]?.told) }));
  const names = guestNames(named, machine.named.includes('--') || mayAddDevices(extraWords));
  const seen = devices.map((device, index): GuestDevice => {
    const each = named[index];
    const own = each === undefined ? undefined : names.get(each);
    return own === undefined ? device : { ...device, names: own };
  });
  return {
    target: effective.target,
    ...(lockable.uuid.test(uuid) ? { uuid } : {}),
    devices: seen.sort((a, b) => compareAddresses(a.address, b.address)),
  };
}

function driversOf(owner: Part | undefined): Pick<NamedDevice, 'drivers'> {
  const drivers = owner?.model.drivers?.(owner.fields);
  return drivers === undefined ? {} : { drivers };
}

function ownDevice(owner: Part, { address }: PlannedDevice, effective: EffectiveSpec): GuestDevice {
  const { slot: _slot, ...key } = soughtOf(owner, effective);
  const { name, config = {} } = effective.vm;
  const all = traitsOf(owner, effective).map((trait) => {
    const said = trait.said ?? config[traitVariable(trait, address)];
    const value = normal(trait, said === undefined ? trait.byDefault({ address, name, md5 }) : String(said));
    return { trait, value, isMadeUp: said === undefined };
  });
  // By a variable, anything can be said.
  const values = all.filter(({ trait: { kind }, value }) => lockable[kind].test(value));
  const whole = values.filter(({ trait }) => trait.writtenPart === undefined);
  const drives = values.flatMap(({ trait: { writtenPart }, value }) =>
    writtenPart === undefined ? [] : [[writtenPart, value] as const],
  );
  return {
    address,
    ...key,
    ...Object.fromEntries(whole.map(({ trait, value }) => [trait.kind, value])),
    ...(drives.length === 0 ? {} : { serials: Object.fromEntries(drives) }),
    pointer: owner.pointer,
    ...(values.some(({ isMadeUp }) => isMadeUp) ? { isMadeUp: true } : {}),
  };
}

export const md5 = (bytes: Uint8Array): string => createHash('md5').update(bytes).digest('hex');

/** One spelling for one address. */
const normal = ({ kind }: WrittenTrait, value: string): string =>
  kind === 'mac'
    ? value
        .split(':')
        .map((octet) => octet.toLowerCase().padStart(2, '0'))
        .join(':')
    : value;
