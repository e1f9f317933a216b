import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { hasUnseen, inOctal, unseen, visible, visibleLines } from '../../src/base/visible.js';
import { anyCharacter } from '../support/unicode.js';

/** Signs of Arabic and other scripts that Unicode counts among formats, and prints. */
const printed = /[\u0600-\u0605\u06dd\u070f\u0890\u0891\u08e2\u{110bd}\u{110cd}]/u;
const invisible = /[\p{Cc}\p{Cf}\p{Cs}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\ufffe\uffff]/u;

test('what cannot be seen is what Unicode says, character by character', () => {
  const own = new RegExp(`^[${unseen}]$`, 'u');
  const wrong: string[] = [];
  for (let code = 0; code <= 0x10ffff; code += 1) {
    const character = String.fromCodePoint(code);
    if (own.test(character) !== (invisible.test(character) && !printed.test(character))) wrong.push(code.toString(16));
  }
  expect(wrong).toEqual([]);
});

describe('text of others', () => {
  test.each([
    ['plain text', 'plain text'],
    ['a\nb\r\nc\td', String.raw`a\nb\r\nc\td`],
    ['\u001b[2J\u0007\u007f\u0000', String.raw`\e[2J\u0007\u007f\u0000`],
    ['\u009b31m\u0085', String.raw`\u009b31m\u0085`],
    ['a\u202egnp.exe\u2066\u2028\u200b\ufeff', String.raw`a\u202egnp.exe\u2066\u2028\u200b\ufeff`],
    ['\ud83d\udb40\udc41', String.raw`\ud83d\udb40\udc41`],
    ['C:\\new', 'C:\\new'],
    ['Größe 漢字 😀 ❤️ 👩🏽‍🚀 👨‍👩‍👧', 'Größe 漢字 😀 ❤️ 👩🏽‍🚀 👨‍👩‍👧'],
    ['a\u200db\ufe0f', String.raw`a\u200db\ufe0f`],
  ])('%j is shown as %s', (text, shown) => {
    expect(visible(text)).toBe(shown);
    expect(visible(shown)).toBe(shown);
  });

  const any = fc.string({ unit: anyCharacter });
  test('is on one line, and nothing in it is not seen', () => {
    fc.assert(fc.property(any, (text) => !hasUnseen(visible(text)) && !/[\n\r]/.test(visible(text))));
  });

  test('as lines keeps their ends and its tabs, and JSON its meaning', () => {
    expect(visibleLines('a\tb\n\u001b\r\n')).toBe('a\tb\n\\e\\r\n');
    fc.assert(
      fc.property(fc.jsonValue({ stringUnit: anyCharacter }), (value) => {
        const text = visibleLines(JSON.stringify(value, undefined, 2));
        expect(hasUnseen(text.replaceAll('\n', ''))).toBe(false);
        expect(JSON.parse(text)).toEqual(JSON.parse(JSON.stringify(value)));
      }),
    );
  });

  test('in octal is bytes of UTF-8', () => {
    expect(inOctal('é\u202e\n')).toBe(String.raw`é\342\200\256\012`);
  });
});
