import { describe, expect, test } from '@jest/globals';
import { formatOf, type ImportFormat } from '../../src/import/formats.js';
import { imported, refusals } from './support.js';

const vmBhyve = 'loader="uefi"\ncpu=2\nmemory=1G\nuuid="5a34b1cc-7d4f-11ee-8d3c-b42e991b0a01"\n';
const iohyve = 'ram=1G\ncpu=1\ncon=nmdm0\ntap=tap0\nloader=uefi\nfw=x.fd\n';
const dump = 'name=vm\nmemory.size=1G\nbootrom=/rom\npci.0.0.0.device=hostbridge\n';
const domain = (inside: string, attributes = 'type="bhyve"'): string =>
  `<domain ${attributes}>\n<name>vm</name><memory unit="MiB">512</memory>\n${inside}\n</domain>`;

describe('the format is told by the text', () => {
  test.each<[title: string, text: string, format: ImportFormat | undefined]>([
    ['a command', 'bhyve -c 1 vm', 'bhyve'],
    ['a script', '#!/bin/sh\nloader=x\nmemory=1G\nbhyve -m $memory vm\n', 'bhyve'],
    ['a configuration file of bhyve', dump, 'config'],
    ['one with comments', `# by hand\n\n${dump}`, 'config'],
    ['one with a line that bhyve refuses', `${dump}nonsense\n`, 'config'],
    ['one with a blank for a sign', 'memory.size=1G\npci.0.0.0.device hostbridge\ncpus=2\n', 'config'],
    ['one without a value', 'memory.size=\nx86.mptable=true\npci.0.0.0.device=hostbridge\n', 'config'],
    ['prose about a variable', 'memory.size=1G\nis what to say\nfor more memory\n', undefined],
    ['a guest of vm-bhyve', vmBhyve, 'vm-bhyve'],
    ['an old guest of vm-bhyve', 'guest="freebsd"\nuefi="no"\ncpu="1"\nmemory="512M"\n', 'vm-bhyve'],
    ['a guest of iohyve', iohyve, 'iohyve'],
    ['what an old iohyve getall prints', 'Getting vm props...\nram   1G\ncpu   1\n', 'iohyve'],
    ['what iohyve getall prints', 'Getting vm iohyve properties...\nram   1G\ncpu   1\n', 'iohyve'],
    [
      'what zfs get prints',
      'NAME  PROPERTY  VALUE  SOURCE\ntank/iohyve/vm  iohyve:ram  1G  local\ntank/iohyve/vm  iohyve:con  nmdm0  local\ntank/iohyve/vm  iohyve:tap  tap0  local\n',
      'iohyve',
    ],
    ['a domain', domain(''), 'libvirt'],
    ['a domain with a declaration', `\n<?xml version="1.0"?>\n${domain('')}`, 'libvirt'],
    ['prose', 'Run bhyve with -c 1 and be happy.', undefined],
    ['a spec', '{"name": "vm", "cpu": 1, "mem": "1G"}', undefined],
    ['settings of something else', 'a=1\nb=2\n', undefined],
    ['rc.conf', 'hostname="x"\nvm_enable="YES"\nvm_dir="zfs:tank/vm"\n', undefined],
  ])('%s', (_title, text, format) => {
    expect(formatOf(text)).toBe(format);
  });

  test.each<[what: string, text: string, line: number, limit: string]>([
    ['commands', `${'a=1\n'.repeat(3000)}bhyve -m 1G vm\n`, 3001, 'there are more than 3,000 commands'],
    ['words', `\nbhyve ${'-H '.repeat(20_000)}vm\n`, 2, 'a command has more than 20,000 words'],
    ['levels', `${'$('.repeat(101)}bhyve -m 1G vm`, 1, 'brackets are nested more than 100 levels deep'],
  ])('a text that may be a script, but for a limit of %s, is told that limit', async (_what, text, line, limit) => {
    expect(formatOf(text)).toBeUndefined();
    expect(await refusals(text)).toEqual([
      `${line}:1  script: if this is a script, it is too long to be followed: ${limit} [import the bhyve command by itself]`,
    ]);
    expect(await refusals(text.replaceAll('bhyve', 'qemu'))).toEqual([
      expect.stringMatching(/^format: this is nothing/),
    ]);
  });

  test('or the text is refused', async () => {
    expect(await refusals('hello\nworld\n')).toEqual([
      'format: this is nothing that vmrun can tell: no bhyve command, no bhyve_config(5) file, no guest of vm-bhyve or iohyve, no domain of libvirt [say what it is by --from]',
    ]);
    expect(await refusals('{"name": "vm"}')).toEqual([
      'format: this looks like a spec already, or another JSON file [run it with: vmrun -c FILE]',
    ]);
  });
});

describe('a bhyve_config(5) file', () => {
  test('is what bhyve -k reads', async () => {
    const { spec } = await imported(`${dump}# a comment\nx86.vmexit_on_hlt=true\nrtc.use_localtime=false\n`);
    expect(spec).toEqual({ name: 'vm', cpu: 1, mem: '1G', bootrom: '/rom', lpc_slot: 'none' });
  });

  test('without a name is named by its file, or by the user', async () => {
    const text = dump.replace('name=vm\n', '');
    expect((await imported(text, {}, { stem: 'web' })).spec.name).toBe('web');
    expect((await imported(text, { vmName: 'db' }, { stem: 'web' })).spec.name).toBe('db');
  });

  test('is refused at the line that bhyve refuses', async () => {
    const file = { name: 'vm.conf', stem: 'vm' };
    expect(await refusals(`${dump}nonsense\n`, {}, file)).toEqual([
      "5:1  bhyve-refuses: bhyve of FreeBSD 15 does not accept this: bhyve: vm.conf line 5: invalid config option 'nonsense' [correct it, or say which bhyve it is for by --release and --arch]",
    ]);
  });

  test('tells of a password with its line', async () => {
    const { notes, spec } = await imported(`${dump}pci.0.5.0.device=fbuf\npci.0.5.0.password=x\n`);
    expect(spec.graphic).toEqual({ slot: '5', password: 'x', xhci_table: false });
    expect(notes.filter((note) => note.includes('password'))).toEqual([expect.stringMatching(/^6:1 {2}password: /)]);
  });
});

describe('a guest of vm-bhyve', () => {
  const specOf = async (text: string) =>
    (await imported(text, {}, { name: 'web.conf', folder: '/vm/web', stem: 'web' })).spec;
  const notesOf = async (text: string, more = {}) =>
    (await imported(text, more, { name: 'web.conf', folder: '/vm/web', stem: 'web' })).notes.map((note) =>
      note.replace(/ \[.*\]$/, ''),
    );

  test('needs cpu and memory', async () => {
    expect(await refusals('loader="uefi"\n', { format: 'vm-bhyve' })).toEqual([
      'required: memory is not set, without which vm-bhyve starts no guest [add memory=1G, or as much as it needs]',
      'required: cpu is not set, without which vm-bhyve starts no guest [add cpu=1, or as much as it needs]',
    ]);
  });

  test('takes the first of two lines, and no comment', async () => {
    expect(await specOf(`${vmBhyve}memory=9G # not this one\n#cpu=9\n cpu=9\n`)).toMatchObject({
      mem: '1G',
      cpu: { sockets: 2 },
    });
  });

  test.each<[loader: string, said: object]>([
    ['uefi', {}],
    ['uefi-csm', { bootrom: '/usr/local/share/uefi-firmware/BHYVE_UEFI_CSM.fd' }],
    ['uefi-custom', { bootrom: '/vm/.config/BHYVE_UEFI.fd' }],
    ['bhyveload', { loader: { kind: 'bhyveload', env: { autoboot_delay: '3' } } }],
    ['grub', { loader: { kind: 'grub-bhyve', root: 'hd0,1' } }],
  ])('with loader %s', async (loader, said) => {
    const text = `loader="${loader}"\ncpu=1\nmemory=1G\ndisk0_type="virtio-blk"\ndisk0_name="d.img"\nuuid="5a34b1cc-7d4f-11ee-8d3c-b42e991b0a01"\n`;
    expect(await specOf(text)).toMatchObject(said);
  });

  test('types the commands of GRUB', async () => {
    const text =
      'loader="grub"\ncpu=1\nmemory=1G\ndisk0_type="virtio-blk"\ndisk0_name="d.img"\ngrub_run0="linux /vmlinuz"\ngrub_run1="boot"\n';
    expect(await specOf(text)).toMatchObject({
      loader: { kind: 'grub-bhyve', commands: ['root=hd0,1', 'linux /vmlinuz', 'boot'] },
    });
  });

  test('without UEFI puts eight disks into a slot', async () => {
    const disks = Array.from(
      { length: 9 },
      (_, index) => `disk${index}_type="virtio-blk"\ndisk${index}_name="${index}"\n`,
    );
    const { emulations } = await specOf(`loader="bhyveload"\ncpu=1\nmemory=1G\n${disks.join('')}`);
    expect((emulations as readonly { slot: string }[]).map(({ slot }) => slot)).toEqual([
      '4',
      '4:1',
      '4:2',
      '4:3',
      '4:4',
      '4:5',
      '4:6',
      '4:7',
      '5',
    ]);
  });

  test('counts the taps that it makes up from the first that is free', async () => {
    const cards =
      'network0_type="virtio-net"\nnetwork0_switch="public"\nnetwork1_type="e1000"\nnetwork1_switch="public"\n';
    const { tapsMade, spec } = await imported(`${vmBhyve}${cards}`, { firstTap: 5 });
    expect([tapsMade, (spec.emulations as readonly { name: string }[]).map(({ name }) => name)]).toEqual([
      2,
      ['tap5', 'tap6'],
    ]);
  });

  test.each<[text: string, note: string]>([
    [
      'graphics="yes"',
      '5:1  vnc-port: graphics_port is not set: vm-bhyve takes the first free port from 5900 on; the spec says 5900',
    ],
    [
      'disk0_type="virtio-blk"\ndisk0_dev="iscsi"\ndisk0_name="iqn.2012-06.com.example:t/1"',
      '6:1  iscsi: disk0 is the iSCSI target iqn.2012-06.com.example:t/1, whose disk is known once the initiator is connected',
    ],
    ['limit_rbps="10M"', '5:1  limits: limit_rbps 10M is not carried over: vmrun sets no limits'],
    ['nonsense="1"', '5:1  unknown: nonsense is not carried over: vm-bhyve has no such setting'],
    [
      'prestart="/x.sh"',
      '5:1  prestart: prestart: vm-bhyve runs it in the folder of the guest, with the name and the dataset of the guest',
    ],
  ])('%s is told', async (text, note) => {
    expect(await notesOf(`${vmBhyve}${text}\n`)).toEqual([note]);
  });

  test('is silent where all is carried', async () => {
    expect(await notesOf(vmBhyve)).toEqual([]);
    const zvol =
      'disk0_type="virtio-blk"\ndisk0_dev="zvol"\ndisk0_name="d"\nzfs_zvol_opts="volblocksize=4k"\ndisk0_size="50G"\n';
    expect(await notesOf(vmBhyve + zvol, { dataset: 'tank/vm' })).toEqual([]);
  });
});

describe('a guest of iohyve', () => {
  test('needs cpu and ram, and is one', async () => {
    expect(await refusals('con=nmdm0\ntap=tap0\n', { format: 'iohyve' })).toEqual([
      'required: ram is not among the properties [take all that "iohyve getall NAME" prints]',
      'required: cpu is not among the properties [take all that "iohyve getall NAME" prints]',
    ]);
    expect(await refusals('Getting a iohyve properties...\nram 1G\nGetting b iohyve properties...\n')).toEqual([
      '3:1  second-guest: another guest begins here [put each guest into a file of its own]',
    ]);
  });

  test.each<[os: string, loader: object]>([
    ['default', { kind: 'grub-bhyve', root: 'hd0,msdos1' }],
    ['centos7', { kind: 'grub-bhyve', root: 'hd0,msdos1', args: ['-d', '/grub2'] }],
    ['custom', { kind: 'grub-bhyve', root: 'host', args: ['-d', '/iohyve/vm'] }],
    ['debian', { kind: 'grub-bhyve', root: 'hd0,msdos1' }],
    ['arch', { kind: 'grub-bhyve', root: 'hd0,msdos1' }],
    ['ubuntu', { kind: 'grub-bhyve', root: 'hd0,msdos1', args: ['-d', '/grub'] }],
    ['d8lvm', { kind: 'grub-bhyve', root: 'hd0,msdos1', args: ['-d', '/grub'] }],
    ['centos6', { kind: 'grub-bhyve', root: 'hd0,msdos1', args: ['-d', '/grub'] }],
    ['fedora', { kind: 'grub-bhyve', root: 'hd0,msdos1' }],
    ['netbsd', { kind: 'grub-bhyve', commands: ['knetbsd -h -r wd0a (hd0,msdos1)/netbsd', 'boot'] }],
    ...['57', '58', '60', '61'].map((version): [string, object] => [
      `openbsd${version}`,
      { kind: 'grub-bhyve', commands: ['kopenbsd -h com0 -r sd0a (hd0,openbsd1)/bsd', 'boot'] },
    ]),
    ['openbsd59', { kind: 'grub-bhyve', commands: ['kopenbsd -h com0 -r sd0a (hd0,openbsd1)/bsd', 'boot'] }],
  ])('with GRUB for %s', async (os, loader) => {
    const { spec } = await imported(`name=vm\nram=1G\ncpu=1\ncon=nmdm0\nloader=grub-bhyve\nos=${os}\nbargs=-A_-H\n`);
    expect(spec.loader).toEqual(loader);
  });

  const guest = 'name=vm\nram=1G\ncpu=1\ncon=nmdm0\n';
  const told = async (text: string, more = {}) =>
    (await imported(guest + text, { format: 'iohyve', dataset: 'zroot/iohyve', vmName: 'vm', ...more })).notes;

  test.each<[text: string, note: string]>([
    [
      'loader=grub-bhyve\nos=fedora\n',
      '6:1  os: os "fedora" is not one that iohyve knows; it has GRUB read grub.cfg of hd0,msdos1 then [check "loader" of the spec; iohyve knows default, debian, arch, ubuntu, d8lvm, centos6, centos7, netbsd, openbsd57, openbsd58, openbsd59, openbsd60, openbsd61 and custom]',
    ],
    [
      'loader=grub-bhyve\nos=toString\n',
      '6:1  os: os "toString" is not one that iohyve knows; it has GRUB read grub.cfg of hd0,msdos1 then [check "loader" of the spec; iohyve knows default, debian, arch, ubuntu, d8lvm, centos6, centos7, netbsd, openbsd57, openbsd58, openbsd59, openbsd60, openbsd61 and custom]',
    ],
    [
      'loader=grub-bhyve\nos=d8lvm\n',
      '6:1  os: os d8lvm: the spec has GRUB look in /grub, as iohyve did before 0.7.9, which no longer knows it [check "loader" of the spec]',
    ],
    [
      'loader=grub-bhyve\nos=custom\n',
      '6:1  os: os custom: iohyve gives GRUB the file /iohyve/vm/device.map, which cannot be read here; the spec takes hd0 for the disk of the guest [add "device_map" to "loader" of the spec]',
    ],
    [
      'loader=grub\n',
      '5:1  loader: loader "grub" is not one that iohyve knows (bhyveload, grub-bhyve, uefi); it uses bhyveload then [check "loader" of the spec]',
    ],
    [
      'bhyve_path=/opt/bhyve\n',
      '5:1  bhyve-path: bhyve_path /opt/bhyve is not carried over: a spec does not say which bhyve runs it [start vmrun with --bhyve /opt/bhyve]',
    ],
    [
      'persist=yes\n',
      '5:1  persist: persist is "yes": iohyve starts a guest again with 1 alone [check "reboot_on" of the spec]',
    ],
    [
      'install=yes\n',
      '5:1  install: install=yes: the guest was last started to be installed, from a CD; the spec starts it from its disk, as "iohyve start" does [for the CD, add an ahci-cd in a target of the spec]',
    ],
    ['vnc=YES\n', '5:1  vnc: vnc has no effect without loader=uefi, nor has it with iohyve [take it out]'],
    [
      'persits=1\n',
      '5:1  unknown: persits is not carried over: iohyve has no such property; here it is "1" [did you mean "persist"?]',
    ],
    ['rack=7\n', '5:1  unknown: rack is not carried over: iohyve has no such property; here it is "7" [take it out]'],
    [
      'template=yes\n',
      '5:1  yes-no: template is "yes": iohyve knows YES alone and takes this for NO [check it in the spec]',
    ],
  ])('%j is told', async (text, note) => {
    expect(await told(text)).toEqual([note]);
  });

  test('is silent of what a finished installation leaves', async () => {
    expect(await told('install=no\nautogrub=-\n')).toEqual([]);
  });

  test('is told of with a line and a fix each', async () => {
    const listing =
      'Getting vm iohyve properties...\nram   1G\ncpu   1\nloader   uefi\nos   x\npersits   1\ntap   tap0\n';
    const { notes } = await imported(listing, { format: 'iohyve' });
    expect(notes).toHaveLength(6);
    for (const note of notes) expect(note).toMatch(/^\d+:1 .*\[.+\]$/);
  });

  test('has the device map of its own', async () => {
    const readFile = (path: string) =>
      path === '/iohyve/vm/device.map' ? '(hd0) /dev/zvol/a\n(hd1) /dev/zvol/b\n' : undefined;
    const { spec } = await imported(`${guest}loader=grub-bhyve\nos=custom\n`, { readFile });
    expect(spec.loader).toMatchObject({ device_map: { hd0: '/dev/zvol/a', hd1: '/dev/zvol/b' } });
  });

  test('starts again as iohyve starts it', async () => {
    const of = async (persist: string) =>
      (await imported(`name=vm\nram=1G\ncpu=1\ncon=nmdm0\nloader=bhyveload\npersist=${persist}\n`)).spec.reboot_on;
    expect([await of('1'), await of('0')]).toEqual([['reboot', 'halt', 'triple_fault', 'error'], []]);
  });
});

describe('a domain of libvirt', () => {
  test.each<[title: string, text: string, said: string]>([
    [
      'of another hypervisor',
      domain('', 'type="kvm"'),
      '1:1  no-domain: this is a domain of "kvm", not of bhyve [print one with: virsh dumpxml NAME]',
    ],
    [
      'that is a network',
      '<network/>',
      '1:1  no-domain: this is a <network>, not a <domain> [print one with: virsh dumpxml NAME]',
    ],
    [
      'without memory',
      '<domain type="bhyve"><name>vm</name></domain>',
      '1:1  memory: memory is missing [write e.g. <memory unit="MiB">1024</memory>]',
    ],
    [
      'with memory of a wrong unit',
      '<domain type="bhyve">\n<memory unit="Q">1</memory></domain>',
      '2:1  memory: "1" is not a size of memory [write e.g. <memory unit="MiB">1024</memory>]',
    ],
    [
      'that is cut',
      '<domain type="bhyve">\n<name>vm</name>',
      '2:16  xml: </domain> is expected, the text ends here [end <domain> before what it stands in]',
    ],
    [
      'with an element that ends wrong',
      '<domain type="bhyve">\n<name>vm</nam></domain>',
      '2:9  xml: </name> is expected, found "</nam" [end <name> before what it stands in]',
    ],
    [
      'with a tag that is not finished',
      '<domain type="bhyve">\n<name',
      '2:6  xml: the tag of <name> is not finished, the text ends here [finish it with ">"]',
    ],
    [
      'with a second domain',
      `${domain('')}\n<domain/>`,
      '5:1  xml: nothing is expected after the domain, found "<domain" [a file holds one; take the rest out]',
    ],
    [
      'with text behind it',
      `${domain('')}\nx`,
      '5:1  xml: nothing is expected after the domain, found "x" [a file holds one; take the rest out]',
    ],
    [
      'with entities of its own',
      '<!DOCTYPE d [<!ENTITY a "aaaa"><!ENTITY b "&a;&a;">]>\n<domain type="bhyve">&b;</domain>',
      '1:1  xml: a document type is not accepted: it could define entities [take the <!DOCTYPE ...> out; libvirt writes none]',
    ],
    [
      'with a document type behind a comment that speaks of one',
      '<!-- no <!DOCTYPE here -->\n<!doctype d><domain type="bhyve"/>',
      '2:1  xml: a document type is not accepted: it could define entities [take the <!DOCTYPE ...> out; libvirt writes none]',
    ],
    [
      'with an entity that is none',
      '<domain type="bhyve">\n<name>&a;</name></domain>',
      '2:7  xml: &a; is not an entity that XML has by itself [write the character; & is &amp;]',
    ],
    [
      'that is too deep',
      `<domain type="bhyve">\n${'<a>'.repeat(100)}${'</a>'.repeat(100)}</domain>`,
      '2:190  xml: elements are nested more than 64 levels deep [a domain has far fewer; was it generated by mistake?]',
    ],
    [
      'with too many elements',
      `<domain type="bhyve">\n${'<a/>'.repeat(10_000)}</domain>`,
      '2:39997  xml: there are more than 10,000 elements [a domain has far fewer; was it generated by mistake?]',
    ],
    [
      'with a value without quotes, behind what takes two units of UTF-16',
      '<domain type="bhyve">\r\n<!-- 😀 --><name>😀</name><memory unit=KiB/></domain>',
      '2:40  xml: a value in quotes is expected, found "KiB" [put it in quotes]',
    ],
    [
      'with an attribute given twice',
      '<domain type="bhyve" type="bhyve"/>',
      '1:34  xml: duplicate attribute: type, found "/" [correct it, or print the domain again: virsh dumpxml NAME]',
    ],
    ['with a comment that does not end', '<domain type="bhyve">\n<!-- x', '2:5  xml: this comment has no end [end it]'],
    [
      'with a name as long as the text',
      `<${'d'.repeat(1e6)}`,
      `1:1000002  xml: the tag of <${'d'.repeat(97)}...> is not finished, the text ends here [finish it with ">"]`,
    ],
    [
      'with an & that begins nothing',
      '<domain type="bhyve">\n<name>a & b</name></domain>',
      '2:11  xml: an entity ends with ";", found "b" [write &amp; for &]',
    ],
  ])('%s is refused', async (_title, text, said) => {
    expect(await refusals(text, { format: 'libvirt' })).toEqual([said]);
  });

  test('is read with its entities, comments and CDATA', async () => {
    const { spec } = await imported(
      domain(
        '<!-- <a> --><description>a &lt; b &amp;&#38; <![CDATA[<c>]]> &#x41;</description><os><loader>/rom</loader></os>',
      ),
    );
    expect(spec['x-description']).toBe('a < b && <c> A');
  });

  test.each<[size: string, unit: string | undefined, mem: string]>([
    ['1048576', undefined, '1G'],
    ['1048576', '', '1G'],
    ['1', 'GiB', '1G'],
    ['1000', 'MB', '954M'],
    ['2', 'T', '2T'],
    ['1048576', 'b', '1M'],
    ['1048576', 'B', '1M'],
    ['1048576', 'byte', '1M'],
    ['1048576', 'Bytes', '1M'],
    ['1073741', 'kb', '1G'],
    ['1048576', 'KIB', '1G'],
    ['1048576', 'K', '1G'],
    ['512', 'mib', '512M'],
    ['512', 'm', '512M'],
    ['2', 'gb', '1908M'],
    ['2', 'g', '2G'],
    ['2', 'tIb', '2T'],
    ['1', 'PiB', '1024T'],
  ])('with %s %s of memory', async (size, unit, mem) => {
    const attribute = unit === undefined ? '' : ` unit="${unit}"`;
    const { spec } = await imported(
      `<domain type="bhyve"><name>vm</name><memory${attribute}>${size}</memory></domain>`,
    );
    expect(spec.mem).toBe(mem);
  });

  test.each<[inside: string, said: object]>([
    [
      '<on_poweroff>restart</on_poweroff><on_crash>restart</on_crash>',
      { reboot_on: ['reboot', 'power_off', 'halt', 'triple_fault', 'error'] },
    ],
    ['<clock offset="localtime"/>', { utc_clock: false }],
    [
      '<devices><controller type="nvme" index="0"><serial>S-0</serial></controller><disk type="file"><source file="/d"/><target dev="nvme0n1" bus="nvme"/></disk></devices>',
      { emulations: [{ device: 'nvme', path: '/d', ser: 'S-0', slot: '2' }] },
    ],
    [
      '<cpu><numa><cell id="0" cpus="0" memory="256" unit="MiB"/><cell id="1" cpus="1" memory="256" unit="MiB"/></numa></cpu><vcpu>2</vcpu>',
      {
        numa: [
          { mem: '256M', cpus: '0' },
          { mem: '256M', cpus: '1' },
        ],
      },
    ],
    ['<os firmware="efi"/>', { varfile: '/var/lib/libvirt/bhyve/nvram/vm_VARS.fd' }],
    [
      '<devices><disk type="ctl"><source dev="/dev/cam/ctl"/><target dev="sda" bus="scsi"/></disk></devices>',
      { emulations: [{ device: 'virtio-scsi', slot: '2', path: '/dev/cam/ctl' }] },
    ],
    [
      '<devices><interface type="ethernet"><target dev="vm0"/><model type="virtio"/></interface></devices>',
      { emulations: [{ device: 'virtio-net', slot: '2', name: 'vm0', type: 'tap' }] },
    ],
    [
      '<bootloader>/usr/local/sbin/grub-bhyve</bootloader><bootloader_args>-r hd0,gpt2 -M 512 vm</bootloader_args>',
      { loader: { kind: 'grub-bhyve', root: 'hd0,gpt2' } },
    ],
  ])('%s', async (inside, said) => {
    expect((await imported(domain(inside))).spec).toMatchObject(said);
  });

  test.each<[inside: string, note: string]>([
    [
      '<on_reboot>preserve</on_reboot>',
      '3:1  on_reboot: on_reboot "preserve" is not carried over: vmrun starts the guest again or not [check "reboot_on" of the spec]',
    ],
    [
      '<clock offset="timezone" timezone="Europe/Zurich"/>',
      '3:1  clock: the clock is not carried over: libvirt takes utc and localtime for bhyve, this is "timezone" [check "utc_clock" of the spec]',
    ],
    [
      '<cpu><numa><cell id="0" cpus="0" memory="1" unit="Q"/></numa></cpu>',
      '3:1  cell: the memory of the cell 0 is not carried over: "1 Q" is not a size of memory [set "numa" in the spec]',
    ],
    [
      '<memtune><hard_limit>1</hard_limit></memtune>',
      '3:1  element: <memtune> with hard_limit is not carried over: libvirt or vmrun has no equivalent of it for bhyve [set limits in "hooks" with rctl(8)]',
    ],
    [
      '<devices><redirdev bus="usb"/></devices>',
      '3:1  element: <redirdev> is not carried over: libvirt or vmrun has no equivalent of it for bhyve [add to the spec by hand what the guest needs of it]',
    ],
    [
      '<devices><disk type="file"><source file="/d"/><target dev="fda" bus="fdc"/></disk></devices>',
      '3:1  disk: this disk is not carried over: bhyve has no bus "fdc" [add it to "emulations" by hand]',
    ],
    [
      '<devices><disk type="file"><driver name="file" queues="4"/><source file="/d"/><target dev="vda" bus="virtio"/></disk></devices>',
      '3:1  queues: queues and queue_size are not carried over: bhyve has them for nvme alone, and this disk is on the bus virtio [take them out, or make it an nvme in the spec]',
    ],
    [
      '<devices><controller type="virtio-serial"><driver iommu="on"/></controller></devices>',
      '3:1  element: <driver> is not carried over: libvirt or vmrun has no equivalent of it for bhyve [add to the spec by hand what the guest needs of it]',
    ],
    [
      '<devices><rng model="virtio"><rate bytes="1"/><backend model="random">/dev/random</backend></rng></devices>',
      '3:1  element: <rate> is not carried over: libvirt or vmrun has no equivalent of it for bhyve [add to the spec by hand what the guest needs of it]',
    ],
    [
      '<devices><input type="tablet" bus="usb"/><input type="tablet" bus="usb"/></devices>',
      '3:1  element: <input> is not carried over: libvirt or vmrun has no equivalent of it for bhyve [add to the spec by hand what the guest needs of it]',
    ],
    [
      '<devices><graphics type="spice"/></devices>',
      '3:1  graphics: this screen is not carried over: bhyve has VNC only, this is "spice" [set "graphic" in the spec]',
    ],
    [
      '<devices><serial type="tcp"><source mode="connect" host="h" service="1"/></serial></devices>',
      '3:1  serial: this serial port is not carried over: bhyve listens and does not connect [set com1 in the spec: a null modem such as /dev/nmdm0A, stdio, or tcp=ADDRESS:PORT]',
    ],
    [
      '<devices><interface type="bridge"><model type="rtl8139"/></interface></devices>',
      '3:1  interface: this network card is not carried over: bhyve has no model "rtl8139" [add it to "emulations" by hand]',
    ],
    [
      '<bootloader>/opt/loader</bootloader>',
      '3:1  loader: the loader "/opt/loader" is not carried over: vmrun knows bhyveload and grub-bhyve [run it by "hooks", and set "loader": "none"]',
    ],
  ])('%s is told', async (inside, note) => {
    expect((await imported(domain(inside))).notes).toContain(note);
  });
});
