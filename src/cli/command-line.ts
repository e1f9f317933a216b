import { Command, InvalidArgumentError, Option, type OutputConfiguration } from 'commander';
import { isSpecFormat } from '../spec/read.js';

/** Where help and complaints are written. */
export type CommandOutput = Pick<OutputConfiguration, 'writeOut' | 'writeErr'>;

/** A command with the manners that all of vmrun's have. Only this room's main part knows commander; chunks share it. */
export const makeCommand = (name: string, output: CommandOutput): Command =>
  new Command(name)
    .configureOutput(output)
    .configureHelp({ helpWidth: 80 })
    .helpOption('-h, --help', 'print this help')
    .showSuggestionAfterError()
    .allowExcessArguments(false)
    .exitOverride();

/** `--lock FILE` and, unseen in the help, `--no-lock`. */
export const lockOptions = (): readonly [Option, Option] => [
  new Option('--lock <file>', 'another lock file; --no-lock: none'),
  new Option('--no-lock').hideHelp(),
];

export const inputFormatOption = (): Option =>
  new Option('--input-format <format>', 'json, yaml or ucl; default: by extension').argParser((word) => {
    if (!isSpecFormat(word)) throw new InvalidArgumentError('It is json, yaml or ucl.');
    return word;
  });
