import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { emptyNode } from '../../src/bhyve/config-node.js';
import { openConfig } from '../../src/bhyve/config-tree.js';
import { emptyOutput } from '../../src/bhyve/outcome.js';
import { parseCommandLine, type Platform } from '../../src/bhyve/parse.js';

type Files = Readonly<Record<string, string>>;
const amd64: Platform = { release: 15, arch: 'amd64' };

const parse = (argv: readonly string[], platform: Platform = amd64, files: Files = {}) =>
  parseCommandLine(argv, { ...platform, readFile: (path) => files[path] });

/** Variables that the command line sets beyond the defaults. */
const variables = (argv: readonly string[], platform: Platform = amd64, files: Files = {}): Record<string, string> => {
  const parsed = parse([...argv, 'vm'], platform, files);
  const defaults = parse(['vm'], platform);
  if (parsed.kind !== 'parsed' || defaults.kind !== 'parsed') throw new Error(JSON.stringify(parsed));
  return Object.fromEntries([...parsed.config].filter(([name, value]) => defaults.config.get(name) !== value));
};

const refusal = (argv: readonly string[], platform: Platform = amd64, files: Files = {}) => {
  const failed = parse([...argv, 'vm'], platform, files);
  return failed.kind === 'failed' ? [failed.messages.join('\n'), failed.status] : [failed.kind];
};

describe('getopt', () => {
  test.each<[argv: readonly string[], set: Record<string, string>]>([
    [['-HPc', '2'], { 'x86.vmexit_on_hlt': 'true', 'x86.vmexit_on_pause': 'true', cpus: '2' }],
    [['-Hc2', '--'], { 'x86.vmexit_on_hlt': 'true', cpus: '2' }],
    [['-m', '-1'], { 'memory.size': '-1' }],
    [['-c', '--', '--'], { cpus: '--' }],
  ])('%j', (argv, set) => {
    expect(variables(argv)).toEqual(set);
  });

  test.each<[argv: readonly string[], words: string]>([
    [['-H', '--help', 'vm'], 'bhyve: illegal option -- -'],
    [['-:', 'vm'], 'bhyve: illegal option -- :'],
    [['-Hs'], 'bhyve: option requires an argument -- s'],
    [['-r', 'file', 'vm'], 'bhyve: illegal option -- r'],
    [['-'], 'none'],
  ])('%j', (argv, words) => {
    const parsed = parse(argv);
    if (words === 'none') expect(parsed).toMatchObject({ kind: 'parsed' });
    else
      expect(parsed).toMatchObject({
        kind: 'failed',
        status: 1,
        messages: expect.arrayContaining([words]),
      });
  });

  test('the first mistake wins, from left to right', () => {
    expect(refusal(['-s', '3,nonsense', '-z'])).toEqual(['pci slot 0:3:0: unknown device "nonsense"', 4]);
  });

  test.each(['', 'h', 'he', 'hel', 'help'])('-s "%s" lists the models', (word) => {
    expect(parse(['-s', word])).toMatchObject({
      kind: 'help',
      stdout: expect.arrayContaining(['virtio-blk']),
    });
  });

  test('arm64 knows -f by name only', () => {
    const [words, status] = refusal(['-f', 'opt/x,string=y'], { release: 15, arch: 'arm64' });
    expect(words).toMatch(/^Usage: bhyve \[-CDHhSW\]/);
    expect(status).toBe(1);
  });

  test.each<[platform: Platform, argv: readonly string[], isKnown: boolean]>([
    [{ release: 15, arch: 'amd64' }, ['-M'], false],
    [{ release: 16, arch: 'amd64' }, ['-M'], true],
    [{ release: 16, arch: 'arm64' }, ['-M'], true],
    [{ release: 15, arch: 'arm64' }, ['-M'], false],
    [{ release: 14, arch: 'amd64' }, ['-n', 'id=0'], false],
    [{ release: 15, arch: 'arm64' }, ['-A'], false],
  ])('%j %j', (platform, argv, isKnown) => {
    expect(parse([...argv, 'vm'], platform).kind).toBe(isKnown ? 'parsed' : 'failed');
  });
});

describe('options become variables', () => {
  test.each<[argv: readonly string[], set: Record<string, string>]>([
    [['-c', '2,,'], { cpus: '' }],
    [['-n', 'id=1,cpus=2,3,size=1G,colour=red'], { 'domains.1.cpus': '2', 'domains.1.size': '1G' }],
    [['-p', '0:4,5'], { 'vcpu.0.cpuset': '4' }],
    [['-p', '1000:1'], { 'vcpu.1000.cpuse': '1' }],
    [['-G', 'wfe80::1:12'], { 'gdb.wait': 'true', 'gdb.address': 'fe80::1', 'gdb.port': '12' }],
    [['-o', 'a=b=c'], { a: 'b=c' }],
    [['-o', '=v'], { '': 'v' }],
    [['-o', 'a.=v'], { 'a.': 'v' }],
    [['-f', 'x,string='], {}],
    [['-l', 'PC-TESTDEV,whatever'], { 'lpc.pc-testdev': 'true' }],
    [['-l', 'bootrom,/a,/b,x=1,y'], { bootrom: '/a', bootvars: '/b', 'lpc.x': '1', 'lpc.y': 'true' }],
    [['-l', 'bootrom,/a', '-l', 'bootrom,/b'], { bootrom: '/b' }],
    [['-l', 'tpm,swtpm,/s,version=1.2'], { 'tpm.type': 'swtpm', 'tpm.path': '/s', 'tpm.version': '1.2' }],
    [
      ['-s', '3,virtio-blk,a,,b'],
      { 'pci.0.3.0.device': 'virtio-blk', 'pci.0.3.0.path': 'a', 'pci.0.3.0.': 'true', 'pci.0.3.0.b': 'true' },
    ],
    [['-s', '3,virtio-blk,'], { 'pci.0.3.0.device': 'virtio-blk', 'pci.0.3.0.path': '' }],
    [['-s', '3,virtio-net,mac=1'], { 'pci.0.3.0.device': 'virtio-net', 'pci.0.3.0.backend': 'mac=1' }],
    [['-s', '3,uart,tcp=1.2.3.4:5,x'], { 'pci.0.3.0.device': 'uart', 'pci.0.3.0.path': 'tcp=1.2.3.4:5,x' }],
    [
      ['-s', '3,ahci,cd:,hd:/b=1,ro=x,,cd:/c'],
      {
        'pci.0.3.0.device': 'ahci',
        'pci.0.3.0.port.1.type': 'hd',
        'pci.0.3.0.port.1.path': '/b=1',
        'pci.0.3.0.port.1.ro': 'x',
        'pci.0.3.0.port.1.': 'true',
        'pci.0.3.0.port.2.type': 'cd',
        'pci.0.3.0.port.2.path': '/c',
      },
    ],
    [
      ['-s', '3,xhci,tablet=a=b,tablet='],
      {
        'pci.0.3.0.device': 'xhci',
        'pci.0.3.0.slot.1.device': 'tablet',
        'pci.0.3.0.slot.1.a': 'b',
        'pci.0.3.0.slot.2.device': 'tablet',
      },
    ],
    [
      ['-s', '3,passthru,pci0:2:0'],
      { 'pci.0.3.0.device': 'passthru', 'pci.0.3.0.bus': '0', 'pci.0.3.0.slot': '2', 'pci.0.3.0.func': '0' },
    ],
    [['-s', '3,hda', '-o', 'pci.0.3.0.play=/dev/dsp'], { 'pci.0.3.0.device': 'hda', 'pci.0.3.0.play': '/dev/dsp' }],
    [['-s', '4:,virtio-rnd'], { 'pci.0.4.0.device': 'virtio-rnd' }],
    [['-s', '1:2:3:4,virtio-rnd'], { 'pci.1.2.3.device': 'virtio-rnd' }],
  ])('%j', (argv, set) => {
    expect(variables(argv)).toEqual(set);
  });

  test.each<[words: string, targets: Record<string, string>]>([
    ['/a', { 'target.0': '/a' }],
    ['7:/a,dev=/b,target=3:/c,target=/d', { 'target.7': '/a', 'target.8': '/b', 'target.3': '/c', 'target.9': '/d' }],
    ['target=/a:1', { 'target.0': '/a:1' }],
    ['iid=2', { iid: '2' }],
  ])('virtio-scsi,%s has the targets of release 16', (words, targets) => {
    const named = Object.entries(targets).map(([name, value]) => [`pci.0.9.0.${name}`, value]);
    expect(variables(['-s', `9,virtio-scsi,${words}`], { release: 16, arch: 'amd64' })).toEqual({
      'pci.0.9.0.device': 'virtio-scsi',
      ...Object.fromEntries(named),
    });
  });

  test('a configuration file is taken literally but for comments and empty lines', () => {
    const file = '#x=1\n\n a = b \nsecret=1,2=3\nc=2\r\nn=1\0=2\nlast=line';
    expect(variables(['-k', 'f'], amd64, { f: file })).toEqual({
      ' a ': ' b ',
      c: '2\r',
      last: 'line',
      n: '1',
      secret: '1,2=3',
    });
  });

  test('a device whose place is a value lands at the top, with two warnings', () => {
    const parsed = parse(['-o', 'pci=1', '-s', '5,virtio-rnd,a=b', 'vm']);
    if (parsed.kind !== 'parsed') throw new Error(JSON.stringify(parsed));
    const warning = 'bhyve: Configuration node pci.0.5.0 is a child of existing variable pci';
    expect(parsed.warnings).toEqual([warning, warning]);
    expect(parsed.config.get('device')).toBe('virtio-rnd');
    expect(parsed.config.get('a')).toBe('b');
  });

  test.each<[release: 14 | 15 | 16, warning: string | undefined, bootrom: string | undefined]>([
    [14, undefined, undefined],
    [15, "bhyve: lpc.bootrom is deprecated, use '-o bootrom' instead", '/r'],
    [16, "bhyve: 'lpc.bootrom' is deprecated, use 'bootrom' instead", '/r'],
  ])('release %i renames lpc.bootrom', (release, warning, bootrom) => {
    const parsed = parse(['-o', 'lpc.bootrom=/r', 'vm'], { release, arch: 'amd64' });
    if (parsed.kind !== 'parsed') throw new Error(JSON.stringify(parsed));
    expect(parsed.warnings).toEqual(warning === undefined ? [] : [warning]);
    expect(parsed.config.get('bootrom')).toBe(bootrom);
  });
});

describe('bhyve refuses while reading', () => {
  test.each<[argv: readonly string[], words: string, status: number]>([
    [['-n', 'size=1G'], "Missing NUMA domain ID in 'size=1G'\nbhyve: invalid NUMA configuration 'size=1G'", 64],
    [['-n', 'id=256'], "bhyve: Invalid value for id: '256'", 4],
    [['-o', 'x'], "bhyve: invalid configuration option 'x'", 64],
    [['-o', 'name.x=1'], 'bhyve: Attempting to add value vm to existing node name', 4],
    [['-s', '5,virtio-rnd', '-o', 'pci.0.5.0=1'], 'bhyve: Attempting to add value 1 to existing node pci.0.5.0', 4],
    [
      ['-o', 'a.b=1', '-o', 'a.b.c.d=2'],
      'bhyve: Configuration node a.b.c is a child of existing variable a.b\nbhyve: Failed to create configuration node a.b.c',
      4,
    ],
    [['-s', '3,Virtio-blk,/x'], 'pci slot 0:3:0: unknown device "Virtio-blk"', 4],
    [['-s', '-1,lpc'], 'Invalid PCI slot info field "-1,lpc"', 4],
    [['-l', ' tpm,swtpm,/x'], "bhyve: invalid lpc device configuration ' tpm,swtpm,/x'", 64],
    [['-p', '-1:2'], "invalid vcpu '-1'\nbhyve: invalid vcpu pinning configuration '-1:2'", 64],
    [['-o', 'config.dump=si'], 'bhyve: Invalid value si for boolean variable config.dump: No error: 0', 4],
  ])('%j', (argv, words, status) => {
    expect(refusal(argv)).toEqual([words, status]);
  });

  test.each<[argv: readonly string[], words: string, status: number]>([
    [['-p', '3-0:1-4'], 'invalid range (must be ascending): 3-0:1-4\nbhyve: invalid vcpu pinning configuration', 64],
    [['-p', '0-1:1-4'], 'range sizes do not match: 0-1:1-4\nbhyve: invalid vcpu pinning configuration', 64],
    [['-o', 'acpi_tables=off', '-n', 'id=0'], 'bhyve: NUMA emulation requires ACPI', 64],
    [['-s', '9,virtio-scsi,/a', '-o', 'pci.0.9.0.dev=/b'], 'bhyve: Attempting to add value /b to existing node', 4],
    [['-s', '9,virtio-scsi,256:/a'], 'invalid target 256: target ID is too large', 4],
    [['-s', '9,virtio-scsi,1:/a,target=1:/b'], "cannot add '/b' as target 1: already exits as '/a'", 4],
  ])('%j in release 16', (argv, words, status) => {
    const [said, ended] = refusal(argv, { release: 16, arch: 'amd64' });
    expect(said).toContain(words);
    expect(ended).toBe(status);
  });

  test('a null pointer kills it', () => {
    expect(parse(['-s', '6,virtio-console', 'vm'])).toMatchObject({ kind: 'failed', status: 139, signal: 'SIGSEGV' });
  });
});

describe('references are expanded when a value is read', () => {
  const read = (settings: Readonly<Record<string, string>>): readonly [string | undefined, readonly string[]] => {
    const output = emptyOutput();
    const config = openConfig(emptyNode(), output);
    for (const [name, value] of Object.entries(settings)) config.set(name, value);
    return [config.get('v'), output.stderr];
  };

  test.each<[settings: Record<string, string>, value: string, warnings: number]>([
    [{ v: 'a\\b\\' }, 'a\\b\\', 0],
    [{ v: '\\%x' }, '%x', 0],
    [{ v: '\\\\ \\x \\%' }, '\\ x %', 0],
    [{ v: '%(a.b)!', 'a.b': '<%(c)>', c: '1' }, '<1>!', 0],
    [{ v: '%(c)', c: '\\x' }, 'x', 0],
    [{ v: '100%%' }, '100%%', 2],
    [{ v: '%(none)' }, '', 1],
    [{ v: '%()x' }, 'x', 1],
    [{ v: '%(open' }, '%(open', 1],
    [{ v: '%x\\' }, '%x', 2],
    [{ v: '%(node)', 'node.x': '1' }, '', 2],
    [{ v: '[fe80::1%em0]:5900' }, '[fe80::1%em0]:5900', 1],
  ])('%j', (settings, value, warnings) => {
    const [expanded, said] = read(settings);
    expect(expanded).toBe(value);
    expect(said).toHaveLength(warnings);
  });

  test('a reference to itself ends after sixteen levels', () => {
    expect(read({ v: 'x%(v)' })[0]).toBe(`${'x'.repeat(17)}%(v)`);
  });

  test('what a generator escapes reads back as it was', () => {
    const escape = (value: string): string => (value.includes('%') ? value.replaceAll(/[\\%]/g, '\\$&') : value);
    const text = fc.array(fc.constantFrom('%', '\\', '(', ')', 'a', ' ', ',', '=', 'é')).map((chars) => chars.join(''));
    fc.assert(
      fc.property(fc.oneof(text, fc.string()), (value) => {
        expect(read({ v: escape(value), a: 'never' })).toEqual([value, []]);
      }),
    );
  });
});

test('variables set one by one are the configuration, the last of each winning', () => {
  const name = fc
    .array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 2 })
    .map((parts) => `x.${parts.join('')}`);
  fc.assert(
    fc.property(fc.array(fc.tuple(name, fc.string({ minLength: 1 }))), (settings) => {
      const argv = settings.flatMap(([variable, value]) => ['-o', `${variable}=${value}`]);
      expect(variables(argv)).toEqual(Object.fromEntries(settings));
    }),
  );
});
