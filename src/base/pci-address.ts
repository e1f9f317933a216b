/** A place on the guest's PCI bus: bus 0-255, slot 0-31, function 0-7. bhyve(8), `-s`. */
export interface PciAddress {
  readonly bus: number;
  readonly slot: number;
  readonly func: number;
}

export const maxBus = 255;
export const maxSlot = 31;
export const maxFunction = 7;

/** `0:4:0`, as bhyve(8) writes it. */
export const formatAddress = ({ bus, slot, func }: PciAddress): string => `${bus}:${slot}:${func}`;

export const compareAddresses = (a: PciAddress, b: PciAddress): number =>
  a.bus - b.bus || a.slot - b.slot || a.func - b.func;

/** Why text is no address, in words that name the part that is wrong. */
interface AddressError {
  readonly error: string;
}

const form = /^\d{1,6}(:\d{1,6}){0,2}$/;

/**
 * Reads the three forms of bhyve(8): `slot`, `slot:function`, `bus:slot:function`, and a bare integer as a slot.
 * Decimal digits only. bhyve itself ignores whatever follows the last number; here that is an error.
 */
export function parseAddress(text: string | number): PciAddress | AddressError {
  if (typeof text === 'number' ? !Number.isInteger(text) || text < 0 : !form.test(text)) {
    return { error: `${JSON.stringify(text)} is not a PCI slot` };
  }
  const numbers = String(text).split(':').map(Number);
  const [bus, slot, func] =
    numbers.length === 3 ? (numbers as [number, number, number]) : [0, numbers[0] ?? 0, numbers[1] ?? 0];
  const tooLarge =
    outOf('bus', bus, maxBus, text) ?? outOf('slot', slot, maxSlot, text) ?? outOf('function', func, maxFunction, text);
  return tooLarge ?? { bus, slot, func };
}

export const isAddressError = (value: PciAddress | AddressError): value is AddressError => 'error' in value;

const outOf = (part: string, value: number, max: number, text: string | number): AddressError | undefined =>
  value > max ? { error: `${part} must be 0 to ${max}, got ${value} in ${JSON.stringify(text)}` } : undefined;
