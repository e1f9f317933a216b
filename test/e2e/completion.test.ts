import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import { quoteCommand } from '../../src/base/shell.js';
import { shells, type Shell } from '../../src/cli/completion/reply.js';
import { askVmrun } from './support/ask.js';
import { inPlace, vmrunCommand, type Place } from './support/place.js';
import { hasScript, openTerminal, type Terminal } from './support/terminal.js';
import { patienceMs } from '../support/patience.js';

/** What is typed, with a TAB at its end, and the words that the program then gets; where a shell cannot, it is named. */
type Row = readonly [typed: string, got: readonly string[], except?: readonly Shell[]];

const groups: readonly (readonly [what: string, rows: readonly Row[]])[] = [
  [
    'commands, options and files',
    [
      ['che', ['check']],
      ['help comp', ['help', 'completion']],
      ['--dry', ['--dry-run']],
      ['check --all', ['check', '--all-targets']],
      ['-c vm.js', ['-c', 'vm.json']],
      ['-c my', ['-c', 'my vm.json']],
      ['--config=my', ['--config=my vm.json']],
      ['--run-dir run/fol', ['--run-dir', 'run/folder']],
    ],
  ],
  [
    'targets of the spec on the line',
    [
      ['-c vm.json -t inst', ['-c', 'vm.json', '-t', 'install']],
      ['-cvm.json --target inst', ['-cvm.json', '--target', 'install']],
      ['-c vm.json --target=inst', ['-c', 'vm.json', '--target=install']],
      // Some shells tell only what is before the cursor.
      [
        `-t inst -c vm.json${'\u0002'.repeat(' -c vm.json'.length)}`,
        ['-t', 'install', '-c', 'vm.json'],
        ['fish', 'tcsh'],
      ],
      ['-c vm.json -t a:', ['-c', 'vm.json', '-t', 'a:b']],
      ['-c vm.json -t a', ['-c', 'vm.json', '-t', 'a:b']],
      ['-c vm.json -t it', ['-c', 'vm.json', '-t', "it's"]],
      ['-c vm.json -t dol', ['-c', 'vm.json', '-t', 'dollar$x']],
    ],
  ],
  [
    'what has a blank in it',
    [
      // tcsh has nothing but blanks to tell words by: it takes the quotes away before it asks.
      ['check -c "my vm.json" -t oth', ['check', '-c', 'my vm.json', '-t', 'other'], ['tcsh']],
      ['-c vm.json -t ho', ['-c', 'vm.json', '-t', 'home office'], ['tcsh']],
      ['-c vm.json -t home\\ o', ['-c', 'vm.json', '-t', 'home office'], ['tcsh']],
      ['-c vm.json -t "home o', ['-c', 'vm.json', '-t', 'home office'], ['tcsh']],
      ["-c vm.json -t 'home o", ['-c', 'vm.json', '-t', 'home office'], ['tcsh']],
      ['-c "my v', ['-c', 'my vm.json']],
    ],
  ],
  [
    'choices, lists and names of VMs',
    [
      ['--format js', ['--format', 'json']],
      ['--input-format=y', ['--input-format=yaml']],
      ['--reboot-on reboot,hal', ['--reboot-on', 'reboot,halt']],
      ['--simulate=reboot,trip', ['--simulate=reboot,triple_fault']],
      ['stop --run-dir run we', ['stop', '--run-dir', 'run', 'web']],
    ],
  ],
];

/** A shell whose start-up file takes the script as the help says, and whose prompt counts: `ready 1> `. */
const starts: Readonly<Record<Shell, (place: Place) => readonly string[]>> = {
  bash: ({ write }) => {
    write('rc', 'PS1="ready \\\\#> "; eval "$(vmrun completion bash)"\n');
    return ['bash --noprofile --rcfile rc -i'];
  },
  zsh: ({ write }) => {
    write('.zshrc', 'PS1="ready %!> "; autoload -U compinit; compinit -D -u; source <(vmrun completion zsh)\n');
    return ['export ZDOTDIR="$PWD"', 'zsh -d -i'];
  },
  fish: ({ write }) => {
    const prompt = 'set -g n 0; function fish_prompt; set -g n (math $n + 1); echo "ready $n> "; end';
    write('rc', `${prompt}; function fish_greeting; end; vmrun completion fish | source\n`);
    return ['fish --no-config --private -i -C "source rc"'];
  },
  tcsh: ({ write }) => {
    write('.tcshrc', "set prompt='ready %h> '; vmrun completion tcsh > .vmrun.tcsh; source .vmrun.tcsh\n");
    return ['tcsh -i'];
  },
};

/** vmrun as it is installed, but it prints the words it gets instead of doing what they say. */
function install(place: Place): void {
  const targets = { install: {}, 'a:b': {}, "it's": {}, dollar$x: {}, 'home office': {} };
  place.spec({ targets });
  place.spec({ targets: { other: {} } }, 'my vm.json');
  mkdirSync(place.path('run', 'web'), { recursive: true });
  mkdirSync(place.path('run', 'folder'));
  mkdirSync(place.path('bin'));
  place.script(
    'bin/vmrun',
    `test "$1" = completion && exec ${quoteCommand(vmrunCommand)} "$@"`,
    'for word in "$@"; do printf "<%s>" "$word"; done',
    'echo',
  );
}

const open = (place: Place, shell: Shell): Terminal =>
  openTerminal(place, 'export HOME="$PWD" PATH="$PWD/bin:$PATH" LC_ALL=C.UTF-8', ...starts[shell](place));

describe.each(shells)('%s', (shell) => {
  const isThere =
    hasScript && spawnSync(shell, ['-c', 'exit 0'], { stdio: 'ignore', timeout: patienceMs }).status === 0;
  const inShell = isThere ? test : test.skip;
  const about = isThere ? '' : ` (skipped: no ${hasScript ? shell : 'script'} here)`;

  describe.each(groups)(`completes %s${about}`, (_what, rows) => {
    inShell('as it is typed', () =>
      inPlace(async (place) => {
        install(place);
        const terminal = open(place, shell);
        const wanted = rows.filter(([, , except = []]) => !except.includes(shell));
        for (const [index, [typed]] of wanted.entries()) {
          await terminal.shows(`ready ${index + 1}> `);
          terminal.type(`vmrun ${typed}\t\r`);
        }
        await terminal.shows(`ready ${wanted.length + 1}> `);
        terminal.type('exit\r');
        const shown = await terminal.ended;
        // zsh takes back the slash of a folder that nothing follows.
        const told = [...shown.matchAll(/^(<.*>)\r?$/gm)].map(([, line = '']) => line.replace('/>', '>'));
        expect(told).toEqual(wanted.map(([, words]) => words.map((word) => `<${word}>`).join('')));
      }),
    );
  });
});

describe('what cannot be looked up is not told', () => {
  test.each<[what: string, spec: string]>([
    ['a spec that is not there', 'no-such.json'],
    ['a folder', 'folder'],
    ['half a spec', 'half.json'],
    ['an empty one', 'empty.yaml'],
    ['a pipe that nobody writes', 'pipe'],
    ['standard input', '-'],
  ])('%s', (_what, spec) =>
    inPlace(async (place) => {
      mkdirSync(place.path('folder'));
      place.write('half.json', '{ "name": ');
      place.write('empty.yaml', '');
      execFileSync('mkfifo', [place.path('pipe')]);
      for (const shell of shells) {
        const line = shell === 'bash' ? ['', `vmrun -c ${spec} -t `, ''] : [`vmrun -c ${spec} -t `];
        const words = shell === 'bash' || shell === 'tcsh' ? line : ['4', 'vmrun', '-c', spec, '-t', ''];
        const ended = await askVmrun(place, ['completion', shell, '--answer', '--', ...words]);
        expect([ended.status, ended.stderr, ended.stdout.replace(/^words( 0)?\n$/, '')]).toEqual([0, '', '']);
      }
    }),
  );

  test('but a spec with mistakes has its targets', () =>
    inPlace(async (place) => {
      place.write('vm.yaml', 'nmae: web\ntargets: { install: { cpu: none } }\n');
      const words = ['completion', 'tcsh', '--answer', '--', 'vmrun -c vm.yaml -t '];
      const { stdout, stderr } = await askVmrun(place, words);
      expect([stdout, stderr]).toEqual(['default\ninstall\n', '']);
    }));

  test.each(shells)('words for %s that it never says', (shell) =>
    inPlace(async (place) => {
      for (const words of [[], ['-1', ''], ['99', 'vmrun'], ['', '"', '\\']]) {
        const { status, stderr } = await askVmrun(place, ['completion', shell, '--answer', '--', ...words]);
        expect([words, status, stderr]).toEqual([words, 0, '']);
      }
    }),
  );
});
