import { InvalidArgumentError, Option } from 'commander';
import { nearestName } from '../base/nearest-name.js';
import { quoteWord } from '../base/shell.js';
import { strayWord } from '../machine/extra-options.js';
import { exitReasons, type ExitReason } from '../spec/vm-spec.js';
import { inputFormatOption, lockOptions, makeCommand, type CommandOutput } from './command-line.js';
import { commands } from './commands.js';
import { exitStatuses, printFormats, type CliOptions } from './options.js';

const examples = `
Examples:
  vmrun -c vm.json                        run the VM until it powers off
  vmrun -c vm.json -t install --dry-run   print the command for a target
  vmrun -c vm.conf                        run a spec written in UCL
  vmrun -c vm.json --simulate=reboot,power_off
                                          try it out without bhyve`;

/** Names alone, so that the help fits a screen however many there are; vmrun help has their summaries. */
const afterHelp = (): string => `
Commands (vmrun help says what they do, vmrun COMMAND --help how):
${nameLines(Object.keys(commands))}
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

function wholeNumber(word: string): number {
  if (!/^\d{1,9}$/.test(word)) throw new InvalidArgumentError('It is a whole number, e.g. 3.');
  return Number(word);
}

/** Names of reasons, or exit statuses of bhyve as the original had them; the last of repeated options counts. */
function reasonList(words: string): readonly ExitReason[] {
  return words.split(',').map((word) => {
    // The reasons begin in the order of the statuses.
    const byStatus = /^[0-4]$/.test(word) ? exitReasons[Number(word)] : undefined;
    const reason = byStatus ?? exitReasons.find((name) => name === word);
    if (reason !== undefined) return reason;
    throw new InvalidArgumentError(`It is a list of ${exitReasons.join(', ')}, or exit statuses 0 to 4.`);
  });
}

/** What a word that is no option may have been meant for. */
function operandHint(operand: string): string {
  const command = nearestName(operand, Object.keys(commands));
  return command === undefined ? 'a spec is given with -c' : `a command comes first: vmrun ${command} -c FILE`;
}

/** What a first word that is no option and no command may have been meant for. */
function commandHint(word: string): string {
  const command = nearestName(word, Object.keys(commands));
  if (command !== undefined) return `did you mean vmrun ${command}?`;
  return /[./]/.test(word) ? `a spec is given with -c: vmrun -c ${quoteWord(word)}` : 'vmrun help lists them';
}

/** Flags that are absent unless they are given. */
type Flag = 'dryRun' | 'debug' | 'force' | 'adopt' | 'recover' | 'panicOnFailedCleanup' | 'quiet' | 'verbose';

const unsetFlags: Readonly<Record<Flag, false>> = {
  dryRun: false,
  debug: false,
  force: false,
  adopt: false,
  recover: false,
  panicOnFailedCleanup: false,
  quiet: false,
  verbose: false,
};

/** The options as commander gives them. */
interface Parsed
  extends
    Omit<CliOptions, Flag | 'format' | 'simulate' | 'bhyveArguments'>,
    Partial<Pick<CliOptions, Flag | 'format'>> {
  readonly simulate?: string | true;
}

/**
 * The command line, without anything that runs it.
 * @param output where help and complaints are written
 * @param action gets the options; its promise is what `parseAsync` waits for
 */
export function makeProgram(version: string, output: CommandOutput, action: (options: CliOptions) => Promise<void>) {
  const [lockFile, noLock] = lockOptions();
  const program = makeCommand('vmrun', output)
    .description('Runs a bhyve virtual machine from a declarative spec.')
    .usage('-c FILE [options] [-- bhyve options]\n       vmrun COMMAND [options]')
    .version(version, '-V, --version', 'print the version')
    .requiredOption('-c, --config <file>', 'the spec; - reads standard input')
    .option('-t, --target <name>', "first boot's target")
    .addOption(inputFormatOption())
    .addOption(lockFile)
    .addOption(noLock)
    .option('-d, --dry-run', 'print the bhyve command, touch nothing')
    .addOption(new Option('--format <format>', 'for --dry-run').choices(printFormats))
    .option('--debug', 'print the effective spec and plan as JSON')
    .option('--no-reboot', 'never boot again')
    .option('--reboot-count <n>', 'boot again at most n times', wholeNumber)
    .addOption(
      new Option('--reboot-on <list>', 'reasons or statuses to boot again after')
        .choices(exitReasons)
        .argParser(reasonList),
    )
    .option('-f, --force', 'end a leftover VM, mend the host unasked')
    .option('--adopt', 'take over a bhyve whose vmrun was killed')
    .option('--recover', 'mend the host unasked, destroy nothing')
    .addOption(new Option('--exit-status <style>', 'of a run').choices(exitStatuses))
    .option('-p, --pid-file <file>', 'pid file of bhyve')
    .option('-P, --supervisor-pid-file <file>', 'pid file of vmrun')
    .option('--panic-on-failed-cleanup', 'fail when something is left behind')
    .option('--no-requirement-check', 'do not look at the host')
    .option('--simulate [script]', 'use the simulator; script: exits to play')
    .option('--bhyve <path>', 'another bhyve; default: $BHYVE_EXEC or bhyve')
    .option('--run-dir <dir>', 'folder of the run directories')
    .option('--events <file>', 'write events as JSON lines; - is stderr')
    .option('--log <file>', 'log what happens there; - is stderr')
    .option('--console-log <file>', "write the guest's console there too")
    .option('--color', 'force colours; --no-color: none')
    .addOption(new Option('--no-color').hideHelp())
    .option('-q, --quiet', 'print problems only')
    .option('-v, --verbose', 'print the command and each step')
    .addHelpText('after', afterHelp);

  return async (words: readonly string[]): Promise<void> => {
    const end = words.indexOf('--');
    const own = end === -1 ? words : words.slice(0, end);
    const bhyveArguments = end === -1 ? [] : words.slice(end + 1);
    const [first] = own;
    // Told before commander misses -c.
    if (first !== undefined && !first.startsWith('-'))
      program.error(`error: ${first} is no command; ${commandHint(first)}`);
    program.argument('[file]').action(async (operand: string | undefined, parsed: Parsed) => {
      if (operand !== undefined) program.error(`error: unexpected ${operand}; ${operandHint(operand)}`);
      if (parsed.quiet && parsed.verbose) program.error('error: -q and -v exclude one another');
      if (parsed.force && parsed.adopt) program.error('error: --force and --adopt exclude one another');
      const stray = strayWord(bhyveArguments);
      if (stray !== undefined) program.error(`error: after "--": ${stray}`);
      const { simulate, format = 'shell' } = parsed;
      await action({ ...unsetFlags, ...parsed, format, simulate: simulate === true ? '' : simulate, bhyveArguments });
    });
    await program.parseAsync([...own], { from: 'user' });
  };
}
