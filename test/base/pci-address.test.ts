import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { compareAddresses, formatAddress, isAddressError, parseAddress } from '../../src/base/pci-address.js';

describe('a PCI address', () => {
  test.each<[text: string | number, address: string]>([
    ['4', '0:4:0'],
    [4, '0:4:0'],
    [0, '0:0:0'],
    ['31', '0:31:0'],
    ['4:7', '0:4:7'],
    ['0:4:0', '0:4:0'],
    ['255:31:7', '255:31:7'],
    ['08', '0:8:0'],
    ['1:010:0', '1:10:0'],
  ])('%j is %s', (text, address) => {
    const parsed = parseAddress(text);
    expect(isAddressError(parsed) ? parsed.error : formatAddress(parsed)).toBe(address);
  });

  test.each<[text: string | number, error: string]>([
    ['32', 'slot must be 0 to 31, got 32 in "32"'],
    [32, 'slot must be 0 to 31, got 32 in 32'],
    ['4:8', 'function must be 0 to 7, got 8 in "4:8"'],
    ['256:0:0', 'bus must be 0 to 255, got 256 in "256:0:0"'],
    ['0:32:0', 'slot must be 0 to 31, got 32 in "0:32:0"'],
    ['0:0:8', 'function must be 0 to 7, got 8 in "0:0:8"'],
    ['', '"" is not a PCI slot'],
    ['0x4', '"0x4" is not a PCI slot'],
    ['4 ', '"4 " is not a PCI slot'],
    ['-1', '"-1" is not a PCI slot'],
    [-1, '-1 is not a PCI slot'],
    [1.5, '1.5 is not a PCI slot'],
    ['0:4:0:0', '"0:4:0:0" is not a PCI slot'],
    ['0:4:', '"0:4:" is not a PCI slot'],
    ['3/0/0', '"3/0/0" is not a PCI slot'],
    ['4\n', '"4\\n" is not a PCI slot'],
  ])('%j is refused, and the message says which part is wrong', (text, error) => {
    expect(parseAddress(text)).toEqual({ error });
  });

  const address = fc.record({
    bus: fc.integer({ min: 0, max: 255 }),
    slot: fc.integer({ min: 0, max: 31 }),
    func: fc.integer({ min: 0, max: 7 }),
  });

  test('reads back as it is written', () => {
    fc.assert(
      fc.property(address, (each) => {
        expect(parseAddress(formatAddress(each))).toEqual(each);
      }),
    );
  });

  test('sorts by bus, then slot, then function', () => {
    fc.assert(
      fc.property(fc.array(address), (list) => {
        const number = ({ bus, slot, func }: (typeof list)[number]): number => (bus * 32 + slot) * 8 + func;
        expect(list.toSorted(compareAddresses).map(number)).toEqual(list.map(number).sort((a, b) => a - b));
      }),
    );
  });
});
