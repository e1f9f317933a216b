import fc from 'fast-check';
import { expect, test } from '@jest/globals';
import { columns, shortened, widthOf } from '../../src/graph/words.js';
import { awkwardText } from '../support/arbitraries.js';

test.each<[text: string, max: number, shown: string]>([
  ['disk.img', 8, 'disk.img'],
  ['disk.img', 7, 'dis…img'],
  ['/usr/local/share/uefi-firmware/BHYVE_UEFI.fd', 30, '/usr/local/s…are/BHYVE_UEFI.fd'],
  ['漢字かな漢字', 12, '漢字かな漢字'],
  ['漢字かな漢字', 7, '漢字…字'],
  ['👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧', 5, '👩‍👩‍👧…👩‍👩‍👧'],
  ['e\u0301e\u0301e\u0301e\u0301', 3, 'e\u0301…e\u0301'],
  ['abc', 1, '…'],
  ['abc', 0, ''],
])('%s in %i columns is %s', (text, max, shown) => {
  expect(shortened(text, max, columns)).toBe(shown);
});

test('text is never wider than it may be, begins and ends as it did, and is left alone where it fits', () => {
  fc.assert(
    fc.property(awkwardText(20), fc.nat(40), fc.constantFrom('…', '..'), (text, max, mark) => {
      const shown = shortened(text, max, columns, mark);
      expect(widthOf(shown, columns)).toBeLessThanOrEqual(max);
      if (widthOf(text, columns) <= max) expect(shown).toBe(text);
      else if (shown !== '') {
        const fits = Array.from({ length: shown.length }).some(
          (_, at) =>
            shown.startsWith(mark, at) &&
            text.startsWith(shown.slice(0, at)) &&
            text.endsWith(shown.slice(at + mark.length)),
        );
        expect([shown, fits]).toEqual([shown, true]);
      }
    }),
  );
});
