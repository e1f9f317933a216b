import { InvalidArgumentError, Option, type Command, type OptionValues } from '@commander-js/extra-typings';
import { quoteWord } from '../base/shell.js';
import type { SpecFormat } from '../spec/parse-spec.js';
import { isSpecFormat } from '../spec/read.js';
import type { Call } from './define-command.js';
import { inputFormat, lock, noLock } from './main-options.js';

/** A target that a command is about, and not all of them. */
export const targetOption = new Option('-t, --target <name>', "this target; default: that of a run's first boot");

export const inputFormatOption = new Option(inputFormat.flags, inputFormat.description)
  .choices(inputFormat.choices)
  .argParser((word): SpecFormat => {
    if (!isSpecFormat(word)) throw new InvalidArgumentError(inputFormat.expected);
    return word;
  });

export const bhyveOption = new Option('--bhyve <path>', 'another bhyve; default: $BHYVE_EXEC or bhyve');

export const runDirOption = new Option('--run-dir <dir>', 'folder of the run directories');

export const quietOption = new Option('-q, --quiet', 'print problems only');

/** How a spec is loaded: what `report` calls the choice of a spec, but for the spec itself. */
export const loadingOptions = <Args extends unknown[], Opts extends OptionValues>(command: Command<Args, Opts>) =>
  command
    .addOption(inputFormatOption)
    .addOption(new Option(lock.flags, lock.description))
    .addOption(new Option(noLock.flags, noLock.description).hideHelp());

/** Where runs are looked for. @param what is meant by one that is simulated, and one that is not */
export const placeOptions = <Args extends unknown[], Opts extends OptionValues>(
  command: Command<Args, Opts>,
  [simulated, real]: readonly [string, string] = ['only one that is simulated', 'only one that is not'],
) =>
  command
    .addOption(runDirOption)
    .option('--simulate', `${simulated}; --no-simulate: ${real}`)
    .addOption(new Option('--no-simulate').hideHelp());

type ListFormat = 'table' | 'lines' | 'json';

/** How a list of VMs is printed; `formatOf` reads it. */
export const listOptions = (command: Command) =>
  command
    .addOption(
      new Option('--format <format>', 'lines: what the table has, between tabs')
        .choices(['table', 'lines', 'json'])
        .default('table' as const),
    )
    .option('--json', 'print them as JSON');

export const formatOf = ({ json, format }: { readonly json?: true | undefined; readonly format: ListFormat }) =>
  json === true ? 'json' : format;

/** A spec, as an operand or with `-c`. */
export const specOperand = (command: Command, more = '') =>
  command
    .allowExcessArguments()
    .argument('[spec]')
    .option('-c, --config <file>', `the spec, if not an operand; - is standard input${more}`);

/** The spec that a command line names; one without any, or with two, is refused. */
export function givenSpec({
  command,
  options: { config },
  refuse,
}: Pick<Call<unknown[], { readonly config?: string }>, 'command' | 'options' | 'refuse'>): string {
  const [operand, extra] = command.args;
  if (extra !== undefined) {
    const hasTarget = command.options.some(({ long }) => long === '--target');
    const [one, other] = [operand ?? '', extra].map((spec) => `${command.name()} ${quoteWord(spec)}`);
    const hint = /[./]/.test(extra)
      ? `give one spec at a time: ${one}; ${other}`
      : hasTarget
        ? `a target is chosen with -t: -t ${quoteWord(extra)}`
        : 'give one spec';
    refuse(`too many arguments: unexpected ${quoteWord(extra)}; ${hint}`);
  }
  if (operand !== undefined && config !== undefined) {
    refuse(`too many arguments: give one spec, found ${quoteWord(operand)} and -c ${quoteWord(config)}`);
  }
  return (
    operand ?? config ?? refuse(`required option '-c, --config <file>' not specified; or ${command.name()} vm.json`)
  );
}
