import {
  Command,
  InvalidArgumentError,
  Option,
  type CommandUnknownOpts,
  type OutputConfiguration,
} from '@commander-js/extra-typings';
import { fitHelp } from './fit-help.js';
import type { MainOption } from './main-options.js';
import { asLines } from './paint.js';
import { usualWidth } from './wrap.js';

/** Where help and complaints are written. */
export interface CommandOutput extends Required<Pick<OutputConfiguration, 'writeOut' | 'writeErr'>> {
  /** Told of the command when it is made: who walks the options of a command gets it without running it. */
  readonly onMade?: (command: CommandUnknownOpts) => void;
  /** Columns that help may take; default: the usual ones. */
  readonly width?: (() => number) | undefined;
}

/** A command with the manners that all of vmrun's have. */
export function makeCommand(
  name: string,
  { onMade, width = () => usualWidth, writeOut, writeErr }: CommandOutput,
): Command {
  const command = new Command(name)
    .configureOutput({
      writeOut: fitted(writeOut, width),
      writeErr,
      outputError: (text, write) => {
        write(asLines(complaint(text)));
      },
    })
    .configureHelp({
      optionDescription,
      prepareContext() {
        this.helpWidth = Math.max(usualWidth, width());
      },
    })
    .helpOption('-h, --help', 'print this help')
    .showSuggestionAfterError()
    .allowExcessArguments(false)
    .exitOverride();
  onMade?.(command);
  return command;
}

/**
 * Commander repeats words of the command line; only its advice begins a line of its own. What it calls the value of a
 * command-argument is an operand to people, and its name is seen nowhere in the help.
 */
const complaint = (text: string): readonly string[] =>
  text
    .replace(
      /^error: command-argument value ('.*') is invalid for argument '[^']*'\. /s,
      'error: operand $1 is invalid. ',
    )
    .replace(/\n$/, '')
    .split(/\n(?=\(Did you mean )/);

/** Writes help as wide as may be. */
export const fitted =
  (write: (text: string) => void, width: () => number) =>
  (text: string): void => {
    write(fitHelp(text, width()));
  };

type Described = Pick<Option, 'description' | 'flags' | 'argChoices' | 'defaultValue'>;

/** `of the dry run: shell, lines`: the choices of an option follow its description, unless it is a list of them. */
export function optionDescription({ description, flags, argChoices, defaultValue }: Described): string {
  const choices = argChoices === undefined || flags.includes('<list>') ? '' : `: ${argChoices.join(', ')}`;
  const isShown = typeof defaultValue === 'string' || typeof defaultValue === 'number';
  const byDefault = isShown ? `; default: ${defaultValue}` : '';
  return `${description}${choices}${byDefault}`;
}

/** What commander is told of an option of the main form. */
export function optionFor({ flags, description, isHidden, choices, expected, take }: MainOption) {
  const option = new Option(flags, description).hideHelp(isHidden ?? false);
  if (choices !== undefined) option.choices(choices);
  if (expected === undefined) return option;
  return option.argParser((word: string) => {
    if (take(word) === undefined) throw new InvalidArgumentError(expected);
    return word;
  });
}
