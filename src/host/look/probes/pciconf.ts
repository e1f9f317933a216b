import { compareAddresses, type PciAddress } from '../../../base/pci-address.js';

/** A card of the host. What pciconf did not print is undefined. */
export interface PciCard {
  /** Driver and unit, `em0`; `none3` for a card without a driver. */
  readonly name: string;
  /** `em`; undefined for a card without a driver. */
  readonly driver?: string | undefined;
  readonly domain: number;
  readonly address: PciAddress;
  readonly vendor?: number | undefined;
  readonly device?: number | undefined;
  readonly subvendor?: number | undefined;
  readonly subdevice?: number | undefined;
  /** 0 is a card, 1 a PCI bridge, 2 a CardBus bridge. */
  readonly headerType?: number | undefined;
}

/**
 * Reads `pciconf -l`, one card a line: `NAMEunit@pciDOMAIN:BUS:SLOT:FUNCTION:` and pairs, read by their names. Older
 * releases pack the ids into `chip` and `card`, the vendor's in the lower half. Other lines are passed over.
 * @returns by domain, then address; undefined where there is text and none of it is a card
 */
export function parsePciconf(text: string): readonly PciCard[] | undefined {
  const cards = text.split('\n').flatMap((line) => parseLine(line) ?? []);
  if (cards.length === 0 && text.trim() !== '') return undefined;
  return cards.sort((a, b) => a.domain - b.domain || compareAddresses(a.address, b.address));
}

function parseLine(line: string): PciCard | undefined {
  const match = /^(\S*?)(\d{1,9})@pci(\d{1,9}):(\d{1,9}):(\d{1,9}):(\d{1,9}):?(?:\s+(.*))?$/s.exec(line);
  if (match === null) return undefined;
  const [, driver = '', unit = '', domain, bus, slot, func, rest = ''] = match;
  const values = new Map(
    [...rest.matchAll(/\b(\w+)=0x([0-9a-f]{1,8})\b/gi)].map(([, key = '', hex = '']) => [
      key,
      Number.parseInt(hex, 16),
    ]),
  );
  const lower = (value: number | undefined) => (value === undefined ? undefined : value & 0xffff);
  const upper = (value: number | undefined) => (value === undefined ? undefined : value >>> 16);
  const chip = values.get('chip');
  const card = values.get('card');
  const header = values.get('hdr');
  return {
    name: driver + unit,
    driver: driver === 'none' ? undefined : driver,
    domain: Number(domain),
    address: { bus: Number(bus), slot: Number(slot), func: Number(func) },
    vendor: values.get('vendor') ?? lower(chip),
    device: values.get('device') ?? upper(chip),
    subvendor: values.get('subvendor') ?? lower(card),
    subdevice: values.get('subdevice') ?? upper(card),
    // The top bit says that the card has several functions.
    headerType: header === undefined ? undefined : header & 0x7f,
  };
}
