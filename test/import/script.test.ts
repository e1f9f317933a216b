import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { quoteCommand } from '../../src/base/shell.js';
import { parseScript } from '../../src/import/shell.js';
import { imported, refusals } from './support.js';

const commandsOf = (text: string): readonly (readonly string[])[] => {
  const script = parseScript(text);
  if (!script.ok) throw new Error(script.message);
  return script.commands.map(({ words }) =>
    words.map(({ text: word, unknown }) => (unknown === undefined ? word : `${word}?${unknown}`)),
  );
};

describe('a script is read as sh(1) reads it', () => {
  test.each<[title: string, text: string, commands: readonly (readonly string[])[]]>([
    ['words', 'bhyve -c 2\tvm', [['bhyve', '-c', '2', 'vm']]],
    ['quotes', `bhyve 'a b' "c d" e\\ f 'g'"h"`, [['bhyve', 'a b', 'c d', 'e f', 'gh']]],
    ['empty words', `bhyve '' ""`, [['bhyve', '', '']]],
    ['a backslash in double quotes', '"a\\"b\\$c\\d"', [['a"b$c\\d']]],
    ['a continued line', 'bhyve \\\n  -H \\\n vm', [['bhyve', '-H', 'vm']]],
    ['a line that goes on within a word', 'bhy\\\nve', [['bhyve']]],
    ['a continued line of a file with CRLF', 'bhyve \\\r\n -H vm\r\n', [['bhyve', '-H', 'vm']]],
    ['comments', '# one\nbhyve -H # two\n#three', [['bhyve', '-H']]],
    ['no comment within a word', 'echo a#b', [['echo', 'a#b']]],
    ['several commands', 'a; b & c && d || e | f', [['a'], ['b'], ['c'], ['d'], ['e'], ['f']]],
    ['groups', '(a; b) { c; }', [['a'], ['b'], ['{', 'c'], ['}']]],
    [
      'patterns of a case, and functions',
      'run() { a; }\ncase $1 in\nstart) b ;;\nesac',
      [['{', 'a'], ['}'], ['case', '?$1', 'in'], ['b'], ['esac']],
    ],
    ['redirections', 'a >out 2>&1 < in b >> x 2>y', [['a', 'b']]],
    ['a number that is a word', 'a 2 >out', [['a', '2']]],
  ])('%s', (_title, text, commands) => {
    expect(commandsOf(text)).toEqual(commands);
  });

  test.each<[title: string, text: string, words: readonly string[]]>([
    ['is replaced', 'A=1\necho $A ${A} "$A" x${A}y', ['1', '1', '1', 'x1y']],
    ['is not replaced in single quotes', "A=1\necho '$A'", ['$A']],
    ['is split without quotes', 'A="-H -P"\necho $A "$A"', ['-H', '-P', '-H -P']],
    ['joins its neighbours where it is split', 'A="b c"\necho a${A}d', ['ab', 'cd']],
    ['that is empty is no word', 'A=\necho $A "$A"', ['']],
    ['of others', 'A=1; B="$A-$A"; echo $B', ['1-1']],
    ['that is added to', 'A=1; A="$A 2"; A+=" 3"; echo "$A"', ['1 2 3']],
    ['that is exported', 'export A=1 B=2; echo $A$B', ['12']],
    ['of one command only is not kept', 'A=1 env; echo $A', ['?$A']],
    ['has a default', 'echo ${A:-b c} ${A-d} "${A:="e"}"', ['b', 'c', 'd', 'e']],
    ['has a default of another', 'B=1; echo ${A:-/vm/$B}', ['/vm/1']],
    ['that was assigned last counts', 'A=1; A=2; echo $A', ['2']],
    ['that nobody set is unknown', 'echo a$A "${B}c" $1 "$@" $$', ['a?$A', 'c?${B}', '?$1', '?$@', '?$$']],
    [
      'that is worked out is unknown',
      'echo $(date) `date` ${A%.x} $((1 + 2))',
      ['?$(date)', '?`date`', '?${A%.x}', '?$((1 + 2))'],
    ],
    ['of something unknown is unknown', 'A="/vm/$1"; echo $A', ['/vm/?$1']],
    ['sign alone is a sign', 'echo $ a$', ['$', 'a$']],
  ])('a variable %s', (_title, text, words) => {
    expect(commandsOf(text).at(-1)?.slice(1)).toEqual(words);
  });

  test.each<[title: string, text: string, line: number, message: string]>([
    ['a quote without an end', "a\nb 'c", 2, 'a single quote has no end'],
    ['a double quote without one', 'a "b\n\n', 1, 'a double quote has no end'],
    ['a backquote without one', '\necho `date', 2, 'a backquote has no end'],
    ['a brace without one', 'echo ${A', 1, '"{" has no end'],
    ['a here-document without one', 'cat <<X\nabc\n', 1, 'the here-document "X" has no end'],
    [
      'a text that doubles with every line',
      `A=${'x'.repeat(9999)}\n${'A=$A$A\n'.repeat(40)}`,
      8,
      'its variables come to more text than any script is',
    ],
  ])('%s is told with its line', (_title, text, line, message) => {
    expect(parseScript(text)).toEqual({ ok: false, line, message });
  });

  test('every word survives its quoting', () => {
    const word = fc
      .array(fc.constantFrom('a', ' ', "'", '"', '\\', '$', '`', '\n', '#', ';', '<', '~', '%', 'é'))
      .map((chars) => chars.join(''));
    fc.assert(
      fc.property(fc.array(word, { minLength: 1 }), (words) => {
        expect(commandsOf(quoteCommand(['bhyve', ...words]))).toEqual([['bhyve', ...words]]);
      }),
    );
  });

  test('text of any kind is read, or refused in words', () => {
    const piece = fc.constantFrom(
      ...[
        'bhyve',
        ' ',
        '\n',
        '"',
        "'",
        '\\',
        '$',
        '${',
        '}',
        '(',
        ')',
        '`',
        '<<X',
        'X',
        ';',
        '&',
        '|',
        '<',
        '>',
        '#',
        'A=',
        '$A',
        '2>',
        '${A:-',
      ],
    );
    fc.assert(
      fc.property(
        fc.array(piece).map((pieces) => pieces.join('')),
        (text) => {
          const script = parseScript(text);
          if (!script.ok) expect(script.line).toBeLessThanOrEqual(text.split('\n').length);
        },
      ),
      { numRuns: 2000 },
    );
  });
});

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
    ['behind other programs', `sudo env A=1 /usr/sbin/bhyve ${uefi} -m 1G vm`],
    ['with options from variables', `O="${uefi}"; M=1G; bhyve $O -m "$M" "\${N:-vm}"`],
  ])('is found %s', async (_title, text) => {
    const { spec, format, notes } = await imported(text);
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
      ['no-command: there is no bhyve command in it [line 2 has one behind a "#" or "$": take that away]'],
    ],
    [
      'an unknown word',
      `\nbhyve ${uefi} -m $MEM vm`,
      ['2:1  unknown-word: what "$MEM" is turns out only when the script runs [put MEM=... on a line before it]'],
    ],
    [
      'a name from outside',
      `bhyve ${uefi} "vm-$1"`,
      [
        '1:1  unknown-word: what "$1" is beside "vm-" turns out only when the script runs [write in its place what it comes to]',
      ],
    ],
    [
      'what bhyve refuses',
      'bhyve \\\n -s 3,floppy,/x \\\n vm',
      [
        '1:1  bhyve-refuses: bhyve of FreeBSD 15 does not take this: pci slot 0:3:0: unknown device "floppy" [mend it, or say which bhyve it is for by --release and --arch]',
      ],
    ],
    [
      'a place of what it refuses',
      'bhyve \\\n -o nonsense \\\n vm',
      [
        "2:1  bhyve-refuses: bhyve of FreeBSD 15 does not take this: bhyve: invalid configuration option 'nonsense' [mend it, or say which bhyve it is for by --release and --arch]",
      ],
    ],
    [
      'a list',
      'bhyve -s help',
      [
        '1:1  bhyve-refuses: bhyve of FreeBSD 15 does not take this: it only prints a list, and ends [mend it, or say which bhyve it is for by --release and --arch]',
      ],
    ],
    [
      'a missing file',
      'bhyve -k vm.conf',
      [
        '1:1  bhyve-refuses: bhyve of FreeBSD 15 does not take this: bhyve: Failed to open configuration file vm.conf: No such file or directory [mend it, or say which bhyve it is for by --release and --arch]',
      ],
    ],
  ])('%s is refused', async (_title, text, said) => {
    expect(await refusals(text, { format: 'bhyve' })).toEqual(said);
  });

  test('is another one with another release, which then stands in the spec', async () => {
    const text = `bhyve -M ${uefi} -m 1G vm`;
    expect((await refusals(text)).join()).toContain('illegal option -- M');
    const { spec } = await imported(text, { platform: { release: 16 } });
    expect(spec).toEqual({ name: 'vm', release: 16, cpu: 1, mem: '1G', monitor: true });
  });

  test('takes a name of the user, in place of its own or of one from outside', async () => {
    expect((await imported(`bhyve ${uefi} -m 1G vm`, { vmName: 'web' })).spec.name).toBe('web');
    expect((await imported(`bhyve ${uefi} -m 1G "$1"`, { vmName: 'web' })).spec.name).toBe('web');
  });

  test('reads the files that it names', async () => {
    const files: Readonly<Record<string, string>> = { 'vm.conf': 'memory.size=1G\n' };
    const { spec } = await imported(`bhyve ${uefi} -k vm.conf vm`, { readFile: (file) => files[file] });
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
      { kind: 'bhyveload', env: { a: 'b', c: 'd e' }, args: ['-h', '/export'] },
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
      { kind: 'grub-bhyve', root: 'cd0', device_map: 'none', args: ['-d', '/grub2'] },
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
    const files: Readonly<Record<string, string>> = { map: '(hd0) /d.img\n', other: '(cd0) /i.iso\n', cmds: 'boot\n' };
    const { spec } = await imported(`${loader}\n${bhyve}`, { readFile: (file) => files[file] });
    expect(spec.loader).toEqual(said);
  });
});

describe('what is not carried as it stands is told, with its line', () => {
  test.each<[title: string, text: string, notes: readonly string[]]>([
    [
      'a password',
      `bhyve ${uefi} \\\n -s 3,fbuf,password=x vm`,
      [
        '2:1  password: the password of VNC now stands in the spec [keep the spec private, or put it into a file and say "password_file"]',
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
        '1:1  second-command: another bhyve command; the last one, on line 2, is imported [import this one from a file of its own, or say what it does otherwise as a target]',
      ],
    ],
    [
      'other commands',
      `ifconfig tap0 create\nzfs list\ncp a b\nbhyve ${uefi} vm`,
      [
        '2:1  other-commands: 2 other commands of the script are not carried: zfs on line 2 and cp on line 3 [what each start needs goes into "hooks" of the spec]',
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
      ['1:1  name: vmrun does not take the name "my vm"; the VM is named "my-vm" [choose another name by --name]'],
    ],
    [
      'a loader that has nothing to do',
      `bhyveload -d /d vm\nbhyve ${uefi} vm`,
      ['1:1  loader: bhyveload is not carried: the guest starts from a boot ROM'],
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
        '1:1  config-dump: config.dump is not carried: with it bhyve prints its configuration and ends [use vmrun --dry-run --format config]',
      ],
    ],
    [
      'CPUs that do not fit',
      `bhyve ${uefi} -c 4,cores=2 vm`,
      ['1:1  cpus: bhyve does not start with these numbers of CPUs: cpus=4, cores=2 [look at "cpu" of the spec]'],
    ],
  ])('%s', async (_title, text, notes) => {
    expect((await imported(text)).notes).toEqual(notes);
  });

  test('a bridge that a tap is put into becomes a field of the card', async () => {
    const { spec, notes } = await imported(
      `ifconfig bridge7 addm em0 addm tap3 up\nbhyve ${uefi} -m 1G -s 1,virtio-net,tap3 vm`,
    );
    expect(spec.emulations).toEqual([{ device: 'virtio-net', name: 'tap3', bridge: 'bridge7' }]);
    expect(notes).toEqual([]);
  });
});
