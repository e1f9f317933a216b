import { describe, expect, test } from '@jest/globals';
import { imported, importedOnce, machineOf, refusals } from './support.js';

/** A command that starts, without what most tests do not look at. */
const uefi = '-l bootrom,/usr/local/share/uefi-firmware/BHYVE_UEFI.fd -s 0,hostbridge -s 31,lpc -u -H';
const plain = { name: 'vm', cpu: 1, mem: '1G' };

describe('the command of bhyve in a script', () => {
  test.each<[title: string, text: string]>([
    ['alone', `bhyve ${uefi} -m 1G vm`],
    ['by its path', `/usr/sbin/bhyve ${uefi} -m 1G vm`],
    ['by a variable', `BHYVE=/usr/sbin/bhyve\n"$BHYVE" ${uefi} -m 1G vm`],
    ['in a loop', `while :; do\n bhyve ${uefi} -m 1G vm\n [ $? -ne 0 ] && break\ndone`],
    ['in a condition', `if ! bhyve ${uefi} -m 1G vm; then exit 1; fi`],
    ['in a function', `start() {\n  bhyve ${uefi} -m 1G vm >/dev/null 2>&1 &\n}\nstart`],
    ['in a case', `case x in\nstart) bhyve ${uefi} -m 1G vm ;;\nesac`],
    ['behind other programs', `sudo -n /usr/bin/env /usr/sbin/bhyve ${uefi} -m 1G vm`],
    ['with options from variables', `O="${uefi}"; M=1G; bhyve $O -m "$M" "\${N:-vm}"`],
  ])('is found %s', async (_title, text) => {
    const { spec, format, notes } = await importedOnce(text);
    expect([format, spec, notes]).toEqual(['bhyve', plain, []]);
  });

  test.each<[title: string, text: string, said: readonly string[]]>([
    [
      'no command',
      'echo bhyve -c 1 vm',
      [
        'no-command: there is no bhyve command in it [a script is read for a command such as: bhyve -c 2 -m 2G ... NAME; other formats are named by --from]',
      ],
    ],
    [
      'one behind a prompt',
      'do this:\n# bhyve -c 1 vm',
      ['no-command: there is no bhyve command in it [line 2 has one after a "#" or "$": take that away]'],
    ],
    [
      'an unknown word',
      `\nbhyve ${uefi} -m $MEM vm`,
      ['2:1  unknown-word: the value of "$MEM" is known only when the script runs [put MEM=... on a line before it]'],
    ],
    [
      'a name from outside',
      `bhyve ${uefi} "vm-$1"`,
      [
        '1:1  unknown-word: the value of "$1", next to "vm-", is known only when the script runs [name the VM by --name, or write its value in its place]',
      ],
    ],
    [
      'what bhyve refuses',
      'bhyve \\\n -s 3,floppy,/x \\\n vm',
      [
        '2:1  bhyve-refuses: bhyve of FreeBSD 15 does not accept -s 3,floppy,/x: pci slot 0:3:0: unknown device "floppy" [correct it, or say which bhyve it is for by --release and --arch]',
      ],
    ],
    [
      'a place of what it refuses',
      'bhyve \\\n -o nonsense \\\n vm',
      [
        "2:1  bhyve-refuses: bhyve of FreeBSD 15 does not accept this: bhyve: invalid configuration option 'nonsense' [correct it, or say which bhyve it is for by --release and --arch]",
      ],
    ],
    [
      'a list',
      'bhyve -s help',
      [
        '1:1  bhyve-refuses: bhyve of FreeBSD 15 does not accept this: it only prints a list, and ends [correct it, or say which bhyve it is for by --release and --arch]',
      ],
    ],
    [
      'a missing file',
      'bhyve -k vm.conf',
      [
        '1:1  bhyve-refuses: bhyve of FreeBSD 15 does not accept this: bhyve: Failed to open configuration file vm.conf: No such file or directory [correct it, or say which bhyve it is for by --release and --arch]',
      ],
    ],
  ])('%s is refused', async (_title, text, said) => {
    expect(await refusals(text, { format: 'bhyve' })).toEqual(said);
  });

  test('is another one with another release, which then stands in the spec', async () => {
    const text = `bhyve -M ${uefi} -m 1G vm`;
    expect((await refusals(text)).join()).toContain('illegal option -- M');
    const { spec } = await importedOnce(text, { platform: { release: 16 } });
    expect(spec).toEqual({
      name: 'vm',
      release: 16,
      cpu: 1,
      mem: '1G',
      monitor: true,
    });
  });

  test('takes a name of the user, in place of its own or of one from outside', async () => {
    expect((await importedOnce(`bhyve ${uefi} -m 1G vm`, { vmName: 'web' })).spec.name).toBe('web');
    expect((await importedOnce(`bhyve ${uefi} -m 1G "$1"`, { vmName: 'web' })).spec.name).toBe('web');
  });

  test('reads the files that it names', async () => {
    const files: Readonly<Record<string, string>> = {
      'vm.conf': 'memory.size=1G\n',
    };
    const { spec } = await importedOnce(`bhyve ${uefi} -k vm.conf vm`, {
      readFile: (file) => files[file],
    });
    expect(spec).toEqual(plain);
  });
});

describe('the loader before the command', () => {
  const bhyve = 'bhyve -s 0,hostbridge -s 31,lpc -u -H -m 1G -s 1,virtio-blk,/d.img -l com1,stdio vm';

  test.each<[title: string, loader: string, said: unknown]>([
    ['none', '', 'none'],
    ['of the first disk', 'bhyveload -m 1G -d /d.img vm', { kind: 'bhyveload' }],
    ['of another disk', 'bhyveload -m 1G -d /e.img vm', { kind: 'bhyveload', disk: '/e.img' }],
    ['of several disks', 'bhyveload -m 1G -d /d.img -d /e.img vm', { kind: 'bhyveload', disk: ['/d.img', '/e.img'] }],
    [
      'with variables and a folder',
      'bhyveload -m 1G -e a=b -e c="d e" -h /export vm',
      {
        kind: 'bhyveload',
        disk: [],
        env: { a: 'b', c: 'd e' },
        args: ['-h', '/export'],
      },
    ],
    ['by GRUB', 'grub-bhyve -m map -r hd0,msdos1 -M 1G vm', { kind: 'grub-bhyve', root: 'hd0,msdos1' }],
    [
      'by GRUB with other drives',
      'grub-bhyve --device-map=other --root cd0 -M 1G vm',
      { kind: 'grub-bhyve', root: 'cd0', device_map: { cd0: '/i.iso' } },
    ],
    [
      'by GRUB with a map that is not there',
      'grub-bhyve -m none -r cd0 -d /grub2 -M 1G vm',
      {
        kind: 'grub-bhyve',
        root: 'cd0',
        device_map: 'none',
        args: ['-d', '/grub2'],
      },
    ],
    [
      'by GRUB with commands',
      'grub-bhyve -m map -M 1G vm <<EOF\nlinux /vmlinuz\nboot\nEOF',
      { kind: 'grub-bhyve', commands: ['linux /vmlinuz', 'boot'] },
    ],
    [
      'by GRUB with a file of commands',
      'grub-bhyve -m map -M 1G vm < cmds',
      { kind: 'grub-bhyve', commands: ['boot'] },
    ],
    ['behind another command of bhyve', 'bhyveload -m 1G -d /d.img vm\nbhyve -m 2G old', { kind: 'bhyveload' }],
  ])('%s', async (_title, loader, said) => {
    const files: Readonly<Record<string, string>> = {
      map: '(hd0) /d.img\n',
      other: '(cd0) /i.iso\n',
      cmds: 'boot\n',
    };
    const { spec } = await importedOnce(`${loader}\n${bhyve}`, {
      readFile: (file) => files[file],
    });
    expect(spec.loader).toEqual(said);
  });
});

describe('what is not carried over as it stands is told, with its line', () => {
  test.each<[title: string, text: string, notes: readonly string[]]>([
    [
      'a password',
      `bhyve ${uefi} \\\n -s 3,fbuf,password=x vm`,
      [
        '2:1  password: the password of VNC now stands in the spec [keep the spec private, or put it into a file and set "password_file"]',
      ],
    ],
    [
      'how bhyve is started',
      `sudo nice -n 5 bhyve ${uefi} vm`,
      [
        '1:1  wrapper: bhyve is started by nice here, which a spec does not say [start vmrun by nice: bhyve inherits it]',
      ],
    ],
    [
      'another command of bhyve',
      `bhyve -m 2G other\nbhyve ${uefi} vm`,
      [
        '1:1  second-command: another bhyve command; the one on line 2 is imported [import this one from a file of its own, or write what it does differently as a target]',
      ],
    ],
    [
      'other commands',
      `ifconfig tap0 create\nzfs list\ncp a b\nbhyve ${uefi} vm`,
      [
        '2:1  other-commands: 2 other commands of the script are not carried over: zfs on line 2 and cp on line 3 [what each start needs goes into "hooks" of the spec]',
      ],
    ],
    [
      'names from the working directory',
      `bhyve ${uefi} -s 3,virtio-blk,disk.img vm`,
      [
        '1:1  relative: file names without a "/" in front are those of the spec\'s folder now: disk.img [put the spec where bhyve was started, or make them absolute]',
      ],
    ],
    [
      'a name that vmrun does not take',
      `bhyve ${uefi} 'my vm'`,
      ['1:1  name: vmrun does not accept the name "my vm"; the VM is named "my-vm" [choose another name by --name]'],
    ],
    [
      'a loader that has nothing to do',
      `bhyveload -d /d vm\nbhyve ${uefi} vm`,
      ['1:1  loader: bhyveload is not carried over: the guest starts from a boot ROM'],
    ],
    [
      'another memory of the loader',
      'bhyveload -m 2G -d /d vm\nbhyve -s 0,hostbridge -m 1G vm',
      ['1:1  loader-memory: bhyveload is given 2G of memory, bhyve another size; vmrun gives both the size of "mem"'],
    ],
    [
      'another console of the loader',
      'bhyveload -d /d -c /dev/nmdm9A vm\nbhyve -s 0,hostbridge -m 1G vm',
      [
        '1:1  loader-console: bhyveload talks to "/dev/nmdm9A" here; vmrun connects it to com1, "stdio" [look at com1 of the spec]',
      ],
    ],
    [
      'a core dump that only the loader is told of',
      'bhyveload -C -m 1G -d /d vm\nbhyve -s 0,hostbridge -m 1G vm',
      [
        '1:1  loader-flag: bhyveload is given -C, bhyve is not; vmrun gives it to neither [set "guest_mem_in_core": true to give it to both]',
      ],
    ],
    [
      'wired memory that only the loader is told of',
      'grub-bhyve -S -M 1G -r hd0,1 vm\nbhyve -s 0,hostbridge -m 1G vm',
      [
        '1:1  loader-flag: grub-bhyve is given -S, bhyve is not; vmrun gives it to neither [set "wire_guest_mem": true to give it to both]',
      ],
    ],
    [
      'wired memory that the loader is not told of',
      'bhyveload -m 1G -d /d vm\nbhyve -s 0,hostbridge -S -m 1G vm',
      [
        '1:1  loader-flag: bhyve is given -S, bhyveload is not; vmrun gives it to both [take "wire_guest_mem" out to give it to neither]',
      ],
    ],
    [
      'nobody who loads the guest',
      'bhyve -s 0,hostbridge -m 1G vm',
      [
        '1:1  loader: nothing here loads the guest: there is no boot ROM, and no command of a loader before bhyve [write "bootrom" or "loader" into the spec; with "none", somebody else has to load it]',
      ],
    ],
    [
      'a serial port that the guest has not',
      `bhyve -l bootrom,/r -l com1,stdio vm`,
      [
        '1:1  lpc: the guest has no serial ports and no TPM: there is no LPC bridge, as in the original [take "lpc_slot" out, and say them by their fields instead of "config"]',
      ],
    ],
    [
      'printing the configuration',
      `bhyve ${uefi} -o config.dump=1 vm`,
      [
        '1:1  config-dump: config.dump is not carried over: with it bhyve prints its configuration and ends [use vmrun --dry-run --format config]',
      ],
    ],
    [
      'CPUs that do not fit',
      `bhyve ${uefi} -c 4,cores=2 vm`,
      ['1:1  cpus: bhyve does not start with these numbers of CPUs: cpus=4, cores=2 [look at "cpu" of the spec]'],
    ],
  ])('%s', async (_title, text, notes) => {
    expect((await importedOnce(text)).notes).toEqual(notes);
  });

  test('a bridge that a tap is put into becomes a field of the card', async () => {
    const { spec, notes } = await importedOnce(
      `ifconfig bridge7 addm em0 addm tap3 up\nbhyve ${uefi} -m 1G -s 1,virtio-net,tap3 vm`,
    );
    expect(spec.emulations).toEqual([{ device: 'virtio-net', name: 'tap3', bridge: 'bridge7', fix: true }]);
    expect(notes).toEqual([
      '1:1  bridge: em0 is put into bridge7 here: vmrun adds only the VM\'s interfaces to a bridge [put it into rc.conf(5): ifconfig_bridge7="addm em0 up"]',
    ]);
  });
});

/** Notes without what to do. */
const notesOf = async (text: string, files: Readonly<Record<string, string>> = {}): Promise<readonly string[]> =>
  (await importedOnce(text, { readFile: (file) => files[file] })).notes.map((note) => note.replace(/ \[[^[]*\]$/, ''));

const drive = '-s 2,virtio-blk,/d.img';

test.each<[options: string, said: string]>([
  ['-p 0:4-5', 'pins vCPU 0 to CPU 4 alone: it does not read "-5" in -p 0:4-5'],
  ['-n id=0,cpus=0,1', 'does not read "1" in -n id=0,cpus=0,1'],
  ['-s 3x,virtio-rnd', 'takes slot "3x" for 0:3:0'],
  ['-o lpc.bootrom=/other.fd', 'ignores lpc.bootrom'],
])('what bhyve takes for something else than it says is told with its line: %s', async (options, said) => {
  const { notes } = await importedOnce(`# a comment\nbhyve ${uefi} ${options} -m 1G vm`);
  expect(notes).toContainEqual(expect.stringMatching(/^2:1 {2}misread: bhyve of FreeBSD 15 /));
  expect(notes.join('\n')).toContain(said);
});

describe('what hangs on a condition is told with both values', () => {
  test.each<[title: string, text: string, notes: readonly string[]]>([
    [
      'an argument',
      `cd0=""; if [ "$1" = install ]; then cd0="-s 3,ahci-cd,/iso/d.iso"; fi\nbhyve ${uefi} $cd0 vm`,
      [
        '1:1  condition: where $1 is "install", bhyve is also given -s 3,ahci-cd,/iso/d.iso; the spec is for every other case',
      ],
    ],
    [
      'if and else',
      `if [ -n "$BIG" ]; then\n m=4G\nelse\n m=1G\nfi\nbhyve ${uefi} -m $m vm`,
      ['1:1  condition: where $BIG is given, bhyve is given -m 4G instead of -m 1G; the spec is for every other case'],
    ],
    [
      'a case',
      `case "$1" in\n-i|install) x="-s 3,ahci-cd,/i" ;;\nnet) x="-s 4,virtio-net,tap0" ;;\nesac\nbhyve ${uefi} $x vm`,
      [
        '1:1  condition: where $1 is "-i", bhyve is also given -s 3,ahci-cd,/i; the spec is for every other case',
        '1:1  condition: where $1 is "net", bhyve is also given -s 4,virtio-net,tap0; the spec is for every other case',
      ],
    ],
    [
      'a short condition',
      `[ "x$1" = xdebug ] && g="-G 1234"\nbhyve ${uefi} $g vm`,
      ['1:1  condition: where $1 is "debug", bhyve is also given -G 1234; the spec is for every other case'],
    ],
    [
      'a file of the host',
      `[ -f /i.iso ] && x="-s 3,ahci-cd,/i.iso"\nbhyve ${uefi} $x vm`,
      [
        '1:1  condition: where [ -f /i.iso ] is false, bhyve is not given -s 3,ahci-cd,/i.iso; the spec is for every other case',
      ],
    ],
    [
      'a program of the host',
      `if kldstat -q -m x; then m=2G; else m=1G; fi\nbhyve ${uefi} -m $m vm`,
      [
        '1:1  condition: where kldstat -q -m x fails, bhyve is given -m 1G instead of -m 2G; the spec is for every other case',
      ],
    ],
    [
      'an argument with a default',
      `mode=\${1:-run}\nif [ $mode = install ]; then x="-s 3,ahci-cd,/i"; fi\nbhyve ${uefi} $x vm`,
      ['2:1  condition: where $1 is "install", bhyve is also given -s 3,ahci-cd,/i; the spec is for every other case'],
    ],
    [
      'an option',
      `c=1\nwhile getopts c:i o; do\ncase $o in c) c=$OPTARG ;; i) x="-s 3,ahci-cd,/i" ;; esac\ndone\nbhyve ${uefi} -c $c $x vm`,
      [
        '2:1  condition: where -c is given, bhyve is given -c (value of -c) instead of -c 1; the spec is for every other case',
        '2:1  condition: where -i is given, bhyve is also given -s 3,ahci-cd,/i; the spec is for every other case',
      ],
    ],
    [
      'an option that a loop looks for',
      `while [ $# -gt 0 ]; do\ncase $1 in -i) x="-s 3,ahci-cd,/i" ;; esac\nshift\ndone\nbhyve ${uefi} $x vm`,
      ['2:1  condition: where $1 is "-i", bhyve is also given -s 3,ahci-cd,/i; the spec is for every other case'],
    ],
    [
      'a condition within one',
      `if [ -n "$A" ]; then if [ "$B" = 1 ]; then x="-s 3,ahci-cd,/i"; fi; fi\nbhyve ${uefi} $x vm`,
      ['1:1  condition: where $B is "1", bhyve is also given -s 3,ahci-cd,/i; the spec is for every other case'],
    ],
    [
      'a variable that is set again behind bhyve',
      `x="-s 3,ahci-cd,/i"\nwhile bhyve ${uefi} $x vm; do\n x=\ndone`,
      [
        '2:1  later-start: when it is started again, bhyve is not given -s 3,ahci-cd,/i; the spec is that of the first start',
      ],
    ],
    [
      'nothing, where it changes nothing',
      `[ -n "$V" ] && set -x\nif [ $(id -u) -ne 0 ]; then exit 1; fi\nbhyve ${uefi} vm`,
      [],
    ],
    ['what it is in a call without arguments', `[ $# -gt 0 ] && exit 64\nbhyve ${uefi} vm`, []],
  ])('%s', async (_title, text, notes) => {
    expect(await notesOf(text)).toEqual(notes);
  });

  test('a script that wants to be told what to do is taken at its usual start', async () => {
    const text = `case $1 in\ninstall) bhyve ${uefi} ${drive} -s 3,ahci-cd,/i vm ;;\nstart) bhyve ${uefi} ${drive} vm ;;\n*) echo usage; exit 1 ;;\nesac`;
    const { spec } = await importedOnce(text);
    expect(spec.emulations).toEqual([{ device: 'virtio-blk', slot: '2', path: '/d.img' }]);
  });
});

describe('what a script does after bhyve has ended becomes reboot_on', () => {
  const all = ['reboot', 'power_off', 'halt', 'triple_fault', 'error', 'suspend', 'signal'];
  test.each<[title: string, text: string, reasons: readonly string[] | undefined]>([
    ['a command line', 'bhyve OPTIONS', undefined],
    ['a command line with its loader', 'B=bhyve\nbhyveload -m 1G -d /d vm && sudo $B OPTIONS', undefined],
    ['a script that does nothing', '#!/bin/sh\nbhyve OPTIONS', []],
    ['commands without a loop', 'bhyve OPTIONS\nbhyvectl --destroy --vm=vm', []],
    ['a background', 'bhyve OPTIONS &\nwait', []],
    ['a loop of one turn', 'for i in 1; do bhyve OPTIONS; done', []],
    ['a loop that ends with the first failure', 'while bhyve OPTIONS; do :; done', undefined],
    ['a loop without an end', 'while true; do bhyve OPTIONS; sleep 5; done', all],
    ['a loop until power-off', 'while true; do bhyve OPTIONS; [ $? -eq 1 ] && exit; done', ['reboot', ...all.slice(2)]],
    [
      'one with a kept status',
      'while :; do bhyve OPTIONS; rc=$?; bhyvectl --destroy --vm=vm; if [ $rc -ne 0 ]; then break; fi; done',
      undefined,
    ],
    [
      'a case',
      'while :; do bhyve OPTIONS; case $? in 0|3) continue ;; *) exit ;; esac; done',
      ['reboot', 'triple_fault'],
    ],
    ['a suspended guest', 'while :; do bhyve OPTIONS; [ $? -eq 5 ] || break; done', ['suspend']],
    ['until', 'until bhyve OPTIONS; do sleep 1; done', all.slice(1)],
    ['a status above 2', 'while :; do bhyve OPTIONS; [ $? -gt 2 ] || break; done', all.slice(3)],
    ['set -e', 'set -e\nwhile true; do bhyve OPTIONS; done', undefined],
    ['a variable that says so', 'run=1; while [ $run = 1 ]; do bhyve OPTIONS && continue; run=0; done', undefined],
    ['a function', 'go() { bhyve OPTIONS; return $?; }\nwhile go; do echo again; done', undefined],
    ['a background and a wait', 'while :; do bhyve OPTIONS & wait $! || break; done', undefined],
    ['a start of itself', 'bhyve OPTIONS\n[ $? -eq 0 ] && exec "$0"', undefined],
    ['a text that is run', 'while true; do sh -c "bhyve OPTIONS"; done', all],
    ['eval', 'c="bhyve OPTIONS"; while eval "$c"; do :; done', undefined],
    [
      'a condition of bash',
      'while :; do bhyve OPTIONS; if (( $? != 0 && $? != 3 )); then break; fi; done',
      ['reboot', 'triple_fault'],
    ],
    ['daemon -r', 'daemon -r bhyve OPTIONS', all],
  ])('%s', async (_title, text, reasons) => {
    const { spec } = await imported(text.replace('OPTIONS', `${uefi} -m 1G vm`));
    expect(spec.reboot_on).toEqual(reasons);
  });

  test('a script that starts bhyve once is told to end with a reboot', async () => {
    const { notes } = await imported(`#!/bin/sh\nbhyve ${uefi} vm`);
    expect(notes).toEqual([
      '2:1  runs-once: the script starts bhyve once, so that a reboot of the guest is its end, too: the spec has "reboot_on": [] [take "reboot_on" out of the spec to have the VM boot again after a reboot]',
    ]);
  });

  test('or is told where it hangs on something that nobody knows', async () => {
    const text = `while :; do\nbhyve ${uefi} vm\n[ -f /vm/stop ] && break\ndone`;
    expect(await notesOf(text)).toEqual([
      '3:1  reboot-on: after reboot, power_off, halt, triple_fault, error, suspend and signal the script starts bhyve again where [ -f /vm/stop ] is false, which is known only when it runs; the spec has no "reboot_on"',
    ]);
  });

  test('or is told where statuses of one reason are not treated alike', async () => {
    const text = `while :; do\nbhyve ${uefi} vm\n[ $? -lt 64 ] || break\ndone`;
    expect(await notesOf(text)).toEqual([
      '2:1  reboot-on: the script does not treat every exit status of bhyve that means error alike: 64, 71 and 100 differ',
    ]);
  });
});

describe('how often, and how fast, a loop starts bhyve again becomes restart', () => {
  const always = 31_536_000;
  const limit = (max: number, delay = 0) => ({ max, window: always, stable: always, delay });
  test.each<[title: string, text: string, restart: unknown]>([
    ['no limit', 'while :; do bhyve OPTIONS; done', undefined],
    ['a list of words', 'for i in 1 2 3; do bhyve OPTIONS; done', limit(2)],
    ['seq', 'for i in $(seq 5); do bhyve OPTIONS || break; done', limit(4)],
    ['jot', 'for i in `jot 4`; do bhyve OPTIONS && break; done', limit(3)],
    ['a count', 'n=0; while [ $n -lt 5 ]; do bhyve OPTIONS; n=$((n + 1)); done', limit(4)],
    ['a count down', 'n=3; until [ $n -eq 0 ]; do bhyve OPTIONS; n=$(expr $n - 1); done', limit(2)],
    ['a count with let', '#!/bin/bash\nn=0; while (( n < 3 )); do bhyve OPTIONS; let n+=1; done', limit(2)],
    ['a loop of bash', '#!/bin/bash\nfor ((i=0; i<4; i++)); do bhyve OPTIONS; done', limit(3)],
    ['a way out', 'n=0; while bhyve OPTIONS; do n=$((n + 1)); [ $n -ge 3 ] && break; done', limit(2)],
    [
      'a count in a file',
      'echo 0 > /tmp/n; while bhyve OPTIONS; do n=$(cat /tmp/n); [ $n -ge 2 ] && exit; echo $((n + 1)) > /tmp/n; done',
      limit(2),
    ],
    ['arguments', 'set -- a b c; while [ $# -gt 0 ]; do bhyve OPTIONS; shift; done', limit(2)],
    ['a count without a limit', 'n=0; while :; do n=$((n + 1)); echo boot $n; bhyve OPTIONS; done', undefined],
    ['a pause', 'while :; do bhyve OPTIONS; sleep 30; done', { delay: 30, max_delay: 30 }],
    ['a pause in front', 'while :; do sleep 2m; bhyve OPTIONS || break; done', { delay: 120, max_delay: 120 }],
    [
      'several pauses',
      'while bhyve OPTIONS; do sleep 1; bhyvectl --destroy --vm=vm; sleep 0.5; done',
      { delay: 1.5, max_delay: 1.5 },
    ],
    ['a pause and a limit', 'for i in 1 2; do bhyve OPTIONS; sleep 5; done', { ...limit(1, 5), max_delay: 5 }],
  ])('%s', async (_title, text, restart) => {
    const { spec } = await imported(text.replace('OPTIONS', `${uefi} -m 1G vm`));
    expect(spec.restart).toEqual(restart);
    await machineOf(spec);
  });

  test.each<[title: string, text: string, notes: readonly string[]]>([
    [
      'a pause',
      'while :; do\nbhyve OPTIONS\nsleep 5\ndone',
      [
        '3:1  pause: the script always waits 5 s before it starts bhyve again; "restart" of the spec has this pause, but vmrun makes none after a long run, nor after the first short one',
      ],
    ],
    [
      'a pause that grows',
      'd=1\nwhile :; do\nbhyve OPTIONS\nsleep $d\nd=$((d * 2))\ndone',
      [
        '4:1  pause: the pauses before bhyve is started again (sleep on line 4) are not carried over: they are not always the same, or known only when the script runs',
      ],
    ],
    [
      'a pause after some ends alone',
      'while :; do\nbhyve OPTIONS || sleep 9\ndone',
      [
        '2:1  pause: the pauses before bhyve is started again (sleep on line 2) are not carried over: they are not always the same, or known only when the script runs',
      ],
    ],
    [
      'a limit after failures alone',
      'n=0\nwhile [ $n -lt 3 ]; do\nbhyve OPTIONS && continue\nn=$((n + 1))\ndone',
      [
        '3:1  restart: the script counts its boots by reason, which "restart" of the spec cannot: it starts bhyve at most 3 times for power_off, halt, triple_fault, error, suspend and signal',
      ],
    ],
    [
      'a limit for each reason',
      'a=0; b=0\nwhile [ $a -lt 2 ] && [ $b -lt 2 ]; do\nif bhyve OPTIONS; then a=$((a + 1)); else b=$((b + 1)); fi\ndone',
      [
        '3:1  restart: the script counts its boots by reason, which "restart" of the spec cannot: it starts bhyve at most 2 times for reboot, power_off, halt, triple_fault, error, suspend and signal',
      ],
    ],
    ['a pause before the first boot', 'sleep 5\nbhyve OPTIONS', ['1:1  host: sleep 5: not carried over']],
    [
      'a command with other words each time',
      'n=0\nwhile bhyve OPTIONS; do\nn=$((n + 1))\nlogger boot $n\necho $n > log\ndone',
      [
        '4:1  other-commands: 2 other commands that run between two boots are not carried over: logger on line 4 and > log on line 5',
      ],
    ],
    ['no pause that nothing waits for', '(sleep 5; echo up) &\nbhyve OPTIONS', []],
    [
      'commands between two boots',
      'while ! bhyve OPTIONS; do\ncp a b\nzfs rollback tank/vm@clean\nlogger again\nsysctl a=b\nbhyvectl --destroy --vm=vm\ndone\nrm x',
      [
        '2:1  other-commands: 3 other commands that run between two boots are not carried over: cp on line 2, zfs on line 3 and logger on line 4',
        '5:1  host: sysctl a=b: not carried over',
        '8:1  other-commands: 1 other command that runs when bhyve has ended is not carried over: rm on line 8',
      ],
    ],
    [
      'a command after one end of bhyve',
      'bhyve OPTIONS\ncase $? in\n4) mail root ;;\n5) zfs snapshot a@b ;;\nesac',
      [
        '3:1  other-commands: 2 other commands that run when bhyve has ended are not carried over: mail on line 3 and zfs on line 4',
      ],
    ],
    [
      'another VM after one end of bhyve',
      'bhyve OPTIONS\n[ $? -eq 4 ] && bhyve -m 2G rescue',
      ['2:1  second-command: another bhyve command; the one on line 1 is imported'],
    ],
    [
      'other words after some ends of bhyve',
      `x="${drive}"\nuntil bhyve $x OPTIONS; do\nx=\ndone`,
      [
        '2:1  later-start: when it is started again, bhyve is not given -s 2,virtio-blk,/d.img; the spec is that of the first start',
      ],
    ],
  ])('%s is told', async (_title, text, notes) => {
    expect(await notesOf(text.replace('OPTIONS', `${uefi} vm`))).toEqual(notes);
  });
});

test.each<[text: string, said: string]>([
  ['export TZ=Europe/Berlin', '1:1  wrapper: bhyve gets TZ=Europe/Berlin in its environment here'],
  ['TZ=UTC\nexport TZ HOME', '2:1  wrapper: bhyve gets TZ=UTC in its environment here'],
  [
    'export LD_PRELOAD=/usr/local/lib/x.so',
    '1:1  wrapper: bhyve gets LD_PRELOAD=/usr/local/lib/x.so in its environment',
  ],
  ['ulimit -l unlimited', '1:1  other-commands: 1 other command of the script is not carried over: ulimit on line 1'],
  ['umask 077', '1:1  other-commands: 1 other command of the script is not carried over: umask on line 1'],
])('what a script sets for the process of bhyve is told: %j', async (text, said) => {
  const { notes } = await importedOnce(`${text}\nexport PATH=/bin LANG=C\nbhyve ${uefi} -m 1G vm`);
  expect(notes).toEqual([expect.stringContaining(said)]);
});

describe('what a script does while bhyve runs in the background is told as that', () => {
  const loop = (rest: string): string => `while :; do\nbhyve ${uefi} -m 1G vm &\n${rest}\ndone`;
  test.each<[rest: string]>([
    ['sleep 10\nwait $! || break'],
    ['p=$!\nsleep 10; wait "$p"\n[ $? -eq 0 ] || break'],
    ['sleep 5 &\nsleep 3\nwait %1 || break'],
  ])('a pause is none before the next boot: %j', async (rest) => {
    const { spec, notes } = await importedOnce(loop(rest));
    expect([spec.restart, notes.filter((note) => note.includes('pause'))]).toEqual([undefined, []]);
  });

  test('a pause behind the end of bhyve is one', async () => {
    expect((await importedOnce(loop('sleep 1\nwait $! || break\nsleep 30'))).spec.restart).toEqual({
      ...{ delay: 30, max_delay: 30 },
    });
  });

  test.each<[text: string]>([
    [loop('cpuset -l 2 -p $!\nwait $! || break')],
    [`bhyve ${uefi} -m 1G vm &\n\ncpuset -l 2 -p $!\nwait`.replace('\n\n', '\n:\n')],
    [`bhyve ${uefi} -m 1G vm &\n:\ncpuset -l 2 -p $!`],
  ])('a command: %j', async (text) => {
    const { notes } = await importedOnce(text);
    expect(notes).toContainEqual(
      '3:1  other-commands: 1 other command that runs beside bhyve is not carried over: cpuset on line 3 [put what is still wanted into "post_start" of "hooks"]',
    );
  });

  test.each([['wait'], ['pwait $!'], ['while kill -0 $!; do sleep 1; done']])(
    'behind %s it has ended',
    async (wait) => {
      const { notes } = await importedOnce(`bhyve ${uefi} -m 1G vm &\n${wait}\nmail root`);
      expect(notes).toContainEqual(
        expect.stringMatching(/^3:1 {2}other-commands: 1 other command that runs when bhyve has ended /),
      );
    },
  );
});

describe('what a script does to the host is carried, or told with its line', () => {
  test.each<[title: string, commands: string, notes: readonly string[]]>([
    ['a tap and its bridge', 'ifconfig tap0 create up\nifconfig bridge0 addm tap0\nifconfig tap0 destroy', []],
    ['an address', 'ifconfig tap0 inet 10.0.0.1/24', ['1:1  host: ifconfig tap0 inet 10.0.0.1/24: not carried over']],
    [
      'a VLAN',
      'ifconfig vlan7 create vlan 7 vlandev em0',
      ['1:1  host: ifconfig vlan7 create vlan 7 vlandev em0: not carried over'],
    ],
    [
      'a bridge',
      'ifconfig bridge0 create\nifconfig bridge0 addm em0 addm tap0 up\nifconfig bridge0 10.1.1.1/24',
      [
        "1:1  bridge: bridge0 is made here, and em0 is put into bridge0 here: vmrun adds only the VM's interfaces to a bridge",
        '3:1  host: ifconfig bridge0 10.1.1.1/24: not carried over',
      ],
    ],
    [
      'what else an interface is given',
      'ifconfig tap0 create name vm0\nifconfig tap0 description vm\nifconfig bridge0 deletem em0 deletem tap0\nifconfig bridge0 deletem tap0',
      [
        '1:1  host: ifconfig tap0 create name vm0: not carried over',
        '2:1  host: ifconfig tap0 description vm: not carried over',
        '3:1  host: ifconfig bridge0 deletem em0 deletem tap0: not carried over',
      ],
    ],
    [
      'files that it writes',
      'echo $$ > /var/run/vm.pid\ndate >> log\nzfs list > x\necho > /dev/null',
      [
        '1:1  other-commands: 3 other commands of the script are not carried over: > /var/run/vm.pid on line 1, > log on line 2 and zfs on line 3',
      ],
    ],
    ['no file that it reads again', 'echo 1 > n\nx=$(cat n)\necho 2 > m\nread y < m', []],
    [
      'a message to syslog',
      'logger hello',
      ['1:1  other-commands: 1 other command of the script is not carried over: logger on line 1'],
    ],
    [
      'words for another program',
      'echo tap9 | xargs -n1 ifconfig up',
      ['1:1  other-commands: 1 other command of the script is not carried over: xargs on line 1'],
    ],
    ['modules that vmrun loads', 'kldload vmm nmdm if_tuntap', []],
    ['other modules', 'kldload -n pf vmm', ['1:1  host: kldload -n pf vmm: not carried over']],
    [
      'a setting of the kernel',
      'sysctl net.inet.ip.forwarding=1',
      ['1:1  host: sysctl net.inet.ip.forwarding=1: not carried over'],
    ],
    [
      'a filter, a route and a mount',
      'pfctl -f /etc/pf.conf; route add default 10.0.0.1\nmount /dev/da0 /mnt',
      [
        '1:1  host: pfctl -f /etc/pf.conf: not carried over',
        '1:1  host: route add default 10.0.0.1: not carried over',
        '2:1  host: mount /dev/da0 /mnt: not carried over',
      ],
    ],
    [
      'a card of the host',
      'devctl set driver -f pci0:2:0:0 ppt',
      ['1:1  host: devctl set driver -f pci0:2:0:0 ppt: not carried over'],
    ],
    [
      'another VM',
      'bhyvectl --destroy --vm=other; bhyvectl --destroy --vm=vm',
      ['1:1  host: bhyvectl --destroy --vm=other: not carried over'],
    ],
    [
      'what only one branch does',
      'if ! kldstat -q -m pf; then\nkldload pf\nfi',
      ['2:1  host: kldload pf: not carried over'],
    ],
    ['what a trap does', "trap 'pfctl -d' EXIT", ['1:1  host: pfctl -d: not carried over']],
    [
      'what a function does that is called',
      'setup() {\nzfs create tank/vm\n}\nsetup',
      ['2:1  other-commands: 1 other command of the script is not carried over: zfs on line 2'],
    ],
    [
      'commands of one kind',
      'cp a b\ncp c d\nrm e',
      [
        '1:1  other-commands: 3 other commands of the script are not carried over: cp on lines 1 and 2 and rm on line 3',
      ],
    ],
  ])('%s', async (_title, commands, notes) => {
    expect(await notesOf(`${commands}\nbhyve ${uefi} -s 1,virtio-net,tap0 vm`)).toEqual(notes);
  });

  test('a card that it gets ready for the guest is one that vmrun may get ready', async () => {
    const { spec, notes } = await importedOnce(
      `ifconfig tap0 create\ndevctl set driver -f pci0:2:0:0 ppt\nbhyve ${uefi} -S -s 1,virtio-net,tap0 -s 2,passthru,2/0/0 -s 3,virtio-net,tap5 vm`,
    );
    expect(spec.emulations).toEqual([
      { device: 'virtio-net', name: 'tap0', fix: true },
      { device: 'passthru', src: '2:0:0', fix: true },
      { device: 'virtio-net', name: 'tap5' },
    ]);
    expect(notes).toEqual([]);
  });

  test.each<[title: string, text: string, note: string]>([
    ['a file', 'bhyve OPTIONS >> log 2>&1', '1:1  output: what bhyve prints goes to log here'],
    [
      'a file, and its errors to another',
      'bhyve OPTIONS 2> err',
      '1:1  output: the error messages of bhyve go to err here',
    ],
    ['both by one', '#!/bin/bash\nbhyve OPTIONS >& log', '2:1  output: what bhyve prints goes to log here'],
    ['a group', '{ bhyve OPTIONS; } > log', '1:1  output: what bhyve prints goes to log here'],
    ['tee', 'bhyve OPTIONS 2>&1 | tee -a log', '1:1  output: what bhyve prints goes to "tee -a log" here'],
    [
      'a loop',
      'bhyve OPTIONS |\nwhile read l; do echo $l; done',
      '1:1  output: what bhyve prints goes to other commands here',
    ],
    [
      'all of the script',
      'exec >> /var/log/vm.log 2>&1\nbhyve OPTIONS',
      '1:1  output: what the script and bhyve print goes to /var/log/vm.log from here on',
    ],
    [
      'nobody',
      'bhyve OPTIONS < /dev/nmdm1B',
      '1:1  input: bhyve reads its standard input from /dev/nmdm1B here, which a spec does not say',
    ],
    [
      'a pid file',
      'daemon -p /var/run/vm.pid bhyve OPTIONS',
      '1:1  wrapper: bhyve is started by "daemon -p /var/run/vm.pid" here, which a spec does not say',
    ],
  ])('where bhyve writes to, or reads from, is told: %s', async (_title, text, note) => {
    expect(await notesOf(text.replace('OPTIONS', `${uefi} vm`))).toEqual([note]);
  });

  test.each<[title: string, text: string]>([
    ['a name', "alias b='bhyve'\nb OPTIONS vm"],
    ['a name with words', 'alias b="bhyve OPTIONS"; alias c=b\nc vm'],
    ['its own name', 'alias bhyve="bhyve OPTIONS"\nbhyve vm'],
    ['no quoted word', 'alias bhyve=echo\n\\bhyve OPTIONS vm'],
    ['nothing any more', 'alias bhyve=echo\nunalias bhyve\nbhyve OPTIONS vm'],
    ['nothing to bash', '#!/bin/bash\nalias bhyve=echo\nbhyve OPTIONS vm'],
  ])('an alias stands for %s', async (_title, text) => {
    const { spec, notes } = await importedOnce(text.replace('OPTIONS', `${uefi} -m 1G`));
    expect([spec, notes]).toEqual([plain, []]);
  });

  test('a tap that is made at each start gets a name of its own', async () => {
    const text = `tap=$(ifconfig tap create)\ntap2=\`ifconfig tap create\`\nifconfig bridge1 addm $tap up\nbhyve ${uefi} -m 1G -s 1,virtio-net,$tap -s 2,virtio-net,$tap2 vm\nifconfig $tap destroy`;
    const { spec, notes, tapsMade } = await importedOnce(text, { firstTap: 3 });
    expect(spec.emulations).toEqual([
      { device: 'virtio-net', name: 'tap3', bridge: 'bridge1', fix: true },
      { device: 'virtio-net', name: 'tap4', fix: true },
    ]);
    expect(tapsMade).toBe(2);
    expect(notes).toEqual([
      '4:1  tap-made: the script makes a tap at each start; the spec says tap3 [make sure that no other VM has tap3]',
      '4:1  tap-made: the script makes a tap at each start; the spec says tap4 [make sure that no other VM has tap4]',
    ]);
  });
});

describe('bhyve is found behind other programs, each of which is told', () => {
  test.each<[title: string, text: string, told: readonly string[]]>([
    ['several in a row', 'cpuset -l 4-7 nice -n 5 env A=b bhyve OPTIONS', ['cpuset', 'nice', 'A=b']],
    ['a variable in front', 'A=b bhyve OPTIONS', ['A=b']],
    ['protect and idprio', 'protect -i idprio 10 bhyve OPTIONS', ['protect', 'idprio']],
    ['setfib and jexec', 'setfib 1 jexec -l web bhyve OPTIONS', ['setfib', 'jexec -l web']],
    ['lockf', 'lockf -t 0 /var/run/vm.lock bhyve OPTIONS', ['lockf']],
    ['rtprio and nohup', 'nohup rtprio 5 bhyve OPTIONS &', ['nohup', 'rtprio']],
    ['timeout', 'timeout -k 5 1h bhyve OPTIONS', ['timeout -k 5 1h']],
    ['tmux', 'tmux new-session -d -s vm "bhyve OPTIONS"', ['tmux']],
    ['screen', 'screen -dmS vm bhyve OPTIONS', ['screen']],
    ['sh -c and su -c', `su -m bob -c 'sh -c "bhyve OPTIONS"'`, ['su -m bob']],
    ['eval and exec', 'cmd="bhyve OPTIONS"\neval exec $cmd', []],
    ['a program that nobody sets', '$SUDO bhyve OPTIONS', []],
    ['a function that runs its words', 'run() { echo "$@"; "$@"; }\nrun bhyve OPTIONS', []],
  ])('%s', async (_title, text, told) => {
    const { spec, notes } = await importedOnce(text.replace('OPTIONS', `${uefi} -m 1G vm`));
    expect(spec).toEqual(plain);
    expect(notes).toHaveLength(told.length);
    told.forEach((word, at) => {
      expect(notes[at]).toContain(word);
    });
  });
});

describe('scripts as people write them', () => {
  test.each<[title: string, text: string]>([
    ['a program with a default', `: "\${BHYVE:=/usr/sbin/bhyve}"\n"$BHYVE" ${uefi} -m 1G vm`],
    ['settings beside it', `. ./config.sh\nbhyve ${uefi} -m $MEM vm`],
    ['settings in its own folder', `. "$(dirname "$0")/config.sh"\nbhyve ${uefi} -m $MEM vm`],
    ['a name that comes from its own', `n=$(basename "$0" .sh)\nbhyve ${uefi} -m 1G "\${n%start}vm"`],
    ['an array', `args=(${uefi})\nargs+=(-m 1G)\nbhyve "\${args[@]}" vm`],
    ['arguments that it sets', `set -- ${uefi}\nset -- "$@" -m 1G vm\nbhyve "$@"`],
    [
      'a loop that collects',
      `for o in "-u" "-H"; do a="$a $o"; done\nbhyve -l bootrom,/usr/local/share/uefi-firmware/BHYVE_UEFI.fd -s 0,hostbridge -s 31,lpc $a -m 1G vm`,
    ],
    ['numbers that it counts', `n=0; n=$((n + 1)); bhyve ${uefi} -m \${n}G vm`],
    ['a function with arguments and what is set below', `start() { bhyve ${uefi} -m $mem $1; }\nmem=1G\nstart vm`],
    ['a file that it writes', `cat > /tmp/vm.conf <<EOF\nmemory.size=1G\nEOF\nbhyve ${uefi} -k /tmp/vm.conf vm`],
    [
      'options with defaults',
      `m=1G\nwhile getopts hv o; do case $o in h) exit 1 ;; esac; done\nbhyve ${uefi} -m $m vm`,
    ],
    ['csh', `#!/bin/csh\nset NAME = vm\nbhyve ${uefi} -m 1G $NAME`],
    [
      'rc.subr',
      `. /etc/rc.subr\nname=vm\nstart_cmd=vm_start\nvm_start() { bhyve ${uefi} -m 1G vm; }\nload_rc_config $name\nrun_rc_command "$1"`,
    ],
  ])('%s', async (_title, text) => {
    const files: Readonly<Record<string, string>> = {
      './config.sh': 'MEM=1G\n',
      '/vm/web/config.sh': 'MEM=1G\n',
    };
    const { spec, notes } = await importedOnce(text, {
      readFile: (file) => files[file],
    });
    expect([spec, notes]).toEqual([plain, []]);
  });

  test('a script of csh is followed, and what its conditions change is told', async () => {
    const text = `#!/bin/csh -f
set args = ( ${uefi} )
set cd = ( )
if ( "$1" == install ) then
  set cd = ( -s 3,ahci-cd,/a )
endif
@ mem = 1 + 1
while ( 1 )
  bhyve $args -m \${mem}G $cd vm >& /var/log/vm.log
  if ( $status != 0 ) break
  sleep 5
end
cp /vm/a /vm/b`;
    const { spec, notes } = await imported(text);
    expect([spec.name, spec.mem, spec.restart, spec.reboot_on]).toEqual([
      'vm',
      '2G',
      { delay: 5, max_delay: 5 },
      undefined,
    ]);
    expect(notes).toEqual([
      '4:1  condition: where $1 is "install", bhyve is also given -s 3,ahci-cd,/a; the spec is for every other case [put it into the spec, or into a target of it]',
      '9:1  output: what bhyve prints goes to /var/log/vm.log here [start vmrun with --log FILE]',
      expect.stringMatching(/^11:1 +pause: the script always waits 5 s/),
      '13:1  other-commands: 1 other command that runs when bhyve has ended is not carried over: cp on line 13 [put what is still wanted into "post_stop" of "hooks"]',
    ]);
  });

  test.each<[text: string, line: number, words: string, why: string]>([
    ['set a = 1\ngoto start', 3, 'goto start', 'goto is not followed'],
    ['alias vm "bhyve \\!*"', 2, 'alias vm "bhyve \\!*"', 'an alias that takes its arguments apart'],
    ['switch (a)\ndefault:\nbreaksw\ncase a:\nendsw', 5, 'case a:', 'a case after "default"'],
    ['if ($1=="x") echo', 2, 'if ($1=="x") echo', 'csh needs blanks around the operator'],
    ['if ( -Q x ) echo', 2, 'if ( -Q x ) echo', 'the question -Q is not followed'],
    ['repeat $n bhyve', 2, 'repeat $n bhyve', 'this "repeat" is not followed'],
    ['echo $a:s/x/y/', 2, 'echo $a:s/x/y/', 'the change ":s" of a variable'],
    ['set $a = b', 2, 'set $a = b', 'a name of "set" is known only'],
    ['@ n = 3 > 2', 2, '@ n = 3 > 2', 'put brackets around the comparison'],
    ['echo !!', 2, 'echo !!', 'an earlier command is not followed'],
    ['echo (a)', 2, 'echo (a)', 'a "(" stands where csh takes none'],
  ])('what of csh cannot be followed is refused at its line: %j', async (text, line, words, why) => {
    const [said = ''] = await refusals(`#!/bin/csh\n${text}\nbhyve ${uefi} vm\n`, { format: 'bhyve' });
    expect(said).toContain(`${line}:1  csh: ${JSON.stringify(words)}: `);
    expect(said).toContain(why);
  });

  test.each([
    ['foreach n (1)', `foreach n (1)\n bhyve ${uefi} -m 1G vm$n\nend`, 'vm1'],
    ['if (…) then', `if (1) then\n bhyve ${uefi} -m 1G vm\nendif`, 'vm'],
    ['set a = b', `set a = vm\nbhyve ${uefi} -m 1G $a`, 'vm'],
  ])('a script without a first line is known as one of csh by %s', async (_words, text, name) => {
    expect((await imported(text)).spec.name).toBe(name);
  });

  test('a name of the user stands wherever the script has its argument', async () => {
    const text = `bhyveload -m 1G -d /vm/$1.img $1\nbhyve -s 0,hostbridge -s 31,lpc -m 1G -s 2,virtio-blk,/vm/$1.img "$1"`;
    const { spec } = await importedOnce(text, { vmName: 'web' });
    expect([spec.name, spec.loader, spec.emulations]).toEqual([
      'web',
      { kind: 'bhyveload' },
      [{ device: 'virtio-blk', slot: '2', path: '/vm/web.img' }],
    ]);
  });

  test('a part that is commented out is left out, and told', async () => {
    const text = `#net="-s 4,virtio-net,tap0"\nbhyve ${uefi} $net vm`;
    expect(await notesOf(text)).toEqual([
      '1:1  commented-out: $net is set on a line that is commented out; nothing stands in its place',
    ]);
  });

  test('options that a script wants are looked for until it starts a VM', async () => {
    const text = `while getopts n:Rm: o; do case $o in n) n=$OPTARG ;; R) r=1 ;; m) m=$OPTARG ;; esac; done\n[ -z "$r" ] && exit 2\n[ -z "$n" ] && exit 2\nread -p "Sure? " yn\ncase $yn in [Yy]*) ;; *) exit ;; esac\nbhyve ${uefi} -m 1G $n`;
    expect((await importedOnce(text, { vmName: 'web' })).spec).toEqual({
      ...plain,
      name: 'web',
    });
  });

  test('a command within a line of a log is taken out of it', async () => {
    const log = `Nov  3 16:26:33 tm5 run.sh[365]: [debug] env L=/tmp/x nice /usr/sbin/bhyve ${uefi} -m 1G vm`;
    const { spec, notes } = await importedOnce(`it dies:\n${log}\nUnable to setup memory (17)\n`);
    expect(spec).toEqual(plain);
    expect(notes).toEqual([expect.stringMatching(/^2:1 {2}embedded: the command is taken out of a line; what/)]);
  });

  test('a pattern is one in double quotes, too', async () => {
    const text = `#!/bin/sh\nimg=/vm/vm.img\nname="\${img##*/}"\nbhyve ${uefi} -m 1G "\${name%.*}"`;
    expect((await importedOnce(text)).spec).toEqual(plain);
  });

  test('expect(1) starts what it spawns', async () => {
    const { spec, notes } = await importedOnce(
      `expect -c "set timeout 9; spawn sudo bhyve ${uefi} -m 1G vm; expect { eof }"`,
    );
    expect(spec).toEqual(plain);
    expect(notes).toEqual([expect.stringContaining('bhyve is started by expect')]);
  });

  test('a blank behind a backslash is named as the cause', async () => {
    expect(await refusals(`bhyve ${uefi} \\ \n -m 1G vm`)).toEqual([
      '1:1  blank-after-backslash: a blank follows the "\\" at the end of this line, so the command ends here and the next line is another one [remove the blank]',
    ]);
  });

  test('a text that doubles with every line is refused', async () => {
    const text = `A=${'x'.repeat(9999)}\n${'A=$A$A\n'.repeat(40)}bhyve $A`;
    expect(await refusals(text, { format: 'bhyve' })).toEqual([
      '9:1  script: its variables come to more text than any script is [import the bhyve command by itself]',
    ]);
  });
});

describe('what rc.conf(5) may set is told, since it is not read', () => {
  test.each<[title: string, text: string, names: string | undefined]>([
    [
      'defaults of a service',
      '. /etc/rc.subr\nload_rc_config web\n: ${web_enable:=NO}\n: ${web_mem:=1G}\nbhyve OPTIONS -m $web_mem -c ${web_cpus-1} vm',
      'web_mem and web_cpus',
    ],
    ['a default before it', 'web_mem=1G\nload_rc_config web\nbhyve OPTIONS -m $web_mem vm', 'web_mem'],
    ['defaults of a script', '. /etc/rc.conf\nMEM=${MEM:-1G}\nbhyve OPTIONS -m $MEM vm', 'MEM'],
    ['a value that stands behind it', 'load_rc_config web\nweb_mem=1G\nbhyve OPTIONS -m ${web_mem:-2G} vm', undefined],
    ['a name of another service', 'load_rc_config web\nbhyve OPTIONS -m ${MEM:-1G} vm', undefined],
    ['no rc.conf', '. /etc/rc.subr\nbhyve OPTIONS -m ${MEM:-1G} vm', undefined],
  ])('%s', async (_title, text, names) => {
    const { spec, notes } = await importedOnce(text.replace('OPTIONS', uefi));
    expect(spec).toMatchObject({ mem: '1G' });
    expect(notes.filter((note) => note.includes('rc.conf'))).toEqual(
      names === undefined
        ? []
        : [
            expect.stringContaining(
              `rc.conf(5), which is not read, may set ${names}; the spec has the values of the script`,
            ),
          ],
    );
  });
});

test('a list of zsh that is not quoted reaches bhyve whole', async () => {
  const { spec } = await importedOnce(`#!/usr/local/bin/zsh\nargs=(${uefi})\nargs+=(-m 1G)\nbhyve $args vm`);
  expect(spec).toEqual(plain);
});

test('a strict mode is not an argument of the script', async () => {
  const { spec } = await importedOnce(`#!/bin/sh\nset -euo pipefail\nvm=\${1:-vm}\nbhyve ${uefi} -m 1G $vm`);
  expect(spec).toEqual(plain);
});
