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

export interface Slots {
  readonly hostbridge?: PciAddress;
  readonly lpc?: PciAddress;
  /** One for each device, same order. */
  readonly devices: readonly PciAddress[];
}

/** Slots of bus 0 that are kept for the bridges unless a device asks for them by name: Windows wants both. */
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
export function assignSlots({
  hostbridge,
  lpc,
  devices,
  reserved = [],
}: Claims): Slots | { readonly findings: readonly Finding[] } {
  const findings: Finding[] = [];
  const holders = new Map<string, Claim>();
  const usedSlots = new Set<number>();
  const slotKey = (bus: number, slot: number): number => bus * (maxSlot + 1) + slot;
  const isFree = (bus: number, slot: number): boolean => !usedSlots.has(slotKey(bus, slot));
  const locked = new Map<Claim, PciAddress>();

  function take(claim: Claim, address: PciAddress): void {
    const key = formatAddress(address);
    const holder = holders.get(key);
    if (holder === undefined) holders.set(key, claim);
    else findings.push(taken(claim, address, holder));
    usedSlots.add(slotKey(address.bus, address.slot));
  }

  function takeNamed(claim: Claim): PciAddress | undefined {
    if (claim.slot === undefined) return undefined;
    const address = parseAddress(claim.slot);
    if (isAddressError(address)) {
      findings.push({
        code: 'slot-invalid',
        pointer: claim.pointer,
        message: address.error,
        fix: 'slots are 0 to 31, functions 0 to 7, buses 0 to 255',
      });
      return undefined;
    }
    if (claim === lpc && address.bus !== 0) {
      findings.push({
        code: 'slot-lpc-bus',
        pointer: claim.pointer,
        message: `the LPC bridge works on bus 0 only, got ${formatAddress(address)}`,
        fix: 'use a slot of bus 0, or leave "lpc_slot" out',
      });
      return undefined;
    }
    take(claim, address);
    const key = slotKey(address.bus, address.slot);
    if (!namedSlots.has(key)) namedSlots.set(key, claim);
    return address;
  }

  /** Of each slot that claims name, whatever the function, the first of them. */
  const namedSlots = new Map<number, Claim>();

  /** Takes what a lock file has for the claims that name no slot. A function above 0 needs its function 0 there. */
  function takeLocked(which: 'kept' | 'elsewhere', waiting: readonly Claim[]): void {
    const wanted = waiting
      .flatMap((claim) => {
        const address = locked.has(claim) || claim.slot !== undefined ? undefined : claim[which];
        return address === undefined || (claim === lpc && address.bus !== 0) ? [] : [{ claim, address }];
      })
      .sort((a, b) => a.address.func - b.address.func);
    for (const { claim, address } of wanted) {
      const { bus, slot, func } = address;
      const canHave =
        func === 0
          ? isFree(bus, slot)
          : holders.has(formatAddress({ ...address, func: 0 })) && !holders.has(formatAddress(address));
      if (!canHave) {
        const holder = func === 0 && which === 'kept' ? namedSlots.get(slotKey(bus, slot)) : undefined;
        if (holder !== undefined) findings.push(keptForAnother(holder, address, claim));
        continue;
      }
      take(claim, address);
      locked.set(claim, address);
    }
  }

  const claims = lpc === undefined ? devices : [lpc, ...devices];
  const named = new Map(claims.map((claim) => [claim, takeNamed(claim)]));
  for (const claim of claims) {
    const address = named.get(claim);
    if (address === undefined || address.func === 0) continue;
    const first = { ...address, func: 0 };
    if (!holders.has(formatAddress(first))) findings.push(withoutFunction0(claim, address));
  }

  const waiting = hostbridge === undefined ? claims : [hostbridge, ...claims];
  takeLocked('kept', waiting);
  takeLocked('elsewhere', waiting);

  function takeOnBus0(claim: Claim | undefined, order: readonly number[]): PciAddress | undefined {
    if (claim === undefined) return undefined;
    const kept = locked.get(claim);
    if (kept !== undefined) return kept;
    const slot = order.find((number) => isFree(0, number));
    if (slot === undefined) {
      findings.push({
        code: 'slots-used-up',
        pointer: claim.pointer,
        message: `bus 0 has no free slot for the ${claim.who}: its 32 slots are taken by the devices`,
        fix: 'put a device on bus 1 with "slot": "1:0:0"',
      });
      return undefined;
    }
    const address = { bus: 0, slot, func: 0 };
    take(claim, address);
    return address;
  }

  const ascending = Array.from({ length: maxSlot + 1 }, (_, slot) => slot);
  const lpcNamed = lpc === undefined ? undefined : named.get(lpc);
  // 0:31 is LPC's while LPC has no slot of its own.
  const bridgeOrder = lpcNamed === undefined ? ascending.filter((slot) => slot !== lpcSlot) : ascending;
  const hostbridgeAddress = takeOnBus0(hostbridge, bridgeOrder);
  const lpcAddress = lpc?.slot === undefined ? takeOnBus0(lpc, ascending.toReversed()) : lpcNamed;

  const isReserved = new Set(reserved.map(({ bus, slot }) => slotKey(bus, slot)));
  let next = 0;
  function lowestFree(): PciAddress | undefined {
    for (; next < (maxBus + 1) * (maxSlot + 1); next += 1) {
      const [bus, slot] = [Math.floor(next / (maxSlot + 1)), next % (maxSlot + 1)];
      const isKept = bus === 0 && (slot === hostbridgeSlot || slot === lpcSlot);
      if (!isKept && !isReserved.has(next) && isFree(bus, slot)) return { bus, slot, func: 0 };
    }
    return undefined;
  }

  let isFull = false;
  const addresses = devices.map((claim) => {
    if (claim.slot !== undefined) return named.get(claim);
    const kept = locked.get(claim);
    if (kept !== undefined) return kept;
    const address = isFull ? undefined : lowestFree();
    if (address !== undefined) take(claim, address);
    else if (!isFull) {
      isFull = true;
      findings.push({
        code: 'slots-used-up',
        pointer: claim.pointer,
        message: `no PCI slot is left for ${claim.who}: all ${(maxBus + 1) * (maxSlot + 1)} are taken`,
        fix: 'put several devices into one slot with "slot": "bus:slot:function"',
      });
    }
    return address;
  });
  const found = addresses.filter((address) => address !== undefined);
  if (findings.length > 0) return { findings };
  return {
    ...(hostbridgeAddress === undefined ? {} : { hostbridge: hostbridgeAddress }),
    ...(lpcAddress === undefined ? {} : { lpc: lpcAddress }),
    devices: found,
  };
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
