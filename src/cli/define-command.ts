import type { Command, CommandUnknownOpts, OptionValues } from '@commander-js/extra-typings';
import { greatest } from '../base/long-lists.js';
import { nearestName } from '../base/nearest-name.js';
import { listWords } from '../base/text.js';
import { coloursFor, type Colours } from './colours.js';
import { makeCommand } from './command-line.js';
import type { Context } from './context.js';
import { findCommand, type Commands, type MakeSubcommand } from './subcommand.js';

/** A command line that was read. */
export interface Call<Args extends unknown[], Opts extends OptionValues> {
  readonly context: Context;
  /** As the definition declares them. */
  readonly operands: Args;
  readonly options: Opts;
  /** Colours for what is written to a descriptor; default: standard error. */
  readonly colours: (descriptor?: 1 | 2) => Colours;
  /** Refuses the command line, with the advice to read the help. @param why without `error:` */
  readonly refuse: (why: string) => never;
  readonly command: CommandUnknownOpts;
  /** All of them, for those that tell of the others. */
  readonly commands: Commands;
}

interface Definition<Args extends unknown[], Opts extends OptionValues> {
  /** As it is typed behind `vmrun`; of one behind another, all the words: `serve user add`. */
  readonly name: string;
  readonly description: string;
  /** What is typed behind the name. */
  readonly usage: string;
  /** What stands below the options in the help: notes, then examples. */
  readonly notes: string;
  /** Default: it has the options for colours. */
  readonly hasColours?: false;
  /** Its operands and options, in the order of the help. */
  readonly declare: (command: Command) => Command<Args, Opts>;
  /** @returns the exit code */
  readonly run: (call: Call<Args, Opts>) => number | Promise<number>;
}

/** A command beside the main form: what all of them share, around what is its own. */
export const defineCommand =
  <Args extends unknown[], Opts extends OptionValues>(definition: Definition<Args, Opts>): MakeSubcommand =>
  (context, output, commands) => {
    const { name, description, usage, notes, hasColours = true, declare, run } = definition;
    let color: boolean | undefined;
    const command = declare(makeCommand(`vmrun ${name}`, output).description(description).usage(usage));
    if (hasColours) {
      command.option('--color', 'colours, also without a terminal').option('--no-color', 'no colours');
      command.on('option:color', () => (color = true)).on('option:no-color', () => (color = false));
    }
    command.addHelpText('after', behind(name, commands) + notes);
    return {
      run: async (words) => {
        const [first = '-'] = words;
        // Commander would only count them.
        if (hasBehind(name, commands) && command.registeredArguments.length === 0 && !first.startsWith('-'))
          command.error(`error: ${noneBehind(first, name, commands)}`);
        command.parse([...words], { from: 'user' });
        return run({
          context,
          operands: command.processedArgs,
          options: command.opts(),
          colours: (descriptor) => coloursFor(context, color, descriptor),
          refuse: (why) => command.error(`error: ${why}`),
          command,
          commands,
        });
      },
      color: () => color,
    };
  };

/** A command that does nothing by itself, and has others behind it. */
export const defineGroup = ({
  name,
  description,
  notes,
}: Pick<Definition<[], OptionValues>, 'name' | 'description' | 'notes'>) =>
  defineCommand({
    name,
    description,
    usage: 'COMMAND',
    notes,
    hasColours: false,
    declare: (command) => command.allowExcessArguments().argument('[word]'),
    run: ({ operands: [word], commands, refuse }) => {
      if (word !== undefined) return refuse(noneBehind(word, name, commands));
      return refuse(`a command is missing: ${listWords(namesBehind(name, commands), 'or')}`);
    },
  });

const namesBehind = (name: string, commands: Commands): readonly string[] =>
  Object.keys(findCommand(name.split(' '), commands)?.entry.commands ?? {});

const hasBehind = (name: string, commands: Commands): boolean => namesBehind(name, commands).length > 0;

/** Why a word behind a command is none of those that are typed there. */
function noneBehind(word: string, name: string, commands: Commands): string {
  const names = namesBehind(name, commands);
  const near = nearestName(word, names);
  const meant = near === undefined ? `it is ${listWords(names, 'or')}` : `did you mean vmrun ${name} ${near}?`;
  return `${word} is no command of vmrun ${name}; ${meant}`;
}

/** Those that are typed behind a command, as its help has them. */
function behind(name: string, commands: Commands): string {
  const own = findCommand(name.split(' '), commands)?.entry.commands;
  return own === undefined ? '' : `\nCommands:\n${summaryLines(own).join('\n')}\n`;
}

/** A line for each command, in the order of the alphabet. */
export function summaryLines(commands: Commands): readonly string[] {
  const names = Object.keys(commands).sort();
  const width = greatest(names.map((name) => name.length));
  return names.map((name) => `  ${name.padEnd(width)}  ${commands[name]?.summary ?? ''}`);
}
