import { greatest } from '../../base/long-lists.js';
import { commandHint } from '../command-hint.js';
import { commandWords } from '../command-tree.js';
import { fitted } from '../command-line.js';
import { defineCommand } from '../define-command.js';
import { exitCodes } from '../exit-codes.js';
import { asText } from '../paint.js';
import type { Commands } from '../subcommand.js';
import { usualWidth } from '../wrap.js';

const notes = `
Examples:
  vmrun help
  vmrun help check   the same as vmrun check --help`;

/** `vmrun help`: the commands with what they do, or the help of one of them. */
export const helpCommand = defineCommand({
  name: 'help',
  description: 'Lists the commands, or prints the help of one.',
  usage: '[COMMAND]',
  notes,
  hasColours: false,
  declare: (command) => command.argument('[command]'),
  run: async ({ context, operands: [name], commands, refuse }) => {
    if (name !== undefined && !Object.hasOwn(commands, name))
      refuse(`${name} is no command; ${commandHint(name, Object.keys(commands))}`);
    const width = context.columns?.(1) ?? usualWidth;
    const write = fitted(
      (text) => {
        context.out(asText(text));
      },
      () => width,
    );
    if (name === undefined) write(summaries(commands));
    else (await commandWords(commands, name, () => width)).configureOutput({ writeOut: write }).outputHelp();
    return exitCodes.ok;
  },
});

/** A line for each command, in the order of the alphabet. */
function summaries(commands: Commands): string {
  const names = Object.keys(commands).sort();
  const width = greatest(names.map((name) => name.length));
  return [
    'vmrun -c FILE runs a VM; vmrun --help has the options. The other commands:',
    ...names.map((name) => `  ${name.padEnd(width)}  ${commands[name]?.summary ?? ''}`),
    'vmrun COMMAND --help says more of each.',
    '',
  ].join('\n');
}
