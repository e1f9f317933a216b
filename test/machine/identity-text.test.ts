import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { Result } from '../../src/base/result.js';
import { formatIdentity, readIdentity } from '../../src/machine/identity-text.js';
import type { Identity } from '../../src/machine/identity.js';
import { lockIdentity } from '../../src/machine/lock-identity.js';
import { validSpec } from '../support/arbitraries.js';
import { specOf, told, withDevices, type SpecObject } from '../support/specs.js';
import { runs } from '../support/runs.js';

function sound<T>(result: Result<T>): T {
  if (!result.ok) throw new Error(result.problems.map(told).join('\n'));
  return result.value;
}

const lockOf = async (spec: SpecObject): Promise<Identity> =>
  sound(lockIdentity(await specOf(spec), { hostName: 'host.example' })).identity;

const read = (text: string): Result<Identity> => readIdentity(text, 'vm.lock.json');

const spec = {
  ...withDevices(
    { device: 'virtio-blk', id: 'disk "0"', path: 'disk.img' },
    { device: 'virtio-net', name: 'tap0' },
    { device: 'ahci', ports: [{ type: 'cd', path: 'a.iso' }] },
  ),
  targets: { b: { uuid: '00000000-0000-4000-8000-000000000001' }, a: {} },
};

test('the text has a device a line, default first, then the targets by name, the devices by slot', async () => {
  expect(formatIdentity(await lockOf(spec))).toBe(`{
  "version": 1,
  "name": "vm0",
  "uuid": "ff70ec74-6fd3-5bc4-8bbc-6b919b58864e",
  "targets": {
    "default": {
      "devices": [
        { "slot": "0:0:0", "model": "hostbridge", "field": "hostbridge" },
        { "slot": "0:1:0", "id": "disk \\"0\\"", "model": "virtio-blk", "label": "disk.img", "serial": "BHYVE-E581-6406-DE15" },
        { "slot": "0:2:0", "model": "virtio-net", "label": "tap0", "mac": "00:a0:98:f0:55:05" },
        { "slot": "0:3:0", "model": "ahci", "label": "a.iso", "serials": { "a.iso": "BHYVE-9641-7566-81E6" } },
        { "slot": "0:31:0", "model": "lpc", "field": "lpc_slot" }
      ]
    },
    "a": {
      "devices": [
        { "slot": "0:0:0", "model": "hostbridge", "field": "hostbridge" },
        { "slot": "0:1:0", "id": "disk \\"0\\"", "model": "virtio-blk", "label": "disk.img", "serial": "BHYVE-E581-6406-DE15" },
        { "slot": "0:2:0", "model": "virtio-net", "label": "tap0", "mac": "00:a0:98:f0:55:05" },
        { "slot": "0:3:0", "model": "ahci", "label": "a.iso", "serials": { "a.iso": "BHYVE-9641-7566-81E6" } },
        { "slot": "0:31:0", "model": "lpc", "field": "lpc_slot" }
      ]
    },
    "b": {
      "uuid": "00000000-0000-4000-8000-000000000001",
      "devices": [
        { "slot": "0:0:0", "model": "hostbridge", "field": "hostbridge" },
        { "slot": "0:1:0", "id": "disk \\"0\\"", "model": "virtio-blk", "label": "disk.img", "serial": "BHYVE-E581-6406-DE15" },
        { "slot": "0:2:0", "model": "virtio-net", "label": "tap0", "mac": "00:a0:98:f0:55:05" },
        { "slot": "0:3:0", "model": "ahci", "label": "a.iso", "serials": { "a.iso": "BHYVE-9641-7566-81E6" } },
        { "slot": "0:31:0", "model": "lpc", "field": "lpc_slot" }
      ]
    }
  }
}
`);
});

test('what is written is read back, of any spec, stale or not', async () => {
  await fc.assert(
    fc.asyncProperty(validSpec, fc.boolean(), async (object, isEmptied) => {
      const first = await lockOf(object);
      const emptied = await specOf({
        ...object,
        emulations: [],
        targets: {},
        next_target: undefined,
        on_give_up: undefined,
      });
      const identity = isEmptied ? sound(lockIdentity(emptied, { identity: first })).identity : first;
      expect(sound(read(formatIdentity(identity)))).toEqual(identity);
    }),
    { numRuns: runs(30) },
  );
});

describe('a damaged file is refused, at its place', () => {
  const mac = '"mac": "00:a0:98:f0:55:05"';
  test.each<[what: string, from: RegExp | string, to: string, expected: string]>([
    ['cut', /"0:31:0"[^]*$/, '"0:31', '12:19  syntax'],
    ['a comma too few', '"name": "vm0",', '"name": "vm0"', '3:16  syntax'],
    ['a key twice', '"name": "vm0",', '"name": "vm0", "name": "vm0",', '3:18  syntax'],
    ['another version', '"version": 1', '"version": 2', '2:14 /version lock-version'],
    ['no version', '"version": 1,', '', '1:1  lock-damaged'],
    ['no targets', '"targets"', '"x-targets"', '5:16 /x-targets lock-damaged'],
    ['an address that is none', mac, '"mac": "00:a0:98:f0:55"', '10:75 /targets/default/devices/2/mac lock-damaged'],
    ['one in another spelling', mac, '"mac": "00:A0:98:f0:55:05"', '10:75 /targets/default/devices/2/mac lock-damaged'],
    ['a slot that is none', '"0:2:0"', '"0:32:0"', '10:19 /targets/default/devices/2/slot lock-damaged'],
    ['a slot in another form', '"0:2:0"', '"2"', '10:19 /targets/default/devices/2/slot lock-damaged'],
    ['two devices at one place', '"0:2:0"', '"0:1:0"', '10:9 /targets/default/devices/2/slot lock-damaged'],
    [
      'a serial number that bhyve would cut',
      'BHYVE-E581-6406-DE15',
      'BHYVE-E581-6406-DE150',
      '9:102 /targets/default/devices/1/serial lock-damaged',
    ],
    ['a UUID that is none', 'ff70ec74-', '', '4:11 /uuid lock-damaged'],
    ['a key that nobody knows', mac, '"mak": "00:a0:98:f0:55:05"', '10:75 /targets/default/devices/2/mak lock-damaged'],
    ['a number for a name', '"name": "vm0"', '"name": 5', '3:11 /name lock-damaged'],
    ['no slot', '"slot": "0:2:0", ', '', '10:9 /targets/default/devices/2 lock-damaged'],
    ['stale, or not', mac, '"stale": false', '10:77 /targets/default/devices/2/stale lock-damaged'],
    ['a merge that was not finished', '  "version": 1', '<<<<<<< ours\n  "version": 1\n=======', '2:1  lock-conflict'],
  ])('%s', async (_what, from, to, expected) => {
    const text = formatIdentity(await lockOf(spec));
    const broken = text.replace(from, to);
    expect(broken).not.toBe(text);
    const result = read(broken);
    const problems = result.ok ? [] : result.problems;
    expect(
      problems.map(({ place, code }) => `${place?.line ?? 0}:${place?.column ?? 0} ${place?.pointer ?? ''} ${code}`),
    ).toEqual([expected]);
    expect(problems.every(({ fix, place }) => fix !== undefined && place?.file === 'vm.lock.json')).toBe(true);
  });

  test('an empty one, and one that is not an object', () => {
    expect(read('\n')).toMatchObject({ ok: false, problems: [{ code: 'empty' }] });
    expect(read('[]')).toMatchObject({ ok: false, problems: [{ code: 'lock-damaged' }] });
    expect(read('{"name": "vm", "cpu": 1, "mem": "1G"}')).toMatchObject({
      ok: false,
      problems: [{ code: 'lock-damaged' }],
    });
  });

  test('no text makes it throw', () => {
    fc.assert(
      fc.property(fc.oneof(fc.string(), fc.json()), (text) => {
        expect(read(text).ok).toBe(false);
      }),
    );
  });
});
