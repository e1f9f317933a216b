import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { devices, validSpec } from '../support/arbitraries.js';
import {
  codesAt,
  machineOf,
  minimal,
  problemsOf,
  specOf,
  told,
  withDevices,
  type SpecObject,
} from '../support/specs.js';
import { runs } from '../support/runs.js';

const disk = { device: 'virtio-blk', path: 'disk.img' };
const cd = { device: 'ahci-cd', path: 'install.iso' };

/** The devices of a target, each by its path or what else it has. */
const devicesOf = async (spec: SpecObject, target: string): Promise<readonly unknown[]> =>
  (await specOf(spec)).effective(target).vm.emulations;

const lines = async (spec: SpecObject | string): Promise<readonly string[]> => (await problemsOf(spec)).map(told);

describe('merging a target', () => {
  test('that says nothing changes nothing', async () => {
    await fc.assert(
      fc.asyncProperty(validSpec, async ({ targets: _targets, next_target: _next, on_give_up: _giveUp, ...base }) => {
        const spec = await specOf({ ...base, targets: { empty: {} } });
        expect(spec.effective('empty').vm).toEqual(spec.effective('default').vm);
        expect(machineOf(spec, 'empty').argv).toEqual(machineOf(spec).argv);
      }),
      { numRuns: runs(100) },
    );
  });

  test('is done afresh each time: nothing adds up from boot to boot', async () => {
    await fc.assert(
      fc.asyncProperty(validSpec, async (object) => {
        const spec = await specOf(object);
        for (const target of spec.targets) {
          const first = spec.effective(target).vm;
          for (const other of spec.targets) spec.effective(other);
          expect(spec.effective(target).vm).toEqual(first);
        }
      }),
      { numRuns: runs(50) },
    );
  });

  test('appends its devices to those of the base', async () => {
    await fc.assert(
      fc.asyncProperty(devices(), devices(100, 5), async (base, more) => {
        const anonymous = (list: readonly object[]) =>
          list.map((device) => Object.fromEntries(Object.entries(device).filter(([key]) => key !== 'id')));
        const spec = { ...withDevices(...anonymous(base)), targets: { a: { emulations: anonymous(more) } } };
        const list = await devicesOf(spec, 'a');
        expect(list).toHaveLength(base.length + more.length);
        expect(list.slice(0, base.length)).toEqual(await devicesOf(spec, 'default'));
      }),
      { numRuns: runs(100) },
    );
  });

  test('lets each of its fields replace that of the base, and keeps the others', async () => {
    const names = ['cpu', 'mem', 'com1', 'gdb', 'uuid', 'stop_timeout', 'reboot_on', 'graphic', 'utc_clock'] as const;
    const values = [
      {
        cpu: 1,
        mem: '1G',
        com1: 'stdio',
        gdb: 1,
        uuid: '5a34b1cc-7d4f-11ee-8d3c-b42e991b0a01',
        stop_timeout: 1,
        reboot_on: ['reboot'],
        graphic: { port: 5901, wait: true },
        utc_clock: true,
      },
      {
        cpu: { cores: 2 },
        mem: '2G',
        com1: '/dev/nmdm0A',
        gdb: 2,
        uuid: '6a34b1cc-7d4f-11ee-8d3c-b42e991b0a01',
        stop_timeout: 2,
        reboot_on: ['halt'],
        graphic: { width: 640, height: 480 },
        utc_clock: false,
      },
    ] as const;
    const layer = fc.subarray([...names]);
    const pick = (keys: readonly string[], from: object) =>
      Object.fromEntries(Object.entries(from).filter(([key]) => keys.includes(key)));
    await fc.assert(
      fc.asyncProperty(layer, layer, async (inBase, inTarget) => {
        const [base, target] = [pick(inBase, values[0]), pick(inTarget, values[1])];
        const spec = await specOf({ ...minimal, ...base, targets: { a: target } });
        const flat = await specOf({ ...minimal, ...base, ...target });
        expect(spec.effective('a').vm).toEqual(flat.effective('default').vm);
      }),
    );
  });

  test('puts a device with the id of an earlier one into its place', async () => {
    const spec = {
      ...withDevices({ id: 'a', ...disk }, { id: 'b', ...cd }, { id: 'c', device: 'virtio-net', name: 'tap0' }),
      targets: { t: { emulations: [{ ...cd, path: 'other.iso', id: 'b' }, disk] } },
    };
    const { argv } = machineOf(await specOf(spec), 't');
    expect(argv.filter((word) => word.startsWith('0:'))).toEqual([
      '0:0:0,hostbridge',
      '0:1:0,virtio-blk,disk.img',
      '0:2:0,ahci-cd,other.iso',
      '0:3:0,virtio-net,tap0',
      '0:4:0,virtio-blk,disk.img',
      '0:31:0,lpc',
    ]);
  });

  test('replaces a device whole: fields of the old one are gone', async () => {
    const spec = {
      ...withDevices({ id: 'a', ...disk, ro: true, slot: 7 }),
      targets: { t: { emulations: [{ id: 'a', ...disk }] } },
    };
    expect(await devicesOf(spec, 't')).toEqual([{ id: 'a', ...disk }]);
  });

  test('takes a device away by its id', async () => {
    const spec = {
      ...withDevices({ id: 'a', ...disk }, cd),
      targets: { t: { emulations: [{ id: 'a', remove: true }] } },
    };
    expect(await devicesOf(spec, 't')).toEqual([cd]);
    expect(await devicesOf(spec, 'default')).toHaveLength(2);
  });

  test('takes ids of digits for text', async () => {
    const spec = { ...withDevices({ id: 1, ...disk }), targets: { t: { emulations: [{ id: '1', remove: true }] } } };
    expect(await devicesOf(spec, 't')).toEqual([]);
  });

  test('takes null for nothing', async () => {
    const spec = { ...minimal, com1: 'stdio', targets: { t: { com1: null, mem: null, emulations: null } } };
    expect((await specOf(spec)).effective('t').vm).toEqual((await specOf(spec)).effective('default').vm);
  });

  test('begins with what it inherits, the outermost first', async () => {
    const spec = {
      ...withDevices({ id: 'base', ...disk }),
      targets: {
        c: { inherits: 'b', mem: '4G', emulations: [{ id: 'c', ...cd }] },
        b: {
          inherits: 'a',
          mem: '3G',
          com1: 'stdio',
          emulations: [
            { id: 'b', ...cd },
            { id: 'a', remove: true },
          ],
        },
        a: { mem: '2G', com1: '/dev/nmdm0A', gdb: 1, emulations: [{ id: 'a', ...cd }] },
      },
    };
    const { vm } = (await specOf(spec)).effective('c');
    expect(vm).toMatchObject({ mem: '4G', com1: 'stdio', gdb: 1 });
    expect(vm.emulations.map(({ id }) => id)).toEqual(['base', 'b', 'c']);
  });

  test('leaves out how it was merged', async () => {
    const spec = { ...minimal, $schema: 'x', targets: { a: { inherits: 'b' }, b: {} } };
    expect(Object.keys((await specOf(spec)).effective('a').vm)).not.toEqual(expect.arrayContaining(['inherits']));
    expect(Object.keys((await specOf(spec)).effective('a').vm)).not.toEqual(expect.arrayContaining(['targets']));
  });
});

describe('the target named default', () => {
  test('is the spec itself while no target has that name', async () => {
    const spec = await specOf({
      ...minimal,
      next_target: 'default',
      targets: { a: { inherits: 'default', mem: '2G' } },
    });
    expect(spec.targets).toEqual(['default', 'a']);
    expect(spec.effective('default').vm.mem).toBe('1G');
    expect(spec.effective('a').vm.mem).toBe('2G');
  });

  test('is merged like any other where there is one', async () => {
    const spec = await specOf({ ...minimal, targets: { a: { next_target: 'default' }, default: { mem: '2G' } } });
    expect(spec.targets).toEqual(['default', 'a']);
    expect(spec.effective('default').vm.mem).toBe('2G');
    expect(spec.effective('a').vm.mem).toBe('1G');
  });

  test('can be inherited, and cannot inherit itself', async () => {
    const inherited = { ...minimal, targets: { a: { inherits: 'default' }, default: { mem: '2G' } } };
    expect((await specOf(inherited)).effective('a').vm.mem).toBe('2G');
    const looped = { ...minimal, targets: { default: { inherits: 'default' } } };
    expect(codesAt(await problemsOf(looped))).toEqual(['inherits-loop /targets/default/inherits']);
  });
});

describe('every name of a target is checked when the spec is loaded', () => {
  test.each<[what: string, spec: SpecObject, problems: readonly string[]]>([
    [
      'next_target of the spec',
      { ...minimal, next_target: 'instal', targets: { install: {} } },
      ['/next_target unknown-target: there is no target "instal" [did you mean "install"?]'],
    ],
    [
      'next_target of a target',
      { ...minimal, targets: { install: { next_target: 'disk' } } },
      [
        '/targets/install/next_target unknown-target: there is no target "disk" [the targets are "install" and "default"]',
      ],
    ],
    [
      'next_target by reason',
      { ...minimal, next_target: { reboot: 'default', error: 'rescu', halt: 'x' }, targets: { rescue: {} } },
      [
        '/next_target/error unknown-target: there is no target "rescu" [did you mean "rescue"?]',
        '/next_target/halt unknown-target: there is no target "x" [the targets are "rescue" and "default"]',
      ],
    ],
    [
      'next_target by reason, of a target',
      { ...minimal, targets: { a: { next_target: { error: 'b' } } } },
      ['/targets/a/next_target/error unknown-target: there is no target "b" [the targets are "a" and "default"]'],
    ],
    [
      'inherits',
      { ...minimal, targets: { a: { inherits: 'mediun' }, medium: {} } },
      ['/targets/a/inherits unknown-target: there is no target "mediun" [did you mean "medium"?]'],
    ],
    [
      "a name like something of JavaScript's",
      { ...minimal, next_target: 'constructor' },
      ['/next_target unknown-target: there is no target "constructor" [the only target is "default"]'],
    ],
    [
      'on_give_up of the spec',
      { ...minimal, restart: { max: 5 }, on_give_up: 'rescu', targets: { rescue: {} } },
      ['/on_give_up unknown-target: there is no target "rescu" [did you mean "rescue"?]'],
    ],
    [
      'on_give_up of a target',
      { ...minimal, restart: { max: 5 }, targets: { a: { on_give_up: 'elsewhere' } } },
      [
        '/targets/a/on_give_up unknown-target: there is no target "elsewhere" [the targets are "a" and "default"; or use "stop"]',
      ],
    ],
    [
      'on_give_up that nearly says stop',
      { ...minimal, restart: { max: 5 }, on_give_up: 'Stop' },
      ['/on_give_up unknown-target: there is no target "Stop" [did you mean "stop"?]'],
    ],
    [
      'next_target, where stop is not a word',
      { ...minimal, next_target: { error: 'stop' } },
      ['/next_target/error unknown-target: there is no target "stop" [the only target is "default"]'],
    ],
    [
      'next_target by one of the newer reasons',
      { ...minimal, next_target: { suspend: 'x', signal: 'y' } },
      [
        '/next_target/suspend unknown-target: there is no target "x" [the only target is "default"]',
        '/next_target/signal unknown-target: there is no target "y" [the only target is "default"]',
      ],
    ],
    [
      "one of the user's own keys",
      { ...minimal, next_target: 'x-a', targets: { 'x-a': {} } },
      ['/next_target unknown-target: there is no target "x-a" [the only target is "default"]'],
    ],
  ])('%s', async (_what, spec, problems) => {
    expect((await lines(spec)).map((line) => line.replace(/^[\d:]+ /, ''))).toEqual(problems);
  });

  test.each([1, 2, 3, 10])('a loop of %i targets is told once', async (length) => {
    const targets = Object.fromEntries(
      Array.from({ length }, (_, index) => [`t${index}`, { inherits: `t${(index + 1) % length}` }]),
    );
    const problems = await problemsOf({ ...minimal, targets: { outside: { inherits: 't0' }, ...targets } });
    expect(problems.map(({ code }) => code)).toEqual(['inherits-loop']);
    expect(problems[0]?.place?.pointer).toMatch(/^\/targets\/t\d+\/inherits$/);
    expect(problems[0]?.message.match(/inherits/g)).toHaveLength(length);
  });

  test('two loops are two problems', async () => {
    const targets = { a: { inherits: 'b' }, b: { inherits: 'a' }, c: { inherits: 'c' } };
    expect(codesAt(await problemsOf({ ...minimal, targets }))).toEqual([
      'inherits-loop /targets/a/inherits',
      'inherits-loop /targets/c/inherits',
    ]);
  });

  test('a target may be next to itself, and targets may follow one another in a circle', async () => {
    const targets = { a: { next_target: 'b' }, b: { next_target: 'a' }, c: { next_target: 'c' } };
    expect(await problemsOf({ ...minimal, targets })).toEqual([]);
  });
});

describe('on_give_up', () => {
  const never =
    'give-up-never: on_give_up never applies: restart.max is not set [say after how many reboots to give up, e.g. "restart": { "max": 5 }, or leave "on_give_up" out]';
  const max = { restart: { max: 5 } };

  test.each<[what: string, spec: SpecObject, problems: readonly string[]]>([
    ['default', { ...minimal, ...max, on_give_up: 'default' }, []],
    ['a target', { ...minimal, ...max, on_give_up: 'a', targets: { a: {} } }, []],
    ['a target of digits', { ...minimal, ...max, on_give_up: 1, targets: { '1': {} } }, []],
    ['stop', { ...minimal, ...max, on_give_up: 'stop' }, []],
    ['stop without max', { ...minimal, on_give_up: 'stop' }, []],
    ['no max', { ...minimal, on_give_up: 'a', targets: { a: {} } }, [`/on_give_up ${never}`]],
    ['a max of 0, which is one', { ...minimal, restart: { max: 0 }, on_give_up: 'a', targets: { a: {} } }, []],
    [
      'other limits than max',
      { ...minimal, restart: { window: 5 }, on_give_up: 'a', targets: { a: {} } },
      [`/on_give_up ${never}`],
    ],
    ['no max in a target', { ...minimal, targets: { a: { on_give_up: 'a' } } }, [`/targets/a/on_give_up ${never}`]],
    ['the max of the base', { ...minimal, ...max, targets: { a: { on_give_up: 'default' } } }, []],
    ['the max of a target', { ...minimal, on_give_up: 'a', targets: { a: {}, b: max } }, []],
    [
      'the max of a target that inherits it',
      { ...minimal, targets: { a: { on_give_up: 'default' }, b: { inherits: 'a', ...max } } },
      [],
    ],
    [
      'the max of another target',
      { ...minimal, targets: { a: { on_give_up: 'b' }, b: max } },
      [`/targets/a/on_give_up ${never}`],
    ],
    [
      'a max that the target takes away',
      { ...minimal, ...max, targets: { a: { on_give_up: 'default', restart: { delay: 1 } } } },
      [`/targets/a/on_give_up ${never}`],
    ],
    [
      'each place that is wrong, once',
      { ...minimal, on_give_up: 'a', targets: { a: { on_give_up: 'b' }, b: { inherits: 'a' }, c: { inherits: 'a' } } },
      [`/on_give_up ${never}`, `/targets/a/on_give_up ${never}`],
    ],
    [
      'stop, where a target has that name',
      { ...minimal, ...max, on_give_up: 'stop', targets: { stop: {} } },
      [
        '/on_give_up give-up-stop: "stop" ends the run here, it does not boot the target of that name [give the target another name, if it is the one that is meant]',
      ],
    ],
    [
      'another, where a target has that name',
      { ...minimal, ...max, on_give_up: 'a', targets: { a: {}, stop: {} } },
      [],
    ],
  ])('may be what helps, and is told where it cannot: %s', async (_what, spec, problems) => {
    expect((await lines(spec)).map((line) => line.replace(/^[\d:]+ /, ''))).toEqual(problems);
  });

  test('that says stop means it, also where a target has that name', async () => {
    const spec = await specOf({ ...minimal, ...max, on_give_up: 'stop', next_target: 'stop', targets: { stop: {} } });
    expect(machineOf(spec).policy).toMatchObject({ onGiveUp: undefined, nextTarget: { reboot: 'stop' } });
  });

  test('that has no max because of another fault is not told beside it', async () => {
    expect(codesAt(await problemsOf({ ...minimal, restart: 5, on_give_up: 'default' }))).toEqual([
      'wrong-type /restart',
    ]);
    expect(codesAt(await problemsOf({ ...minimal, restart: { max: -1 }, on_give_up: 'default' }))).toEqual([
      'out-of-range /restart/max',
    ]);
    expect(codesAt(await problemsOf({ ...minimal, on_give_up: ['a'] }))).toEqual(['wrong-type /on_give_up']);
  });
});

describe('a problem of a target', () => {
  test('is told where it stands in the file, once, however many targets inherit it', async () => {
    const text = `{
  "name": "vm0", "cpu": 1, "mem": "1G",
  "emulations": [{"device": "virtio-blk", "path": "disk.img", "slot": "0:4:0"}],
  "targets": {
    "media": {
      "emulations": [
        {"device": "ahci-cd", "path": "a.iso", "slot": "0:4:0"}
      ]
    },
    "install": {"inherits": "media", "mem": "5K"},
    "rescue": {"inherits": "install"}
  }
}`;
    expect(await lines(text)).toEqual([
      '7:56 /targets/media/emulations/0/slot slot-taken: target media emulations[0] ahci-cd "a.iso" wants pci 0:4:0, which holds emulations[0] virtio-blk "disk.img" already [choose another slot, or leave "slot" out and vmrun takes the lowest free one]',
      '10:45 /targets/install/mem memory-size: 5120 bytes is not a multiple of 4096, the page size [use 8192, or a size with a unit such as "512M"]',
    ]);
  });

  test('is told where it stands in a section of UCL', async () => {
    const text = `{"name": "vm0", "cpu": 1, "mem": "1G", "targets": [
  {"install": {"emulations": {"device": "virtio-blk", "path": "a", "sectorsize": 3}}},
  {"rescue": {"mem": "5K", "com1": "x", "emulations": [
    {"device": "nvme"},
    {"id": "gone", "remove": true}]}}
]}`;
    expect(
      (await problemsOf(text)).map(({ code, place, subject }) => [
        code,
        `${place?.line ?? 0}:${place?.column ?? 0}`,
        place?.pointer,
        subject,
      ]),
    ).toEqual([
      ['sector-size', '2:82', '/targets/0/install/emulations/sectorsize', 'target install emulations virtio-blk "a"'],
      ['memory-size', '3:22', '/targets/1/rescue/mem', 'target rescue'],
      ['console-backend', '3:36', '/targets/1/rescue/com1', 'target rescue'],
      ['required', '4:5', '/targets/1/rescue/emulations/0/path', 'target rescue emulations[0] nvme'],
      ['unknown-id', '5:12', '/targets/1/rescue/emulations/1/id', 'target rescue emulations[1] "gone"'],
    ]);
  });

  test('names the target, also one whose name is a number', async () => {
    const targets = { '5': { mem: '5K', next_target: 'x', emulations: [{ device: 'nvme' }] } };
    expect((await problemsOf({ ...minimal, targets })).map(({ code, subject }) => [code, subject])).toEqual([
      ['memory-size', 'target 5'],
      ['unknown-target', 'target 5'],
      ['required', 'target 5 emulations[0] nvme'],
    ]);
  });

  test.each<[what: string, spec: SpecObject, problem: string]>([
    [
      'an id that is not there',
      { ...withDevices({ id: 'disk0', ...disk }), targets: { a: { emulations: [{ id: 'disk1', remove: true }] } } },
      '/targets/a/emulations/0/id unknown-id: there is no device "disk1" to remove [did you mean "disk0"?]',
    ],
    [
      'an id that is gone already',
      {
        ...withDevices({ id: 'disk0', ...disk }),
        targets: {
          b: { emulations: [{ id: 'disk0', remove: true }] },
          a: { inherits: 'b', emulations: [{ id: 'disk0', remove: true }] },
        },
      },
      '/targets/a/emulations/0/id unknown-id: there is no device "disk0" to remove [give the device an "id" where it is defined]',
    ],
    [
      'an id given to two devices',
      withDevices({ id: 'a', ...disk }, { id: 'a', ...cd }),
      '/emulations/1/id id-twice: the id "a" is given to two devices of this list [give each device an id of its own]',
    ],
    [
      'a removal in the base',
      withDevices({ id: 'a', remove: true }),
      '/emulations/0/device required: device is required: the model, e.g. "virtio-blk"',
    ],
    [
      'remove: false',
      { ...withDevices({ id: 'a', ...disk }), targets: { t: { emulations: [{ id: 'a', remove: false }] } } },
      '/targets/t/emulations/0/remove not-allowed: remove cannot be false [use true]',
    ],
    [
      'a removal without an id',
      { ...minimal, targets: { t: { emulations: [{ remove: true }] } } },
      '/targets/t/emulations/0/id required: id is required: name of the device to remove',
    ],
  ])('%s is refused', async (_what, spec, problem) => {
    expect((await lines(spec)).some((line) => line.replace(/^[\d:]+ /, '').startsWith(problem))).toBe(true);
  });
});
