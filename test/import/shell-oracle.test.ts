import { rmSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { hasSymbol } from '../../src/import/script/symbols.js';
import { runs } from '../support/runs.js';
import { followed, realShell, startsOf, type RealShell } from './oracle.js';

/** What the importer finds that bhyve is started with, start after start. */
const found = (text: string, options = '-f', statusAt?: (count: number) => number | undefined): Starts =>
  startsOf(followed(options === '' ? text : `set ${options}\n${text}`, statusAt));

type Starts = ReturnType<typeof startsOf>;

const name = fc.constantFrom('a', 'b', 'c');
const literal = fc.constantFrom('x', 'web.img', '/vm/d.img', '-s 3,lpc', 'p q', '', '7', 'a*c', 'x/y/z.tar.gz');
const quoted = literal.map((text) => `'${text}'`);
const plainName = name.map((each) => `\${${each}}`);
const changed = fc
  .tuple(
    name,
    fc.constantFrom(':-d', '-d', ':+y', '+y', '#*/', '##*/', '%.*', '%%.*', '%/*', ':=e', '#x', '%"z"', '#[a-x]', '#?'),
  )
  .map(([each, change]) => `\${${each}${change}}`);
const length = name.map((each) => `\${#${each}}`);
const sum = fc.constantFrom('$((1 + 2 * 3))', '$(( (4 - 1) % 2 ))', '$((n = n + 1))', '$((7 / 2 > 2))', '$((n))');
const output = fc.constantFrom('$(echo "$a" x)', '$(printf "%s-%03d" v 7)', '`echo b`', '$(basename -- "$b" .img)');
const expansion = fc.oneof(plainName, changed, length, sum, output);
const word = fc
  .array(
    fc.oneof(
      quoted,
      expansion,
      expansion.map((each) => `"${each}"`),
      fc.constantFrom('k', '\\ ', '"v w"'),
    ),
    {
      minLength: 1,
      maxLength: 3,
    },
  )
  .map((parts) => parts.join(''));
const words = fc.array(word, { maxLength: 3 }).map((each) => each.join(' '));
const assignment = fc.tuple(name, word).map(([each, value]) => `${each}=${value}`);
const start = words.map((each) => `bhyve ${each}`);
const test3 = fc
  .tuple(expansion, fc.constantFrom('=', '!='), quoted)
  .map(([left, operator, right]) => `[ "${left}" ${operator} ${right} ]`);
const simple = fc.oneof(
  assignment,
  start,
  words.map((each) => `set -- ${each}`),
  fc.constant('bhyve "$@" $#'),
  fc.constant('set -- $a; bhyve $# "$*" $*'),
  fc.constantFrom('IFS=,', "IFS=': '", 'IFS=', 'unset IFS', "IFS=' '"),
  fc
    .tuple(fc.constantFrom('x,y,,z', ' x , y', 'a:b c:', ',x', 'p', ''), name)
    .map(([text, each]) => `${each}='${text}'`),
  fc
    .constantFrom('x:y z', ':x::y:', ' x  y z ', 'p')
    .map((text) => `IFS=: read a b <<E\n${text}\nE\nread -r b c <<E\n${text}\nE\n:`),
  fc.tuple(word, fc.constantFrom('>', '>>')).map(([text, to]) => `echo ${text} ${to} f.conf; bhyve "$(cat f.conf)"`),
  fc.constant('rm -f f.conf; echo q >> f.conf; cp f.conf g.conf; bhyve "$(cat g.conf)"'),
);
const command = fc.oneof(
  { weight: 4, arbitrary: simple },
  fc.tuple(test3, simple, simple).map(([condition, yes, no]) => `if ${condition}; then ${yes}; else ${no}; fi`),
  fc.tuple(test3, simple).map(([condition, yes]) => `${condition} && ${yes} || a=no`),
  fc.tuple(words, simple).map(([items, body]) => `for c in ${items}; do ${body}; done`),
  fc
    .tuple(expansion, fc.constantFrom('x', '*.img', '[0-9]', '/vm/*', '*'), simple)
    .map(([subject, pattern, body]) => `case ${subject} in ${pattern}) ${body} ;; *) b=other ;; esac`),
  fc.tuple(simple, words).map(([body, given]) => `f() { ${body}; }; f ${given}`),
  simple.map((body) => `(${body}; a=inner)`),
  simple.map((body) => `n=0; while [ $n -lt 2 ]; do n=$((n + 1)); ${body}; done`),
  words.map((given) => `eval "bhyve ${given.replaceAll(/["\\$`]/g, '\\$&')}"`),
);
const script = fc
  .array(command, { minLength: 1, maxLength: 6 })
  .map((commands) => `echo s > f.conf; a= b= c= n=0\n${commands.join('\n')}\n:\n`);

/** Words that the shell makes file names of, where there are such files. */
const patterns = fc.constantFrom('*', '*.img', 'd?.img', '[d]1.img', '"*"', '\\*', '"$c"*', '$c', 'x*/y', '[::1]:5');
const matching = fc
  .array(
    fc.oneof(
      command,
      patterns.map((each) => `bhyve ${each}`),
      patterns.map((each) => `set -- ${each}; bhyve "$@"`),
      patterns.map((each) => `for a in ${each}; do bhyve -s "3,$a"; done`),
      patterns.map((each) => `a=${each}; bhyve "$a" $a`),
      fc.constantFrom("c='*.img'", 'set -f', 'set +f'),
    ),
    { minLength: 1, maxLength: 5 },
  )
  .map((commands) => `echo s > f.conf; a= b= c= n=0\n${commands.join('\n')}\n:\n`);

let shell: RealShell;
beforeAll(() => {
  shell = realShell();
});
afterAll(() => {
  shell.remove();
});

test('bhyve gets from a script what sh(1) would give it', () => {
  fc.assert(
    fc.property(script, (text) => {
      expect(found(text)).toEqual(shell.started(text));
    }),
    { numRuns: runs(120) },
  );
});

test.each([
  ['an empty folder', []],
  ['a folder with files', ['d1.img', 'd2.img', 'x']],
])('what a pattern of file names matches is unknown, or what sh(1) finds in %s', (_title, names) => {
  for (const each of ['d1.img', 'd2.img', 'x']) rmSync(path.join(shell.folder, each), { force: true });
  for (const each of names) writeFileSync(path.join(shell.folder, each), '');
  fc.assert(
    fc.property(matching, (text) => {
      const read = found(text, '');
      if (read.flat().some(hasSymbol)) return;
      expect(read).toEqual(shell.started(text, ['/bin/sh']));
    }),
    { numRuns: runs(80) },
  );
});

/** Loops around bhyve, with all that a script may ask of its exit status. */
const asked = fc.constantFrom(
  '[ $? -eq 0 ] || break',
  '[ $? -gt 2 ] && break',
  'rc=$?; if [ $rc -ne 0 ]; then exit $rc; fi',
  'rc=$?; case $rc in 0|3) continue ;; 1) break ;; *) a="$a$rc" ;; esac',
  'n=$((n + 1)); [ $n -lt 4 ] || exit',
  'test $? = 5 || a=x$a',
  'n=$((n + $?)); if [ "$n" -gt 6 ]; then break 2; fi',
  'if [ $# -gt 0 ]; then shift; fi; [ $# -gt 0 ] || break',
  'c=$(cat f.conf); [ ${#c} -gt 5 ] && break; echo "$c+" > f.conf',
  ':',
);
const looped = fc.constantFrom(
  'while bhyve "$a" $n; do BODY; done',
  'until bhyve "$a" $n; do BODY; done',
  'while ! bhyve "$a" $n; do BODY; done',
  'while :; do bhyve "$a" $n; BODY; done',
  'for i in 1 2 3; do bhyve "$i" "$a"; BODY; done',
  'for i in $(seq 2); do bhyve $i && continue; BODY; done',
  'go() { bhyve "$a" $n; }\nwhile go || [ $? -eq 3 ]; do BODY; done',
  'for k in x y; do while bhyve $k || [ $? -gt 3 ]; do BODY; done; done',
  'set -- p q r; while [ $# -gt 0 ]; do bhyve "$@"; BODY; shift; done',
  'while true; do sh -c "exec bhyve $n"; BODY; done',
  'while :; do bhyve "$a" & wait $!; BODY; done',
  'alias vm="bhyve $n"\nwhile vm; do BODY; done',
  'while bhyve "$a" | cat; do BODY; done',
  'if bhyve a; then bhyve b; elif [ $? -eq 1 ]; then bhyve c; else BODY; fi',
);
const loops = fc
  .array(fc.tuple(looped, asked), { minLength: 1, maxLength: 2 })
  .map((all) => all.map(([form, body]) => form.replace('BODY', () => body)).join('\n'))
  .map((text) => `echo s > f.conf; a= n=0\n${text}\n:\n`);

/** With the next one the script is ended, and its walk. */
const mostBoots = 12;

test('a loop starts bhyve as often as sh(1) would, whatever it ends with', () => {
  const status = fc.constantFrom(0, 1, 2, 3, 4, 5, 134);
  fc.assert(
    fc.property(loops, fc.array(status, { minLength: mostBoots, maxLength: mostBoots }), (text, statuses) => {
      const real = shell.started(text, ['/bin/sh', '-f'], statuses);
      const read = found(text, '-f', (count) => statuses[count]);
      expect(read).toEqual(real);
    }),
    { numRuns: runs(250) },
  );
});
