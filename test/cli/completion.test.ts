import { spawnSync } from 'node:child_process';
import { describe, expect, test } from '@jest/globals';
import { commandWords } from '../../src/cli/command-tree.js';
import { commands } from '../../src/cli/commands.js';
import { complete, type Answer, type Line, type Sources } from '../../src/cli/completion/complete.js';
import { typedWords } from '../../src/cli/completion/line.js';
import { readQuestion } from '../../src/cli/completion/reply.js';

const sources: Sources = {
  commands: (behind) =>
    behind.length > 0 ? [] : Object.entries(commands).map(([word, { summary }]) => ({ word, about: summary })),
  command: (name) => commandWords(commands, name),
  targets: (said) => Promise.resolve([...said].map(([option, value]) => `${option}=${value}`)),
  names: (said) => [`in ${said.get('--run-dir') ?? ''}`],
};

/** What may stand at the `|` of a line. */
const at = (line: string): Promise<Answer> => {
  const [before = '', after = ''] = line.split('|');
  const words = before.split(' ');
  const rest = after.split(' ').slice(1);
  const split: Line = { before: words.slice(0, -1), current: words.at(-1) ?? '', after: rest };
  return complete(split, sources);
};

const wordsOf = (answer: Answer): readonly string[] =>
  answer.kind === 'words' ? answer.candidates.map(({ word }) => word) : [`<${answer.kind}>`];

describe('what may stand there', () => {
  test('first, a command, with what it does', async () => {
    const answer = await at('|');
    expect(answer).toEqual({ kind: 'words', kept: 0, candidates: sources.commands([]) });
  });

  test('after a dash, the options of the main form in both spellings; after two, the long ones', async () => {
    const both = wordsOf(await at('-|'));
    expect(both).toEqual(expect.arrayContaining(['-c', '--config', '--no-reboot', '--help', '-h', '--no-color']));
    const long = wordsOf(await at('-c vm.json --|'));
    expect(long.filter((word) => !word.startsWith('--'))).toEqual([]);
    expect(new Set(long).size).toBe(long.length);
  });

  test.each(Object.keys(commands))('after %s, its own options and no others', async (name) => {
    const { options } = await commandWords(commands, name);
    // The help tells of --no-lock in the line of --lock.
    const own = options.filter(({ hidden, negate }) => !hidden || negate).map(({ long }) => long);
    expect(wordsOf(await at(`${name} --|`))).toEqual([...own, '--help']);
  });

  test.each<[line: string, words: readonly string[]]>([
    ['-c |', ['<files>']],
    ['-qc |', ['<files>']],
    ['check --host |', ['<files>']],
    ['--run-dir |', ['<folders>']],
    ['--format |', ['shell', 'lines', 'json', 'config']],
    ['check --input-format |', ['json', 'yaml', 'ucl']],
    ['import --from |', ['auto', 'bhyve', 'config', 'vm-bhyve', 'iohyve', 'libvirt']],
    ['import a.conf |', ['<files>']],
    ['graph -c vm.json -t |', ['--config=vm.json', '--target=-']],
    ['plan -c vm.json --diff |', ['<files>']],
    ['--reboot-on reboot,halt,|', ['power_off', 'triple_fault', 'error', 'suspend', 'signal']],
    ['--reboot-count |', []],
    // The value of an option is looked for on the whole line, also after the cursor.
    ['-c vm.json -t |', ['--config=vm.json', '--target=-']],
    ['-cvm.json -t |', ['--config=vm.json', '--target=-']],
    ['-qdc vm.json -t |', ['--quiet=', '--dry-run=', '--config=vm.json', '--target=-']],
    ['-t | -c vm.json', ['--target=-', '--config=vm.json']],
    ['--config=a --config b --target=|', ['--config=b', '--target=']],
    ['stop --run-dir /run |', ['in /run']],
    ['stop |', ['in ']],
    ['completion |', ['bash', 'zsh', 'fish', 'tcsh']],
    ['schema |', ['vm', 'host', 'plan', 'comparison', 'check', 'runs', 'start-plan', 'manager']],
    ['init |', ['<files>']],
    ['check |', ['<files>']],
    ['facts a.json |', ['<files>']],
    ['graph vm.json -t |', ['--target=-', '--config=vm.json']],
    ['plan -t | vm.json', ['--target=-', '--config=vm.json']],
    // What follows is for bhyve.
    ['-c vm.json -- -|', []],
    ['-c vm.json -- |', []],
  ])('%s', async (line, words) => {
    expect(wordsOf(await at(line))).toEqual(words);
  });

  test('where no operand is left, options', async () => {
    expect(wordsOf(await at('stop web |'))).toContain('--timeout');
    expect(wordsOf(await at('-c vm.json |'))).toContain('--target');
    expect(wordsOf(await at('stop web w|'))).toEqual([]);
  });

  test('after an option whose value may be left out, options, and its values where one has begun', async () => {
    expect(wordsOf(await at('-c vm.json --simulate |'))).toEqual(expect.arrayContaining(['--target', 'triple_fault']));
    expect(wordsOf(await at('-c vm.json --simulate -|'))).toContain('-t');
    const begun = await at('--simulate=reboot,t|');
    expect([begun.kept, wordsOf(begun)]).toEqual([
      '--simulate=reboot,'.length,
      expect.arrayContaining(['triple_fault']),
    ]);
  });
});

test.each<[line: string, values: readonly string[]]>([
  ['vmrun ', ['vmrun', '']],
  ['vmrun  a', ['vmrun', 'a']],
  [String.raw`a\ b 'c d' "e f`, ['a b', 'c d', 'e f']],
  [String.raw`'it'\''s`, ["it's"]],
  [String.raw`"a\"b\c`, [String.raw`a"b\c`]],
  ["''", ['']],
  ['a\\', ['a\\']],
])('the line %s is the words %j', (line, values) => {
  expect(typedWords(line).map(({ value }) => value)).toEqual(values);
});

describe('bash', () => {
  const breaks = ' \t\n"\'><=;|&(:';
  const names = ['install', "it's", 'a b', 'a:b', 'dollar$x', '*', '!x', 'ä ö', 'new\nline'];
  const reply = (line: string, kept = 0): readonly string[] => {
    const { reply: write } = readQuestion('bash', [breaks, line, '']);
    return write({ kind: 'words', kept, candidates: names.map((word) => ({ word })) })
      .trimEnd()
      .split('\n')
      .slice(1);
  };

  test('a name is quoted as the word is that was begun; one with a line end cannot be told', () => {
    expect(reply('vmrun -t ')).toHaveLength(names.length - 1);
    expect(reply('vmrun -t it')).toEqual([String.raw`it\'s`]);
    expect(reply("vmrun -t 'it")).toEqual([String.raw`it'\''s`]);
    expect(reply('vmrun -t "dol')).toEqual([String.raw`dollar\$x`]);
    expect(reply('vmrun -t "a ')).toEqual(['a b']);
    expect(reply(String.raw`vmrun -t a\ `)).toEqual([String.raw`a\ b`]);
    expect(reply('vmrun -t ä')).toEqual([String.raw`ä\ ö`]);
  });

  test('what readline leaves standing is not said again', () => {
    expect(reply('vmrun --target=in', '--target='.length)).toEqual(['install']);
    expect(reply('vmrun -t a:')).toEqual(['b']);
  });

  test('reads back every name as it is', () => {
    const words = reply('vmrun -t ').join(' ');
    const { stdout } = spawnSync('bash', ['-c', `printf '%s\\n' ${words}`], { encoding: 'utf8' });
    expect(stdout.trimEnd().split('\n')).toEqual(names.slice(0, -1));
  });
});

test.each<[shell: 'zsh' | 'fish' | 'tcsh', words: readonly string[], reply: string]>([
  ['zsh', ['2', 'vmrun', '-t', 'in'], 'words 0\ninstall\tto disk\na b\n'],
  ['fish', ['2', 'vmrun', '-t', "'in"], 'words\ninstall\tto disk\na b\n'],
  ['tcsh', ['vmrun -t in'], 'install\n'],
])('%s gets what it can use', (shell, words, reply) => {
  const { line, reply: write } = readQuestion(shell, words);
  expect(line).toEqual({ before: ['-t'], current: 'in', after: [] });
  const candidates = [{ word: 'install', about: 'to disk' }, { word: 'a b' }];
  expect(write({ kind: 'words', kept: 0, candidates })).toBe(reply);
});
