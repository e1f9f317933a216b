/** Where the next device goes: vm-bhyve counts on from `start_slot`, over all devices in its own order. */
export interface Places {
  /** Behind `-s`. @param func instead of the one that is counted */
  readonly place: (func?: number) => string;
  /** What vm-bhyve writes for the last AHCI controller: it forgets the bus. */
  readonly placeWithoutBus: () => string;
  /** Place of a slot and function that the user chose. */
  readonly chosen: (slot: string) => string;
  readonly nextSlot: () => void;
  /** As many functions as a slot has, then the next slot. */
  readonly nextFunction: () => void;
  readonly isBeyondFirstBus: () => boolean;
  /** A slot has eight functions; the ninth device goes to the next. */
  readonly leaveFullSlot: () => void;
}

/** LPC is in slot 31 of the first bus, so the second one begins there. */
const firstBusSlots = 31;
const slotsOfBus = 32;
const functionsOfSlot = 8;

export function placesFrom(start: number, hasBuses: boolean): Places {
  let [bus, slot, func, end] = [0, start, 0, firstBusSlots];
  const nextBus = (): void => {
    if (hasBuses && slot >= end) [bus, slot, end] = [bus + 1, 0, slotsOfBus];
  };
  nextBus();
  const onBus = (rest: string): string => (hasBuses ? `${bus}:${rest}` : rest);
  return {
    place: (own = func) => onBus(`${slot}:${own}`),
    placeWithoutBus: () => `${slot}:${func}`,
    chosen: onBus,
    nextSlot() {
      slot += 1;
      func = 0;
      nextBus();
    },
    nextFunction() {
      func += 1;
    },
    isBeyondFirstBus: () => bus > 0,
    leaveFullSlot() {
      if (func < functionsOfSlot) return;
      slot += 1;
      func = 0;
      nextBus();
    },
  };
}
