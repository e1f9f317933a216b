import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { hasSymbol } from '../../src/import/script/symbols.js';
import { runs } from '../support/runs.js';
import { followed, realShell, startsOf, type RealShell } from './oracle.js';

/** FreeBSD's csh is tcsh. */
const tcsh = ['/bin/tcsh', '/usr/bin/tcsh', '/bin/csh'].find(existsSync);

let shell: RealShell;
beforeAll(() => {
  shell = realShell();
});
afterAll(() => {
  shell.remove();
});

const real = (text: string, statuses?: readonly number[]): ReturnType<typeof startsOf> =>
  shell.started(text, [tcsh ?? '', '-f'], statuses);

const each = (text: string): string => `#!/bin/csh -f\n${text}\n`;

const rows: readonly (readonly [string, string])[] = [
  ['lists', 'set a = (x "y z" w)\nbhyve $a[1] "$a[2]" $#a $a[2-] "$a" p$a $a[*]'],
  ['a value with blanks', `set a = 'p  q'\nbhyve $a "$a" $a:q "$a[1]"`],
  ['an empty value', 'set a\nset b = ()\nbhyve x$a "$a" $b "$b" $#a $#b'],
  ['several in one line', 'set a = 1 b=2 c = (3 4) d\nset a[1] = 9\nbhyve $a $b $c $#d'],
  [
    'changes of a name',
    'set f = /vm/web.img.gz\nset p = (/a/b.c /d/e.f)\nbhyve $f:h $f:t $f:r $f:e $f:t:r $p:t $p:gt "$p[2]:r"',
  ],
  ['numbers', '@ n = 2 + 3 * 4 - (10 - 4 - 3)\n@ n++\n@ n += 5\n@ m=$n % 7\n@ k = ($n > 3) + 1\nbhyve $n $m $k'],
  ['a number in a list', 'set a = (1 2 3)\n@ a[2] = $a[2] + 5\n@ a[3]--\nbhyve $a'],
  [
    'if and else',
    'set a = 5\nif ($a == 4) then\nbhyve four\nelse if ($a > 4 && "$a" != 6) then\nbhyve more\nelse\nbhyve less\nendif',
  ],
  [
    'a condition of one line',
    'set a = ""\nif ($a == "") bhyve empty\nif ("$a" != "") bhyve no\nif (0) bhyve a; bhyve b',
  ],
  [
    'conditions',
    'set a = abc\nif ($a =~ a*c) bhyve 1\nif ($a !~ [b-z]*) bhyve 2\nif (! ($a == abc)) bhyve 3\nif ($?a && ! $?nosuch) bhyve 4\nif ("$a" == "a*") bhyve 5\nif ($#a) bhyve 6',
  ],
  [
    'statuses',
    'false\nbhyve $status\nif ({ false }) bhyve no\nif (! { false }) bhyve yes\ntrue && bhyve and || bhyve or\nfalse || bhyve or',
  ],
  [
    'foreach',
    'set a = (p "q r")\nforeach i ($a x y)\nif ($i == x) continue\nbhyve $i\nif ($i == y) break\nend\nbhyve $i',
  ],
  ['while', 'set n = 0\nwhile ($n < 5)\n@ n++\nif ($n == 2) continue\nif ($n == 4) break\nbhyve $n\nend'],
  [
    'switch',
    'foreach i (abc z q w)\nswitch ($i)\ncase a*:\nbhyve A\ncase z:\nbhyve Z\nif ($i == z) breaksw\nbhyve Y\nbreaksw\ncase "q":\ncase [w]:\nbhyve Q\ncontinue\ndefault:\nbhyve D\nendsw\nbhyve after\nend',
  ],
  [
    'what is printed',
    "set a = `echo one two`\nset b = (`printf 'x y\\nz\\n'`)\nbhyve $a $#b $b \"`printf 'x y\\nz\\n'`\" a`echo q r`b",
  ],
  [
    'here-documents',
    "set a = (1 2)\ncat > f.conf << E\n$a[2] \\$a `echo w`\nE\ncat >> f.conf << 'E'\n$a\n'E'\nbhyve \"`cat f.conf`\"",
  ],
  [
    'arguments',
    'set argv = (l "m n" o)\nbhyve $1 "$2" $#argv $argv[2-] "$argv[3]" $*\nshift\nbhyve $argv:q $#\nset x = (1 2 3)\nshift x\nbhyve $x',
  ],
  ['quotes', `bhyve a\\ b 'it''s' "dq"'sq' "a'b" 'c"d' "\\a" \\$x '$x' "a"\\b`],
  ['repeat and alias', 'alias vm "bhyve -A"\nvm x\nrepeat 3 bhyve r\nalias two bhyve a b\ntwo c; unalias two'],
  ['a subshell', 'set a = 1\n(set a = 2; bhyve $a)\nbhyve $a; eval "set a = 3"\nbhyve $a'],
  ['an end', 'set a = 3\nif ($a == 3) then\nbhyve x\nexit (1)\nendif\nbhyve y'],
  ['braces', 'bhyve d{1,2}.img x{a,b} "{a,b}"'],
  ['a text of sh', `sh -c 'x=1; bhyve "$x"'\necho a 2> f.conf\nbhyve \`cat f.conf\``],
  [
    'redirections',
    'echo q > f.conf\necho r >> f.conf\necho s >! g.conf\ncat f.conf >& /dev/null\nbhyve `cat f.conf g.conf`\nbhyve `cat f.conf` |& cat',
  ],
  ['comments', '# bhyve no\nbhyve a#b # c\n  # d\nif (1) then # e\nbhyve x \\\n  y\nendif # f'],
];

const name = fc.constantFrom('a', 'b', 'c');
const literal = fc.constantFrom('x', 'web.img', '/vm/d.img', '-s 3,lpc', 'p q', '', '7', 'x/y/z.tar.gz');
const quoted = literal.map((text) => `'${text}'`);
const expansion = fc.oneof(
  name.map((each) => `$${each}`),
  name.map((each) => `\${${each}}`),
  name.map((each) => `$#${each}`),
  fc
    .tuple(name, fc.constantFrom(':h', ':t', ':r', ':e', ':gt', ':t:r', '[1]', '[1-]', '[*]'))
    .map(([each, change]) => `$${each}${change}`),
  fc.constantFrom('`echo b`', '`echo $a x`', '$n', '$status', '$?a', '$?z', '$#argv', '$argv[1-]', '$1', '$*'),
);
const word = fc
  .array(
    fc.oneof(
      quoted,
      expansion,
      expansion.map((each) => `"${each}"`),
      fc.constantFrom('k', '\\ ', '"v w"', '{u,v}'),
    ),
    { minLength: 1, maxLength: 2 },
  )
  .map((parts) => parts.join(''));
const words = fc.array(word, { maxLength: 3 }).map((all) => all.join(' '));
const sum = fc.constantFrom(
  '1 + 2 * 3',
  '(4 - 1) % 2',
  '$n + 1',
  '(7 / 2 > 2)',
  '$n * 2 - 1',
  '! $n',
  '-3 + $#a',
  '10 - 4 - 3',
);
const question = fc.oneof(
  fc
    .tuple(expansion, fc.constantFrom('==', '!='), quoted)
    .map((parts) => parts.map((part, at) => (at === 0 ? `"${part}"` : part)).join(' ')),
  fc
    .tuple(expansion, fc.constantFrom('=~', '!~'), fc.constantFrom('x', '*.img', '[0-9]', '/vm/*', '*'))
    .map(([left, operator, right]) => `"${left}" ${operator} ${right}`),
  fc
    .tuple(
      fc.constantFrom('$n', '$#a', '($n + 1)'),
      fc.constantFrom('<', '>', '<=', '>=', '=='),
      fc.constantFrom('0', '1', '2'),
    )
    .map((parts) => parts.join(' ')),
  fc.constantFrom(
    '{ true }',
    '! { true }',
    '$?a && $?nosuch',
    '$n',
    '! ($n > 1)',
    '1 || 0',
    '"$a" == "$b"',
    '{ bhyve asked }',
  ),
);
const simple = fc.oneof(
  { weight: 3, arbitrary: words.map((all) => `bhyve ${all}`) },
  fc.tuple(name, quoted).map(([each, value]) => `set ${each} = ${value}`),
  fc.tuple(name, word).map(([each, value]) => `set ${each} = "`.concat(value.replaceAll(/["'`]/g, ''), '"')),
  fc.tuple(name, words).map(([each, all]) => `set ${each} = (${all})`),
  sum.map((each) => `@ n = ${each}`),
  words.map((all) => `set argv = (${all})`),
  fc.constantFrom(
    '@ n++',
    '@ n += 2',
    'false',
    'set a',
    'unset z',
    'set z',
    'set b = `echo r s`',
    'eval "set c = (1 2)"',
    '(set a = q; bhyve $a)',
  ),
  fc.constantFrom('echo q > f.conf', 'echo $a[1] >> f.conf', 'bhyve `cat f.conf`', 'bhyve "`cat f.conf`"'),
);
const command = fc.oneof(
  { weight: 3, arbitrary: simple },
  fc.tuple(question, simple, simple).map(([asked, yes, no]) => `if (${asked}) then\n${yes}\nelse\n${no}\nendif`),
  fc
    .tuple(question, question, simple, simple)
    .map(([asked, other, yes, no]) => `if (${asked}) then\n${yes}\nelse if (${other}) then\n${no}\nendif`),
  fc
    .tuple(
      question,
      simple.filter((each) => !each.startsWith('(')),
    )
    .map(([asked, yes]) => `if (${asked}) ${yes}`),
  fc
    .tuple(words, simple, fc.constantFrom('', 'if ("$c" == x) break', 'if ("$c" == k) continue'))
    .map(([items, body, end]) => `foreach c (${items})\n${end}\n${body}\nend`),
  fc
    .tuple(
      expansion,
      fc.constantFrom('x', '*.img', '[0-9]', '/vm/*', '"p q"'),
      fc.constantFrom('breaksw', '', 'if ($n > 1) breaksw'),
      simple,
      simple,
    )
    .map(
      ([subject, pattern, end, body, rest]) =>
        `switch ("${subject}")\ncase ${pattern}:\n${body}\n${end}\ncase 7:\nbhyve seven\nbreaksw\ndefault:\n${rest}\nendsw`,
    ),
  simple.map((body) => `set n = 0\nwhile ($n < 2)\n@ n++\nset keep = $n\n${body}\nset n = $keep\nend`),
  fc
    .tuple(
      fc.constantFrom('true', 'false', 'bhyve first'),
      fc.constantFrom('&&', '||'),
      simple.filter((each) => !each.startsWith('(')),
    )
    .map((parts) => parts.join(' ')),
);
const script = fc
  .array(command, { minLength: 1, maxLength: 6 })
  .map(
    (commands) =>
      `set a = x; set b = (y 'z w'); set c = 7; set n = 0; set argv = (l m)\necho s > f.conf\n${commands.join('\n')}\n`,
  );

(tcsh === undefined ? describe.skip : describe)('what csh(1) alone has', () => {
  test.each(rows)('%s: bhyve gets what csh would give it', (_name, text) => {
    const starts = startsOf(followed(each(text)));
    expect(starts.length).toBeGreaterThan(0);
    expect(starts).toEqual(real(each(text)));
  });

  const lengths: number[] = [];

  test('a script of random commands starts bhyve as csh would', () => {
    fc.assert(
      fc.property(script, (text) => {
        const read = startsOf(followed(each(text)));
        const starts = real(each(text));
        // An error ends a script of csh: what the importer follows behind it is none of its starts.
        expect(read.slice(0, starts.length)).toEqual(starts);
        if (!read.flat().some(hasSymbol)) lengths.push(read.length - starts.length);
      }),
      { numRuns: runs(150) },
    );
    // Most scripts come to their end without an error.
    expect(lengths.filter((more) => more === 0).length).toBeGreaterThan(lengths.length / 2);
  });
});
