import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { awkwardText } from '../support/arbitraries.js';
import { minimal, problemsOf, specText, told, withDevices, type SpecObject } from '../support/specs.js';
import { runs } from '../support/runs.js';

const disk = { device: 'virtio-blk', path: 'disk.img' };
const lines = async (spec: SpecObject | string) => (await problemsOf(spec)).map(told);
const words = async (spec: SpecObject | string) => (await lines(spec)).map((line) => line.replace(/^[\d:]+ /, ''));

describe('an unknown field', () => {
  test.each<[where: string, spec: SpecObject, problem: string]>([
    [
      'the spec',
      { ...minimal, emulatons: [] },
      '/emulatons unknown-field: "emulatons" is not a field here [did you mean "emulations"?]',
    ],
    [
      'the spec',
      { ...minimal, graphics: {} },
      '/graphics unknown-field: "graphics" is not a field here [did you mean "graphic"?]',
    ],
    [
      'the spec, like nothing',
      { ...minimal, colour: 'red' },
      '/colour unknown-field: "colour" is not a field here [take it out; a key of your own begins with "x-"]',
    ],
    [
      'a target',
      { ...minimal, targets: { a: { nex_target: 'a' } } },
      '/targets/a/nex_target unknown-field: "nex_target" is not a field here [did you mean "next_target"?]',
    ],
    [
      'a target, of the root alone',
      { ...minimal, targets: { a: { name: 'other' } } },
      '/targets/a/name unknown-field: "name" is not a field here [it belongs to the spec itself and is the same in every target]',
    ],
    [
      'a device',
      withDevices({ ...disk, secotrsize: 512 }),
      '/emulations/0/secotrsize unknown-field: "secotrsize" is not a field here [did you mean "sectorsize"?]',
    ],
    [
      'a device, of another model',
      withDevices({ device: 'e1000', name: 'tap0', mtu: 1500 }),
      '/emulations/0/mtu unknown-field: "mtu" is not a field here [take it out; a key of your own begins with "x-"]',
    ],
    [
      'a device of a target',
      { ...minimal, targets: { a: { emulations: [{ ...disk, pathh: 1 }] } } },
      '/targets/a/emulations/0/pathh unknown-field: "pathh" is not a field here [did you mean "path"?]',
    ],
    [
      'a removal',
      {
        ...minimal,
        emulations: [{ ...disk, id: 'd' }],
        targets: { a: { emulations: [{ id: 'd', remove: true, path: 'x' }] } },
      },
      '/targets/a/emulations/0/path unknown-field: "path" is not a field here [the fields here are id and remove; a key of your own begins with "x-"]',
    ],
    [
      'graphic',
      { ...minimal, graphic: { xhci_tablet: true } },
      '/graphic/xhci_tablet unknown-field: "xhci_tablet" is not a field here [did you mean "xhci_table"?]',
    ],
    [
      'cpu',
      { ...minimal, cpu: { core: 2 } },
      '/cpu/core unknown-field: "core" is not a field here [did you mean "cores"?]',
    ],
    [
      'restart',
      { ...minimal, restart: { windows: 5 } },
      '/restart/windows unknown-field: "windows" is not a field here [did you mean "window"?]',
    ],
    [
      'next_target',
      { ...minimal, next_target: { poweroff: 'default' } },
      '/next_target/poweroff unknown-field: "poweroff" is not a field here [did you mean "power_off"?]',
    ],
    [
      'hooks',
      { ...minimal, hooks: { poststart: 'x' } },
      '/hooks/poststart unknown-field: "poststart" is not a field here [did you mean "post_start"?]',
    ],
    [
      'hooks, another',
      { ...minimal, hooks: { pre_rebot: 'x' } },
      '/hooks/pre_rebot unknown-field: "pre_rebot" is not a field here [did you mean "pre_reboot"?]',
    ],
    [
      'a spec with a rescue target',
      { ...minimal, on_giveup: 'rescue' },
      '/on_giveup unknown-field: "on_giveup" is not a field here [did you mean "on_give_up"?]',
    ],
    [
      'a console port',
      withDevices({ device: 'virtio-console', ports: [{ name: 'a', path: '/b', size: 1 }] }),
      '/emulations/0/ports/0/size unknown-field: "size" is not a field here [the fields here are name and path; a key of your own begins with "x-"]',
    ],
    [
      'a lookup',
      withDevices({ device: 'passthru', lookup: { vendor: '0x12345678', device: '0x12345678', id: 1 } }),
      '/emulations/0/lookup/id unknown-field: "id" is not a field here [the fields here are vendor and device; a key of your own begins with "x-"]',
    ],
  ])('of %s', async (_where, spec, problem) => {
    expect(await words(spec)).toEqual([problem]);
  });

  test('is told at its key, the others at their value', async () => {
    const text = '{\n  "name": "vm0", "cpu": "x",\n  "mem": "1G",\n  "memm": "2G"\n}';
    expect((await lines(text)).map((line) => line.split(' ', 2).join(' '))).toEqual(['2:25 /cpu', '4:3 /memm']);
  });

  test.each(['constructor', '__proto__', 'toString', 'hasOwnProperty', 'valueOf'])(
    "named like something of JavaScript's is one as well: %s",
    async (key) => {
      const text = `{"name": "vm0", "cpu": 1, "mem": "1G", "${key}": 1, "emulations": [{"device": "virtio-blk", "path": "a", "${key}": 1}]}`;
      expect((await problemsOf(text)).map(({ code, place }) => `${code} ${place?.pointer ?? ''}`)).toEqual([
        `unknown-field /${key}`,
        `unknown-field /emulations/0/${key}`,
      ]);
    },
  );
});

describe('a wrong spec', () => {
  test.each<[spec: SpecObject, problems: readonly unknown[]]>([
    [
      {},
      [
        ' required: name is required: name of the VM [add e.g. "name": "freebsd"]',
        ' required: cpu is required: virtual CPUs [add e.g. "cpu": 2]',
        ' required: mem is required: guest memory [add e.g. "mem": "512M"]',
      ].map((line, index) => `/${['name', 'cpu', 'mem'][index] ?? ''}${line}`),
    ],
    [
      { ...minimal, release: '14.1' },
      ['/release wrong-type: release must be an integer, got "14.1" [use 14, 15 or 16]'],
    ],
    [
      { ...minimal, hooks: '/x.sh' },
      [
        '/hooks wrong-type: hooks must be an object, got "/x.sh" [use e.g. {"pre_start":["/usr/local/bin/up.sh","--now"]}]',
      ],
    ],
    [
      { ...minimal, nocache: true },
      [
        '/nocache unknown-field: "nocache" is not a field here [it is a field of a device: put it beside its "device", in YAML with the same indentation]',
      ],
    ],
    [
      { ...minimal, emulations: ['disk.img', { 'virtio-blk': 'disk.img' }, { device: 'virtio-rnd', com2: 'stdio' }] },
      [
        '/emulations/0 wrong-type: emulations[0] must be an object, got "disk.img" [use e.g. { "device": "virtio-blk", "path": "disk.img" }]',
        '/emulations/1/device required: device is required: the model, e.g. "virtio-blk" [write "device": "virtio-blk", and its fields beside that]',
        '/emulations/2/com2 unknown-field: "com2" is not a field here [it is a field of the spec, not of a device: put it there]',
      ],
    ],
    [
      { ...minimal, mem: 512 },
      [
        '/mem memory-size: 512 is a number of bytes, and not a multiple of 4096, the page size [use "512M" if it is to be MiB]',
      ],
    ],
    [{ ...minimal, cpu: -1 }, ['/cpu out-of-range: cpu must be 1 to 65535, got -1']],
    [{ ...minimal, cpu: 0 }, ['/cpu out-of-range: cpu must be 1 to 65535, got 0']],
    [{ ...minimal, cpu: 65536 }, ['/cpu out-of-range: cpu must be 1 to 65535, got 65536']],
    [{ ...minimal, cpu: { cores: 0 } }, ['/cpu/cores out-of-range: cores must be 1 to 65535, got 0']],
    [{ ...minimal, cpu: true }, ['/cpu wrong-type: cpu must be an integer or an object, got true [use e.g. 2]']],
    [
      { ...minimal, cpu: { sockets: 256, cores: 256, threads: 1 } },
      [
        '/cpu too-many-vcpus: sockets x cores x threads is 65536, bhyve counts to 65535 [use fewer; a host usually allows as many as it has CPUs (sysctl hw.vmm.maxcpu)]',
      ],
    ],
    [
      { ...minimal, bootrom: 5 },
      ['/bootrom wrong-type: bootrom must be text, got 5 [use e.g. "/usr/local/share/uefi-firmware/BHYVE_UEFI.fd"]'],
    ],
    [
      { ...minimal, hostbridge: 'amd_hostbrige' },
      ['/hostbridge not-allowed: hostbridge cannot be "amd_hostbrige" [did you mean "amd_hostbridge"?]'],
    ],
    [
      { ...minimal, hostbridge: 'x' },
      ['/hostbridge not-allowed: hostbridge cannot be "x" [use "hostbridge", "amd_hostbridge" or "none"]'],
    ],
    [withDevices({ path: 'a' }), [expect.stringMatching(/^\/emulations\/0\/device required: device is required/)]],
    [
      withDevices({ device: 'virtio-blc', path: 'a' }),
      ['/emulations/0/device unknown-device: "virtio-blc" is not a device model [did you mean "virtio-blk"?]'],
    ],
    [
      withDevices({ device: 5 }),
      [expect.stringMatching(/unknown-device: 5 is not a device model \[use one of virtio-net, /)],
    ],
    [withDevices('virtio-rnd'), [expect.stringMatching(/^\/emulations\/0 wrong-type: /)]],
    [
      withDevices({ device: 'virtio-blk' }),
      ['/emulations/0/path required: path is required: the disk image [add e.g. "path": "disk.img"]'],
    ],
    [
      withDevices({ device: 'virtio-blk', path: '' }),
      [expect.stringMatching(/^\/emulations\/0\/path wrong-text: "" is not text of at least one/)],
    ],
    [withDevices({ device: 'virtio-blk', path: 'a\nb' }), [expect.stringMatching(/wrong-text: "a\\nb" is not text/)]],
    [
      withDevices({ device: 'virtio-blk', path: 'a\0b' }),
      [expect.stringMatching(/wrong-text: "a\\u0000b" is not text/)],
    ],
    [{ ...minimal, reboot_on: ['reset'] }, [expect.stringMatching(/^\/reboot_on\/0 not-allowed: /)]],
    [{ ...minimal, stop_timeout: '90' }, [expect.stringMatching(/^\/stop_timeout wrong-text: "90" is not seconds/)]],
    [{ ...minimal, stop_timeout: -1 }, ['/stop_timeout out-of-range: stop_timeout must be 0 to 31536000, got -1']],
    [
      { ...minimal, stop_timeout: '366d' },
      ['/stop_timeout out-of-range: "366d" is more than a year [use at most "365d"]'],
    ],
    [
      { ...minimal, restart: { max_delay: '999999999999d' } },
      ['/restart/max_delay out-of-range: "999999999999d" is more than a year [use at most "365d"]'],
    ],
    [{ ...minimal, next_target: {} }, [expect.stringMatching(/^\/next_target empty: next_target must not be empty/)]],
    [
      { ...minimal, hooks: { post_start: [] } },
      [expect.stringMatching(/^\/hooks\/post_start wrong-length: post_start must have at least 1 items, got 0/)],
    ],
    [
      { ...minimal, hooks: { pre_start: ['/bin/x', 'a\0b'] } },
      [expect.stringMatching(/^\/hooks\/pre_start\/1 wrong-text: "a\\u0000b" is not text/)],
    ],
    [
      { ...minimal, targets: { a: { hooks: { post_stop: ['/bin/x', true] } } } },
      [expect.stringMatching(/^\/targets\/a\/hooks\/post_stop\/1 wrong-type: .* must be text, got true/)],
    ],
    [
      { ...minimal, hooks: { timeout: '5 minutes' } },
      [expect.stringMatching(/^\/hooks\/timeout wrong-text: "5 minutes" is not seconds/)],
    ],
    [{ ...minimal, restart: { stable: -1 } }, ['/restart/stable out-of-range: stable must be 0 to 31536000, got -1']],
    [
      { ...minimal, on_give_up: ['default'] },
      [expect.stringMatching(/^\/on_give_up wrong-type: on_give_up must be text/)],
    ],
    [{ ...minimal, reboot_on: ['suspended'] }, [expect.stringMatching(/^\/reboot_on\/0 not-allowed: .*"suspend"/)]],
    [{ ...minimal, reboot_on: [5] }, [expect.stringMatching(/^\/reboot_on\/0 not-allowed: /)]],
    [
      { ...minimal, targets: { a: 5 } },
      [expect.stringMatching(/^\/targets\/a wrong-type: a must be an object, got 5/)],
    ],
    [
      withDevices({ device: 'virtio-console', ports: [] }),
      ['/emulations/0/ports wrong-length: ports must have 1 to 16 items, got 0'],
    ],
    [
      withDevices({ device: 'virtio-console', ports: Array.from({ length: 17 }, (_, index) => `/s${index}`) }),
      ['/emulations/0/ports wrong-length: ports must have 1 to 16 items, got 17'],
    ],
  ])('%j', async (spec, problems) => {
    expect(await words(spec)).toEqual(problems);
  });

  test.each([
    ['[]', 'a list'],
    ['"vm"', '"vm"'],
    ['5', '5'],
    ['null', 'null'],
    ['true', 'true'],
  ])('that is not an object is told what it is: %s', async (text, what) => {
    expect(await words(text)).toEqual([
      ` wrong-type: a spec is an object with name, cpu and mem, this is ${what} [write { "name": "vm0", "cpu": 1, "mem": "1G" }]`,
    ]);
  });

  test('has all its problems told at once, those of the machine beside those of the schema, in the order of the file', async () => {
    const problems = await problemsOf({
      name: 'vm0',
      cpu: 'many',
      mem: '5K',
      com1: 'serial',
      emulations: [
        { device: 'virtio-blk', path: 'disk.img', sectorsize: 500 },
        { device: 'virtio-net', nmae: 'tap0' },
        { device: 'floppy' },
        { device: 'fbuf', slot: '0:1:0' },
        { device: 'fbuf', slot: '0:1:0' },
      ],
      next_target: 'instal',
      targets: { install: { inherits: 'nobody' } },
    });
    expect(problems.map(({ code, place, subject }) => [code, place?.pointer, subject])).toEqual([
      ['wrong-type', '/cpu', undefined],
      ['memory-size', '/mem', undefined],
      ['console-backend', '/com1', undefined],
      ['sector-size', '/emulations/0/sectorsize', 'emulations[0] virtio-blk "disk.img"'],
      ['required', '/emulations/1/name', 'emulations[1] virtio-net'],
      ['unknown-field', '/emulations/1/nmae', 'emulations[1] virtio-net'],
      ['unknown-device', '/emulations/2/device', 'emulations[2] floppy'],
      ['device-twice', '/emulations/4', 'emulations[4] fbuf'],
      ['slot-taken', '/emulations/4/slot', 'emulations[4] fbuf'],
      ['unknown-target', '/next_target', undefined],
      ['unknown-target', '/targets/install/inherits', 'target install'],
    ]);
    expect(problems.every(({ place }) => (place?.line ?? 0) > 1)).toBe(true);
  });

  test('whatever it is, every problem is one line with a place, and nothing throws', async () => {
    const value = fc.jsonValue({ maxDepth: 3 });
    const keys = [
      'name',
      'cpu',
      'mem',
      'emulations',
      'targets',
      'graphic',
      'next_target',
      'restart',
      'on_give_up',
      'hooks',
      'com1',
      'lpc_slot',
      'reboot_on',
      'gdb',
      'extra_options',
      'post_start_script',
      'uuid',
    ];
    const device = fc.dictionary(
      fc.constantFrom(
        'device',
        'path',
        'name',
        'slot',
        'ports',
        'src',
        'lookup',
        'id',
        'remove',
        'sectorsize',
        'eui64',
        'hostfwd',
      ),
      fc.oneof(value, fc.constantFrom('virtio-blk', 'nvme', 'virtio-console', 'passthru', 'virtio-net', 'fbuf')),
    );
    const spec = fc.dictionary(
      fc.constantFrom(...keys),
      fc.oneof(
        value,
        fc.array(device),
        fc.dictionary(fc.constantFrom('a', 'default'), fc.record({ emulations: fc.array(device), inherits: value })),
      ),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.oneof(
          spec,
          spec.map((more) => ({ ...minimal, ...more })),
        ),
        async (object) => {
          for (const { message, fix, place } of await problemsOf(object)) {
            expect(`${message}${fix ?? ''}`).not.toMatch(/[\n\0]|undefined|\[object/);
            expect(place?.line).toBeGreaterThan(0);
          }
        },
      ),
      { numRuns: runs(300) },
    );
  });
});

describe('a VM name', () => {
  test.each(['freebsd', 'web.1', 'a,b', 'é', 'x'.repeat(229), '...', '_-', '#1', "o'brien"])(
    '%j is taken',
    async (name) => {
      expect(await problemsOf({ ...minimal, name })).toEqual([]);
    },
  );

  test.each<[name: string, code: string]>([
    ['', 'wrong-text'],
    ['-h', 'wrong-text'],
    ['a/b', 'wrong-text'],
    ['a b', 'wrong-text'],
    ['a\u00a0b', 'wrong-text'],
    ['50%', 'wrong-text'],
    ['a\tb', 'wrong-text'],
    ['.', 'wrong-text'],
    ['..', 'wrong-text'],
    ['x'.repeat(230), 'wrong-text'],
    ['é'.repeat(115), 'name-length'],
  ])('%j is refused', async (name, code) => {
    expect((await problemsOf({ ...minimal, name })).map((problem) => problem.code)).toEqual([code]);
  });
});

describe('a password', () => {
  const secret = 'Sw0rd,fish zebu kudu';

  const mentions = async (text: string, format: 'json' | 'yaml' = 'json'): Promise<string> => {
    const problems = await problemsOf(text, { format });
    expect(problems.length).toBeGreaterThan(0);
    return JSON.stringify(problems);
  };

  test.each<[what: string, spec: SpecObject]>([
    ['that is too long', { ...minimal, graphic: { password: secret } }],
    ['that is too long, of a device', withDevices({ device: 'fbuf', password: secret })],
    ['given twice', { ...minimal, graphic: { password: [secret, secret] } }],
    ['of a wrong type', { ...minimal, graphic: { password: { value: secret } } }],
    [
      'that is empty beside one that is not',
      { ...minimal, graphic: { password: '' }, targets: { a: { graphic: { password: secret } } } },
    ],
    ['beside other problems', { ...minimal, cpu: 0, graphic: { pasword: secret, width: 1, vga: 'on' } }],
    ['in the wrong place', { ...minimal, password: secret }],
    ['that is a long number', { ...minimal, graphic: { password: 123456789012345 } }],
  ])('%s is in no problem', async (_what, spec) => {
    const said = await mentions(specText(spec).text);
    for (const part of [...secret.split(/\W/), '12345']) expect(said).not.toContain(part);
  });

  test.each<[what: string, text: string]>([
    ['without a comma after it', `{"graphic": {"password": "${secret}" "port": 1}}`],
    ['without quotes', `{"graphic": {"password": ${secret.replaceAll(' ', '_')}}}`],
    ['that begins with a digit', '{"graphic": {"password": 0Sw0rd,fish}}'],
    ['in single quotes', `{"graphic": {"password": '${secret}'}}`],
    ['without an end', `{"graphic": {"password": "${secret}`],
    ['without an end on its line', `{"graphic": {"password": "${secret}\n}}`],
    ['with a quote in it', '{"graphic": {"password": "Sw0rd"fish zebu kudu"}}'],
    ['with an escape that means nothing', '{"graphic": {"password": "Sw0rd\\,fish zebu kudu"}}'],
    ['before an error', `{"graphic": {"password": "${secret}"}, "cpu": 0x2}`],
    ['behind an error', `{"cpu": 0x2, "graphic": {"password": "${secret}"}}`],
    ['on a line of its own', `{"graphic": {"password":\n  ${secret.replaceAll(' ', '_')}}}`],
    ['in the first of several lines', `{"graphic": {"password": "${secret}"\n "port": 1}`],
  ])('%s is in no syntax error', async (_what, text) => {
    const said = await mentions(text);
    for (const part of secret.split(/\W/)) expect(said).not.toContain(part);
  });

  test.each<[what: string, text: string]>([
    ['without an end', `graphic: { password: "${secret}`],
    ['taken for an alias', 'graphic:\n  password: *Sw0rd,fish\n'],
    ['taken for a tag', 'graphic:\n  password: !Sw0rd fish zebu kudu\n'],
    ['that begins with a reserved character', 'graphic:\n  password: @Sw0rd fish\n'],
    ['with a colon', 'graphic:\n  password: Sw0rd: fish zebu kudu\n'],
    ['on a line of its own', 'graphic:\n  password:\n    *Sw0rd\n'],
    ['given twice', `graphic:\n  password: ${secret}\n  password: ${secret}\n`],
  ])('%s is in no syntax error of YAML', async (_what, text) => {
    const said = await mentions(text, 'yaml');
    for (const part of secret.split(/\W/)) expect(said).not.toContain(part);
  });

  test('whatever it is', async () => {
    await fc.assert(
      fc.asyncProperty(awkwardText(6), fc.constantFrom('"', "'", ''), async (text, quote) => {
        const said = await problemsOf(`{"graphic": {"password": ${quote}ZEBRA${text}ZEBRA${quote} "port": 1}}`);
        expect(JSON.stringify(said)).not.toContain('ZEBRA');
      }),
    );
  });
});
