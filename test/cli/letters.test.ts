import { expect, test } from '@jest/globals';
import { coloursFor } from '../../src/cli/colours.js';
import { drawsUnicode, isUtf8 } from '../../src/cli/letters.js';

type Env = Readonly<Record<string, string>>;

test.each<[env: Env, isShown: boolean]>([
  [{ LANG: 'en_US.UTF-8' }, true],
  [{ LANG: 'C.utf8' }, true],
  [{ LANG: 'de_DE.UTF-8@euro' }, true],
  [{ LC_CTYPE: 'UTF-8' }, true],
  [{ LANG: 'C', LC_CTYPE: 'en_US.UTF-8' }, true],
  [{ LANG: 'en_US.UTF-8', LC_ALL: '' }, true],
  [{ LANG: 'en_US.UTF-8', LC_CTYPE: 'C' }, false],
  [{ LC_CTYPE: 'en_US.UTF-8', LC_ALL: 'POSIX' }, false],
  [{ LANG: 'en_US.ISO8859-1' }, false],
  [{ LANG: 'C' }, false],
  [{}, false],
])('%j: the terminal shows UTF-8: %s', (env, isShown) => {
  expect(isUtf8(env)).toBe(isShown);
});

test('what is drawn is ASCII unless it is for a terminal that shows more', () => {
  const utf8 = { LANG: 'C.UTF-8' };
  expect(drawsUnicode({ env: utf8 }, 1, true)).toBe(true);
  expect(drawsUnicode({ env: utf8 }, 1, false)).toBe(false);
  expect(drawsUnicode({ env: { ...utf8, TERM: 'dumb' } }, 1, true)).toBe(false);
  expect(drawsUnicode({ env: {} }, 1, true)).toBe(false);
});

test.each<[wanted: boolean | undefined, env: Env, onTerminal: boolean, elsewhere: boolean]>([
  [undefined, {}, true, false],
  [undefined, { TERM: 'dumb' }, false, false],
  [undefined, { NO_COLOR: '1' }, false, false],
  [undefined, { NO_COLOR: '' }, true, false],
  [undefined, { FORCE_COLOR: '1' }, true, true],
  [undefined, { FORCE_COLOR: '1', NO_COLOR: '1' }, true, true],
  [undefined, { FORCE_COLOR: '1', TERM: 'dumb' }, true, true],
  [undefined, { FORCE_COLOR: '0' }, false, false],
  [undefined, { FORCE_COLOR: '' }, true, false],
  [true, { NO_COLOR: '1', TERM: 'dumb' }, true, true],
  [false, { FORCE_COLOR: '1' }, false, false],
])('wanted %s, %j: colours on a terminal: %s, elsewhere: %s', (wanted, env, onTerminal, elsewhere) => {
  const has = (isTerminal: boolean): boolean => coloursFor({ env }, wanted, 1, isTerminal).red('x') !== 'x';
  expect([has(true), has(false)]).toEqual([onTerminal, elsewhere]);
});
