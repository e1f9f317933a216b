import { describe, expect, test } from '@jest/globals';
import {
  codesAt,
  machineOf,
  minimal,
  planOf,
  problemsOf,
  specOf,
  told,
  valuesOf,
  withDevices,
} from '../support/specs.js';
import { refusal, simulateMachine } from '../support/simulated.js';

/** What the tool that vmrun replaces does wrong, each by what is right. The numbers are those of its list of defects. */

const disk = { device: 'virtio-blk', path: 'disk.img' };
const cd = { device: 'ahci-cd', path: 'install.iso' };
const card = { device: 'passthru', src: '3:0:0' };
const deviceWords = async (spec: Readonly<Record<string, unknown>>, target?: string) =>
  valuesOf((await planOf(spec, target)).argv, '-s');

describe('the command', () => {
  test('1: extra_options and what follows "--" reach bhyve before the VM name', async () => {
    const spec = { ...minimal, extra_options: "-w -o 'system.serial_number=a b'" };
    const { argv } = await planOf(spec, 'default', { extraArguments: ['-x'] });
    expect(argv.slice(-5)).toEqual(['-w', '-o', 'system.serial_number=a b', '-x', 'vm0']);
    expect(argv.lastIndexOf('-s')).toBeLessThan(argv.indexOf('-w'));
  });

  test('2: sector sizes are an option of their own', async () => {
    const device = { ...disk, logical_sector_size: 512, physical_sector_size: 4096 };
    expect(await deviceWords(withDevices(device))).toContain('0:1:0,virtio-blk,disk.img,sectorsize=512/4096');
  });

  test('3: a physical sector size without a logical one is refused', async () => {
    expect(codesAt(await problemsOf(withDevices({ ...disk, physical_sector_size: 4096 })))).toEqual([
      'sector-size-incomplete /emulations/0/physical_sector_size',
    ]);
  });

  test('4: threads are threads and cores are cores', async () => {
    const { argv } = await planOf({ ...minimal, cpu: { threads: 2, cores: 4, sockets: 1 } });
    expect(valuesOf(argv, '-c')).toEqual(['cpus=8,sockets=1,cores=4,threads=2']);
  });

  test('5: a plain number of CPUs is one socket with one core', async () => {
    const { argv } = await planOf({ ...minimal, cpu: 4 });
    expect(valuesOf(argv, '-c')).toEqual(['cpus=4,sockets=1,cores=1,threads=4']);
  });

  test.each([[0], [{ cores: 0 }], [{ sockets: 0, cores: 1, threads: 1 }]])('6: no CPU is refused: %j', async (cpu) => {
    expect((await problemsOf({ ...minimal, cpu })).map(({ code }) => code)).toEqual(['out-of-range']);
  });

  test('7: the tap that is asked of the host has the name of the interface', async () => {
    const { requirements } = await planOf(withDevices({ device: 'virtio-net', name: 'tap3' }));
    expect(requirements.map(({ need }) => need)).toContainEqual({
      kind: 'interface',
      name: 'tap3',
      type: 'tap',
      pointer: '/name',
    });
    expect(codesAt(await problemsOf(withDevices({ device: 'virtio-net', name: 'tap-of-the-web-server' })))).toEqual([
      'interface-name /emulations/0/name',
    ]);
  });

  test('8: bytes are bytes: 1 GiB is 1 GiB, and what is no multiple of a page is refused', async () => {
    expect(valuesOf((await planOf({ ...minimal, mem: 1_073_741_824 })).argv, '-m')).toEqual(['1G']);
    expect(codesAt(await problemsOf({ ...minimal, mem: 500 }))).toEqual(['memory-size /mem']);
    expect(codesAt(await problemsOf({ ...minimal, mem: 4097 }))).toEqual(['memory-size /mem']);
  });

  test.each(['512m', '512M', '512mb', '512MB', '524288k'])('9: %s is 512 MiB', async (mem) => {
    expect((await planOf({ ...minimal, mem })).memoryBytes).toBe(512 * 1024 * 1024);
  });

  test('10: sizes are decimal', async () => {
    expect((await planOf({ ...minimal, mem: '0512M' })).memoryBytes).toBe(512 * 1024 * 1024);
    expect((await planOf({ ...minimal, mem: '08M' })).memoryBytes).toBe(8 * 1024 * 1024);
    for (const mem of ['0x10G', '0b1G'])
      expect(codesAt(await problemsOf({ ...minimal, mem }))).toEqual(['wrong-text /mem']);
  });

  test.each(['99999999999999G', '0M', '0'])('11: %s of memory is refused', async (mem) => {
    expect((await problemsOf({ ...minimal, mem })).map(({ place }) => place?.pointer)).toEqual(['/mem']);
  });

  test('12: a netgraph card keeps path, hooks and socket; slirp is a backend', async () => {
    const netgraph = {
      device: 'virtio-net',
      name: 'netgraph',
      path: 'sw0:',
      peerhook: 'link1',
      socket: 's',
      hook: 'h',
    };
    const machine = await planOf(
      withDevices(netgraph, { device: 'virtio-net', name: 'slirp', hostfwd: ['tcp::22-:22'] }),
    );
    expect(valuesOf(machine.argv, '-s')).toEqual(
      expect.arrayContaining([
        '0:1:0,virtio-net,netgraph,path=sw0:,peerhook=link1,socket=s,hook=h',
        '0:2:0,virtio-net,slirp,hostfwd=tcp::22-:22',
      ]),
    );
    expect(refusal(simulateMachine(machine).start)).toBe('');
  });

  test('13: a vale switch needs a port; netmap and vmnet are backends', async () => {
    expect(codesAt(await problemsOf(withDevices({ device: 'virtio-net', name: 'vale0' })))).toEqual([
      'vale-port /emulations/0/name',
    ]);
    for (const name of ['vale0:vm1', 'netmap:em0', 'vmnet0'])
      expect(await problemsOf(withDevices({ device: 'virtio-net', name }))).toEqual([]);
  });

  test('14: an interface whose name does not tell its kind needs a type, which bhyve is told', async () => {
    expect(codesAt(await problemsOf(withDevices({ device: 'virtio-net', name: 'lan0' })))).toEqual([
      'backend-unknown /emulations/0/name',
    ]);
    expect(await deviceWords(withDevices({ device: 'virtio-net', name: 'lan0', type: 'tap' }))).toContain(
      '0:1:0,virtio-net,lan0,type=tap',
    );
  });

  test('15: an IPv6 host of the screen has brackets', async () => {
    expect(await deviceWords({ ...minimal, graphic: { host: '::1' } })).toContain('0:1:0,fbuf,tcp=[::1]:5900');
  });

  test('16: the screen may have 3840x2160 pixels, and no more', async () => {
    expect(await problemsOf({ ...minimal, graphic: { width: 3840, height: 2160 } })).toEqual([]);
    expect(codesAt(await problemsOf({ ...minimal, graphic: { width: 3841, height: 2161 } }))).toEqual([
      'out-of-range /graphic/width',
      'out-of-range /graphic/height',
    ]);
  });

  test('17: a password is never an option, never cut, and never in the command; vga is one of three words', async () => {
    const machine = await planOf({ ...minimal, graphic: { password: 'a wait=1' } });
    expect(machine.argv.join(' ')).not.toMatch(/a wait|wait=1/);
    expect(simulateMachine(machine).config.get('pci.0.1.0.password')).toBe('a wait=1');
    expect(codesAt(await problemsOf({ ...minimal, graphic: { password: 'a,wait=1' } }))).toEqual([
      'wrong-text /graphic/password',
    ]);
    expect(codesAt(await problemsOf({ ...minimal, graphic: { password: 'ninechars' } }))).toEqual([
      'wrong-text /graphic/password',
    ]);
    expect(codesAt(await problemsOf({ ...minimal, graphic: { vga: 'yes' } }))).toEqual(['not-allowed /graphic/vga']);
    expect(machine.requirements.map(({ need }) => need.kind)).toContain('tcp-port');
  });

  test('18: there are four serial ports, and a backend may be a tty or a TCP address', async () => {
    const { argv } = await planOf({ ...minimal, com3: '/dev/ttyu0', com4: 'tcp=127.0.0.1:4444' });
    expect(valuesOf(argv, '-l')).toEqual(expect.arrayContaining(['com3,/dev/ttyu0', 'com4,tcp=127.0.0.1:4444']));
  });

  test('19: one serial port is stdio, not two', async () => {
    expect(codesAt(await problemsOf({ ...minimal, com1: 'stdio', com2: 'stdio' }))).toEqual(['console-twice /com2']);
  });
});

describe('slots', () => {
  test('20: LPC is on bus 0', async () => {
    expect(codesAt(await problemsOf({ ...minimal, lpc_slot: '1:31:0' }))).toEqual(['slot-lpc-bus /lpc_slot']);
    expect(await deviceWords({ ...minimal, lpc_slot: '0:5:0' })).toContain('0:5:0,lpc');
  });

  test('21: two devices on one slot, or a device on that of LPC, are refused by both their names', async () => {
    const [twice] = await problemsOf(withDevices({ ...disk, slot: 4 }, { ...cd, slot: '0:4:0' }));
    expect(twice?.message).toBe(
      'emulations[1] ahci-cd "install.iso" wants pci 0:4:0, which holds emulations[0] virtio-blk "disk.img" already',
    );
    const [lpc] = await problemsOf({ ...withDevices({ ...disk, slot: 5 }), lpc_slot: 5 });
    expect(lpc?.message).toBe('emulations[0] virtio-blk "disk.img" wants pci 0:5:0, which holds LPC bridge already');
  });

  test('22: a device on slot 31 moves LPC to the last free slot', async () => {
    expect(await deviceWords(withDevices({ ...disk, slot: 31 }))).toEqual([
      '0:0:0,hostbridge',
      '0:31:0,virtio-blk,disk.img',
      '0:30:0,lpc',
    ]);
    expect(await deviceWords(withDevices({ ...disk, slot: '1:31:0' }))).toContain('0:31:0,lpc');
    expect(await deviceWords({ ...withDevices({ ...disk, slot: '31:1' }), lpc_slot: '31:0' })).toContain(
      '0:31:1,virtio-blk,disk.img',
    );
  });

  test('23: no device gets slot 0 or 31 unless it asks for it', async () => {
    const words = await deviceWords(withDevices(...Array.from({ length: 40 }, () => disk)));
    expect(words.filter((word) => /^0:(0|31):/.test(word))).toEqual(['0:0:0,hostbridge', '0:31:0,lpc']);
  });

  test('24: an automatic device shares no slot, and a function without function 0 is refused', async () => {
    const spec = withDevices({ ...disk, slot: '0:1:0' }, { ...disk, slot: '0:1:1' }, cd);
    expect(await deviceWords(spec)).toContain('0:2:0,ahci-cd,install.iso');
    expect(codesAt(await problemsOf(withDevices({ ...disk, slot: '0:1:1' }, cd)))).toEqual([
      'slot-no-function-0 /emulations/0/slot',
    ]);
  });

  test('25: every slot of bus 1 is used, without an MP table; a full bus 0 is told', async () => {
    const machine = await planOf(withDevices(...Array.from({ length: 63 }, () => disk)));
    expect(valuesOf(machine.argv, '-s')).toEqual(
      expect.arrayContaining(['1:31:0,virtio-blk,disk.img', '2:0:0,virtio-blk,disk.img']),
    );
    expect(machine.argv).toContain('-Y');
    expect(refusal(simulateMachine(machine).start)).toBe('');
    const full = withDevices(...Array.from({ length: 32 }, (_, slot) => ({ ...disk, slot })));
    expect((await problemsOf(full)).map(({ code }) => code)).toEqual(['slots-used-up', 'slots-used-up']);
  });

  test('26: a slot has three forms, or is a number, and is checked when it is read', async () => {
    const slots = ['3', '4:0', '0:5:0', 6];
    expect(await deviceWords(withDevices(...slots.map((slot) => ({ ...disk, slot }))))).toEqual([
      '0:0:0,hostbridge',
      '0:3:0,virtio-blk,disk.img',
      '0:4:0,virtio-blk,disk.img',
      '0:5:0,virtio-blk,disk.img',
      '0:6:0,virtio-blk,disk.img',
      '0:31:0,lpc',
    ]);
    expect(codesAt(await problemsOf(withDevices({ ...disk, slot: '255' })))).toEqual([
      'slot-invalid /emulations/0/slot',
    ]);
  });

  test.each([
    ['0:0:8', 'function must be 0 to 7, got 8 in "0:0:8"'],
    ['0:32:0', 'slot must be 0 to 31, got 32 in "0:32:0"'],
    ['256:0:0', 'bus must be 0 to 255, got 256 in "256:0:0"'],
  ])('27: the part of %s that is wrong is named', async (slot, message) => {
    expect((await problemsOf(withDevices({ ...disk, slot })))[0]?.message).toBe(message);
  });
});

describe('devices', () => {
  test('28: an EUI-64 keeps its 64 bits', async () => {
    expect(await deviceWords(withDevices({ device: 'nvme', path: 'a', eui64: '0x123456789abcdef0' }))).toContain(
      '0:1:0,nvme,a,eui64=1311768467463790320',
    );
  });

  test('29: a field of NVMe has its type, maxq exists, and ram excludes path', async () => {
    expect(await deviceWords(withDevices({ device: 'nvme', ram: '512', ser: 123, maxq: 4 }))).toContain(
      '0:1:0,nvme,ram=512,maxq=4,ser=123',
    );
    expect(codesAt(await problemsOf(withDevices({ device: 'nvme', ram: 1, path: 'a' })))).toEqual([
      'nvme-two-backings /emulations/0/ram',
    ]);
    expect(codesAt(await problemsOf(withDevices({ device: 'nvme', path: 'a', qsz: 'many' })))).toEqual([
      'wrong-type /emulations/0/qsz',
    ]);
  });

  test('30: a passthru device wires memory, and may be a pptN', async () => {
    const machine = await planOf(withDevices(card, { device: 'passthru', src: 'ppt1' }));
    expect(machine.argv).toContain('-S');
    expect(valuesOf(machine.argv, '-s')).toContain('0:2:0,passthru,ppt1');
    expect(refusal(simulateMachine(machine).start)).toBe('');
  });

  test('31: two cards that are looked up by one id can be told apart', async () => {
    const lookup = { device: 'passthru', lookup: { vendor: '0x80861234', device: '0x10d31234' } };
    const hostCards = new Map([
      ['/emulations/0', { bus: 3, slot: 0, func: 0 }],
      ['/emulations/1', { bus: 4, slot: 0, func: 0 }],
    ]);
    const { argv } = await planOf(withDevices(lookup, lookup), 'default', { hostCards });
    expect(valuesOf(argv, '-s')).toEqual(expect.arrayContaining(['0:1:0,passthru,3/0/0', '0:2:0,passthru,4/0/0']));
  });

  test('32: a comma in a value is part of the value, or refused', async () => {
    const machine = await planOf(withDevices({ ...disk, path: 'a,ro' }));
    expect(simulateMachine(machine).config.get('pci.0.1.0.path')).toBe('a,ro');
    expect(simulateMachine(machine).config.has('pci.0.1.0.ro')).toBe(false);
    expect(codesAt(await problemsOf(withDevices({ device: 'virtio-net', name: 'tap0', mac: 'zz,mtu=9' })))).toEqual([
      'wrong-text /emulations/0/mac',
    ]);
    for (const name of ['-h', 'a/b c'])
      expect(codesAt(await problemsOf({ ...minimal, name }))).toEqual(['wrong-text /name']);
  });

  test('33: uuid, gdb, mac and hostbridge are checked; sync and bootindex are not dropped', async () => {
    const wrong = { ...withDevices({ device: 'e1000', name: 'tap0', mac: 'x' }), uuid: 'x', gdb: 'x', hostbridge: 'x' };
    expect([...codesAt(await problemsOf(wrong))].sort()).toEqual([
      'not-allowed /hostbridge',
      'wrong-text /emulations/0/mac',
      'wrong-text /gdb',
      'wrong-text /uuid',
    ]);
    expect(await deviceWords(withDevices({ ...disk, sync: true, bootindex: 3 }))).toContain(
      '0:1:0,virtio-blk,disk.img,sync,bootindex=3',
    );
  });
});

describe('targets', () => {
  const spec = {
    ...withDevices(disk),
    next_target: 'a',
    targets: {
      a: { mem: '2G', emulations: [cd], next_target: 'a' },
      b: { emulations: [{ device: 'nvme', path: 'n' }], next_target: 'a' },
    },
  };

  test('36: a target that is its own next one has the same devices at every boot', async () => {
    const loaded = await specOf(spec);
    const boots = Array.from({ length: 4 }, () => machineOf(loaded, 'a').argv);
    for (const argv of boots) expect(argv).toEqual(boots[0]);
    expect(valuesOf(boots[3] ?? [], '-s')).toHaveLength(4);
  });

  test('37: nothing of the target before is kept', async () => {
    const loaded = await specOf(spec);
    machineOf(loaded, 'a');
    const machine = machineOf(loaded, 'b');
    expect(machine.memoryBytes).toBe(2 ** 30);
    expect(machine.devices.map(({ model }) => model)).toEqual(['hostbridge', 'virtio-blk', 'nvme', 'lpc']);
  });

  test('38: a target named default is one that starts from the base', async () => {
    const loaded = await specOf({ ...spec, targets: { ...spec.targets, default: { mem: '3G' } } });
    machineOf(loaded, 'a');
    expect(machineOf(loaded, 'default').memoryBytes).toBe(3 * 2 ** 30);
    expect(machineOf(loaded, 'default').devices.map(({ model }) => model)).toEqual(['hostbridge', 'virtio-blk', 'lpc']);
  });

  test('39: a next target that does not exist is told when the spec is loaded, by its name', async () => {
    const [problem] = await problemsOf({ ...minimal, targets: { install: { next_target: 'dsik' }, disk: {} } });
    expect(problem === undefined ? '' : told(problem)).toMatch(
      /\/targets\/install\/next_target unknown-target: there is no target "dsik" \[did you mean "disk"\?\]/,
    );
  });

  test('40: the post_start_script of a target is that of its boots', async () => {
    const loaded = await specOf({
      ...minimal,
      post_start_script: '/up',
      targets: { a: { post_start_script: "/up.sh 'a b'" } },
    });
    expect(machineOf(loaded, 'a').policy.hooks.postStart).toEqual(['/up.sh', 'a b']);
    expect(machineOf(loaded).policy.hooks.postStart).toEqual(['/up']);
  });

  test('41: emulations may be left out, in the spec and in a target', async () => {
    expect(await problemsOf({ ...minimal, targets: { a: {} } })).toEqual([]);
  });

  test('42: a target may say nearly everything, and replaces and removes devices', async () => {
    const loaded = await specOf({
      ...withDevices({ id: 'd', ...disk }, { id: 'c', ...cd }),
      targets: {
        a: {
          uuid: '5a34b1cc-7d4f-11ee-8d3c-b42e991b0a01',
          hostbridge: 'amd_hostbridge',
          lpc_slot: 30,
          power_off_destroy_vm: true,
          emulations: [
            { id: 'c', remove: true },
            { id: 'd', device: 'nvme', path: 'n' },
          ],
        },
      },
    });
    const { argv } = machineOf(loaded, 'a');
    expect(valuesOf(argv, '-s')).toEqual(['0:0:0,amd_hostbridge', '0:1:0,nvme,n', '0:30:0,lpc']);
    expect(argv).toEqual(expect.arrayContaining(['-D', '-U']));
    expect(codesAt(await problemsOf({ ...minimal, targets: { a: { name: 'b' } } }))).toEqual([
      'unknown-field /targets/a/name',
    ]);
  });
});

describe('reading the spec', () => {
  test('43: a boot ROM of a wrong type is refused, and a varfile alone goes with the default one', async () => {
    expect(codesAt(await problemsOf({ ...minimal, bootrom: 5 }))).toEqual(['wrong-type /bootrom']);
    const rom = '/usr/local/share/uefi-firmware/BHYVE_UEFI.fd';
    expect(valuesOf((await planOf({ ...minimal, varfile: 'v' })).argv, '-l')).toEqual([`bootrom,${rom},v`]);
    const targeted = await planOf({ ...minimal, bootrom: '/rom', targets: { a: { varfile: 'v' } } }, 'a');
    expect(valuesOf(targeted.argv, '-l')).toEqual(['bootrom,/rom,v']);
  });

  test.each(['emulatons', 'graphics'])('44: the unknown field %s is refused', async (key) => {
    expect(codesAt(await problemsOf({ ...minimal, [key]: {} }))).toEqual([`unknown-field /${key}`]);
  });

  test('44: xhci_table keeps its name, and xhci_tablet is told to be meant so', async () => {
    expect(await problemsOf({ ...minimal, graphic: { xhci_table: false } })).toEqual([]);
    expect((await problemsOf({ ...minimal, graphic: { xhci_tablet: false } }))[0]?.fix).toBe(
      'did you mean "xhci_table"?',
    );
  });

  test('45: an MTU is a number, written as one or as text, and what is none is refused', async () => {
    for (const mtu of [1500, '1500']) {
      expect(await deviceWords(withDevices({ device: 'virtio-net', name: 'tap0', mtu }))).toContain(
        '0:1:0,virtio-net,tap0,mtu=1500',
      );
    }
    expect(codesAt(await problemsOf(withDevices({ device: 'virtio-net', name: 'tap0', mtu: '15oo' })))).toEqual([
      'wrong-type /emulations/0/mtu',
    ]);
  });

  test('46: a wrong number of CPUs is told with what is allowed', async () => {
    expect((await problemsOf({ ...minimal, cpu: -1 }))[0]?.message).toBe('cpu must be 1 to 65535, got -1');
  });

  test('47: a card that is named wrongly is told so', async () => {
    expect((await problemsOf(withDevices({ device: 'passthru', src: 'em0' })))[0]).toMatchObject({
      code: 'host-card',
      fix: 'use bus:slot:function, e.g. "3:0:0", or "ppt0"',
    });
  });

  test('48: file names are relative to the spec, and the policy of reboots is in it, for each target', async () => {
    const object = {
      ...withDevices(disk),
      reboot_on: ['reboot'],
      targets: { a: { reboot_on: ['error'], restart: { max: 1 } } },
    };
    const loaded = await specOf(object, { resolveFile: (name) => `/vms/${name}` });
    expect(valuesOf(machineOf(loaded).argv, '-s')).toContain('0:1:0,virtio-blk,/vms/disk.img');
    expect(machineOf(loaded, 'a').policy).toMatchObject({ rebootOn: ['error'], restart: { max: 1 } });
  });
});
