import { describe, expect, test } from '@jest/globals';
import { consoleKeys } from '../../src/cli/console-keys.js';

/** What the guest gets of what is typed, with what is done in between. */
function typed(...pieces: readonly string[]): string {
  const keys = consoleKeys();
  let told = '';
  for (const piece of pieces) {
    let rest: Uint8Array | undefined = Buffer.from(piece);
    while (rest !== undefined) {
      const read = keys(rest);
      told += Buffer.from(read.typed).toString();
      if (read.action !== undefined) told += `<${read.action}>`;
      rest = read.rest;
    }
  }
  return told;
}

describe('of what is typed at a console, the guest gets', () => {
  test.each<[pieces: readonly string[], told: string]>([
    [['root\r'], 'root\r'],
    [['~.'], '<leave>'],
    [['~', '.'], '<leave>'],
    [['ls\r~.'], 'ls\r<leave>'],
    [['ls\n~.'], 'ls\n<leave>'],
    [['a~.'], 'a~.'],
    [['~~.'], '~.'],
    [['~~~.'], '~~.'],
    [['~x'], '~x'],
    [['~\r~.'], '~\r<leave>'],
    [['~t~tls~t'], '<take><take>ls~t'],
    [['~?'], '<help>'],
    [['~\u0004'], '<leave>'],
    [['\u0003\u0004'], '\u0003\u0004'],
    [['cd ~/x\r', '~', '~', 'x'], 'cd ~/x\r~x'],
  ])('of %j: %j', (pieces, told) => {
    expect(typed(...pieces)).toBe(told);
  });

  test('every byte that is not a word for us', () => {
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index).filter((byte) => byte !== 0x7e);
    expect([...consoleKeys()(bytes).typed]).toEqual([...bytes]);
  });
});
