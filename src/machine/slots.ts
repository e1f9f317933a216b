import { formatAddress, isAddressError, maxBus, maxSlot, parseAddress, type PciAddress } from '../base/pci-address.js';
import type { Finding } from '../base/problem.js';

/** What wants a place on the guest's PCI bus. */
export interface Claim {
  /** For messages: `emulations[1] virtio-net "tap0"`. */
  readonly who: string;
  /** Where the slot is said in the effective spec; for one that says none, the device. */
  readonly pointer: string;
  /** As the spec says it; absent: the lowest free slot. */
  readonly slot?: string | number;
  /** Where a lock file has it in this target: kept where the spec says no slot, and none takes this one. */
  readonly kept?: PciAddress;
  /** Where it has it in another target: taken where that is free, after what is kept. */
  readonly elsewhere?: PciAddress;
}

export interface Claims {
  /** Absent: the machine has none. */
  readonly hostbridge?: Claim;
  readonly lpc?: Claim;
  /** In the order of the spec. */
  readonly devices: readonly Claim[];
  /** Slots of devices that a lock file knows, in any target: no device that is new to it is given one. */
  readonly reserved?: readonly PciAddress[];
}

interface Slots {
  readonly hostbridge?: PciAddress;
  readonly lpc?: PciAddress;
  /** One for each device, same order. */
  readonly devices: readonly PciAddress[];
}

/** Slots of bus 0 that are kept for the bridges unless a device asks for them by name: Windows needs both. */
const hostbridgeSlot = 0;
const lpcSlot = 31;

/**
 * Gives every PCI device its address. A device that names a slot keeps it; then the hostbridge takes the first free
 * slot of bus 0, LPC 0:31 or else the last free slot of bus 0, and the others the lowest free slot in spec order, bus
 * after bus, function 0. An automatic device never shares a slot. The same spec always gives the same addresses, and
 * appending a device that names none never moves another. What a lock file keeps comes right after what the spec names.
 * @returns the addresses, or every finding: `slot-invalid`, `slot-taken`, `slot-kept`, `slot-no-function-0`,
 * `slot-lpc-bus`, `slots-used-up`
 * @see bhyve(8), `-s slot,emulation[,conf]`
 */
export function assignSlots(wanted: Claims): Slots | { readonly findings: readonly Finding[] } {
  const { hostbridge, lpc, devices, reserved = [] } = wanted;
  const bus: Bus = { findings: [], holders: new Map(), used: new Set(), named: new Map(), given: new Map() };
  const claims = lpc === undefined ? devices : [lpc, ...devices];
  for (const claim of claims) takeNamed(bus, claim, claim === lpc);
  for (const claim of claims) checkFunction0(bus, claim);
  const all = hostbridge === undefined ? claims : [hostbridge, ...claims];
  takeLocked(bus, all, 'kept', lpc);
  takeLocked(bus, all, 'elsewhere', lpc);
  // 0:31 is LPC's while LPC has no slot of its own.
  const hasOwn = lpc?.slot !== undefined && bus.given.has(lpc);
  if (hostbridge !== undefined)
    takeOnBus0(bus, hostbridge, hasOwn ? slotsOfBus : slotsOfBus.filter((slot) => slot !== lpcSlot));
  if (lpc !== undefined && lpc.slot === undefined) takeOnBus0(bus, lpc, slotsOfBus.toReversed());
  takeLowest(bus, devices, reserved);
  const { findings, given } = bus;
  if (findings.length > 0) return { findings };
  const [hostbridgeAddress, lpcAddress] = [hostbridge && given.get(hostbridge), lpc && given.get(lpc)];
  return {
    ...(hostbridgeAddress === undefined ? {} : { hostbridge: hostbridgeAddress }),
    ...(lpcAddress === undefined ? {} : { lpc: lpcAddress }),
    devices: devices.flatMap((claim) => given.get(claim) ?? []),
  };
}

/** What is taken so far, and what was wrong. */
interface Bus {
  readonly findings: Finding[];
  /** By address. */
  readonly holders: Map<string, Claim>;
  /** Slots with a function that somebody holds. */
  readonly used: Set<number>;
  /** Of each slot that claims name, whatever the function, the first of them. */
  readonly named: Map<number, Claim>;
  readonly given: Map<Claim, PciAddress>;
}

const slotsOfBus: readonly number[] = Array.from({ length: maxSlot + 1 }, (_, slot) => slot);
const allSlots = (maxBus + 1) * slotsOfBus.length;

const slotKey = ({ bus, slot }: Pick<PciAddress, 'bus' | 'slot'>): number => bus * slotsOfBus.length + slot;

function take({ findings, holders, used, given }: Bus, claim: Claim, address: PciAddress): void {
  const key = formatAddress(address);
  const holder = holders.get(key);
  if (holder === undefined) holders.set(key, claim);
  else findings.push(taken(claim, address, holder));
  used.add(slotKey(address));
  given.set(claim, address);
}

/** Takes the slot that a claim names, if it names one. */
function takeNamed(bus: Bus, claim: Claim, isLpc: boolean): void {
  const { slot, pointer } = claim;
  if (slot === undefined) return;
  const address = parseAddress(slot);
  if (isAddressError(address)) {
    const fix = 'slots are 0 to 31, functions 0 to 7, buses 0 to 255';
    bus.findings.push({ code: 'slot-invalid', pointer, message: address.error, fix });
    return;
  }
  if (isLpc && address.bus !== 0) {
    const message = `the LPC bridge works on bus 0 only, got ${formatAddress(address)}`;
    const fix = 'use a slot of bus 0, or leave "lpc_slot" out';
    bus.findings.push({ code: 'slot-lpc-bus', pointer, message, fix });
    return;
  }
  take(bus, claim, address);
  const key = slotKey(address);
  if (!bus.named.has(key)) bus.named.set(key, claim);
}

function checkFunction0({ findings, holders, given }: Bus, claim: Claim): void {
  const address = given.get(claim);
  if (address === undefined || address.func === 0) return;
  if (!holders.has(formatAddress({ ...address, func: 0 }))) findings.push(withoutFunction0(claim, address));
}

/** Takes what a lock file has for the claims that name no slot. A function above 0 needs its function 0 there. */
function takeLocked(bus: Bus, claims: readonly Claim[], which: 'kept' | 'elsewhere', lpc: Claim | undefined): void {
  const wanted = claims
    .flatMap((claim) => {
      const address = bus.given.has(claim) || claim.slot !== undefined ? undefined : claim[which];
      return address === undefined || (claim === lpc && address.bus !== 0) ? [] : [{ claim, address }];
    })
    .sort((a, b) => a.address.func - b.address.func);
  for (const { claim, address } of wanted) {
    if (canHave(bus, address)) take(bus, claim, address);
    else {
      const holder = address.func === 0 && which === 'kept' ? bus.named.get(slotKey(address)) : undefined;
      if (holder !== undefined) bus.findings.push(keptForAnother(holder, address, claim));
    }
  }
}

function canHave({ holders, used }: Bus, address: PciAddress): boolean {
  if (address.func === 0) return !used.has(slotKey(address));
  return holders.has(formatAddress({ ...address, func: 0 })) && !holders.has(formatAddress(address));
}

/** Gives a bridge that has no slot yet the first free one. */
function takeOnBus0(bus: Bus, claim: Claim, order: readonly number[]): void {
  if (bus.given.has(claim)) return;
  const slot = order.find((number) => !bus.used.has(slotKey({ bus: 0, slot: number })));
  if (slot !== undefined) take(bus, claim, { bus: 0, slot, func: 0 });
  else
    bus.findings.push({
      code: 'slots-used-up',
      pointer: claim.pointer,
      message: `bus 0 has no free slot for the ${claim.who}: its 32 slots are taken by the devices`,
      fix: 'put a device on bus 1 with "slot": "1:0:0"',
    });
}

/** Gives each device that says no slot and has none yet the lowest free one; of those that find none, the first is told. */
function takeLowest(bus: Bus, devices: readonly Claim[], reserved: readonly PciAddress[]): void {
  const kept = new Set([hostbridgeSlot, lpcSlot, ...reserved.map(slotKey)]);
  let next = 0;
  for (const claim of devices) {
    if (claim.slot !== undefined || bus.given.has(claim)) continue;
    while (next < allSlots && (kept.has(next) || bus.used.has(next))) next += 1;
    if (next === allSlots) {
      bus.findings.push({
        code: 'slots-used-up',
        pointer: claim.pointer,
        message: `no PCI slot is left for ${claim.who}: all ${allSlots} are taken`,
        fix: 'put several devices into one slot with "slot": "bus:slot:function"',
      });
      return;
    }
    take(bus, claim, { bus: Math.floor(next / slotsOfBus.length), slot: next % slotsOfBus.length, func: 0 });
  }
}

const taken = ({ who, pointer }: Claim, address: PciAddress, holder: Claim): Finding => ({
  code: 'slot-taken',
  pointer,
  message: `${who} wants pci ${formatAddress(address)}, which holds ${holder.who} already`,
  fix: 'choose another slot, or leave "slot" out and vmrun takes the lowest free one',
});

/** An edit that takes the place of another device is one that somebody should know of. */
const keptForAnother = ({ who, pointer }: Claim, address: PciAddress, other: Claim): Finding => ({
  code: 'slot-kept',
  pointer,
  message: `${who} wants slot ${address.bus}:${address.slot}, where the lock file keeps ${other.who}`,
  fix: 'choose another slot, or give the other device one of its own',
});

const withoutFunction0 = ({ who, pointer }: Claim, address: PciAddress): Finding => ({
  code: 'slot-no-function-0',
  pointer,
  message: `${who} is function ${address.func} of slot ${address.bus}:${address.slot}, which has no function 0: the guest would not see it`,
  // Two numbers are slot and function; who writes 0:7 most likely means bus and slot.
  fix:
    address.bus === 0 && address.slot === 0
      ? `for slot ${address.func} write "${address.func}" or "0:${address.func}:0"; for this function, put a device at 0:0:0`
      : `put a device at ${formatAddress({ ...address, func: 0 })}`,
});
