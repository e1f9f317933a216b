import { CommanderError } from 'commander';
import { describe, expect, test } from '@jest/globals';
import type { CliOptions } from '../../src/cli/options.js';
import { makeProgram } from '../../src/cli/program.js';

interface Read {
  readonly options: CliOptions | undefined;
  readonly complaint: string;
  readonly help: string;
}

async function read(...words: readonly string[]): Promise<Read> {
  let options: CliOptions | undefined;
  let complaint = '';
  let help = '';
  const output = { writeOut: (text: string) => (help += text), writeErr: (text: string) => (complaint += text) };
  const parse = makeProgram('1.2.3', output, (parsed) => {
    options = parsed;
    return Promise.resolve();
  });
  await parse(words).catch((error: unknown) => {
    if (!(error instanceof CommanderError)) throw error;
  });
  return { options, complaint, help };
}

test('a spec alone is a run with everything at its default', async () => {
  expect((await read('-c', 'vm.json')).options).toEqual({
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
    ['-c vm.json --no-requirement-check', { requirementCheck: false }],
    ['-c vm.json --debug', { debug: true }],
    ['-c vm.json -- -w -o a=b', { bhyveArguments: ['-w', '-o', 'a=b'] }],
    ['-c vm.json --', { bhyveArguments: [] }],
  ])('%s', async (words, options) => {
    expect((await read(...words.split(' '))).options).toMatchObject(options);
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
  ])('%s', async (words, options) => {
    expect((await read(...words.split(' '))).options).toMatchObject(options);
  });
});

test.each<[words: string, complaint: string]>([
  ['', '-c, --config <file>'],
  ['-c vm.json --no-such', 'unknown option'],
  ['-c vm.json operand', 'unexpected operand'],
  ['chek -c vm.json', 'chek is no command; did you mean vmrun check?'],
  ['vm.json', 'vm.json is no command; a spec is given with -c: vmrun -c vm.json'],
  ['banana', 'banana is no command; vmrun help lists them'],
  ['-c vm.json --reboot-count 1.5', 'whole number'],
  ['-c vm.json --reboot-count 9999999999', 'whole number'],
  ['-c vm.json --reboot-on 0,9', 'exit statuses 0 to 4'],
  ['-c vm.json --reboot-on 5', 'exit statuses 0 to 4'],
  ['-c vm.json --format yaml', 'shell, lines, json, config'],
  ['-c vm.json -q -v', 'exclude one another'],
  ['-c vm.json --adopt -f', 'exclude one another'],
])('%s is refused in words', async (words, complaint) => {
  const parsed = await read(...words.split(' ').filter((word) => word !== ''));
  expect(parsed.options).toBeUndefined();
  expect(parsed.complaint).toContain(complaint);
});

test('the help fits a screen', async () => {
  const { help } = await read('--help');
  const lines = help.trimEnd().split('\n');
  expect(lines.length).toBeLessThanOrEqual(50);
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
  expect(help).toContain('--no-color');
});
