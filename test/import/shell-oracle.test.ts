import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterAll, beforeAll, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { newScript, walk } from '../../src/import/script/explore.js';
import { parseShell } from '../../src/import/script/parser.js';
import { plainCall } from '../../src/import/script/run.js';

/** What the importer finds that bhyve is started with, start after start. */
function found(text: string): readonly (readonly string[])[] {
  const parsed = parseShell(text);
  if (!parsed.ok) throw new Error(parsed.message);
  const script = newScript({
    tree: parsed.tree,
    text,
    readFile: () => undefined,
    folder: '/vm',
    name: 'start.sh',
  });
  const { started } = walk(script, plainCall, () => 0);
  return started.map(({ fields }) => fields.map((field) => field.text));
}

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
  .map((commands) => `a= b= c= n=0\n${commands.join('\n')}\n`);

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'vmrun-shell-'));
  writeFileSync(path.join(folder, 'bhyve'), '#!/bin/sh\nprintf "%s\\036" "$@"\nprintf "\\035"\n', { mode: 0o755 });
});
afterAll(() => {
  rmSync(folder, { recursive: true });
});

/** What a real shell starts bhyve with, which is a stub here. */
function started(text: string): readonly (readonly string[])[] {
  const file = path.join(folder, 'start.sh');
  writeFileSync(file, text);
  const env = { PATH: `${folder}:/usr/bin:/bin` };
  const printed = execFileSync('/bin/sh', ['-f', file], {
    env,
    cwd: folder,
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  const starts = printed.toString().split('\x1d').slice(0, -1);
  return starts.map((each) => each.split('\x1e').slice(0, -1));
}

test('bhyve gets from a script what sh(1) would give it', () => {
  fc.assert(
    fc.property(script, (text) => {
      // The stub prints an empty word where there is none.
      const real = started(text);
      const read = found(text).map((argv) => (argv.length === 0 ? [''] : argv));
      expect(read).toEqual(real);
    }),
    { numRuns: 120 },
  );
});
