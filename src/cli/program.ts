import { nearestName } from '../base/nearest-name.js';
import { quoteWord } from '../base/shell.js';
import { commandHint, isFileName } from './command-hint.js';
import { makeCommand, optionFor, type CommandOutput } from './command-line.js';
import { mainOptions } from './main-options.js';
import type { CliOptions } from './options.js';
import { optionsOf, splitWords } from './read-words.js';

const examples = `
Examples:
  vmrun -c vm.json                        run the VM until it powers off
  vmrun -c vm.json -t install --dry-run   print the command for a target
  vmrun -c vm.conf                        run a spec written in UCL
  vmrun -c vm.json --simulate=reboot,power_off
                                          try it out without bhyve`;

/** Names alone, so that the help fits a screen however many there are; vmrun help has their summaries. */
const afterHelp = (commands: readonly string[]): string => `
Commands (vmrun help says what they do, vmrun COMMAND --help how):
${nameLines(commands)}
${examples}`;

/** Lines of at most 80 columns. */
function nameLines(names: readonly string[]): string {
  const lines: string[] = [];
  for (const name of [...names].sort()) {
    const last = lines.at(-1);
    if (last === undefined || last.length + name.length > 77) lines.push(`  ${name}`);
    else lines[lines.length - 1] = `${last}, ${name}`;
  }
  return lines.join(',\n');
}

/** What a word that is no option may have been meant for, behind the options. */
function operandHint(operand: string, commands: readonly string[]): string {
  const command = nearestName(operand, commands);
  if (command !== undefined) return `a command comes first: vmrun ${command} -c FILE`;
  return isFileName(operand) ? 'a spec is given with -c' : `a target is chosen with -t: -t ${quoteWord(operand)}`;
}

/**
 * The command line as commander knows it, without anything that runs it.
 * @param output where help and complaints are written
 * @param commands names of those beside the main form
 * @returns reads words; throws CommanderError for those that are wrong, or ask for help
 */
export function makeProgram(
  version: string,
  output: CommandOutput,
  commands: readonly string[],
): (words: readonly string[]) => CliOptions {
  const program = makeCommand('vmrun', output)
    .description('Runs a bhyve virtual machine from a declarative spec.')
    .usage('-c FILE [options] [-- bhyve options]\n       vmrun COMMAND [options]')
    .version(version, '-V, --version', 'print the version')
    .addHelpText('after', () => afterHelp(commands));
  const said: Partial<CliOptions>[] = [];
  for (const each of mainOptions) {
    const option = optionFor(each);
    program.addOption(option);
    program.on(`option:${option.name()}`, (word?: string | null) => {
      said.push(each.take(word ?? '') ?? {});
    });
  }

  return (words) => {
    const [own, forBhyve] = splitWords(words);
    const [first] = own;
    // Told before commander misses -c.
    if (first !== undefined && !first.startsWith('-'))
      program.error(`error: ${first} is no command; ${commandHint(first, commands)}`);
    program.argument('[words...]').parse(own, { from: 'user' });
    // Not commander's to find: it would say so before it tells of an option that it does not know.
    if (said.every(({ config }) => config === undefined)) {
      program.error("error: required option '-c, --config <file>' not specified");
    }
    const [operand] = program.args;
    if (operand !== undefined) {
      const many = program.args.length === 1 ? '' : 'too many arguments: ';
      program.error(`error: ${many}unexpected ${operand}; ${operandHint(operand, commands)}`);
    }
    const options = optionsOf(said, forBhyve);
    return typeof options === 'string' ? program.error(`error: ${options}`) : options;
  };
}
