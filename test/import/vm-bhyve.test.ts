import { readFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { quoteCommand } from '../../src/base/shell.js';
import { parseCommandLine } from '../../src/bhyve/parse.js';
import { importVmBhyve } from '../../src/import/vm-bhyve/import-vm-bhyve.js';
import { newestRelease, vmBhyveRelease } from '../../src/import/vm-bhyve-release.js';
import type { ImportOptions } from '../../src/import/import-text.js';
import type { Machine } from '../../src/machine/machine.js';
import { simulate, simulateMachine } from '../support/simulated.js';
import { differencesOf, imported, machineOf, optionsFor, refusals, sourceOf, spelt } from './support.js';

/**
 * What the releases of vm-bhyve start for a guest: the commands were written down from runs of their own code, with
 * stand-ins for bhyve, the loaders and the host. What they make up at each start (a UUID, a MAC address) is left out.
 */
interface Started {
  readonly title: string;
  /** That do the same. */
  readonly versions: readonly string[];
  readonly config: string;
  readonly bhyve: string;
  readonly loader?: string;
  /** The device map of GRUB, and its configuration. */
  readonly map?: readonly string[];
  readonly cfg?: readonly string[];
}

const started = JSON.parse(
  readFileSync(new URL('../fixtures/import/vm-bhyve/vm-run.json', import.meta.url), 'utf8'),
) as readonly Started[];

const switches = [
  'switch_list="public storage man va ng vx priv averylongswitchname odd"',
  'type_man="manual"',
  'bridge_man="bridge3"',
  'type_va="vale"',
  'type_ng="netgraph"',
  'type_vx="vxlan"',
  'private_priv="yes"',
  'type_odd="what"\n',
].join('\n');

const file = { name: 'web.conf', folder: '/vm/web', stem: 'web' };
const onHost = (version?: string, more: Partial<ImportOptions> = {}): ImportOptions => ({
  ...optionsFor({
    dataset: 'tank/vm',
    readFile: (name) => (name === '/vm/.config/system.conf' ? switches : undefined),
    ...more,
  }),
  ...(version === undefined ? {} : { vmBhyve: vmBhyveRelease(version) ?? newestRelease }),
});

const usual = 'loader="uefi"\ncpu=1\nmemory=1G\nuuid=5a34b1cc-7d4f-11ee-8d3c-b42e991b0a01\n';
const specOf = async (text: string, version?: string) =>
  (await imported(usual + text, onHost(version, { format: 'vm-bhyve' }), file)).spec;
const notesOf = async (text: string, version?: string) =>
  (await imported(text, onHost(version, { format: 'vm-bhyve' }), file)).notes;

/** A loader's words by option, memory in one unit; the device map has its own place. */
function loaderWords(words: readonly string[]): readonly string[] {
  const pairs: string[] = [];
  for (let at = 0; at < words.length; at += 1) {
    const [word = '', value = ''] = words.slice(at, at + 2);
    if (!/^-[cmMdelhrg]$/.test(word)) pairs.push(word);
    else {
      const said = value.endsWith('device.map') ? 'MAP' : value.replace(/^4096M$/, '4G');
      pairs.push(`${word} ${said}`);
      at += 1;
    }
  }
  return pairs.sort();
}

/** Whether bhyve itself takes the words: some guests no release can start. */
const isTaken = (argv: readonly string[]): boolean =>
  parseCommandLine(argv, { release: 15, arch: 'amd64', readFile: () => undefined }).kind === 'parsed';

/** What GRUB is typed at its prompt where vm-bhyve gives it the same in a file, which it finds on the host. */
function expectLoader({ loader, map, cfg }: Started, machine: Machine, notes: readonly string[]): void {
  expect(machine.loader?.kind).toBe(loader?.split(' ')[0]);
  if (loader === undefined || machine.loader === undefined) return;
  const [theirs, ours] = [loader.split(' ').slice(1), machine.loader.argv.slice(1)].map(loaderWords);
  const isElsewhere = (word: string): boolean => ['-r host', '-d /vm/web', '-c /dev/nmdm-web.1A'].includes(word);
  if (notes.some((note) => note.includes('loader-console: '))) {
    expect(ours?.filter((word) => !word.startsWith('-c'))).toEqual(theirs?.filter((word) => !word.startsWith('-c')));
  } else {
    expect(ours).toEqual(cfg === undefined ? theirs : theirs?.filter((word) => !isElsewhere(word)));
  }
  if (cfg !== undefined) {
    const commands = cfg.slice(2, -1).map((line) => line.trim());
    expect(machine.loader.input).toBe([...commands, 'boot', ''].join('\n'));
  }
  const files = machine.loader.files.flatMap(({ content }) => content.trim().split('\n'));
  expect([...files].sort()).toEqual([...(map ?? [])].sort());
}

describe.each(started.map((each) => [each.title, each.versions.join(', '), each] as const))(
  '%s, by vm-bhyve %s',
  (_title, _versions, each) => {
    test.each([...each.versions])('is started with the same words as by %s', (version) => {
      const result = importVmBhyve(sourceOf(each.config, file), onHost(version));
      if (!result.ok) throw new Error(result.problems.map(({ message }) => message).join('\n'));
      // Of -Hwl the last option has an argument.
      const theirs = each.bhyve.replace('-Hwl bootrom', '-Hw -l bootrom');
      expect(quoteCommand(['bhyve', ...result.value.argv])).toBe(quoteCommand(theirs.split(' ')));
    });

    test('has the same configuration and loader by the spec', async () => {
      const version = each.versions[0] ?? '';
      const words = each.bhyve.split(' ').slice(1);
      if (!isTaken(words)) {
        const [refusal] = await refusals(each.config, onHost(version, { format: 'vm-bhyve' }), file);
        expect(refusal).toMatch(/^\d+:1 {2}bhyve-refuses: /);
        return;
      }
      const { spec, problems, notes } = await imported(each.config, onHost(version, { format: 'vm-bhyve' }), file);
      expect(problems).toEqual([]);
      const machine = await machineOf(spec);
      const theirs = simulate(words, { loaded: true }).config;
      const ours = simulateMachine(machine).config;
      const differences = differencesOf(spelt(theirs, machine), spelt(ours, machine));
      expect(differences.filter(({ variable }) => !notes.some((note) => note.includes(variable)))).toEqual([]);
      expectLoader(each, machine, notes);
    });
  },
);

test('an absent version is the newest, with what the master branch adds', () => {
  expect(newestRelease).toEqual(vmBhyveRelease('1.8'));
});

test.each(['1.4', '1.4.2', '2.0', '1', 'x', '', '1.7.5.1'])('%j is not a version that is followed', (version) => {
  expect(vmBhyveRelease(version)).toBeUndefined();
});

test('a card without a switch that vm-bhyve 1.5 takes for one of the switch before it is told', async () => {
  const text = `${usual}network0_type="e1000"\nnetwork0_switch="va"\nnetwork0_mac="58:9c:fc:00:00:01"\nnetwork1_type="e1000"\nnetwork1_mac="58:9c:fc:00:00:02"\n`;
  const inherited = expect.stringContaining('network1 has no switch: vm-bhyve 1.5 takes it for vale then');
  expect(await notesOf(text, '1.5.0')).toContainEqual(inherited);
  expect(await notesOf(text)).not.toContainEqual(inherited);
});

describe('what has a field is said by it', () => {
  test('fwcfg, where bhyve reads it', async () => {
    expect(await specOf('fwcfg="qemu"\n')).toMatchObject({ fwcfg: 'qemu' });
    expect(await notesOf(`${usual}fwcfg="qemu"\n`)).toEqual([
      '5:1  fwcfg: vm-bhyve passes fwcfg as "-s 31,lpc,fwcfg=qemu", where bhyve does not read it; the spec says what was meant [take "fwcfg" out to have the guest as it was]',
    ]);
    expect(await specOf('fwcfg="qemu"\n', '1.6.2')).not.toHaveProperty('fwcfg');
  });

  test('the ROM of a card that is passed through', async () => {
    const text = 'passthru0="6/0/0"\npassthru0_options="rom=/vm/x.rom"\n';
    expect((await specOf(text)).emulations).toEqual([
      { device: 'passthru', slot: '4', src: '6:0:0', rom: '/vm/x.rom' },
    ]);
    expect((await specOf(text, '1.7.0')).emulations).toEqual([{ device: 'passthru', slot: '4', src: '6:0:0' }]);
  });

  test('a root by 9p, which the guest is loaded from', async () => {
    const text =
      'loader="bhyveload"\ncpu=1\nmemory=1G\ndisk0_type="virtio-9p"\ndisk0_dev="9p"\ndisk0_name="root0=/vm/root"\n';
    const { spec } = await imported(text, onHost(), file);
    expect(spec).toMatchObject({
      loader: {
        env: { 'vfs.root.mountfrom': 'p9fs:root0' },
        args: ['-h', '/vm/root'],
      },
      emulations: [{ device: 'virtio-9p', slot: '4', sharename: 'root0', path: '/vm/root' }],
    });
  });
});

describe('what is not as it looks is told', () => {
  test.each<[text: string, note: string]>([
    [
      'loader="uefi"\ncpu=1\nmemory=8\nuuid=5a34b1cc-7d4f-11ee-8d3c-b42e991b0a01\n',
      '3:1  memory: memory 8 is 8 MB to vm-bhyve, since it has no unit [set "mem": "8G" if GB were meant]',
    ],
    [
      `${usual}hostbridge="intel"\n`,
      '5:1  hostbridge: hostbridge intel is not one that vm-bhyve knows (standard, amd, none); it uses standard then',
    ],
    [
      'loader="uefi-x"\ncpu=1\nmemory=1G\nuuid=5a34b1cc-7d4f-11ee-8d3c-b42e991b0a01\n',
      '1:1  firmware: loader uefi-x is not one that vm-bhyve knows; it uses its usual UEFI firmware then [check "bootrom" of the spec]',
    ],
    [
      `${usual}disk0_type="nvme"\ndisk0_dev="nfs"\ndisk0_name="a"\n`,
      '6:1  disk: disk0_dev "nfs" is not one that vm-bhyve knows; it takes the disk for a file then [check "path" of the device]',
    ],
    [
      `${usual}ahci_device_limit="64"\n`,
      '5:1  ahci-limit: ahci_device_limit "64" is not a number from 2 to 32: vm-bhyve gives each drive a controller of its own',
    ],
    [
      `${usual}ahci_device_limit="4"\ndisk0_type="ahci"\ndisk0_name="a"\n`,
      '6:1  disk: disk0_type ahci: with ahci_device_limit vm-bhyve leaves this disk out [add it to "emulations" if the guest is to have it]',
    ],
    [
      `${usual}network0_type="virtio-net"\nnetwork0_mac="58:9c:fc:00:00:01"\nnetwork0_device="tap7"\n`,
      '5:1  no-switch: network0 has no switch: vm-bhyve since 1.6.0 leaves such a card out, and so does the spec [add the card to "emulations" if the guest is to have it]',
    ],
    [
      `${usual}passthru0="6/0/0=3"\n`,
      '5:1  passthru: passthru0: vm-bhyve since 1.7.0 takes "=3" for function 3 of slot 0, not for slot 3 [write =3:0 for the slot]',
    ],
    [`${usual}memory="2G"\n`, '5:1  twice: memory is set twice, and vm-bhyve takes the first line: "1G"'],
    [
      `${usual}graphics="maybe"\ngraphics_port=5900\n`,
      '5:1  yes-no: graphics is "maybe", which vm-bhyve takes for yes [write yes or no]',
    ],
    [
      `${usual.replace('uefi', 'bhyveload')}disk0_type="nvme"\ndisk0_name="a"\nbhyve_options="-S"\n`,
      '1:1  loader-flag: bhyve is given -S, bhyveload is not; vmrun gives it to both [take "wire_guest_mem" out to give it to neither]',
    ],
    [
      `${usual}grub_run1="boot"\n`.replace('uefi', 'grub') + 'disk0_type="nvme"\ndisk0_name="a"\n',
      '5:1  gap: grub_run1 is not carried over: vm-bhyve counts from grub_run0 on, and stops where one is not set [number them without a gap if the guest is to have it]',
    ],
    [
      `${usual}passthru1="6/0/0"\n`,
      '5:1  gap: passthru1 is not carried over: vm-bhyve counts from passthru0 on, and stops where one is not set [number them without a gap if the guest is to have it]',
    ],
    [
      `${usual}on_restart="poweroff"\n`,
      '5:1  on-restart: on_restart is "poweroff", and vm-bhyve starts the guest again only for restart',
    ],
  ])('%j', async (text, note) => {
    expect(await notesOf(text)).toEqual([note]);
  });

  test('where the switch is private, has an MTU of its own, or spans', async () => {
    const conf = `${usual}network0_type="virtio-net"\nnetwork0_switch="p"\nnetwork0_mac="58:9c:fc:00:00:01"\nnetwork0_device="tap7"\nnetwork0_span="yes"\n`;
    const readFile = () => 'switch_list="p"\nprivate_p="yes"\nmtu_p="9000"\n';
    const { notes } = await imported(conf, onHost(undefined, { readFile }), file);
    expect(notes).toEqual([
      '6:1  private: the switch "p" is private: vm-bhyve keeps its guests from each other [do it in "hooks": ifconfig BRIDGE private TAP]',
      '6:1  mtu: the switch "p" has the MTU 9000, which vm-bhyve gives to the tap as well [do it in "hooks": ifconfig TAP mtu NUMBER]',
      '9:1  span: network0_span: vmrun adds a tap to its bridge as a member, not as a span port [do it in "hooks": ifconfig BRIDGE span TAP]',
    ]);
  });
});

describe('what bhyve takes as it is has the line of its setting', () => {
  const guest = 'loader="uefi"\ncpu=1\nmemory=1G\n';
  test.each<[text: string, note: string]>([
    [
      'network0_type="virtio-net"\nnetwork0_switch="public"\nnetwork0_mac="your-mac"\n',
      '6:1  own-words: pci.0.4.0.mac ',
    ],
    ['bhyve_options="-K jp"\nuuid="your-uuid"\n', '5:1  own-words: uuid '],
    ['bhyve_options="-o x86.verbosemsr=1"\n', '4:1  own-words: x86.verbosemsr '],
  ])('%j', async (text, note) => {
    const told = (await notesOf(guest + text)).filter((each) => each.includes('own-words'));
    expect(told).toEqual([expect.stringContaining(note)]);
  });
});

describe('a setting that vm-bhyve does not read is told, with what was meant', () => {
  test.each<[setting: string, said: string]>([
    ['memmory="2G"', 'memmory is not carried over: vm-bhyve has no such setting [did you mean "memory"?]'],
    [
      'bhyve_option="-x"',
      'bhyve_option is not carried over: vm-bhyve has no such setting [did you mean "bhyve_options"?]',
    ],
    ['disk0_tpye="nvme"', 'disk0_tpye is not carried over: vm-bhyve has no such setting [did you mean "disk0_type"?]'],
    [
      'network3_swich="a"',
      'network3_swich is not carried over: vm-bhyve has no such setting [did you mean "network3_switch"?]',
    ],
    ['auto_start="yes"', 'auto_start is not carried over: vm-bhyve has no such setting [take it out]'],
    [
      'disk0_opts="ro"',
      'disk0_opts is not carried over: vm-bhyve does not use it here [take it out, or look for what it needs beside it]',
    ],
    [
      'disk0_name="d.img"',
      'disk0_name without disk0_type: vm-bhyve leaves this disk out, and so does the spec [add disk0_type if the guest is to have it]',
    ],
    [
      'disk0_type="nvme"',
      'disk0_type without disk0_name: vm-bhyve leaves this disk out, and so does the spec [add disk0_name if the guest is to have it]',
    ],
    [
      'tags="web db"',
      'tags web db is not carried over: vm-bhyve lists guests by it [keep it in a field of your own, such as "x-tags"]',
    ],
  ])('%s', async (setting, said) => {
    expect(await notesOf(`${usual}${setting}\n`)).toEqual([expect.stringMatching(/^5:1 {2}\w+: /)]);
    expect((await notesOf(`${usual}${setting}\n`))[0]).toContain(`: ${said}`);
  });

  test('but nothing more of a loader that is not carried over', async () => {
    const text =
      'loader="grub"\ncpu=1\nmemory=1G\ncomports=""\ndisk0_type="nvme"\ndisk0_name="d.img"\ngrub_run0="a"\ngrub_run1="b"\n';
    const notes = await notesOf(text);
    expect(notes.filter((note) => /unknown|gap/.test(note))).toEqual([]);
    expect(notes.join()).toContain('comports is empty');
  });
});

test('the path of a disk is that of vm-bhyve, letter for letter: bhyve makes its serial number of it', async () => {
  const { emulations } = await specOf('disk0_type="nvme"\ndisk0_name="/a//b.img"\n');
  expect(emulations).toEqual([{ device: 'nvme', path: '/vm/web//a//b.img', slot: '4' }]);
});

describe('what vm-bhyve could not start is refused', () => {
  test('at the setting with a blank too many', async () => {
    expect(
      await refusals(`${usual}bhyve_options="-o 'a=b c'"\n`, onHost(undefined, { format: 'vm-bhyve' }), file),
    ).toEqual([
      '5:1  bhyve-refuses: bhyve of FreeBSD 15 takes one word after its options, the name of the VM, and finds "c\'" and 6 words more [take the blank out of the value that it is of]',
    ]);
  });

  test('at the setting of the device that finds its slot taken', async () => {
    const cards = 'graphics="yes"\nxhci_mouse="yes"\npassthru0="2/0/0=6:0"\n';
    expect(await refusals(usual + cards, onHost(undefined, { format: 'vm-bhyve' }), file)).toEqual([
      '6:1  bhyve-refuses: bhyve of FreeBSD 15 does not accept -s 0:6:0,xhci,tablet: pci slot 0:6:0 already occupied! [correct it, or say which bhyve it is for by --release and --arch]',
    ]);
  });

  test.each<[text: string, refusal: string]>([
    [
      `${usual}disk0_type="nvme"\ndisk0_name="my disk.img"\n`,
      '6:1  blank: disk0_name is "my disk.img": bhyve is given it as several words, because of the blank, and does not start [take the blank out]',
    ],
    [
      `${usual}start_slot="four"\n`,
      '5:1  start-slot: start_slot is "four", and vm-bhyve needs a number [write e.g. start_slot="4"]',
    ],
  ])('%j', async (text, refusal) => {
    expect(await refusals(text, onHost(undefined, { format: 'vm-bhyve' }), file)).toEqual([refusal]);
  });

  test.each(['/vm/.templates', '/usr/local/share/examples/vm-bhyve'])('as a template in %s is', async (folder) => {
    expect(await refusals(usual, onHost(), { ...file, folder })).toEqual([
      'template: this is a template of vm-bhyve, of which "vm create" makes guests, and no guest [import the file of a guest: NAME/NAME.conf in the folder of vm-bhyve]',
    ]);
  });
});
