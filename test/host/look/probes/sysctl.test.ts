import { expect, test } from '@jest/globals';
import { parseSysctl, sysctlNames } from '../../../../src/host/look/probes/sysctl.js';
import { fixture } from '../../fake-host.js';

test('what sysctl prints gives each value by its name', () => {
  const values = parseSysctl(fixture('sysctl.txt'));
  expect([...(values ?? []).keys()]).toEqual(sysctlNames);
  expect(values?.get('kern.securelevel')).toBe('-1');
  expect(values?.get('hw.physmem')).toBe('34235027456');
});

test.each<[what: string, text: string, values: Readonly<Record<string, string>> | undefined]>([
  ['a name that the kernel does not have is absent', 'hw.physmem: 1\n', { 'hw.physmem': '1' }],
  ['a value may have colons, blanks or nothing', 'a.b: c: d \ne.f: \ng.h:\n', { 'a.b': 'c: d', 'e.f': '', 'g.h': '' }],
  ['other lines are passed over', 'sysctl: noise\n more\nhw.ncpu: 8\n', { 'hw.ncpu': '8' }],
  ['nothing is not an answer', '', undefined],
  ['what another system prints is not an answer', 'kernel.hostname = vm\nusage: none\n', undefined],
])('%s', (_what, text, values) => {
  const parsed = parseSysctl(text);
  expect(parsed === undefined ? undefined : Object.fromEntries(parsed)).toEqual(values);
});
