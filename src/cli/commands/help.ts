import { commandHint } from '../command-hint.js';
import { commandWords } from '../command-tree.js';
import { fitted } from '../command-line.js';
import { defineCommand, summaryLines } from '../define-command.js';
import { exitCodes } from '../exit-codes.js';
import { asText } from '../paint.js';
import { findCommand, type Commands, type FoundCommand } from '../subcommand.js';
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
  declare: (command) => command.argument('[command...]'),
  run: async ({ context, operands: [words], commands, refuse }) => {
    const found = findCommand(words, commands);
    const name = found?.path.join(' ');
    const [other] = words.slice(found?.path.length);
    if (other !== undefined) refuse(`${words.join(' ')} is no command; ${hintFor(other, found, commands)}`);
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

/** What was meant by a word that stands where a command should, in front or behind another. */
const hintFor = (word: string, found: FoundCommand | undefined, commands: Commands): string =>
  found === undefined ? commandHint(word, Object.keys(commands)) : `try ${['vmrun', ...found.path].join(' ')} --help`;

/** A line for each command, in the order of the alphabet. */
function summaries(commands: Commands): string {
  return [
    'vmrun -c FILE runs a VM; vmrun --help has the options. The other commands:',
    ...summaryLines(commands),
    'vmrun COMMAND --help says more of each.',
    '',
  ].join('\n');
}
