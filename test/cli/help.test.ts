import { expect, test } from '@jest/globals';
import { commandWords, helpNotes } from '../../src/cli/command-tree.js';
import { commands } from '../../src/cli/commands.js';

const names = Object.keys(commands);

/** The whole help of a command, as it is printed. */
async function help(name?: string): Promise<string> {
  const command = await commandWords(commands, name);
  const notes = helpNotes(command);
  return command.helpInformation() + notes;
}

const behind = Object.entries(commands).flatMap(([name, { commands: own = {} }]) =>
  Object.keys(own).map((word) => `${name} ${word}`),
);

test.each([undefined, ...names, ...behind])('the help of %s fits a screen, and has examples', async (name) => {
  const lines = (await help(name)).trimEnd().split('\n');
  expect(lines.length).toBeLessThanOrEqual(50);
  expect(lines.filter((line) => line.length > 80)).toEqual([]);
  expect(lines.filter((line) => /^Examples?:$/.test(line))).toHaveLength(1);
  const examples = lines.slice(lines.findIndex((line) => /^Examples?:$/.test(line)) + 1);
  expect(examples.some((line) => line.includes(`vmrun ${name ?? '-c'}`))).toBe(true);
});

test('the help of vmrun names every command', async () => {
  const [, listed = ''] = /\nCommands .*:\n((?: {2}.*\n)+)/.exec(await help()) ?? [];
  expect(listed.trim().split(/,\s+/)).toEqual([...names].sort());
});

test.each(Object.entries(commands))('the summary of %s fits beside its name', (name, { summary }) => {
  expect(`  ${name.padEnd(12)}${summary}`.length).toBeLessThanOrEqual(80);
  expect(summary).toMatch(/^[a-z].*[^.]$/);
});
