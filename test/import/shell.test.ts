import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { quoteCommand } from '../../src/base/shell.js';
import { newScript, walk } from '../../src/import/script/explore.js';
import { dialectOf, parse } from '../../src/import/script/dialect.js';
import { parseShell } from '../../src/import/script/parser.js';
import { plainCall } from '../../src/import/script/run.js';
import { replaceSymbols } from '../../src/import/script/symbols.js';
import { runs } from '../support/runs.js';

/** The commands of a call without arguments, in their order; a part that is not known is shown as it is written. */
export function commandsOf(text: string, files: Readonly<Record<string, string>> = {}): readonly (readonly string[])[] {
  const parsed = parse(text, dialectOf(text));
  if (!parsed.ok) throw new Error(parsed.message);
  const script = newScript({
    tree: parsed.tree,
    text,
    readFile: (name) => files[name],
    folder: '/vm',
    name: 'start.sh',
  });
  const { ran } = walk(script, plainCall);
  return ran.map(({ fields }) =>
    fields.map(({ text: word }) => replaceSymbols(word, (symbol) => `?${script.symbols.meaning(symbol).source}`)),
  );
}

describe('a script is read as sh(1) reads it', () => {
  test.each<[title: string, text: string, commands: readonly (readonly string[])[]]>([
    ['words', 'say -c 2\tvm', [['say', '-c', '2', 'vm']]],
    ['quotes', `say 'a b' "c d" e\\ f 'g'"h"`, [['say', 'a b', 'c d', 'e f', 'gh']]],
    ['empty words', `say '' ""`, [['say', '', '']]],
    ['a backslash in double quotes', '"a\\"b\\$c\\d"', [['a"b$c\\d']]],
    ['a continued line', 'say \\\n  -H \\\n vm', [['say', '-H', 'vm']]],
    ['a line that goes on within a word', 'sa\\\ny', [['say']]],
    ['a continued line of a file with CRLF', 'say \\\r\n -H vm\r\n', [['say', '-H', 'vm']]],
    ['comments', '# one\nsay -H # two\n#three', [['say', '-H']]],
    ['no comment within a word', 'say a#b', [['say', 'a#b']]],
    ['several commands', 'a; b & c && d || e | f', [['a'], ['b'], ['c'], ['d']]],
    ['a pipeline', 'a | b |\n c', [['a'], ['b'], ['c']]],
    ['groups', '(a; b)\n{ d; }', [['a'], ['b'], ['d']]],
    ['a function, which runs where it is called', 'run() { a $1; }\nb\nrun c', [['b'], ['a', 'c']]],
    ['a case', 'X=stop\ncase $X in\nstart) a ;;\n(st?p|halt) b ;;\n*) c\nesac', [['b']]],
    ['a condition', 'if [ 1 = 2 ]; then a; elif [ 2 -gt 1 ]; then b; else c; fi', [['b']]],
    ['conditions of bash', '[[ abc == a* && -z "" ]] && a; [[ abc == "a*" ]] || b', [['a'], ['b']]],
    [
      'a loop over words',
      'for i in 1 2; do a $i; done',
      [
        ['a', '1'],
        ['a', '2'],
      ],
    ],
    [
      'a loop that counts',
      'n=0; while [ $n -lt 2 ]; do n=$((n + 1)); a $n; done',
      [
        ['a', '1'],
        ['a', '2'],
      ],
    ],
    [
      'a loop of bash',
      'for ((i=0; i<2; i++)); do a $i; done',
      [
        ['a', '0'],
        ['a', '1'],
      ],
    ],
    ['a loop that is left', 'while true; do a; for i in 1 2; do break 2; done; done; b', [['a'], ['b']]],
    [
      'a loop over the lines of a here-document',
      'while read x y; do a $y; done <<E\n1 2\n3 4 5\nE',
      [
        ['a', '2'],
        ['a', '4', '5'],
      ],
    ],
    ['more loops than there are', 'while true; do a; break 9; done; b', [['a'], ['b']]],
    ['no loop to leave', 'break; a; continue 2; b', [['a'], ['b']]],
    ['the status that leads to else', 'if (exit 7); then a; else say $?; fi', [['say', '7']]],
    ['too much that is shifted away', 'set -- x; a; shift 2; b', [['a']]],
    ['an end of the script', 'a; exit; b', [['a']]],
    ['an error that ends it', 'set -e\nfalse || a\nfalse\nb', [['a']]],
    ['an option that takes its name from the next word', 'set -euo pipefail; say ${1:-none}', [['say', 'none']]],
    ['options by name', 'set -o errexit -o noglob x y; say $1 *; false; a', [['say', 'x', '*']]],
    ['an option that is taken back by name', 'set -e; set +o errexit; false; a', [['a']]],
    [
      'arguments behind options',
      'set -eo pipefail +x -- -f; say $1; set - a b; say $2',
      [
        ['say', '-f'],
        ['say', 'b'],
      ],
    ],
    [
      'lists of zsh',
      '#!/usr/local/bin/zsh\na=(-H "" "x y" -P); say $a "$a" ${a[1]} ${a[-1]}',
      [['say', '-H', 'x y', '-P', '-H  x y -P', '-H', '-P']],
    ],
    [
      'arguments that it sets itself',
      'set -- a b; set -- "$@" c; say $# "$@"; shift 2; say $1',
      [
        ['say', '3', 'a', 'b', 'c'],
        ['say', 'c'],
      ],
    ],
    [
      'a text that is run',
      `x='a b'; eval "say \\$x"; sh -c 'say "$1"' x y`,
      [
        ['say', 'a', 'b'],
        ['say', 'y'],
      ],
    ],
    ['redirections', 'a >out 2>&1 < in b >> x 2>y', [['a', 'b']]],
    ['a number that is a word', 'a 2 >out', [['a', '2']]],
  ])('%s', (_title, text, commands) => {
    expect(commandsOf(text)).toEqual(commands);
  });

  test.each<[title: string, text: string, words: readonly string[]]>([
    ['is replaced', 'A=1\nsay $A ${A} "$A" x${A}y', ['1', '1', '1', 'x1y']],
    ['is not replaced in single quotes', "A=1\nsay '$A'", ['$A']],
    ['is split without quotes', 'A="-H -P"\nsay $A "$A"', ['-H', '-P', '-H -P']],
    ['joins its neighbours where it is split', 'A="b c"\nsay a${A}d', ['ab', 'cd']],
    ['that is empty is not a word', 'A=\nsay $A "$A"', ['']],
    ['of others', 'A=1; B="$A-$A"; say $B', ['1-1']],
    ['that is added to', 'A=1; A="$A 2"; A+=" 3"; say "$A"', ['1 2 3']],
    ['that is exported', 'export A=1 B=2; say $A$B', ['12']],
    ['of one command only is not kept', 'A=1 env; say $A', ['?$A']],
    ['has a default', 'say ${A:-b c} ${A-d} "${A:="e"}"', ['b', 'c', 'd', 'e']],
    ['has a default of another', 'B=1; say ${A:-/vm/$B}', ['/vm/1']],
    ['that was assigned last counts', 'A=1; A=2; say $A', ['2']],
    ['that nobody set is unknown', 'say a$A "${B}c" $1 "$@" $$', ['a?$A', '?${B}c', '?$1', '?$$']],
    ['that a program prints is unknown', 'say $(date) `date` ${A%.x}', ['?$(date)', '?`date`', '?${A%.x}']],
    ['that is worked out', 'n=4; say $((n + 1)) $((n * (2 - 1))) $((n++)) $n', ['5', '4', '4', '5']],
    [
      'of which a part is taken',
      'f=/vm/d.img; b=${f##*/}; say $b ${b%.img} ${f%/*} ${#b} ${f/vm/x}',
      ['d.img', 'd', '/vm', '5', '/x/d.img'],
    ],
    ['that is an array', 'a=(-H "b c"); a+=(d); say "${a[@]}" ${#a[@]} "${a[1]}"', ['-H', 'b c', 'd', '3', 'b c']],
    ['that names the script', 'say "$(basename "$0" .sh)" $(dirname "$0") ${0##*/}', ['start', '/vm', 'start.sh']],
    ['that is read from another file', '. ./c.sh; say $C', ['d']],
    ['that a function keeps for itself', 'f() { local A=2; B=$A; }; A=1; f; say $A $B', ['1', '2']],
    ['that a subshell keeps for itself', 'A=1; (A=2); B=$(A=3; echo $A); say $A $B', ['1', '3']],
    ['of csh', 'set NAME = web\nsay $NAME', ['web']],
    ['of something unknown is unknown', 'A="/vm/$1"; say $A', ['/vm/?$1']],
    ['sign alone is a sign', 'say $ a$', ['$', 'a$']],
  ])('a variable %s', (_title, text, words) => {
    expect(commandsOf(text, { './c.sh': 'C=d\n' }).at(-1)?.slice(1)).toEqual(words);
  });

  test.each<[title: string, text: string, line: number, message: string]>([
    ['a quote without an end', "a\nb 'c", 2, 'a single quote has no end'],
    ['a double quote without one', 'a "b\n\n', 1, 'a double quote has no end'],
    ['a backquote without one', '\nsay `date', 2, 'a backquote has no end'],
    ['a backquote that the next one closes', 'a\nb=`c\n\nd=`e`\nf', 2, 'a backquote has no end'],
    ['a backquote behind some that end', 'a=`b`\nc=`d\ne=`f` g=`h`\ni=`j`', 2, 'a backquote has no end'],
    ['a double quote that the next one closes', 'a="b\n"\nc "d\n\ne="f" g="h"', 3, 'a double quote has no end'],
    ['an apostrophe', "a 'b'\necho don't\nc 'd'", 2, 'a single quote has no end'],
    ['a quote behind one of several lines', "a 'b\n\nc'\nd\ne 'f", 5, 'a single quote has no end'],
    ['a brace without one', 'say ${A', 1, '"{" has no end'],
    ['a here-document without one', 'cat <<X\nabc\n', 1, 'the here-document "X" has no end'],
  ])('%s is told with its line', (_title, text, line, message) => {
    expect(parseShell(text)).toEqual({ ok: false, line, message });
  });

  test('every word survives its quoting', () => {
    const word = fc
      .array(fc.constantFrom('a', ' ', "'", '"', '\\', '$', '`', '\n', '#', ';', '<', '~', '%', 'é'))
      .map((chars) => chars.join(''));
    fc.assert(
      fc.property(fc.array(word, { minLength: 1 }), (words) => {
        expect(commandsOf(quoteCommand(['say', ...words]))).toEqual([['say', ...words]]);
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
          const script = parseShell(text);
          if (script.ok) expect(() => commandsOf(text)).not.toThrow();
          else expect(script.line).toBeLessThanOrEqual(text.split('\n').length);
        },
      ),
      { numRuns: runs(2000) },
    );
  });
});
