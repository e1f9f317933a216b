import { expect, test } from '@jest/globals';
import { listWords } from '../../src/base/text.js';
import { asText } from '../../src/cli/paint.js';
import { runBaseOf } from '../../src/cli/run-base.js';
import { fitLines } from '../../src/cli/wrap.js';
import { checkSerialBackend } from '../../src/devices/serial.js';
import { whySilent } from '../../src/forecast/silent.js';
import { parsePciconf } from '../../src/host/look/probes/pciconf.js';
import { expectLinear } from '../support/growth.js';

const platform = { arch: 'amd64', release: 15 } as const;

test.each<[title: string, before: string, piece: string, after: string, read: (text: string) => unknown]>([
  ['blanks at the end of a message', 'x', ' ', '\t', (text) => fitLines(asText(text), 80)],
  ['blanks within a message', 'x', ' ', 'z', (text) => fitLines(asText(text), 80)],
  [
    'colons of an address',
    'tcp=[',
    ':',
    'x',
    (text) => checkSerialBackend(text, { name: 'com1', pointer: '' }, platform),
  ],
  [
    'letters of an option',
    '',
    's',
    '',
    (text) => whySilent({ kind: 'end', index: 0, messages: [], asked: '' }, [text]),
  ],
  ['slashes of a folder', 'x', '/', 'y', (runDir) => runBaseOf({ runDir }, { env: {}, uid: 0 })],
  ['digits of a card', 'ppt', '1', '@', (text) => parsePciconf(text)],
  ['letters of a card', 'ppt1@pci0:1:2:3: ', 'a', '', (text) => parsePciconf(text)],
])('many %s take no longer each', (_title, before, piece, after, read) => {
  expectLinear(4000, (count) => before + piece.repeat(count) + after, read);
});

test.each([
  ['/', '/'],
  ['///', '/'],
  ['/a//', '/a'],
  ['a', 'a'],
])('the folder %s of the runs is %s', (runDir, base) => {
  expect(runBaseOf({ runDir }, { env: {}, uid: 0 })).toBe(base);
});

test('an address of IPv4 has no brackets, one of IPv6 has them', () => {
  const check = (backend: string) => checkSerialBackend(backend, { name: 'com1', pointer: '' }, platform).length;
  expect(['tcp=127.0.0.1:1', 'tcp=[::1]:1', 'tcp=[127.0.0.1]:1', 'tcp=::1:1'].map(check)).toEqual([0, 0, 1, 1]);
});

test('of very many words a message has the first, and how many more there are', () => {
  expect(listWords(Array.from({ length: 100 }, (_, at) => String(at)))).toMatch(/^0, 1, .*, 39 and 60 more$/);
});
