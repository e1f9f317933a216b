import { CommanderError } from 'commander';
import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { mainOptions } from '../../src/cli/main-options.js';
import type { CliOptions } from '../../src/cli/options.js';
import { commands } from '../../src/cli/commands.js';
import { makeProgram } from '../../src/cli/program.js';
import { readPlainWords } from '../../src/cli/read-words.js';
import { runs } from '../support/runs.js';

interface Read {
  readonly options: CliOptions | undefined;
  readonly complaint: string;
  readonly help: string;
}

/** As vmrun reads it: plain words without commander, which reads all of them alike. */
function read(...words: readonly string[]): Read {
  let complaint = '';
  let help = '';
  const output = { writeOut: (text: string) => (help += text), writeErr: (text: string) => (complaint += text) };
  try {
    const options = makeProgram('1.2.3', output, Object.keys(commands))(words);
    const plain = readPlainWords(words);
    if (plain !== undefined) expect(plain).toEqual(options);
    return { options, complaint, help };
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    expect(readPlainWords(words)).toBeUndefined();
    return { options: undefined, complaint, help };
  }
}

test('a spec alone is a run with everything at its default', () => {
  expect(read('-c', 'vm.json').options).toEqual({
    config: 'vm.json',
    dryRun: false,
    format: 'shell',
    debug: false,
    reboot: true,
    force: false,
    adopt: false,
    recover: false,
    panicOnFailedCleanup: false,
    requirementCheck: true,
    strict: false,
    quiet: false,
    verbose: false,
    simulate: undefined,
    bhyveArguments: [],
  });
});

describe('the command line of the original is read as it was', () => {
  test.each<[words: string, options: Partial<CliOptions>]>([
    ['-c vm.json', { config: 'vm.json' }],
    ['--config=vm.json', { config: 'vm.json' }],
    ['-c -', { config: '-' }],
    ['-c-', { config: '-' }],
    ['-t install -c vm.json', { target: 'install' }],
    ['-c vm.json --target install', { target: 'install' }],
    ['-c vm.json --no-reboot', { reboot: false }],
    ['-c vm.json -f', { force: true }],
    ['-c vm.json --force', { force: true }],
    ['-c vm.json --recover', { recover: true, force: false }],
    ['-c vm.json -d', { dryRun: true }],
    ['-c vm.json --dry-run', { dryRun: true }],
    ['-c vm.json --reboot-count 3', { rebootCount: 3 }],
    ['-c vm.json --reboot-count 0', { rebootCount: 0 }],
    ['-c vm.json --reboot-on 0', { rebootOn: ['reboot'] }],
    ['-c vm.json --reboot-on 0,1', { rebootOn: ['reboot', 'power_off'] }],
    ['-c vm.json --reboot-on 0,1,2,3,4', { rebootOn: ['reboot', 'power_off', 'halt', 'triple_fault', 'error'] }],
    ['-c vm.json -p a -P b', { pidFile: 'a', supervisorPidFile: 'b' }],
    ['-c vm.json --panic-on-failed-cleanup', { panicOnFailedCleanup: true }],
    ['-c vm.json --strict', { strict: true }],
    ['-c vm.json --no-requirement-check', { requirementCheck: false }],
    ['-c vm.json --debug', { debug: true }],
    ['-c vm.json -- -w -o a=b', { bhyveArguments: ['-w', '-o', 'a=b'] }],
    ['-c vm.json --', { bhyveArguments: [] }],
  ])('%s', (words, options) => {
    expect(read(...words.split(' ')).options).toMatchObject(options);
  });
});

describe('and more', () => {
  test.each<[words: string, options: Partial<CliOptions>]>([
    ['-c vm.json --reboot-on reboot,halt', { rebootOn: ['reboot', 'halt'] }],
    ['-c vm.json --reboot-on suspend,signal', { rebootOn: ['suspend', 'signal'] }],
    ['-c vm.json --adopt', { adopt: true, force: false }],
    ['-c vm.json --log l --console-log c', { log: 'l', consoleLog: 'c' }],
    ['-c vm.json --reboot-on reboot --reboot-on halt', { rebootOn: ['halt'] }],
    ['-c vm.json --simulate', { simulate: '' }],
    ['--simulate -c vm.json', { simulate: '', config: 'vm.json' }],
    ['-c vm.json --simulate=run:1s,halt', { simulate: 'run:1s,halt' }],
    ['-c vm.json --simulate -- -w', { simulate: '', bhyveArguments: ['-w'] }],
    ['-c vm.json --format json', { format: 'json' }],
    ['-c vm.json --input-format yaml', { inputFormat: 'yaml' }],
    ['-c - --input-format ucl', { config: '-', inputFormat: 'ucl' }],
    [
      '-c vm.json --bhyve /opt/bhyve --run-dir /tmp/x --events -',
      { bhyve: '/opt/bhyve', runDir: '/tmp/x', events: '-' },
    ],
    ['-c vm.json --color', { color: true }],
    ['-c vm.json --no-color', { color: false }],
    ['-c vm.json --color --no-color', { color: false }],
    ['-qc vm.json', { quiet: true, config: 'vm.json' }],
    ['-dvc vm.json', { dryRun: true, verbose: true, config: 'vm.json' }],
  ])('%s', (words, options) => {
    expect(read(...words.split(' ')).options).toMatchObject(options);
  });
});

test.each<[words: string, complaint: string]>([
  ['', '-c, --config <file>'],
  ['-c vm.json --no-such', 'unknown option'],
  ['--verison', "unknown option '--verison'\n(Did you mean --version?)"],
  ['--hlep', '(Did you mean --help?)'],
  ['--dryrun -t install', '(Did you mean --dry-run?)'],
  ['-t install', "required option '-c, --config <file>' not specified"],
  ['-c vm.json operand', 'unexpected operand; a target is chosen with -t: -t operand'],
  ['-c vm.json install more', 'too many arguments: unexpected install; a target is chosen with -t: -t install'],
  ['-c vm.json other.yaml', 'unexpected other.yaml; a spec is given with -c'],
  ['install -c vm.json', 'a target is chosen with -t: vmrun -c FILE -t install'],
  ['chek -c vm.json', 'chek is no command; did you mean vmrun check?'],
  ['vm.json', 'vm.json is no command; a spec is given with -c: vmrun -c vm.json'],
  ['banana', 'banana is no command; vmrun help lists them'],
  ['start web', 'start is no command; a VM is run with: vmrun -c FILE'],
  ['list', 'list is no command; vmrun ps lists the VMs that run here'],
  ['top', 'vmrun ps lists the VMs'],
  ['destroy web', 'a VM is ended by force with: vmrun stop NAME --now'],
  ['attach web', 'the console of a VM is reached by: vmrun console NAME'],
  ['-c web.json -c db.json', 'give one spec, found -c web.json and -c db.json'],
  ['-c vm.json --reboot-count 1.5', 'whole number'],
  ['-c vm.json --reboot-count 9999999999', 'whole number'],
  ['-c vm.json --reboot-on 0,9', 'exit statuses 0 to 4'],
  ['-c vm.json --reboot-on 5', 'exit statuses 0 to 4'],
  ['-c vm.json --format yaml', 'shell, lines, json, config'],
  ['-c vm.json -q -v', 'exclude one another'],
  ['-c vm.json --adopt -f', 'exclude one another'],
])('%s is refused in words', (words, complaint) => {
  const parsed = read(...words.split(' ').filter((word) => word !== ''));
  expect(parsed.options).toBeUndefined();
  expect(parsed.complaint).toContain(complaint);
});

describe('words are read without commander', () => {
  const values = ['vm.json', '-', '', '3', '-3', 'reboot,halt', 'json', 'service', 'shell', 'a=b', '--x', '-c'];
  const words = mainOptions.flatMap(({ flags }) => flags.split(/,? /).filter((word) => word.startsWith('-')));
  const word = fc.oneof(
    fc.constantFrom(...words),
    fc.constantFrom(...values),
    fc.constantFrom('--', '-h', '-dq', '-cvm.json', '--no-such', '--simulat'),
    fc
      .tuple(fc.constantFrom(...words), fc.constantFrom('=', ''), fc.constantFrom(...values))
      .map((all) => all.join('')),
  );

  test('as commander reads them, or not at all', () => {
    let plain = 0;
    fc.assert(
      fc.property(fc.boolean(), fc.array(word, { maxLength: 4 }), (hasSpec, some) => {
        const all = hasSpec ? ['-c', 'vm.json', ...some] : some;
        if (readPlainWords(all) !== undefined) plain += 1;
        read(...all); // compares them
      }),
      { numRuns: runs(2000), seed: 7 },
    );
    expect(plain).toBeGreaterThan(runs(200));
  });

  const valueOf = (flags: string, choice: string): readonly string[] => (/[>\]]$/.test(flags) ? [choice] : []);
  test.each(mainOptions)('$flags', ({ flags, choices: [choice = '3'] = [] }) => {
    for (const name of flags.split(/,? /).filter((each) => each.startsWith('-'))) {
      const spec = flags.startsWith('-c') ? [] : ['-c', 'vm.json'];
      expect(readPlainWords([...spec, name, ...valueOf(flags, choice)])).toBeDefined();
    }
  });
});

test('the help fits a screen', () => {
  const { help } = read('--help');
  const lines = help.trimEnd().split('\n');
  expect(lines.length).toBeLessThanOrEqual(50);
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
  expect(help).toContain('--no-color');
});
