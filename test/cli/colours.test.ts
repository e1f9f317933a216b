import { expect, test } from '@jest/globals';
import { coloursFor, plain } from '../../src/cli/colours.js';

const inColour = coloursFor({ env: {} }, true);

test('a text in colour begins and ends as a terminal wants it, on each of its lines', () => {
  expect(inColour.red('one\n\ntwo')).toBe('\u001b[31mone\u001b[39m\n\n\u001b[31mtwo\u001b[39m');
  expect(inColour.bold(inColour.green('up'))).toBe('\u001b[1m\u001b[32mup\u001b[39m\u001b[22m');
  expect(inColour.yellow('')).toBe('');
});

test('$& in a text is what it is', () => {
  expect(inColour.dim('$& $1')).toBe('\u001b[2m$& $1\u001b[22m');
});

test.each(Object.entries(plain))('without colours %s leaves a text as it is', (_name, paint) => {
  expect(paint('one\ntwo')).toBe('one\ntwo');
});
