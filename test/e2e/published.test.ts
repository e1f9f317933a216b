import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { commands } from '../../src/cli/commands.js';
import { askVmrun } from './support/ask.js';
import { inPlace } from './support/place.js';

const published = (name: string): string =>
  readFileSync(fileURLToPath(new URL(`../../schemas/${name}`, import.meta.url)), 'utf8');

test.each<[words: readonly string[], file: string]>([
  [['schema'], 'vm.schema.json'],
  [['schema', 'vm'], 'vm.schema.json'],
  [['schema', 'host'], 'host.schema.json'],
  [['schema', 'plan'], 'plan.schema.json'],
  [['schema', 'comparison'], 'comparison.schema.json'],
  [['schema', 'check'], 'check.schema.json'],
  [['schema', 'runs'], 'runs.schema.json'],
])('vmrun %j prints the published file', (words, file) =>
  inPlace(async (place) => {
    const { status, stdout, stderr } = await askVmrun(place, words);
    expect([status, stderr]).toEqual([0, '']);
    expect(stdout).toBe(published(file));
  }),
);

test.each<[words: readonly string[], said: string]>([
  [['schema', 'disk'], "error: operand 'disk' is invalid. Allowed choices are vm, host, plan, comparison, check, runs"],
  [['completion', 'ksh'], 'Allowed choices are bash, zsh, fish, tcsh'],
  [['completion'], "missing required argument 'shell'"],
  [['completion', 'bash', 'zsh'], 'one shell is enough'],
  [['help', 'nothing'], 'nothing is no command; vmrun help lists them'],
  [['help', 'chek'], 'chek is no command; did you mean vmrun check?'],
  [['help', 'why'], 'why is no command; where each argument comes from is told by: vmrun plan FILE --explain'],
])('vmrun %j is refused: %s', (words, said) =>
  inPlace(async (place) => {
    const { status, stdout, stderr } = await askVmrun(place, words);
    expect([status, stdout]).toEqual([64, '']);
    expect(stderr).toContain(said);
    expect(stderr).toContain(`Try vmrun ${words[0] ?? ''} --help.`);
  }),
);

test('vmrun help lists the commands with what they do, vmrun help COMMAND is its --help', () =>
  inPlace(async (place) => {
    const { stdout } = await askVmrun(place, ['help']);
    for (const [name, { summary }] of Object.entries(commands)) expect(stdout).toMatch(lineOf(name, summary));
    expect(stdout.split('\n').filter((line) => line.length > 80)).toEqual([]);
    const [byHelp, byOption] = await Promise.all([
      askVmrun(place, ['help', 'check']),
      askVmrun(place, ['check', '--help']),
    ]);
    expect(byHelp.stdout).toBe(byOption.stdout);
    expect(byHelp.stdout).toContain('--all-targets');
  }));

const lineOf = (name: string, summary: string): RegExp =>
  new RegExp(`^  ${name} +${summary.replaceAll(/[.*+?^${}()|[\]\\]/g, String.raw`\$&`)}$`, 'm');
