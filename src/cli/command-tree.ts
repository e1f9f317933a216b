import type { CommandUnknownOpts } from '@commander-js/extra-typings';
import type { Context } from './context.js';
import { makeProgram } from './program.js';
import { findCommand, type Commands } from './subcommand.js';

/**
 * The words of a command as commander knows them, for what walks them: completion, help and manual pages. Nothing of
 * it is run.
 * @param name of one of the commands, `serve user` for one behind another; absent: the main form
 * @param width columns that its help may take
 */
export async function commandWords(
  commands: Commands,
  name?: string,
  width?: () => number,
): Promise<CommandUnknownOpts> {
  let made: CommandUnknownOpts | undefined;
  const output = {
    ...silent,
    width,
    onMade: (command: CommandUnknownOpts) => {
      made ??= command;
    },
  };
  if (name === undefined) makeProgram('', output, Object.keys(commands));
  else (await findCommand(name.split(' '), commands)?.entry.load())?.(nowhere, output, commands);
  if (made === undefined) throw new Error(`${name ?? 'the program'} makes no command`);
  return made;
}

/** Every command beside the main form by its name, in the order of the alphabet; those behind another follow it. */
export async function allCommandWords(
  commands: Commands,
): Promise<readonly (readonly [name: string, command: CommandUnknownOpts])[]> {
  const all: (readonly [string, CommandUnknownOpts])[] = [];
  for (const name of namesOf(commands)) all.push([name, await commandWords(commands, name)]);
  return all;
}

const namesOf = (commands: Commands, before = ''): readonly string[] =>
  Object.entries(commands)
    .map(([word, { commands: behind = {} }]) => [before + word, ...namesOf(behind, `${before}${word} `)])
    .sort(([a = ''], [b = '']) => (a < b ? -1 : 1))
    .flat();

/** What follows the options in a command's help: notes and examples. */
export function helpNotes(command: CommandUnknownOpts): string {
  let whole = '';
  command.configureOutput({ writeOut: (text) => (whole += text) }).outputHelp();
  return whole.slice(command.helpInformation().length);
}

const silent = { writeOut: () => undefined, writeErr: () => undefined };

/** A command only looks around when it is run. */
const nowhere: Context = {
  workingDirectory: '/',
  env: {},
  uid: undefined,
  platform: '',
  hostBhyve: {},
  simulator: [],
  out: () => undefined,
  err: () => undefined,
  divertErr: () => undefined,
  onSignals: () => () => undefined,
  onExit: () => undefined,
};
