import type { Command } from 'commander';
import { commands, type MakeSubcommand } from './commands.js';
import type { Context } from './context.js';
import { makeProgram } from './program.js';

/**
 * The words of a command as commander knows them, for what walks them: completion, help and manual pages. Nothing of
 * it is run.
 * @param name of `commands`; absent: the main form
 * @param width columns that its help may take
 */
export async function commandWords(name?: string, width?: () => number): Promise<Command> {
  let made: Command | undefined;
  const output = {
    ...silent,
    ...(width === undefined ? {} : { width }),
    onMade: (command: Command) => {
      made ??= command;
    },
  };
  if (name === undefined) makeProgram('', output);
  else (await makerOf(name))(nowhere, output);
  if (made === undefined) throw new Error(`${name ?? 'the program'} makes no command`);
  return made;
}

/** Every command beside the main form by its name, in the order of the alphabet. */
export async function allCommandWords(): Promise<readonly (readonly [name: string, command: Command])[]> {
  const all: (readonly [string, Command])[] = [];
  for (const name of Object.keys(commands).sort()) all.push([name, await commandWords(name)]);
  return all;
}

const makerOf = (name: string): Promise<MakeSubcommand> =>
  commands[name]?.load() ?? Promise.reject(new Error(`there is no command ${name}`));

/** What follows the options in a command's help: notes and examples. */
export function helpNotes(command: Command): string {
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
