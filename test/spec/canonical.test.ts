import { readFileSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import type { Machine } from '../../src/machine/machine.js';
import { minimal, planOf, problemsOf, specOf, told, withDevices, type SpecObject } from '../support/specs.js';

const disk = { device: 'virtio-blk', path: 'disk.img' };

/** The same machine, whatever the way to it. */
const sameMachine = async (spelling: SpecObject | string, plain: SpecObject, target?: string): Promise<void> => {
  expect(withoutPlaces(await planOf(spelling, target))).toEqual(withoutPlaces(await planOf(plain, target)));
};

const withoutPlaces = ({ requirements, ...machine }: Machine) => ({
  ...machine,
  requirements: requirements.map(({ need, subject }) => ({ need, subject: subject.replace(/\[\d+\]/, '') })),
});

describe('what uclcmd makes of a UCL file gives the machine that is meant', () => {
  test.each<[what: string, spelling: SpecObject, plain: SpecObject]>([
    ['one device section', { ...minimal, emulations: disk }, withDevices(disk)],
    [
      'one console port as text',
      withDevices({ device: 'virtio-console', ports: '/run/a.sock' }),
      withDevices({ device: 'virtio-console', ports: ['/run/a.sock'] }),
    ],
    [
      'one console port as a section',
      withDevices({ device: 'virtio-console', ports: { name: 'a', path: '/run/a.sock' } }),
      withDevices({ device: 'virtio-console', ports: [{ name: 'a', path: '/run/a.sock' }] }),
    ],
    [
      'one forwarded port',
      withDevices({ device: 'virtio-net', type: 'slirp', hostfwd: 'tcp::22-:22' }),
      withDevices({ device: 'virtio-net', type: 'slirp', hostfwd: ['tcp::22-:22'] }),
    ],
    ['one reason', { ...minimal, reboot_on: 'halt' }, { ...minimal, reboot_on: ['halt'] }],
    ['one exit status', { ...minimal, reboot_on: 2 }, { ...minimal, reboot_on: ['halt'] }],
    ['a name of digits', { ...minimal, name: 123 }, { ...minimal, name: '123' }],
    [
      'identify strings of digits',
      withDevices({ device: 'ahci-hd', path: 'a', ser: 1, rev: 2, model: 3 }),
      withDevices({ device: 'ahci-hd', path: 'a', ser: '1', rev: '2', model: '3' }),
    ],
    [
      'a password of digits',
      { ...minimal, graphic: { password: 1234 } },
      { ...minimal, graphic: { password: '1234' } },
    ],
    ['a numeric slot', withDevices({ ...disk, slot: 5 }), withDevices({ ...disk, slot: '5' })],
    [
      'an MTU as text, as the original wants it',
      withDevices({ device: 'virtio-net', name: 'tap0', mtu: '1500' }),
      withDevices({ device: 'virtio-net', name: 'tap0', mtu: 1500 }),
    ],
    ['a number of CPUs as text', { ...minimal, cpu: '2' }, { ...minimal, cpu: 2 }],
    [
      'a topology as text',
      { ...minimal, cpu: { sockets: '1', cores: '2', threads: '4' } },
      { ...minimal, cpu: { sockets: 1, cores: 2, threads: 4 } },
    ],
    [
      'a port of the screen as text',
      { ...minimal, graphic: { port: '5901' } },
      { ...minimal, graphic: { port: 5901 } },
    ],
    ['memory in bytes', { ...minimal, mem: 512_000_000 }, { ...minimal, mem: '500000K' }],
    [
      'null, which is nothing',
      { ...minimal, com1: null, graphic: null, emulations: null, targets: null, restart: { max: null } },
      minimal,
    ],
    [
      'null in a target, which takes nothing away',
      { ...minimal, com1: 'stdio', targets: { a: { com1: null } } },
      { ...minimal, com1: 'stdio', targets: { a: {} } },
    ],
    ['seconds as a float', { ...minimal, stop_timeout: 90.0 }, { ...minimal, stop_timeout: '90s' }],
  ])('%s', async (_what, spelling, plain) => {
    await sameMachine(spelling, plain);
  });

  test('a size that is a whole float', async () => {
    const text = '{"name": "vm0", "cpu": 1, "mem": 1536000000.0}';
    expect((await planOf(text)).memoryBytes).toBe(1_536_000_000);
  });

  test('an integer of 64 bits, digit for digit', async () => {
    const text = JSON.stringify(withDevices({ device: 'nvme', path: 'a', eui64: 0 })).replace(
      '"eui64":0',
      '"eui64":18446744073709551615',
    );
    const { variables } = await planOf(text);
    expect(variables.find(({ key }) => key.endsWith('eui64'))?.value).toBe('18446744073709551615');
  });

  test('sections of targets, one after the other', async () => {
    const targets = { install: { mem: '2G', emulations: [disk] }, rescue: { mem: '3G' } };
    const sections = [{ install: targets.install }, { rescue: targets.rescue }];
    expect((await specOf({ ...minimal, targets: sections })).targets).toEqual(['default', 'install', 'rescue']);
    await sameMachine({ ...minimal, targets: sections }, { ...minimal, targets }, 'install');
    await sameMachine({ ...minimal, targets: sections }, { ...minimal, targets }, 'rescue');
  });

  test('one section of a target may hold one section of devices', async () => {
    await sameMachine(
      { ...minimal, targets: [{ install: { emulations: disk } }] },
      { ...minimal, targets: { install: { emulations: [disk] } } },
      'install',
    );
  });

  test('the whole of a file that uclcmd has printed', async () => {
    const printed = {
      name: 'freebsd-test',
      cpu: 2,
      mem: 512_000_000,
      com1: 'stdio',
      bootrom: '/usr/local/share/uefi-firmware/BHYVE_UEFI.fd',
      emulations: [
        { device: 'virtio-net', name: 'tap3' },
        { device: 'virtio-blk', path: 'disk.img' },
      ],
      targets: {
        install: {
          emulations: [{ device: 'ahci-cd', path: 'FreeBSD-13.0-RELEASE-amd64-disc1.iso' }],
          next_target: 'default',
        },
      },
    };
    const machine = await planOf(printed, 'install');
    expect(machine.memoryBytes).toBe(512_000_000);
    expect(machine.argv.join(' ')).toBe(
      '-A -H -u -c cpus=2,sockets=1,cores=1,threads=2 -m 500000K'.replace('500000K', '512000000') +
        ' -s 0:0:0,hostbridge -s 0:1:0,virtio-net,tap3 -s 0:2:0,virtio-blk,disk.img' +
        ' -s 0:3:0,ahci-cd,FreeBSD-13.0-RELEASE-amd64-disc1.iso -s 0:31:0,lpc' +
        ' -l bootrom,/usr/local/share/uefi-firmware/BHYVE_UEFI.fd -l com1,stdio freebsd-test',
    );
  });
});

describe('what UCL cannot mean is asked back', () => {
  test.each<[what: string, spec: SpecObject, words: RegExp]>([
    ['memory', { ...minimal, mem: ['1G', '2G'] }, /mem must be .* \(was it given twice\?\)/],
    ['a CPU count', { ...minimal, cpu: [1, 2] }, /cpu must be .*given twice/],
    ['a name', { ...minimal, name: ['a', 'b'] }, /name must be text, got a list of 2 \(was it given twice\?\)/],
    ['a console', { ...minimal, com1: ['stdio', '/dev/nmdm0A'] }, /com1 .*given twice/],
    ['a screen', { ...minimal, graphic: [{ port: 1 }, { port: 2 }] }, /graphic must be an object.*given twice/],
    ['a host in brackets', { ...minimal, graphic: { host: ['::1'] } }, /host must be text, got a list of 1/],
    ['a path', withDevices({ device: 'virtio-blk', path: ['a', 'b'] }), /path must be text.*given twice/],
    ['a target in one section', { ...minimal, targets: { a: [{}, {}] } }, /a must be an object.*given twice/],
  ])('%s given twice', async (_what, spec, words) => {
    const [problem] = await problemsOf(spec);
    expect(problem).toMatchObject({ code: 'wrong-type', message: expect.stringMatching(words) });
  });

  test('a target given by two sections is told at the second', async () => {
    const text =
      '{"name": "vm0", "cpu": 1, "mem": "1G", "targets": [\n  {"install": {"cpu": 2}},\n  {"install": {"cpu": 4}}\n]}';
    expect((await problemsOf(text)).map(told)).toEqual([
      '3:15 /targets/1/install target-twice: the target "install" is given twice [join the two]',
    ]);
  });

  test.each<[what: string, spec: SpecObject, code: string]>([
    ['a boolean for a name', { ...minimal, name: true }, 'wrong-type'],
    ['half a CPU', { ...minimal, cpu: 1.5 }, 'wrong-type'],
    ['digits with a unit for a CPU', { ...minimal, cpu: '2M' }, 'wrong-type'],
    ['yes in quotes for a flag', { ...minimal, utc_clock: 'yes' }, 'wrong-type'],
    ['a number for a flag', { ...minimal, utc_clock: 1 }, 'wrong-type'],
    ['null in a list', { ...minimal, emulations: [null] }, 'wrong-type'],
    ['sections that are no sections', { ...minimal, targets: [{}, 5] }, 'wrong-type'],
    ['digits without a unit for memory', { ...minimal, mem: '512' }, 'wrong-text'],
    ['a fraction of a byte', { ...minimal, mem: 4096.5 }, 'wrong-type'],
  ])('%s is refused', async (_what, spec, code) => {
    expect((await problemsOf(spec)).map((problem) => problem.code)).toEqual([code]);
  });
});

describe("keys of the user's own", () => {
  test('begin with x- and are ignored wherever there are fields', async () => {
    const own = { 'x-note': { any: ['thing', null] } };
    const spec = {
      ...minimal,
      ...own,
      $schema: '../vm.schema.json',
      cpu: { cores: 2, ...own },
      graphic: { port: 5900, ...own },
      restart: { max: 3, ...own },
      next_target: { reboot: 'a', ...own },
      hooks: own,
      emulations: [{ ...disk, ...own, id: 'd' }],
      targets: { ...own, a: { ...own, emulations: [{ id: 'd', remove: true, ...own }] } },
    };
    expect(await problemsOf(spec)).toEqual([]);
    expect((await specOf(spec)).targets).toEqual(['default', 'a']);
  });

  test('do not stand in for a field: x_note is unknown', async () => {
    expect((await problemsOf({ ...minimal, x_note: 1 })).map(({ code }) => code)).toEqual(['unknown-field']);
  });
});

describe('a relative file name', () => {
  const resolveFile = (name: string): string => (path.isAbsolute(name) ? name : `/vms/web/${name}`);
  const spec = {
    ...minimal,
    bootrom: 'rom.fd',
    varfile: 'vars.fd',
    emulations: [
      { device: 'virtio-blk', path: 'disk.img' },
      { device: 'ahci-cd', path: '/iso/a.iso' },
      { device: 'virtio-console', ports: ['a.sock', { name: 'b', path: 'b.sock' }] },
      { device: 'passthru', src: '3:0:0', rom: 'card.rom' },
      { device: 'virtio-net', type: 'netgraph', path: 'sw0:', peerhook: 'link1' },
    ],
  };

  test('becomes that of a file in the folder of the spec, in every field that names a file', async () => {
    const { argv } = await planOf(spec, 'default', {}, { resolveFile });
    expect(argv.filter((word) => /\.(fd|img|iso|sock|rom)|sw0/.test(word))).toEqual([
      '0:1:0,virtio-blk,/vms/web/disk.img',
      '0:2:0,ahci-cd,/iso/a.iso',
      '0:3:0,virtio-console,port1=/vms/web/a.sock,b=/vms/web/b.sock',
      '0:4:0,passthru,3/0/0,rom=/vms/web/card.rom',
      '0:5:0,virtio-net,netgraph,path=sw0:,peerhook=link1',
      'bootrom,/vms/web/rom.fd,/vms/web/vars.fd',
    ]);
  });

  test('is told as the user wrote it', async () => {
    const device = { device: 'virtio-blk', path: 'disk.img', sectorsize: 500 };
    const [problem] = await problemsOf(withDevices(device), { resolveFile });
    expect(problem?.subject).toBe('emulations[0] virtio-blk "disk.img"');
  });

  test("is relative to the file's folder in the same way for the example of a console", async () => {
    const text = readFileSync(fileURLToPath(new URL('../../examples/console.json', import.meta.url)), 'utf8');
    const { ephemerals } = await planOf(text, 'default', {}, { resolveFile });
    expect(ephemerals.map(({ path: socket }) => socket)).toEqual([
      '/vms/web/console-port1.sock',
      '/vms/web/console-agent.sock',
    ]);
  });
});
