import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { models } from '../../src/bhyve/pci.js';
import { parseCommandLine } from '../../src/bhyve/parse.js';
import { importText, type ImportOptions } from '../../src/import/import-text.js';
import { quoteCommand } from '../../src/base/shell.js';
import { simulate, simulateMachine } from '../support/simulated.js';
import {
  differencesOf,
  imported,
  importedCommand,
  machineOf,
  optionsFor,
  refusals,
  sourceOf,
  spelt,
} from './support.js';
import { runs } from '../support/runs.js';

const platform = { release: 15, arch: 'amd64' } as const;
const bare = {
  name: 'vm',
  cpu: 1,
  mem: '256M',
  loader: 'none',
  hostbridge: 'none',
  lpc_slot: 'none',
  utc_clock: false,
  yield_on_hlt: false,
};

describe('what no field of the spec says is said in a plainer way', () => {
  test.each<[title: string, argv: readonly string[], said: object]>([
    ['a variable', ['-o', 'x86.verbosemsr=true'], { config: { 'x86.verbosemsr': true } }],
    ['a variable that nobody knows', ['-o', 'nonsense.x=y'], { config: { 'nonsense.x': 'y' } }],
    ['a number', ['-o', 'a=1', '-o', 'b=01', '-o', 'c=-1'], { config: { a: 1, b: '01', c: '-1' } }],
    ['a name that is none', ['-o', 'a.=v', '-o', 'b c=v'], { extra_options: ['-o', 'a.=v', '-o', 'b c=v'] }],
    [
      'a value with a sign of bhyve',
      ['-o', 'a=50%', '-o', 'b c=\\%(x)'],
      { config: { a: '50%' }, extra_options: ['-o', 'b c=\\%(x)'] },
    ],
    [
      'a field that is out of range',
      ['-s', '1,virtio-blk,/d,sectorsize=500'],
      { emulations: [{ device: 'virtio-blk', path: '/d' }], config: { 'pci.0.1.0.sectorsize': 500 } },
    ],
    [
      'a field of a port',
      ['-s', '1,ahci,hd:/d,nmrr=x,cd:/e'],
      {
        emulations: [
          {
            device: 'ahci',
            ports: [
              { type: 'hd', path: '/d' },
              { type: 'cd', path: '/e' },
            ],
          },
        ],
        config: { 'pci.0.1.0.port.0.nmrr': 'x' },
      },
    ],
    [
      'an option that the model has not',
      ['-s', '1,virtio-rnd,colour=red'],
      { emulations: [{ device: 'virtio-rnd' }], config: { 'pci.0.1.0.colour': 'red' } },
    ],
    [
      'an option without a name',
      ['-s', '1,virtio-blk,a,,b'],
      {
        emulations: [{ device: 'virtio-blk', path: 'a' }],
        config: { 'pci.0.1.0.b': true },
        extra_options: ['-o', 'pci.0.1.0.=true'],
      },
    ],
    [
      'a device without what it needs',
      ['-s', '1,virtio-net'],
      { emulations: [{ device: 'raw', value: 'virtio-net' }] },
    ],
    [
      'a backend that is none',
      ['-s', '1,virtio-net,mac=1'],
      { emulations: [{ device: 'raw', value: 'virtio-net' }], config: { 'pci.0.1.0.backend': 'mac=1' } },
    ],
    ['a controller without devices', ['-s', '1,xhci'], { emulations: [{ device: 'raw', value: 'xhci' }] }],
    [
      'a port that is left out',
      ['-s', '1,ahci,cd:,hd:/b'],
      {
        emulations: [{ device: 'raw', value: 'ahci' }],
        config: { 'pci.0.1.0.port.1.type': 'hd', 'pci.0.1.0.port.1.path': '/b' },
      },
    ],
    [
      'a second screen',
      ['-s', '1,fbuf,tcp=1.2.3.4:5901', '-s', '2,fbuf,w=640,h=480'],
      {
        emulations: [{ device: 'raw', slot: '2', value: 'fbuf' }],
        graphic: { host: '1.2.3.4', port: 5901, xhci_table: false },
        config: { 'pci.0.2.0.w': 640, 'pci.0.2.0.h': 480 },
      },
    ],
    ['a device without function 0', ['-s', '5:3,virtio-rnd'], { extra_options: ['-o', 'pci.0.5.3.device=virtio-rnd'] }],
    ['a device that bhyve never looks at', ['-o', 'pci.0.04.0.x=1'], { extra_options: ['-o', 'pci.0.04.0.x=1'] }],
    ['a port that breaks its node', ['-l', 'com1'], { extra_options: ['-l', 'com1'] }],
    ['a UUID that is none', ['-U', '{5a34b1cc}'], { config: { uuid: '{5a34b1cc}' } }],
    ['a pin of a vCPU that is not there', ['-p', '7:1'], { config: { 'vcpu.7.cpuset': 1 } }],
    ['a domain without CPUs', ['-n', 'id=0,size=256M'], { config: { 'domains.0.size': '256M' } }],
    ['what stands behind a bridge that is not there', ['-l', 'com1,stdio'], { config: { 'lpc.com1.path': 'stdio' } }],
    [
      'an item for firmware that does not ask',
      ['-f', 'opt/x,string=a,b'],
      { extra_options: ['-f', 'opt/x,string=a,b'] },
    ],
    ['booleans in other words', ['-o', 'x86.strictio=ON', '-o', 'memory.wired=no'], { strict_io: true }],
  ])('%s', async (_title, argv, said) => {
    const words = [...argv, 'vm'];
    const { spec, problems, notes } = await importedCommand(words, platform);
    expect(problems).toEqual([]);
    expect(spec).toEqual({ ...bare, ...said });
    expect(notes.filter((note) => note.includes('different: '))).toEqual([]);
    const machine = await machineOf(spec);
    // Booleans in other words are all that is written otherwise.
    const differences = differencesOf(
      spelt(simulate(words).config, platform),
      spelt(simulateMachine(machine).config, platform),
    );
    expect(differences.filter(({ original }) => !/^(ON|no)$/.test(original ?? ''))).toEqual([]);
  });

  test.each<[title: string, argv: readonly string[], note: string]>([
    [
      'memory that is not a whole number of pages',
      ['-m', '268435457'],
      'memory.size is "268435457" in the original and "268439552" with this spec',
    ],
    ['a value with a newline', ['-o', 'a=b\nc'], 'a is "b\\nc" in the original and not set with this spec'],
  ])('%s is told', async (_title, argv, note) => {
    const { notes, problems } = await importedCommand([...argv, 'vm'], platform);
    expect(problems).toEqual([]);
    expect(notes).toContainEqual(expect.stringContaining(`different: ${note}`));
  });
});

describe('what is said in a plainer way is told, with its line and why', () => {
  const ownWords = async (text: string, more: Partial<ImportOptions> = {}) =>
    (await imported(text, more)).notes.filter((note) => note.includes(' own-words: '));
  const carried = 'is carried over as it is';

  test.each<[title: string, lines: readonly string[], notes: readonly string[]]>([
    [
      'a function without function 0',
      ['-S', '-s 5:1,passthru,3/0/1'],
      [
        `3:1  own-words: the passthru at 0:5:1 with its 3 settings ${carried}, in "extra_options": emulations[0] passthru "3:0:1" is function 1 of slot 0:5, which has no function 0: the guest would not see it`,
      ],
    ],
    [
      'a variable that has no field',
      ['-H', '-o x86.verbosemsr=true'],
      [`3:1  own-words: x86.verbosemsr ${carried}, in "config": no field of a spec says it`],
    ],
    [
      'a value that a field does not take',
      ['-s 1,virtio-blk,/d,sectorsize=500', '-U {5a34b1cc}'],
      [
        `2:1  own-words: pci.0.1.0.sectorsize ${carried}, in "config": 500 is not a power of two from 512 to 67108864`,
        `3:1  own-words: uuid ${carried}, in "config": "{5a34b1cc}" is not a UUID such as "5a34b1cc-7d4f-11ee-8d3c-b42e991b0a01"`,
      ],
    ],
    [
      'a device without what a spec wants of it',
      ['-s 1,ahci,cd:,hd:/b'],
      [
        `2:1  own-words: the ahci at 0:1:0 with its 2 settings ${carried}, by a raw device: in a spec, ahci needs "ports"`,
      ],
    ],
    [
      'a backend that is none',
      ['-s 1,virtio-net,mac=1'],
      [
        `2:1  own-words: the virtio-net at 0:1:0 with its 1 setting ${carried}, by a raw device: bhyve cannot tell from "mac=1" what kind of interface it is`,
      ],
    ],
    [
      'a second device of a model that is single',
      ['-s 1,fbuf', '-s 2,fbuf,w=640'],
      [`3:1  own-words: the fbuf at 0:2:0 with its 1 setting ${carried}, by a raw device: bhyve takes one fbuf per VM`],
    ],
    [
      'a serial port without a backend',
      ['-l com1'],
      [
        `2:1  own-words: -l com1 ${carried}, in "extra_options": it names no backend, and bhyve is aborted by that when an LPC bridge starts`,
      ],
    ],
    [
      'an item for firmware that does not ask',
      ['-f opt/x,string=a'],
      [
        `2:1  own-words: -f opt/x ${carried}, in "extra_options": the guest would not see these files: bhyve shows them with fwcfg qemu only`,
      ],
    ],
    ['a type that the name of the backend says is not', ['-s 2,virtio-net,tap0,type=tap', '-H'], []],
    ['what fields say is not', ['-s 0,hostbridge', '-s 1,virtio-rnd', '-H', '-l com2,/dev/nmdm0A', '-s 31,lpc'], []],
  ])('%s', async (_title, lines, notes) => {
    expect(await ownWords(['bhyve', ...lines, 'vm'].join(' \\\n'))).toEqual(notes);
  });

  test.each<[title: string, text: string, notes: readonly string[]]>([
    [
      'a setting that its device has not',
      'pci.0.30.0.device=fbuf\npci.0.30.0.unix=/x\n',
      ['4:1  unread: pci.0.30.0.unix is carried over as it is, in "config", but bhyve of FreeBSD 15 does not read it'],
    ],
    [
      'a setting of a controller that belongs to its port',
      'pci.0.4.0.device=ahci\npci.0.4.0.port.0.type=hd\npci.0.4.0.port.0.path=/y\npci.0.4.0.path=/x\n',
      ['6:1  unread: pci.0.4.0.path is carried over as it is, in "config", but bhyve of FreeBSD 15 does not read it'],
    ],
    [
      'a setting of a device that is carried by options',
      'pci.0.5.1.device=virtio-rnd\npci.0.5.1.foo=1\n',
      ['4:1  unread: pci.0.5.1.foo is carried over as it is, but bhyve of FreeBSD 15 does not read it'],
    ],
    [
      'a serial port by the name of another thing, told once',
      'pci.0.31.0.device=lpc\nlpc.com1.device=stdio\nlpc.com2.device=/dev/nmdm0A\n',
      [
        '4:1  unread: lpc.com1.device is carried over as it is, in "config", but bhyve of FreeBSD 15 does not read it',
        '5:1  unread: lpc.com2.device is carried over as it is, in "config", but bhyve of FreeBSD 15 does not read it',
      ],
    ],
    [
      'a variable that no bhyve knows',
      'nonsense=1\n',
      ['3:1  unread: nonsense is carried over as it is, in "config", but bhyve of FreeBSD 15 does not read it'],
    ],
    ['what bhyve reads is not', 'x86.verbosemsr=true\npci.0.4.0.device=virtio-blk\npci.0.4.0.path=/x\n', []],
  ])('and what bhyve does not read is: %s', async (_title, text, notes) => {
    const file = `memory.size=1G\nbootrom=/rom\n${text}`;
    const told = (await imported(file, { format: 'config' })).notes.filter((note) => note.includes(' unread: '));
    expect(told.map((note) => note.replace(/ \[.*$/, ''))).toEqual(notes);
  });

  test('of a file that -k names, at the line of that option', async () => {
    const text = 'bhyve -H \\\n-k /vm/own.conf vm\n';
    expect(await ownWords(text, { readFile: () => 'x86.verbosemsr=true\n' })).toEqual([
      `2:1  own-words: x86.verbosemsr ${carried}, in "config": no field of a spec says it`,
    ]);
  });

  test('of a bhyve_config(5) file, at its own line', async () => {
    const text = 'memory.size=1G\nbootrom=/rom\n\nx86.verbosemsr=true\n';
    expect(await ownWords(text, { format: 'config' })).toEqual([
      `4:1  own-words: x86.verbosemsr ${carried}, in "config": no field of a spec says it`,
    ]);
  });
});

describe('what cannot be resolved is refused at its line', () => {
  const file = (line: string): string => `memory.size=1G\nbootrom=/rom\n${line}\n`;
  test.each<[text: string, format: ImportOptions['format'], said: string]>([
    [
      file('pci.0.4.0.device=virtio-blk\npci.0.4.0.path=/vm/%(link).img'),
      'config',
      '4:1  unresolved: pci.0.4.0.path refers to %(link), which is not set here: bhyve would put nothing in its place [write its value in its place, or set it before]',
    ],
    [
      "bhyve -H \\\n -s '3,virtio-blk,/vm/%(disk)' vm",
      'bhyve',
      '2:1  unresolved: pci.0.3.0.path refers to %(disk), which is not set here: bhyve would put nothing in its place [write its value in its place, or set it before]',
    ],
    ...['{{ name }}', '{{.Name}}', '<%= name %>', '{% raw %}', '@NAME@', '${NAME}'].map(
      (mark): [string, ImportOptions['format'], string] => [
        file(`uuid=${mark}`),
        'config',
        `3:1  template: ${mark} looks like a template that was not filled in [fill it in first, or write the value in its place]`,
      ],
    ),
    [
      file('{% if x %}\nuuid=x\n{% endif %}'),
      undefined,
      '3:1  template: {% if x %} looks like a template that was not filled in [fill it in first, or write the value in its place]',
    ],
    [
      "bhyve -c 2 \\\n -s '3,virtio-blk,/vm/{{ disk }}' vm",
      'bhyve',
      '2:1  template: {{ disk }} looks like a template that was not filled in [fill it in first, or write the value in its place]',
    ],
    [
      'bhyve -c {{ item.vcpu }} -m 1G \\\n -s 3,virtio-blk,/vm/disk vm',
      'bhyve',
      '1:1  template: {{ item.vcpu }} looks like a template that was not filled in [fill it in first, or write the value in its place]',
    ],
    [
      '  memory.size=1G\n  pci.0.0.0.device=hostbridge\n',
      undefined,
      '1:1  blank: the line begins with a blank, which bhyve takes for a part of the variable [take the blanks away from the beginning of each line]',
    ],
    [
      'loader="uefi"\ncpu=1\nmemory={{ memory }}\n',
      'vm-bhyve',
      '3:1  template: {{ memory }} looks like a template that was not filled in [fill it in first, or write the value in its place]',
    ],
  ])('%j', async (text, format, said) => {
    expect((await refusals(text, format === undefined ? {} : { format }))[0]).toBe(said);
  });

  test('and so is what bhyve dies of without a word, by its option', async () => {
    expect(await refusals('bhyve -c 1 \\\n -s 5,virtio-console vm')).toEqual([
      '2:1  bhyve-refuses: bhyve of FreeBSD 15 would be killed by SIGSEGV at its start because of -s 5,virtio-console [complete it, or leave it out]',
    ]);
    expect((await refusals('bhyve -c 1 -s5,virtio-console vm')).join()).toContain('because of -s5,virtio-console [');
  });

  test('but for what the text sets, and what only looks like it', async () => {
    const text = file('link=a\npci.0.4.0.device=virtio-blk\npci.0.4.0.path=/vm/%(link)@home.img\n# {{ name }}');
    expect((await imported(text, { format: 'config' })).spec.emulations).toEqual([
      { device: 'virtio-blk', slot: '4', path: '/vm/a@home.img' },
    ]);
  });
});

describe('slots are left to vmrun where it comes to the same', () => {
  test.each<[title: string, argv: readonly string[], said: object]>([
    [
      'one after the other',
      ['-s', '0,hostbridge', '-s', '31,lpc', '-s', '1,virtio-rnd', '-s', '2,hda'],
      { emulations: [{ device: 'virtio-rnd' }, { device: 'hda' }] },
    ],
    [
      'whatever their order',
      ['-s', '2,hda', '-s', '31,lpc', '-s', '1,virtio-rnd', '-s', '0,hostbridge'],
      { emulations: [{ device: 'virtio-rnd' }, { device: 'hda' }] },
    ],
    [
      'after a gap',
      ['-s', '0,hostbridge', '-s', '31,lpc', '-s', '3,virtio-rnd', '-s', '4,hda'],
      {
        emulations: [
          { device: 'virtio-rnd', slot: '3' },
          { device: 'hda', slot: '4' },
        ],
      },
    ],
    [
      'around the bridge',
      ['-s', '0,hostbridge', '-s', '2,lpc', '-s', '1,virtio-rnd', '-s', '3,hda'],
      { lpc_slot: '2', emulations: [{ device: 'virtio-rnd' }, { device: 'hda' }] },
    ],
    [
      'with several functions',
      ['-s', '0,hostbridge', '-s', '31,lpc', '-s', '1:0,virtio-rnd', '-s', '1:1,hda', '-s', '2,uart,stdio'],
      {
        emulations: [
          { device: 'virtio-rnd', slot: '1' },
          { device: 'hda', slot: '1:1' },
          { device: 'uart', path: 'stdio' },
        ],
      },
    ],
    [
      'with a bridge elsewhere',
      ['-s', '1,hostbridge', '-s', '31,lpc', '-s', '2,hda'],
      { hostbridge: 'none', emulations: [{ device: 'hostbridge' }, { device: 'hda' }] },
    ],
    [
      'with a screen and its tablet',
      ['-s', '0,hostbridge', '-s', '31,lpc', '-s', '1,virtio-rnd', '-s', '2,fbuf', '-s', '3,xhci,tablet'],
      { emulations: [{ device: 'virtio-rnd' }], graphic: {} },
    ],
    [
      'with a tablet before the screen',
      ['-s', '0,hostbridge', '-s', '31,lpc', '-s', '1,xhci,tablet', '-s', '2,fbuf'],
      { graphic: { slot: '2' } },
    ],
    [
      'with a screen between the devices',
      ['-s', '0,hostbridge', '-s', '31,lpc', '-s', '1,virtio-rnd', '-s', '2,fbuf', '-s', '3,hda'],
      { emulations: [{ device: 'virtio-rnd' }, { device: 'hda', slot: '3' }], graphic: { xhci_table: false } },
    ],
    [
      'on a further bus',
      ['-Y', '-s', '0,hostbridge', '-s', '31,lpc', '-s', '1:0:0,hda'],
      { emulations: [{ device: 'hda', slot: '1:0:0' }] },
    ],
  ])('%s', async (_title, argv, said) => {
    const words = [...argv, '-H', '-u', 'vm'];
    const { spec } = await importedCommand(words, platform);
    expect(spec).toEqual({ name: 'vm', cpu: 1, mem: '256M', loader: 'none', ...said });
    const devices = simulateMachine(await machineOf(spec)).start;
    const theirs = simulate(words, { loaded: true }).start;
    expect(devices).toEqual(theirs);
  });
});

test('whatever bhyve takes is imported, and what will not be the same is told', async () => {
  const word = fc.oneof(
    fc.string({ maxLength: 8 }),
    fc.constantFrom('a=b', 'hd:/x', 'port', 'tap0', 'ppt1', 'pci0:1:2:3', 'bootindex=1', 'ro', '=', ''),
  );
  const slot = fc
    .tuple(fc.nat(33), fc.constantFrom(...models.map(({ name }) => name)), fc.array(word, { maxLength: 4 }))
    .map(([number, model, words]) => ['-s', [number, model, ...words].join(',')]);
  const setting = fc
    .tuple(
      fc.array(fc.constantFrom('pci', '0', '1', 'port', 'slot', 'device', 'lpc', 'com1', 'x', 'uuid'), {
        minLength: 1,
      }),
      word,
    )
    .map(([path, value]) => ['-o', `${path.join('.')}=${value}`]);
  const other = fc
    .tuple(fc.constantFrom('-c', '-p', '-n', '-f', '-G', '-l', '-m', '-U', '-K'), word)
    .map((pair) => [...pair]);
  const flags = fc.constantFrom(['-H'], ['-Y'], ['-S'], ['-A'], ['-l', 'bootrom,/rom'], ['-s', '31,lpc']);
  const commandLine = fc
    .array(fc.oneof(slot, setting, other, flags), { maxLength: 6 })
    .map((options) => options.flat());
  const platforms = fc.record({
    release: fc.constantFrom(14 as const, 15 as const, 16 as const),
    arch: fc.constantFrom('amd64' as const, 'arm64' as const),
  });
  await fc.assert(
    fc.asyncProperty(commandLine, platforms, async (argv, host) => {
      const words = [...argv, 'vm'];
      const parsed = parseCommandLine(words, { ...host, readFile: () => '' });
      const text = quoteCommand(['bhyve', ...words]);
      const result = await importText(sourceOf(text), optionsFor({ format: 'bhyve', host, readFile: () => '' }));
      if (parsed.kind !== 'parsed') expect(result.ok).toBe(false);
      if (!result.ok) return;
      const codes = new Set(result.warnings.map(({ code }) => code));
      if (result.value.problems.length > 0 || codes.has('different') || codes.has('cpus')) return;
      const ours = simulateMachine(await machineOf(result.value.spec, host));
      const [before, after] = [simulate(words, host).config, ours.config].map((config) => devicesIn(config));
      expect(after).toEqual(before);
    }),
    { numRuns: runs(300) },
  );
}, 120_000);

/** The devices that bhyve looks at, by their addresses. */
const devicesIn = (config: ReadonlyMap<string, string>) =>
  [...config].filter(([key]) => /^pci\.\d+\.\d+\.\d+\.device$/.test(key)).sort();
