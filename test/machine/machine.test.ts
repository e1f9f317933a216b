import { describe, expect, test } from '@jest/globals';
import { differences } from '../../src/machine/difference.js';
import { strayWords } from '../../src/fields/extra-options.js';
import { plan } from '../../src/machine/plan.js';
import { expectedConfig, refusal, simulateMachine, sorted } from '../support/simulated.js';
import { machineOf, minimal, planOf, problemsOf, specOf, told, valuesOf, withDevices } from '../support/specs.js';

const disk = { device: 'virtio-blk', path: 'disk.img' };
const cd = { device: 'ahci-cd', path: 'install.iso' };

describe('the options of a machine', () => {
  test.each<[spec: object, option: string, isThere: boolean]>([
    [{}, '-A', true],
    [{ generate_acpi: false }, '-A', false],
    [{}, '-H', true],
    [{ yield_on_hlt: false }, '-H', false],
    [{}, '-u', true],
    [{ utc_clock: false }, '-u', false],
    [{}, '-S', false],
    [{ wire_guest_mem: true }, '-S', true],
    [{}, '-W', false],
    [{ force_msi: true }, '-W', true],
    [{}, '-Y', false],
    [{ disable_mptable_gen: true }, '-Y', true],
    [{}, '-D', false],
    [{ power_off_destroy_vm: true }, '-D', true],
    [{}, '-P', false],
    [{ yield_on_pause: true }, '-P', true],
    [{}, '-x', false],
    [{ x2apic: true }, '-x', true],
    [{}, '-e', false],
    [{ strict_io: true }, '-e', true],
    [{}, '-w', false],
    [{ ignore_unknown_msrs: true }, '-w', true],
    [{}, '-C', false],
    [{ guest_mem_in_core: true }, '-C', true],
    [{ keyboard: 'de_noacc' }, 'de_noacc', true],
    [{ extra_options: ['-o', 'oemstring.0=a b'] }, 'oemstring.0=a b', true],
  ])('%j: %s %s', async (more, option, isThere) => {
    expect((await planOf({ ...minimal, ...more })).argv.includes(option)).toBe(isThere);
  });

  test.each<[field: string, variable: string, value: string]>([
    ['yield_on_pause', 'x86.vmexit_on_pause', 'true'],
    ['x2apic', 'x86.x2apic', 'true'],
    ['strict_io', 'x86.strictio', 'true'],
    ['ignore_unknown_msrs', 'x86.strictmsr', 'false'],
    ['guest_mem_in_core', 'memory.guest_in_core', 'true'],
  ])('%s sets %s to %s', async (field, variable, value) => {
    const machine = await planOf({ ...minimal, [field]: true });
    expect(simulateMachine(machine).config.get(variable)).toBe(value);
  });

  test('turn ACPI off on releases that make its tables by themselves', async () => {
    for (const release of [14, 15, 16] as const) {
      const machine = await planOf({ ...minimal, generate_acpi: false }, 'default', { release });
      expect(simulateMachine(machine).config.get('acpi_tables')).toBe('false');
    }
  });

  test.each<[gdb: string | number, option: string]>([
    [1234, '1234'],
    ['1234', '1234'],
    ['w1234', 'w1234'],
    ['127.0.0.1:1234', '127.0.0.1:1234'],
    ['w[::1]:1234', 'w::1:1234'],
    ['01234', '1234'],
  ])('gdb %j is -G %s', async (gdb, option) => {
    const machine = await planOf({ ...minimal, gdb });
    expect(valuesOf(machine.argv, '-G')).toEqual([option]);
    expect(sorted(simulateMachine(machine).config)).toEqual(sorted(expectedConfig(machine)));
  });

  test.each<[spec: object, code: string]>([
    [{ gdb: '0' }, 'gdb-port /gdb'],
    [{ gdb: 'w99999' }, 'gdb-port /gdb'],
    [{ gdb: 0 }, 'out-of-range /gdb'],
    [{ gdb: 'a,b:1' }, 'wrong-text /gdb'],
    [{ gdb: 'localhost' }, 'wrong-text /gdb'],
    [{ uuid: '5a34b1cc' }, 'wrong-text /uuid'],
    [{ uuid: '{5a34b1cc-7d4f-11ee-8d3c-b42e991b0a01}' }, 'wrong-text /uuid'],
    [{ uuid: '5a34b1cc-7d4f-11ee-ed3c-b42e991b0a01' }, 'wrong-text /uuid'],
  ])('%j is refused', async (more, code) => {
    expect(
      (await problemsOf({ ...minimal, ...more })).map((problem) => `${problem.code} ${problem.place?.pointer ?? ''}`),
    ).toEqual([code]);
  });

  test('a UUID of every variant that bhyve takes', async () => {
    for (const variant of '0123456789abcdefABCDEF') {
      const uuid = `5a34b1cc-7d4f-11ee-${variant}d3c-b42e991b0a01`;
      const spec = { ...minimal, uuid };
      const isFine = (await problemsOf(spec)).length === 0;
      expect([variant, isFine]).toEqual([variant, !/[ef]/i.test(variant)]);
      if (isFine) expect(refusal(simulateMachine(await planOf(spec)).start)).toBe('');
    }
  });

  test('a name of 229 bytes is too long for release 16, which makes a socket of it', async () => {
    const spec = await specOf({ ...minimal, name: 'x'.repeat(88) });
    expect(plan(spec, 'default', { release: 15 }).ok).toBe(true);
    const planned = plan(spec, 'default', { release: 16 });
    expect(!planned.ok && planned.problems.map(told)).toEqual([
      '2:11 /name name-length: a VM name has at most 87 bytes for FreeBSD 16, this has 88',
    ]);
    const longest = await planOf({ ...minimal, name: 'x'.repeat(87) }, 'default', { release: 16 });
    expect(refusal(simulateMachine(longest).start)).toBe('');
  });

  test.each<[release: 14 | 15 | 16, variables: readonly string[]]>([
    [14, ['lpc.bootrom', 'lpc.bootvars', 'virtio_msix']],
    [15, ['bootrom', 'bootvars', 'virtio_msix']],
    [16, ['bootrom', 'bootvars', 'virtio.msix']],
  ])('release %i is told by its own variables', async (release, variables) => {
    const spec = { ...minimal, bootrom: 'a,b', varfile: 'c', force_msi: true };
    const machine = await planOf(spec, 'default', { release });
    expect(
      machine.variables
        .map(({ key }) => key)
        .filter((key) => /boot|msix/.test(key))
        .sort(),
    ).toEqual([...variables].sort());
    expect(simulateMachine(machine).warnings).toEqual([]);
  });

  test('a varfile with an equals sign is told by variables: -l would read an option', async () => {
    const { argv } = await planOf({ ...minimal, varfile: 'a=b' });
    expect(valuesOf(argv, '-o')).toEqual([expect.stringMatching(/^bootrom=/), 'bootvars=a=b']);
  });
});

describe('serial ports', () => {
  test.each(['stdio', '/dev/nmdm0A', '/dev/ttyu0', 'tcp=127.0.0.1:1234', 'tcp=[::1]:65535', 'tcp=[fe80::1%em0]:1'])(
    '%s',
    async (com1) => {
      const machine = await planOf({ ...minimal, com1 });
      const { config, start } = simulateMachine(machine);
      expect(config.get('lpc.com1.path')).toBe(com1);
      expect(refusal(start)).toBe('');
    },
  );

  test.each([
    'stdout',
    'nmdm0A',
    'tcp=',
    'tcp=localhost:1',
    'tcp=127.0.0.1',
    'tcp=127.0.0.1:0',
    'tcp=127.0.0.1:65536',
    'tcp=999.1.1.1:1',
    'tcp=1.2.3:1',
    'tcp=::1:1',
    'tcp=[127.0.0.1]:1',
    'tcp=[::::]:1',
    'tcp=[::1]',
    'tcp=[::1]:1x',
    'tcp:127.0.0.1:1',
  ])('%s is refused', async (com2) => {
    expect(
      (await problemsOf({ ...minimal, com2 })).map(({ code, place }) => `${code} ${place?.pointer ?? ''}`),
    ).toEqual(['console-backend /com2']);
  });

  test('are four, each with a backend of its own', async () => {
    const coms = { com1: 'stdio', com2: '/dev/nmdm0A', com3: '/dev/nmdm1A', com4: 'tcp=127.0.0.1:1' };
    expect(valuesOf((await planOf({ ...minimal, ...coms })).argv, '-l').slice(1)).toEqual([
      'com1,stdio',
      'com2,/dev/nmdm0A',
      'com3,/dev/nmdm1A',
      'com4,tcp=127.0.0.1:1',
    ]);
    const problems = await problemsOf({ ...minimal, com1: 'stdio', com3: 'stdio', com4: 'stdio' });
    expect(problems.map(({ code, place }) => `${code} ${place?.pointer ?? ''}`)).toEqual([
      'console-twice /com3',
      'console-twice /com4',
    ]);
  });

  test("say whether standard input is the guest's", async () => {
    expect((await planOf({ ...minimal, com2: 'stdio' })).usesStdio).toBe(true);
    expect((await planOf({ ...minimal, com2: '/dev/nmdm0A' })).usesStdio).toBe(false);
  });

  test.each(['com1', 'com4'])(
    'one of them is a console that vmrun serves, and bhyve has it on stdio: %s',
    async (port) => {
      const machine = await planOf({ ...minimal, [port]: 'console' });
      expect(valuesOf(machine.argv, '-l').slice(1)).toEqual([`${port},stdio`]);
      expect(machine).toMatchObject({ usesStdio: false, servesConsole: true });
      expect(refusal(simulateMachine(machine).start)).toBe('');
      expect((await planOf({ ...minimal, [port]: 'stdio' })).servesConsole).toBe(false);
    },
  );

  test.each([
    ['stdio', 'com2 is console and com1 is stdio, and bhyve has one standard input'],
    ['console', 'com2 and com1 are both console'],
  ])('a served console and one on %s cannot both be there', async (com1, message) => {
    expect(await problemsOf({ ...minimal, com1, com2: 'console' })).toEqual([
      expect.objectContaining({
        code: 'console-twice',
        message,
        fix: 'one of them can be console; use e.g. "/dev/nmdm0A" for the other',
      }),
    ]);
  });

  test('a served console is one on arm64, too', async () => {
    const machine = await planOf({ ...minimal, com1: 'console', arch: 'arm64' });
    expect(valuesOf(machine.argv, '-o')).toContain('console=stdio');
    expect(machine.servesConsole).toBe(true);
  });
});

describe('extra options', () => {
  test.each<[words: readonly string[], isFine: boolean]>([
    [[], true],
    [['-w'], true],
    [['-o', 'a=b'], true],
    [['-oa=b', '-wC'], true],
    [['-wo', 'a=b'], true],
    [['-s', '-x'], true],
    [['-H', '--'], true],
    [['vm'], false],
    [['-w', 'vm'], false],
    [['-'], false],
    [['-o'], false],
    [['-wo'], false],
    [['--', 'vm'], false],
    [[''], false],
  ])('%j leave the name of the VM where it is: %s', (words, isFine) => {
    expect(strayWords(words).length === 0).toBe(isFine);
  });

  test('that end the options or take the name are refused at their place', async () => {
    for (const extra of ['vm1', '-o', "-o 'a", '-w other']) {
      expect(
        (await problemsOf({ ...minimal, extra_options: extra })).map(
          ({ code, place }) => `${code} ${place?.pointer ?? ''}`,
        ),
      ).toEqual(['extra-options /extra_options']);
    }
  });

  test.each<[what: string, extra: string | readonly string[], isFine: boolean]>([
    ['a text', `-o ${'a'.repeat(512 * 1024 - 5)}=b`, true],
    ['a longer text', `-o ${'a'.repeat(512 * 1024 - 4)}=b`, false],
    ['a list of words', ['-o', `${'a'.repeat(512 * 1024 - 6)}=b`], true],
    ['a list of longer words', ['-o', `${'a'.repeat(512 * 1024 - 5)}=b`], false],
    ['a list of many words', Array.from({ length: 95_000 }, () => '-HHHHH'), false],
  ])('that no kernel would hand over are refused at their place: %s', async (_what, extra, isFine) => {
    const told = (await problemsOf({ ...minimal, extra_options: extra })).filter(
      ({ code }) => code === 'extra-options',
    );
    expect(told.map(({ message, place }) => `${place?.pointer} ${message.slice(0, 27)}`)).toEqual(
      isFine ? [] : ['/extra_options these are more than 512 KiB'],
    );
  });
});

describe('what a machine asks of its host', () => {
  test('is told with the device and the place that bring it', async () => {
    const text = `{"name": "vm0", "cpu": 1, "mem": "1G", "com1": "/dev/nmdm0A", "gdb": 1234,
"emulations": [{"device": "virtio-net", "name": "tap0", "fix": true}],
"graphic": {"port": 5901}}`;
    const { requirements } = await planOf(text);
    expect(
      requirements.map(({ need, subject, place, mayFix }) => [
        need.kind,
        subject,
        `${place?.line ?? 0} ${place?.pointer ?? ''}`,
        mayFix,
      ]),
    ).toEqual([
      ['module', 'host', '1 ', false],
      ['privilege', 'host', '1 ', false],
      ['memory', 'mem', '1 /mem', false],
      ['vcpus', 'cpu', '1 /cpu', false],
      ['virtualization', 'host', '1 ', false],
      ['file', 'bootrom', '1 /bootrom', false],
      ['module', 'com1', '1 /com1', false],
      ['tcp-port', 'gdb', '1 /gdb', false],
      ['module', 'emulations[0] virtio-net "tap0"', '2 /emulations/0/name', true],
      ['interface', 'emulations[0] virtio-net "tap0"', '2 /emulations/0/name', true],
      ['tcp-port', 'graphic', '3 /graphic/port', false],
    ]);
  });

  test.each<[bootrom: string | undefined, template: string | undefined]>([
    [undefined, '/usr/local/share/uefi-firmware/BHYVE_UEFI_VARS.fd'],
    ['/fw/BHYVE_UEFI.fd', '/fw/BHYVE_UEFI_VARS.fd'],
    ['/fw/BHYVE_UEFI_CODE.fd', '/fw/BHYVE_UEFI_VARS.fd'],
    ['/fw/MY_CODE.fd', '/fw/MY_VARS.fd'],
    ['/fw/MY_BHYVE_UEFI.fd', undefined],
    ['/fw/_CODE.fd.img', undefined],
    ['/fw/rom.bin', undefined],
  ])('is a varfile, which the variables beside the boot ROM %s may become', async (bootrom, template) => {
    const { requirements } = await planOf({
      ...minimal,
      varfile: '/vm/vm0.fd',
      ...(bootrom === undefined ? {} : { bootrom }),
    });
    expect(requirements.flatMap(({ need }) => (need.pointer === '/varfile' ? [need] : []))).toEqual([
      {
        ...{ kind: 'file', path: '/vm/vm0.fd', types: ['regular file'], access: 'write', pointer: '/varfile' },
        ...{ use: 'variables', firmware: bootrom ?? '/usr/local/share/uefi-firmware/BHYVE_UEFI.fd' },
        ...(template === undefined ? {} : { template }),
      },
    ]);
  });

  test('is an interface in its bridge, of which bhyve is not told', async () => {
    const plain = { device: 'virtio-net', name: 'vmnet1', mtu: 9000 };
    const { argv, requirements } = await planOf(withDevices({ ...plain, bridge: 'vm-lan' }));
    expect(argv).toEqual((await planOf(withDevices(plain))).argv);
    expect(requirements.map(({ need }) => need)).toEqual(
      expect.arrayContaining([
        { kind: 'module', name: 'if_tuntap', why: 'a vmnet interface', pointer: '/name' },
        { kind: 'interface', name: 'vmnet1', type: 'vmnet', bridge: 'vm-lan', mtu: 9000, pointer: '/name' },
      ]),
    );
  });

  test('is its memory, wired or not, its vCPUs, and for host cards an IOMMU, once', async () => {
    const own = async (...devices: object[]) =>
      (
        await planOf({
          ...withDevices(...devices),
          mem: '2G',
          cpu: { sockets: 2, cores: 2 },
          monitor: true,
          release: 16,
        })
      ).requirements
        .filter(({ need }) => ['memory', 'vcpus', 'iommu', 'privilege'].includes(need.kind))
        .map(({ need, owner }) => ({ ...need, owner }));
    const alike = [
      { kind: 'privilege', isMonitored: true, owner: '', pointer: '' },
      { kind: 'memory', bytes: 2 ** 31, isWired: false, owner: '', pointer: '/mem' },
      { kind: 'vcpus', count: 4, owner: '', pointer: '/cpu' },
    ];
    expect(await own(disk)).toEqual(alike);
    const card = { device: 'passthru', src: '3:0:0' };
    expect(await own(disk, card, { ...card, src: '3:0:1' })).toEqual([
      ...alike.map((need) => (need.kind === 'memory' ? { ...need, isWired: true } : need)),
      { kind: 'iommu', owner: '/emulations/1', pointer: '' },
    ]);
  });
});

describe('two machines of one spec', () => {
  const spec = {
    ...withDevices({ id: 'd', ...disk }, { device: 'virtio-net', name: 'tap0' }),
    targets: {
      same: {},
      install: { emulations: [cd] },
      big: { mem: '2G', com1: 'stdio' },
      less: { emulations: [{ id: 'd', remove: true }] },
      other: { emulations: [{ id: 'd', ...disk, ro: true }] },
      secret: { graphic: { password: 'abc' } },
      secret2: { graphic: { password: 'xyz' } },
    },
  };
  const between = async (from: string, to: string) => {
    const loaded = await specOf(spec);
    return differences(machineOf(loaded, from), machineOf(loaded, to));
  };

  test('that are the same do not differ', async () => {
    expect(await between('default', 'same')).toEqual([]);
  });

  test('differ in devices that come, go, move or change', async () => {
    expect(await between('default', 'install')).toEqual([
      { kind: 'device-added', device: 'ahci-cd install.iso', address: '0:3:0' },
    ]);
    expect(await between('install', 'default')).toEqual([
      { kind: 'device-removed', device: 'ahci-cd install.iso', address: '0:3:0' },
    ]);
    expect(await between('default', 'less')).toEqual([
      { kind: 'device-removed', device: 'virtio-blk disk.img', address: '0:1:0' },
      { kind: 'device-moved', device: 'virtio-net tap0', from: '0:2:0', to: '0:1:0' },
    ]);
    expect(await between('default', 'other')).toEqual([
      { kind: 'device-changed', device: 'virtio-blk disk.img', address: '0:1:0' },
    ]);
  });

  test('differ in settings', async () => {
    expect(await between('default', 'big')).toEqual([
      { kind: 'setting', key: 'memory.size', from: '1G', to: '2G' },
      { kind: 'setting', key: 'lpc.com1.path', to: 'stdio' },
    ]);
  });

  test('differ where vmrun serves the console that was on its terminal, though bhyve is told the same', async () => {
    const [served, own] = await Promise.all([
      planOf({ ...minimal, com1: 'console' }),
      planOf({ ...minimal, com1: 'stdio' }),
    ]);
    expect(served.argv).toEqual(own.argv);
    expect(differences(own, served)).toEqual([{ kind: 'setting', key: 'lpc.com1.path', from: 'stdio', to: 'console' }]);
  });

  test('that differ in a password never say which', async () => {
    expect(JSON.stringify(await between('secret', 'secret2'))).not.toMatch(/abc|xyz/);
  });
});
