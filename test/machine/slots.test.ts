import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { formatAddress, isAddressError, parseAddress } from '../../src/base/pci-address.js';
import { assignSlots, type Claims } from '../../src/machine/slots.js';
import { planOf, problemsOf, told, withDevices, type SpecObject } from '../support/specs.js';
import { runs } from '../support/runs.js';

type Slot = string | number | undefined;

const claims = (slots: readonly Slot[], lpcSlot?: Slot): Claims => ({
  hostbridge: { who: 'hostbridge', pointer: '/hostbridge' },
  lpc: { who: 'LPC bridge', pointer: '/lpc_slot', ...(lpcSlot === undefined ? {} : { slot: lpcSlot }) },
  devices: slots.map((slot, index) => ({
    who: `device ${index}`,
    pointer: `/emulations/${index}`,
    ...(slot === undefined ? {} : { slot }),
  })),
});

/** The addresses of hostbridge, LPC and the devices, or the codes of what is wrong with which. */
const assigned = (slots: readonly Slot[], lpcSlot?: Slot): readonly string[] => {
  const result = assignSlots(claims(slots, lpcSlot));
  return 'findings' in result
    ? result.findings.map(({ code, pointer }) => `${code} ${pointer}`)
    : [result.hostbridge, result.lpc, ...result.devices].map((address) =>
        address === undefined ? 'none' : formatAddress(address),
      );
};

const free = undefined;
const range = (from: number, to: number): readonly number[] =>
  Array.from({ length: to - from + 1 }, (_, index) => from + index);

describe('a device that moves the LPC bridge is a warning', () => {
  const disk = { device: 'nvme', path: '/d' };
  test.each<[title: string, spec: SpecObject, told: readonly string[]]>([
    [
      'at slot 31',
      withDevices({ ...disk, slot: '31' }),
      [
        '9:15 /emulations/0/slot lpc-moved: emulations[0] nvme "/d" takes slot 0:31, so the LPC bridge moves to 0:30; Windows needs it at 0:31 [choose another slot, or set "lpc_slot": "30" if the guest does not mind]',
      ],
    ],
    ['unless the bridge has a slot of its own', { ...withDevices({ ...disk, slot: '31' }), lpc_slot: '30' }, []],
    ['unless it is on another bus', withDevices({ ...disk, slot: '1:31:0' }), []],
    ['unless it takes another slot', withDevices({ ...disk, slot: '30' }), []],
  ])('%s', async (_title, spec, warnings) => {
    expect((await problemsOf(spec)).map(told)).toEqual(warnings);
  });
});

describe('slots', () => {
  test.each<[what: string, slots: readonly Slot[], lpcSlot: Slot, addresses: readonly string[]]>([
    ['no devices', [], free, ['0:0:0', '0:31:0']],
    [
      'devices take the lowest free slot in order',
      [free, free, free],
      free,
      ['0:0:0', '0:31:0', '0:1:0', '0:2:0', '0:3:0'],
    ],
    [
      'a named slot is kept and passed over',
      [free, 1, free, '2:0', free],
      free,
      ['0:0:0', '0:31:0', '0:3:0', '0:1:0', '0:4:0', '0:2:0', '0:5:0'],
    ],
    ['the three forms', ['4', '5:0', '0:6:0', 7], free, ['0:0:0', '0:31:0', '0:4:0', '0:5:0', '0:6:0', '0:7:0']],
    [
      'a device at 0:0 moves the hostbridge to the first free slot',
      ['0', free],
      free,
      ['0:1:0', '0:31:0', '0:0:0', '0:2:0'],
    ],
    [
      'a device at 0:31 moves LPC to the last free slot',
      [31, 30, free],
      free,
      ['0:0:0', '0:29:0', '0:31:0', '0:30:0', '0:1:0'],
    ],
    ['lpc_slot is kept', [free, 30], '5', ['0:0:0', '0:5:0', '0:1:0', '0:30:0']],
    ['lpc_slot may be 0, and the hostbridge moves', [], 0, ['0:1:0', '0:0:0']],
    [
      '0 and 31 of bus 0 are kept for the bridges, even when these are elsewhere',
      [0, ...range(2, 30), free],
      1,
      ['0:31:0', '0:1:0', '0:0:0', ...range(2, 30).map((slot) => `0:${slot}:0`), '1:0:0'],
    ],
    [
      'functions share a slot that says so, and an automatic device never joins',
      ['1', '1:1', '0:1:7', free],
      free,
      ['0:0:0', '0:31:0', '0:1:0', '0:1:1', '0:1:7', '0:2:0'],
    ],
    ['functions may come in any order', ['1:1', '1:0'], free, ['0:0:0', '0:31:0', '0:1:1', '0:1:0']],
    ["LPC may be a function of a device's slot", ['31:0'], '31:1', ['0:0:0', '0:31:1', '0:31:0']],
    ["a device may be a function of LPC's slot", ['31:1'], '31:0', ['0:0:0', '0:31:0', '0:31:1']],
    ['other buses', ['1:0:0', '255:31:0', free], free, ['0:0:0', '0:31:0', '1:0:0', '255:31:0', '0:1:0']],
    [
      'bus 1 follows when bus 0 is full, from slot 0 to slot 31',
      Array.from({ length: 30 + 33 }, () => free),
      free,
      [
        '0:0:0',
        '0:31:0',
        ...range(1, 30).map((slot) => `0:${slot}:0`),
        ...range(0, 31).map((slot) => `1:${slot}:0`),
        '2:0:0',
      ],
    ],
  ])('%s', (_what, slots, lpcSlot, addresses) => {
    expect(assigned(slots, lpcSlot)).toEqual(addresses);
  });

  test.each<[what: string, slots: readonly Slot[], lpcSlot: Slot, findings: readonly string[]]>([
    ['two devices on one function', ['4', '0:4:0'], free, ['slot-taken /emulations/1']],
    ['a device on lpc_slot', ['0:5:0'], '5', ['slot-taken /emulations/0']],
    ['a function without function 0', ['4:1'], free, ['slot-no-function-0 /emulations/0']],
    [
      'a function that an automatic device does not complete',
      ['1:1', free],
      free,
      ['slot-no-function-0 /emulations/0'],
    ],
    ['LPC as a function without function 0', [], '31:1', ['slot-no-function-0 /lpc_slot']],
    ['LPC off bus 0', [], '1:31:0', ['slot-lpc-bus /lpc_slot']],
    ['a slot out of range', ['32'], free, ['slot-invalid /emulations/0']],
    ['a function out of range', ['0:31'], free, ['slot-invalid /emulations/0']],
    ['a bus out of range', ['256:0:0'], free, ['slot-invalid /emulations/0']],
    [
      'bus 0 without a place for the bridges',
      range(0, 31),
      free,
      ['slots-used-up /hostbridge', 'slots-used-up /lpc_slot'],
    ],
    ['bus 0 with a place for one bridge', range(0, 30), free, ['slots-used-up /hostbridge']],
    [
      'several at once',
      ['4', '4', '9:1', '40'],
      '2:0:0',
      [
        'slot-lpc-bus /lpc_slot',
        'slot-taken /emulations/1',
        'slot-invalid /emulations/3',
        'slot-no-function-0 /emulations/2',
      ],
    ],
  ])('%s is refused', (_what, slots, lpcSlot, findings) => {
    expect(assigned(slots, lpcSlot)).toEqual(findings);
  });

  test('a collision names both devices', () => {
    const result = assignSlots(claims([4, 4]));
    expect('findings' in result && result.findings[0]?.message).toBe(
      'device 1 wants pci 0:4:0, which holds device 0 already',
    );
  });

  test('40 devices on slots of bus 0 fit, as functions', () => {
    const slots = range(0, 39).map((index) => `0:${1 + (index >> 3)}:${index % 8}`);
    expect(assigned([...slots, free])).toEqual(['0:0:0', '0:31:0', ...slots, '0:6:0']);
  });

  test('every slot of every bus can be used, and then none is left', () => {
    const all = 256 * 32 - 2;
    const full = assigned(Array.from({ length: all }, () => free));
    expect(new Set(full).size).toBe(all + 2);
    expect(full.at(-1)).toBe('255:31:0');
    expect(assigned(Array.from({ length: all + 3 }, () => free))).toEqual([`slots-used-up /emulations/${all}`]);
  });

  const slot = fc.oneof(
    { weight: 3, arbitrary: fc.constant(free) },
    { weight: 1, arbitrary: fc.integer({ min: 0, max: 31 }) },
    {
      weight: 1,
      arbitrary: fc
        .tuple(fc.constantFrom(0, 0, 1, 255), fc.integer({ min: 0, max: 31 }), fc.constantFrom(0, 0, 0, 1, 7))
        .map((parts) => parts.join(':')),
    },
  );
  const lpcSlot = fc.oneof(fc.constant(free), fc.integer({ min: 0, max: 31 }));
  const slots = fc.array(slot, { maxLength: 50 });
  const settled = (list: readonly Slot[], lpc: Slot) => {
    const result = assignSlots(claims(list, lpc));
    fc.pre(!('findings' in result));
    return 'findings' in result ? assignSlots(claims([])) : result;
  };
  const addressesOf = (list: readonly Slot[], lpc: Slot): readonly string[] => {
    const result = settled(list, lpc);
    return 'findings' in result
      ? []
      : [result.hostbridge, result.lpc, ...result.devices].map((address) =>
          address === undefined ? 'none' : formatAddress(address),
        );
  };

  test('no two devices share an address', () => {
    fc.assert(
      fc.property(slots, lpcSlot, (list, lpc) => {
        const addresses = addressesOf(list, lpc);
        expect(new Set(addresses).size).toBe(list.length + 2);
      }),
      { numRuns: runs(300) },
    );
  });

  test('a device that names a slot has it, and one that names none has a slot to itself', () => {
    fc.assert(
      fc.property(slots, lpcSlot, (list, lpc) => {
        const [, , ...devices] = addressesOf(list, lpc);
        const slotOf = (address: string): string => address.slice(0, address.lastIndexOf(':'));
        const occupied = addressesOf(list, lpc).map(slotOf);
        list.forEach((wanted, index) => {
          const address = devices[index] ?? '';
          if (wanted === undefined) {
            expect(address).toMatch(/:0$/);
            expect(occupied.filter((other) => other === slotOf(address))).toHaveLength(1);
          } else expect(address).toBe(typeof wanted === 'number' ? `0:${wanted}:0` : wanted);
        });
      }),
      { numRuns: runs(300) },
    );
  });

  test('a device that is appended and names no slot moves no other', () => {
    fc.assert(
      fc.property(slots, lpcSlot, (list, lpc) => {
        const before = addressesOf(list, lpc);
        expect(addressesOf([...list, free], lpc).slice(0, -1)).toEqual(before);
      }),
      { numRuns: runs(300) },
    );
  });

  test('every slot that holds a device holds one at function 0', () => {
    fc.assert(
      fc.property(slots, lpcSlot, (list, lpc) => {
        const addresses = addressesOf(list, lpc);
        for (const address of addresses) expect(addresses).toContain(address.replace(/\d$/, '0'));
      }),
    );
  });

  test('whatever is asked for, there is an answer: addresses for all, or findings', () => {
    fc.assert(
      fc.property(slots, lpcSlot, (list, lpc) => {
        const result = assignSlots(claims(list, lpc));
        if ('findings' in result) expect(result.findings.length).toBeGreaterThan(0);
        else expect(result.devices).toHaveLength(list.length);
      }),
    );
  });
});

describe('a machine that reaches past bus 0', () => {
  const rng = { device: 'raw', value: 'virtio-rnd' };
  test.each<[what: string, spec: SpecObject, hasNoMpTable: boolean]>([
    ['30 devices fit on bus 0', withDevices(...Array.from({ length: 30 }, () => rng)), false],
    ['31 devices do not', withDevices(...Array.from({ length: 31 }, () => rng)), true],
    ['one device on bus 1', withDevices({ ...rng, slot: '1:0:0' }), true],
    ['told by the spec', { ...withDevices(), disable_mptable_gen: true }, true],
  ])('has no MP table: %s', async (_what, spec, hasNoMpTable) => {
    const { argv, variables } = await planOf(spec);
    expect(argv.filter((word) => word === '-Y')).toHaveLength(hasNoMpTable ? 1 : 0);
    expect(variables.some(({ key }) => key === 'x86.mptable')).toBe(hasNoMpTable);
  });
});

describe('what a lock file keeps', () => {
  type Kept = readonly [slot: Slot, kept?: string | undefined, elsewhere?: string];

  const address = (text: string) => {
    const parsed = parseAddress(text);
    if (isAddressError(parsed)) throw new Error(parsed.error);
    return parsed;
  };

  const placed = (devices: readonly Kept[], reserved: readonly string[] = []): readonly string[] => {
    const { hostbridge, lpc } = claims([]);
    const result = assignSlots({
      ...(hostbridge === undefined ? {} : { hostbridge }),
      ...(lpc === undefined ? {} : { lpc }),
      devices: devices.map(([slot, kept, elsewhere], index) => ({
        who: `device ${index}`,
        pointer: `/emulations/${index}`,
        ...(slot === undefined ? {} : { slot }),
        ...(kept === undefined ? {} : { kept: address(kept) }),
        ...(elsewhere === undefined ? {} : { elsewhere: address(elsewhere) }),
      })),
      reserved: reserved.map(address),
    });
    return 'findings' in result
      ? result.findings.map(({ code, pointer }) => `${code} ${pointer}`)
      : result.devices.map(formatAddress);
  };

  test.each<[what: string, devices: readonly Kept[], reserved: readonly string[], addresses: readonly string[]]>([
    ['comes before the lowest free slot', [[free], [free, '0:1:0']], [], ['0:2:0', '0:1:0']],
    ['comes after what the spec says', [[5, '0:1:0'], [free]], [], ['0:5:0', '0:1:0']],
    ['cannot be named by another device', [[free, '0:4:0'], ['4']], [], ['slot-kept /emulations/1']],
    ['nor can another function of it', [[free, '0:4:0'], ['4:0'], ['4:1']], [], ['slot-kept /emulations/1']],
    [
      'is first come, first served, where it is of another target',
      [
        [free, free, '0:4:0'],
        [free, free, '0:4:0'],
      ],
      [],
      ['0:4:0', '0:1:0'],
    ],
    [
      'gives way to what is kept in this one',
      [
        [free, free, '0:4:0'],
        [free, '0:4:0'],
      ],
      [],
      ['0:1:0', '0:4:0'],
    ],
    [
      'may be a function, where function 0 is there',
      [
        [free, '0:4:1'],
        [free, '0:4:0'],
      ],
      [],
      ['0:4:1', '0:4:0'],
    ],
    ['or is given to the device by name', [[free, '0:4:1'], ['4:0']], [], ['0:4:1', '0:4:0']],
    ['but none that nobody would see', [[free, '0:4:1']], [], ['0:1:0']],
    ['waits for who is not there now', [[free], [free]], ['0:1:0', '0:3:0'], ['0:2:0', '0:4:0']],
    ['is not refused to who names it', [['1'], [free]], ['0:1:0'], ['0:1:0', '0:2:0']],
    ['may be on another bus', [[free, '3:7:0'], [free]], ['3:7:0'], ['3:7:0', '0:1:0']],
  ])('%s', (_what, devices, reserved, addresses) => {
    expect(placed(devices, reserved)).toEqual(addresses);
  });
});
