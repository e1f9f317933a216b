import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { lineSplitter, tailBuffer } from '../../../src/host/process/tail.js';

test('a tail is the end of all that was pushed, and never longer than it may be', () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 50 }), fc.array(fc.string()), (size, texts) => {
      const tail = tailBuffer(size);
      for (const text of texts) tail.push(text);
      expect(tail.text()).toBe(texts.join('').slice(-size));
    }),
  );
});

function split(chunks: readonly string[]): readonly string[] {
  const passed: string[] = [];
  const splitter = lineSplitter((text) => passed.push(text));
  for (const chunk of chunks) splitter.push(chunk);
  splitter.end();
  return passed;
}

describe('lines are passed on whole', () => {
  test.each<[chunks: readonly string[], passed: readonly string[]]>([
    [[], []],
    [['one\n'], ['one\n']],
    [['one\ntwo\n'], ['one\ntwo\n']],
    [
      ['one\ntw', 'o\n'],
      ['one\n', 'two\n'],
    ],
    [['on', 'e', '\n'], ['one\n']],
    [['one'], ['one\n']],
    [['one\n\n'], ['one\n\n']],
    [['one\r\n'], ['one\r\n']],
    [['\n', ''], ['\n']],
  ])('%j', (chunks, passed) => {
    expect(split(chunks)).toEqual(passed);
  });

  test('nothing is lost or moved, and each piece ends a line, however the text is cut', () => {
    const text = fc.string({ unit: fc.constantFrom('a', 'é', '😀', '\n', '\r') });
    fc.assert(
      fc.property(fc.array(text), (chunks) => {
        const whole = chunks.join('');
        const passed = split(chunks);
        expect(passed.join('')).toBe(whole === '' || whole.endsWith('\n') ? whole : `${whole}\n`);
        for (const piece of passed) expect(piece.endsWith('\n')).toBe(true);
      }),
    );
  });
});

test('a line without an end does not fill memory: it is passed on in pieces', () => {
  const passed: string[] = [];
  const splitter = lineSplitter((text) => passed.push(text));
  const chunk = 'x'.repeat(1000);
  for (let pushed = 0; pushed < 1_000_000; pushed += chunk.length) splitter.push(chunk);
  expect(passed.length).toBeGreaterThan(10);
  expect(Math.max(...passed.map((piece) => piece.length))).toBeLessThanOrEqual(65 * 1024);
  splitter.push('\n');
  splitter.end();
  expect(passed.join('')).toBe(`${'x'.repeat(1_000_000)}\n`);
});
