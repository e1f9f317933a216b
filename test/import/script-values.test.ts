import { describe, expect, test } from '@jest/globals';
import { importedOnce, refusals } from './support.js';

const uefi = '-l bootrom,/usr/local/share/uefi-firmware/BHYVE_UEFI.fd -s 0,hostbridge -s 31,lpc -u -H';
const notesOf = async (text: string): Promise<readonly string[]> => (await importedOnce(text)).notes.map(withoutFix);
const withoutFix = (note: string): string => note.replace(/ \[[^\]]*\]$/, '');
const reasons = async (text: string): Promise<readonly string[]> => (await refusals(text)).map(withoutFix);

describe('what a pattern of file names matches is known only when the script runs', () => {
  test.each<[title: string, text: string, pattern: string]>([
    ['in a loop', `for f in /vm/*.img; do x="$x -s 9,virtio-blk,$f"; done\nbhyve ${uefi} $x vm`, '/vm/*.img'],
    ['in set', `set -- /vm/*.raw\nbhyve ${uefi} -s 2,virtio-blk,$1 vm`, '/vm/*.raw'],
    ['in an array', `d=(/vm/[ab])\nbhyve ${uefi} -s 2,virtio-blk,\${d[0]} vm`, '/vm/[ab]'],
    ['in a word', `bhyve ${uefi} -s 2,virtio-blk,/vm/d?.img vm`, '2,virtio-blk,/vm/d?.img'],
    ['with a part that is unknown', `bhyve ${uefi} -s 2,virtio-blk,/vm/$(date).* vm`, '2,virtio-blk,/vm/$(date).*'],
    ['in a variable', `f='/vm/*'\nset -- $f\nbhyve ${uefi} -s 2,virtio-blk,$1 vm`, '/vm/*'],
    ['behind a loop', `for f in /vm/*; do break; done\nbhyve ${uefi} -s 2,virtio-blk,$f vm`, '/vm/*'],
  ])('%s', async (_title, text, pattern) => {
    const line = text.split('\n').length;
    expect(await reasons(text)).toEqual([
      `${line}:1  unknown-word: which files "${pattern}" matches is known only when the script runs`,
    ]);
  });

  test.each<[title: string, text: string]>([
    ['quoted', `bhyve ${uefi} -s 2,virtio-blk,"/vm/d*.img" vm`],
    ['with set -f', `set -f\nbhyve ${uefi} -s 2,virtio-blk,/vm/d*.img vm`],
  ])('but it is not a pattern %s', async (_title, text) => {
    const { spec } = await importedOnce(text);
    expect(spec.emulations).toEqual([{ device: 'virtio-blk', slot: '2', path: '/vm/d*.img' }]);
  });

  test('nor is an address in brackets', async () => {
    const { spec } = await importedOnce(`bhyve ${uefi} -s 2,fbuf,tcp=[::1]:5900 vm`);
    expect(spec.graphic).toMatchObject({ host: '::1' });
  });
});

describe('a value comes to what the shell makes of it', () => {
  test.each<[title: string, commands: string, path: string]>([
    ['IFS and set', 'IFS=,; L=a,b,c; set -- $L; unset IFS; N=$3', 'c'],
    ['IFS for one read', 'IFS=: read a N <<E\nroot:b:c\nE', 'b:c'],
    ['"$*" and IFS', 'IFS=-; set -- a b; N="$*"; unset IFS', 'a-b'],
    ['printf -v', 'printf -v N %s 2', '2'],
    ['keys', 'declare -A m=([web]=2 [b]=3); N=${m[web]}', '2'],
    ['capitals', 'typeset -u N=web', 'WEB'],
    ['small letters', 'declare -l N=WEB', 'web'],
    ['local', 'f() { local x=$(echo q); N=$x; }\nf', 'q'],
    [
      'the arguments of a function',
      'start() { N=$1; }\ncase "$1" in start) start web ;; stop) exit ;; *) exit ;; esac',
      'web',
    ],
  ])('%s', async (_title, commands, path) => {
    const { spec } = await importedOnce(`#!/bin/bash\n${commands}\nbhyve ${uefi} -s 2,virtio-blk,/d/$N.img vm`);
    expect(spec.emulations).toEqual([{ device: 'virtio-blk', slot: '2', path: `/d/${path}.img` }]);
  });

  test.each<[title: string, commands: string, unknown: string]>([
    ['mapfile', 'mapfile -t a < /etc/x; N=${a[0]}', '${a[@]}'],
    ['the arguments of the script', 'N=$*', '$*'],
    ['a name for another variable', 'Q=web; declare -n N=Q', '$N'],
    ['a loop that is too long', 'i=0; while [ $i -lt 100000000 ]; do i=$((i+1)); done; N=$i', '$i'],
  ])('or is unknown: %s', async (_title, commands, unknown) => {
    const text = `#!/bin/bash\n${commands}\nbhyve ${uefi} -s 2,virtio-blk,/d/$N.img vm`;
    expect((await reasons(text))[0]).toContain(`the value of "${unknown}"`);
  });
});

describe('a variable that is not set where bhyve is started', () => {
  test.each<[title: string, commands: string, token: string]>([
    ['within a word', 'find / | while read N; do :; done\nP=/d/x', '2,virtio-blk,/d/.img'],
    ['within another variable', 'find / | while read N; do :; done\nP="/d/$N.img"', '/d/.img'],
  ])('is told %s', async (_title, commands, token) => {
    const word = token.startsWith('2') ? '/d/$N.img' : '$P';
    const notes = await notesOf(`${commands}\nbhyve ${uefi} -s 2,virtio-blk,${word} vm`);
    expect(notes.map((note) => note.replace(/^\d+:1 {2}/, ''))).toContain(
      `unset: $N is not set here, so bhyve is given "${token}"`,
    );
  });

  test('is refused where it leaves an empty word', async () => {
    expect(await reasons(`f() { N=1; }\nbhyve ${uefi} -m "$N" vm`)).toEqual([
      '2:1  unset: $N is not set where bhyve is started, so one of its words is empty',
    ]);
  });
});

describe('a choice that hangs on an answer, or on the host, is told', () => {
  test.each<[title: string, commands: string, notes: readonly string[]]>([
    [
      'an answer that need not be given',
      'read ans\ncase "$ans" in y*) x="-s 6,ahci-cd,/a.iso" ;; esac',
      ['2:1  condition: where $ans matches y*, bhyve is also given -s 6,ahci-cd,/a.iso'],
    ],
    [
      'an argument that is looked at before',
      '[ $# -ne 1 ] && exit 1\nif [ "$1" != install ]; then x=; else x="-s 6,ahci-cd,/i.iso"; fi',
      ['2:1  condition: where $1 is "install", bhyve is also given -s 6,ahci-cd,/i.iso'],
    ],
    [
      'what two conditions come to together',
      '[ -n "$A" ] && a=1\n[ -n "$B" ] && b=1\n[ "$a$b" = 11 ] && x="-s 5,ahci-cd,/i.iso"',
      ['2:1  condition: where $A is given and $B is given, bhyve is also given -s 5,ahci-cd,/i.iso'],
    ],
    [
      'what three conditions come to together',
      '[ -n "$A" ] && a=1\n[ "$B" = y ] && b=1\nif [ -f /c ]; then :; else c=1; fi\n[ "$a$b$c" = 111 ] && x="-s 5,ahci-cd,/i.iso"',
      [
        '4:1  condition: where $A is given and $B is "y" and [ -f /c ] is false, bhyve is also given -s 5,ahci-cd,/i.iso',
      ],
    ],
    [
      'what four conditions within each other come to',
      'case $A in\n1) a=1 ;;\n2) a=2 ;;\nesac\nkldstat -q -m x || b=1\nif [ -z "$b" ]; then :; elif [ "$a" = 2 ]; then\nif [ -n "$C" ]; then c=1; fi; fi\n[ -n "$D" ] && d=1\ncase $c$d in 11)\nx="-s 5,ahci-cd,/i.iso" ;;\nesac',
      [
        '10:1  condition: where $A is "2" and kldstat -q -m x fails and $C is given and $D is given, bhyve is also given -s 5,ahci-cd,/i.iso',
      ],
    ],
    [
      'a second argument behind the first',
      'if [ "$1" = install ]; then\nif [ "$2" = win ]; then x="-s 4,ahci-cd,/v.iso"; fi; fi',
      ['2:1  condition: where $2 is "win", bhyve is also given -s 4,ahci-cd,/v.iso'],
    ],
    [
      'a device that no condition can reach',
      'if false; then\nx="-s 7,ahci-cd,/never.iso"; fi',
      [
        '2:1  never-given: -s 7,ahci-cd,/never.iso stands here, but on no way through the script that was followed is it given to bhyve',
      ],
    ],
    [
      'a text that is run and that nobody knows',
      'x=\neval $(grep -v x /etc/web.rc)',
      [
        '2:1  not-read: what $(grep -v x /etc/web.rc) prints is run here and known only then, so nothing is known of what it sets',
      ],
    ],
  ])('%s', async (_title, commands, notes) => {
    const { spec, notes: told } = await importedOnce(`${commands}\nbhyve ${uefi} $x vm`);
    expect(spec.emulations).toBeUndefined();
    expect(told.map((note) => withoutFix(note).replace(/; the spec .*/, ''))).toEqual(notes);
  });
});

test.each<[title: string, choice: string, bridge: string, other: string]>([
  ['a case', 'case $(hostname) in a) b=bridge0 ;; b) b=bridge1 ;; esac', 'bridge0', '$(hostname) matches b'],
  ['a condition', 'b=bridge1; [ -f /two ] || b=bridge2', 'bridge1', '[ -f /two ] is false'],
])('a bridge that hangs on %s is told', async (_title, choice, bridge, other) => {
  const { spec, notes } = await importedOnce(`${choice}\nifconfig $b addm tap1\nbhyve ${uefi} -s 2,virtio-net,tap1 vm`);
  expect(spec.emulations).toEqual([{ device: 'virtio-net', slot: '2', name: 'tap1', bridge, fix: true }]);
  const another = bridge === 'bridge0' ? 'bridge1' : 'bridge2';
  expect(notes.map(withoutFix)).toContain(
    `1:1  condition: where ${other}, tap1 is put into ${another}; the spec has ${bridge}`,
  );
});

describe('a loop that waits for the host before bhyve is told', () => {
  const waits = '1:1  host: the script waits in this loop before it starts bhyve: not carried over';
  test.each<[title: string, commands: string, notes: readonly string[]]>([
    ['until', 'until ping -c1 nas; do sleep 1; done', [waits]],
    ['while not', 'while ! mount | grep -q nas; do :; done', [waits]],
    ['for a file', 'while [ ! -e /dev/zvol/z/a ]; do echo -n .; done', [waits]],
    ['with a way out', 'while true; do nc -z nas 80 && break; sleep 1; done', [waits]],
    ['a few times', 'for i in 1 2 3; do ping -c1 nas && break; sleep 1; done', [waits]],
    ['counting', 'n=0; while [ $n -lt 9 ]; do ping -c1 nas && break; sleep 1; n=$((n + 1)); done', [waits]],
    ['in a function', 'w() { until nc -z $1 80; do sleep 1; done; }; w nas', [waits]],
    ['but not until the VM is gone', 'while [ -e /dev/vmm/vm ]; do sleep 1; done', []],
    ['nor one that reads lines', 'ls | while read x; do echo $x; done', []],
    ['nor one that looks for a name', 'n=0; while [ -e /tmp/$n ]; do n=$((n + 1)); done', []],
    [
      'or one without an end',
      'while :; do :; done',
      ['1:1  endless-loop: nothing in the script ends this loop, so that what follows it is never run'],
    ],
  ])('%s', async (_title, commands, notes) => {
    expect(await notesOf(`${commands}\nbhyve ${uefi} vm`)).toEqual(notes);
  });

  test('between two boots', async () => {
    const text = `while bhyve ${uefi} vm; do\nuntil ping -c1 nas; do sleep 1; done\nwhile [ -e /dev/vmm/vm ]; do sleep 1; done\ndone`;
    expect(await notesOf(text)).toEqual([
      '2:1  host: the script waits in this loop before it starts bhyve again: not carried over',
    ]);
  });
});

describe('what two conditions change together alone is told', () => {
  const two = '[ -n "$A" ] && a=1\n[ -n "$B" ] && b=1';
  test.each<[title: string, text: string, note: string]>([
    [
      'of a bridge',
      `[ "$a$b" = 11 ] && br=bridge1 || br=bridge0\nifconfig $br addm tap0\nbhyve ${uefi} -s 2,virtio-net,tap0 vm`,
      '2:1  condition: where $A is given and $B is given, tap0 is put into bridge1; the spec has bridge0',
    ],
    [
      'of a file that -k names',
      `echo memory.size=1G > k\n[ "$a$b" = 11 ] && echo cpus=4 >> k\nbhyve ${uefi} -k k vm`,
      '2:1  condition: where $A is given and $B is given, k also has cpus=4; the spec is for every other case',
    ],
    [
      'of the loader',
      `[ "$a$b" = 11 ] && k="-e a=b"\nbhyveload -m 1G -d /d $k vm\nbhyve -m 1G -s 0,hostbridge -s 31,lpc -s 2,virtio-blk,/d vm`,
      '2:1  condition: where $A is given and $B is given, bhyveload is also given -e a=b; the spec is for every other case',
    ],
  ])('%s', async (_title, text, note) => {
    expect(await notesOf(`${two}\n${text}`)).toEqual([note]);
  });
});

test('an option whose value is empty is named', async () => {
  const text = `if [ "$(hostname)" = a ]; then M=1G; fi\nbhyve ${uefi} -m $M vm`;
  expect(await reasons(text)).toEqual(['2:1  unset: $M is empty here, so -m has no value']);
});

test('a function that the script calls is not followed by itself', async () => {
  const text = `start() {\nbhyve ${uefi} -m $2 -s 2,virtio-blk,/vm/$1.img $1\n}\ncase "$1" in start) start web 1G ;; esac`;
  const { spec } = await importedOnce(text);
  expect([spec.name, spec.mem]).toEqual(['web', '1G']);
});

describe('a file that -k names', () => {
  const file = 'cat > /tmp/w.conf <<E\nmemory.size=1G\nE\n';
  test.each<[title: string, commands: string, note: string]>([
    [
      'is told where a line hangs on a condition',
      `${file}if [ "$1" = big ]; then\necho cpus=4 >> /tmp/w.conf; fi`,
      '4:1  condition: where $1 is "big", /tmp/w.conf also has cpus=4; the spec is for every other case',
    ],
    [
      'is told where another program changes it',
      `${file}sed -i '' s/1G/4G/ /tmp/w.conf`,
      '4:1  changed-file: sed changes /tmp/w.conf before bhyve reads it; the spec does not have the change',
    ],
  ])('%s', async (_title, commands, note) => {
    expect(await notesOf(`${commands}\nbhyve ${uefi} -k /tmp/w.conf vm`)).toContain(note);
  });

  test('is read where it is a copy', async () => {
    const { spec } = await importedOnce(`${file}cp /tmp/w.conf /tmp/v.conf\nbhyve ${uefi} -k /tmp/v.conf vm`);
    expect(spec.mem).toBe('1G');
  });
});

test('a comment within a command is named as the cause', async () => {
  expect(await reasons(`bhyve ${uefi} \\\n# -s 9,virtio-blk,/x \\\n -m 1G vm`)).toEqual([
    '2:1  comment-in-command: this comment ends the command, and the next line is another one: a "\\" in a comment continues nothing',
  ]);
});

test.each<[text: string, fix: string]>([
  [`bhyve ${uefi} -m \${1:?usage: start MEMORY} vm`, 'set -- VALUE'],
  [`bhyve ${uefi} -m $2 vm`, 'set -- VALUE1 VALUE2'],
  [`#!/bin/csh\nbhyve ${uefi} -m $argv[1] vm`, 'set argv = (VALUE)'],
])('an argument that a script wants is told with the way to give it: %j', async (text, fix) => {
  expect((await refusals(text)).join('\n')).toContain(
    `[the script needs an argument here: write its value in its place, or put "${fix}" on a line before it]`,
  );
});

test.each(['set -- 1G\n', '#!/bin/csh\nset argv = (1G)\n'])('that way gives it: %j', async (before) => {
  expect((await importedOnce(`${before}bhyve ${uefi} -m $1 vm`)).spec.mem).toBe('1G');
});

test('a command whose words change in each turn of a long loop is told once', async () => {
  const count = 'n=$((n + 1)); '.repeat(3);
  const items = Array.from({ length: 30 }, (_, at) => at).join(' ');
  const text = `n=0\nwhile :; do\nbhyve ${uefi} -m 1G vm\nfor i in ${items}; do ${count}done\ncp /a /a.$n\ndone`;
  expect((await notesOf(text)).filter((note) => note.includes('cp on line'))).toEqual([
    '5:1  other-commands: 1 other command that runs between two boots is not carried over: cp on line 5',
  ]);
});

describe('what of bash is not followed is told, not taken for something else', () => {
  const start = `bhyve ${uefi} -m 1G`;
  test.each<[title: string, text: string, note: string]>([
    [
      'a name for another variable',
      `declare -n d=disk\nd=/x\n${start} vm`,
      '2:1  not-read: d stands for another variable here (-n), which is not followed',
    ],
    [
      'the order of keys',
      `declare -A m=([a]=1 [b]=2)\nfor k in "\${!m[@]}"; do ${start} "vm$k"; done`,
      '3:1  order: the order in which bash goes through the keys of m is known only when the script runs; here it is that of the script',
    ],
  ])('%s', async (_title, text, note) => {
    expect(await notesOf(`#!/bin/bash\n${text}`)).toContain(note);
  });

  test.each<[title: string, text: string, line: number, words: string]>([
    ['a sum in an array', `a=(1 2)\n(( a[1] += 1 ))\n${start} -c \${a[1]} vm`, 4, '${a[1]}'],
    ['a number of another kind', `let "n = 3 .. 4"\n${start} -c $n vm`, 3, '$n'],
    ['printf with %q', `printf -v n %q web\n${start} $n`, 3, '$n'],
    [
      'an expression that costs too much',
      `[[ aaaaaaaaaaaaaaaaaaaaaaaa =~ a*a*a*a*a*(b*) ]]\n${start} \${BASH_REMATCH[1]}`,
      3,
      '${BASH_REMATCH[1]}',
    ],
    ['what the user chooses', `select n in web db; do\n${start} $n\nbreak\ndone`, 3, '$n'],
    ['a change of letters', `v=web\n${start} \${v~~}`, 3, '${v~~}'],
  ])('%s', async (_title, text, line, words) => {
    expect((await reasons(`#!/bin/bash\n${text}`)).join('\n')).toContain(
      `${line}:1  unknown-word: the value of ${JSON.stringify(words)}`,
    );
  });
});
