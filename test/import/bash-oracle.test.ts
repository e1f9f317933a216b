import { existsSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from '@jest/globals';
import { followed, realShell, startsOf, type RealShell } from './oracle.js';

const bash = ['/bin/bash', '/usr/bin/bash', '/usr/local/bin/bash'].find(existsSync);

let shell: RealShell;
beforeAll(() => {
  shell = realShell();
});
afterAll(() => {
  shell.remove();
});

const rows: readonly (readonly [string, string])[] = [
  ['keys', 'declare -A m=([web]=2G ["db x"]=4G)\nn=web\nbhyve "${m[$n]}" ${m[web]} "${m["db x"]}" ${#m[@]}'],
  [
    'keys that are set one by one',
    'declare -A m\nm[a]=1\nm[b c]=2\nk=a\nm[$k]+=x\nbhyve "${m[a]}" "${m[b c]}" "${m[none]-d}" ${#m[@]}',
  ],
  [
    'all values of keys',
    'declare -A m=([a]=1)\nbhyve "${m[@]}" "${!m[@]}"\nfor k in "${!m[@]}"; do bhyve "$k=${m[$k]}"; done\nunset "m[a]"; bhyve ${#m[@]}',
  ],
  [
    'places of an array',
    'a=(x "y z" w)\na[5]=q\nbhyve "${a[@]}" "${!a[@]}" ${#a[@]} "${a[-1]}" "${a[1]}"\nunset "a[0]"; bhyve "${a[@]}"',
  ],
  [
    'a part of an array',
    'a=(x "y z" w v)\nbhyve "${a[@]:1:2}" "${a[@]:2}" "${a[@]: -1}" "${a[*]:0:2}"\nset -- p q r\nbhyve "${@:2}" "${@:1:1}" "${*:2:1}"',
  ],
  ['changes of an array', 'a=(x.img y.img)\nbhyve "${a[@]%.img}" "${a[@]/#//vm/}" "${a[@]^^}" "${a[*]}"'],
  ['an array with places', 'a=([2]=c [0]=a)\nbhyve "${a[@]}" "${a[2]}"'],
  [
    'lines of a text',
    'mapfile -t a <<< "x y\nz"\nbhyve "${a[@]}" ${#a[@]}\nreadarray -t b < <(printf "p\\nq r\\n")\nbhyve "${b[1]}"',
  ],
  ['words of a text', 'read -r a b <<< "x y z"\nbhyve "$a" "$b"\nIFS=, read -ra c <<< "1,2,3"\nbhyve "${c[@]}"\n'],
  [
    'regular expressions',
    'v=web-12.img\n[[ $v =~ ^([a-z]+)-([0-9]+) ]] && bhyve "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}" "${BASH_REMATCH[0]}"\n[[ $v =~ ^db ]] || bhyve no\nr="^w.*g$"\n[[ $v =~ $r ]] && bhyve yes',
  ],
  [
    'conditions',
    'a=5 b=abc e=\n[[ $b == a* && $a -gt 3 ]] && bhyve 1\n[[ -z $e || $b == x ]] && bhyve 2\n[[ ! $b == a* ]] || bhyve 3\n[[ $b = "a*" ]] || bhyve 4\n[[ $b < abd ]] && bhyve 5\n[[ -v b && ! -v nosuch ]] && bhyve 6\n[[ ( $a == 5 ) && $b != z* ]] && bhyve 7',
  ],
  [
    'arithmetic',
    'n=3\n((n++)); ((n += 2)); bhyve $n $((n ** 2)) $((n > 5 ? 1 : 2))\n(( n == 6 )) && bhyve six\nif (( n < 3 || n == 6 )); then bhyve yes; fi\nfor ((i = 0, j = 2; i < 2; i++, j--)); do bhyve $i $j; done\na=(1 2)\nbhyve $((16#ff)) $((2 ** 3 ** 2)) $((0x10 | 1))\nlet n=n*2 m=1; bhyve $n $m',
  ],
  ['printf -v', 'printf -v x "%s-%02d" web 7\nbhyve "$x"\na=()\nprintf -v "a[0]" x; bhyve "${a[0]}"'],
  ['letters', 'v=webVm\nbhyve "${v^^}" "${v,,}" "${v^}" "${v,}" "${v^^[a-e]}"'],
  [
    'replacements',
    'v=a-b-a\nbhyve "${v//a/x}" "${v/a/x}" "${v/#a/x}" "${v/%a/x}" "${v//-}" "${v/-*}" "${v:2:1}" "${v: -1}" "${v::-2}"',
  ],
  [
    'functions',
    'function f { local x=1 y; x=2; y=$1; bhyve $x $y; return 3; }\nx=9\nf q\nbhyve $? $x\nfunction g() { local -r z="$*"; bhyve "$z" $#; }\ng a "b c"\nh() { local a=(1 2); bhyve "${a[@]}"; }; a=z; h; bhyve $a',
  ],
  [
    'substituted processes',
    'bhyve "$(cat <(echo a b))"\nwhile read -r l; do bhyve "$l"; done < <(echo x; echo y)\nbhyve end',
  ],
  ['names', 'x=y; y=z\nbhyve "${!x}"'],
  [
    'defaults of an array',
    'a=()\nbhyve "${a[@]}" "${a[@]:-d}" "${a[0]:-e}" ${#a[@]}\nb=("${a[@]}" x)\nbhyve "${b[@]}"',
  ],
  ['quotes', `bhyve $'a\\tb\\x41' $"dq" "a\\"b" 'c'\\''d' {1..3} x{a,b}{c,d} {a..c} {01..03} "{a,b}" {a`],
  ['a case that goes on', 'case ab in a*) bhyve 1 ;;& *b) bhyve 2 ;& z) bhyve 3 ;; *) bhyve 4 ;; esac'],
  [
    'declarations',
    'declare -i n=2+3\nn+=4\nbhyve $n\ndeclare -u u=web\nu=abc\nbhyve $u\ndeclare -a l=(1 2)\nreadonly R=5\nexport E=6\nbhyve $R $E "${l[@]}"\ndeclare x=1 y=2; bhyve $x $y',
  ],
  ['a list of pipes', 'printf "a\\nb\\n" | while read -r x; do bhyve "$x"; done'],
  ['here-strings', 'bhyve "$(cat <<< "x y")"\ncat <<< "z" > f.conf\nbhyve "$(< f.conf)"'],
  [
    'groups',
    '{ bhyve a; bhyve b; } && bhyve c\nif ! false; then bhyve d; fi\ntime bhyve e\n! true || bhyve f\ncoproc_x=1; bhyve $coproc_x',
  ],
  [
    'set and shopt',
    'set -euo pipefail\nshopt -s nullglob\nbhyve a\nfalse || bhyve b\nset +e\nfalse\nbhyve c\nset -o errexit\nfalse\nbhyve no',
  ],
  [
    'seconds and lines',
    'a=(1 2 3)\nfor i in "${!a[@]}"; do bhyve $i ${a[i]} ${a[$i]} ${a[i-0]}; done\nbhyve "${a[${#a[@]}-1]}" "${a[@]:0:${#a[@]}-1}"',
  ],
  [
    'arguments that are set',
    'args=(-c 2)\nargs+=(-m 1G)\nargs+=("-s" "3,x y")\nbhyve "${args[@]}" vm\ncmd=(bhyve "${args[@]}")\n"${cmd[@]}"\nset -- "${args[@]:2}"\nbhyve "$@"',
  ],
];

(bash === undefined ? describe.skip : describe)('what bash(1) alone has', () => {
  test.each(rows)('%s: bhyve gets what bash would give it', (_name, body) => {
    const text = `#!/bin/bash\n${body}\n`;
    const starts = startsOf(followed(text));
    expect(starts.length).toBeGreaterThan(0);
    expect(starts).toEqual(shell.started(text, [bash ?? '']));
  });
});
