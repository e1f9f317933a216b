import { statSync } from 'node:fs';
import path from 'node:path';
import { Argument, Option } from '@commander-js/extra-typings';
import { simulatedBase } from '../../host/run-directory/run-base.js';
import { knownNames } from '../../host/run-directory/who-runs.js';
import { parseSpec } from '../../spec/parse-spec.js';
import { isSpecFormat, readSpec } from '../../spec/read.js';
import { allCommandWords, commandWords } from '../command-tree.js';
import { complete, type Candidate, type Said, type Sources } from '../completion/complete.js';
import { readQuestion, shells } from '../completion/reply.js';
import { completionScript } from '../completion/scripts.js';
import type { Context } from '../context.js';
import { defineCommand } from '../define-command.js';
import { exitCodes } from '../exit-codes.js';
import { asText } from '../paint.js';
import { runBaseOf } from '../run-base.js';
import { findCommand, type Commands } from '../subcommand.js';

const notes = `
It completes commands, options and what they take, file names, the targets of
the spec that the line names, and the names of VMs that run.

Examples:
  eval "$(vmrun completion bash)"         in ~/.bashrc
  source <(vmrun completion zsh)          in ~/.zshrc, below compinit
  vmrun completion fish | source          in ~/.config/fish/config.fish
  vmrun completion tcsh > ~/.vmrun.tcsh   once; then source it in ~/.tcshrc`;

/** `vmrun completion`: the script for a shell; the script itself calls it with `--answer`. */
export const completionCommand = defineCommand({
  name: 'completion',
  description: 'Prints a script that makes a shell complete vmrun.',
  usage: shells.join(' | '),
  notes,
  hasColours: false,
  declare: (command) =>
    command
      .addArgument(new Argument('<shell>').choices(shells))
      .argument('[words...]')
      .addOption(new Option('--answer', 'say what may stand at a place of a line').hideHelp()),
  run: async ({ context, operands: [shell, line], options, commands, refuse }) => {
    if (options.answer === true) {
      const { line: typed, reply } = readQuestion(shell, line);
      // Whatever is wrong, nobody has asked for its words while he types.
      context.out(asText(await complete(typed, sourcesIn(context, commands)).then(reply, () => '')));
      return exitCodes.ok;
    }
    if (line.length > 0) refuse(`one shell is enough, found ${line.join(' ')}`);
    const others = (await allCommandWords(commands)).map(([, each]) => each);
    context.out(asText(completionScript(shell, [await commandWords(commands), ...others])));
    return exitCodes.ok;
  },
});

const sourcesIn = (context: Context, commands: Commands): Sources => ({
  commands: (behind) => candidatesOf(behind.length === 0 ? commands : findCommand(behind, commands)?.entry.commands),
  command: (name) => commandWords(commands, name),
  targets: (said) => targetsIn(said, context),
  names: (said) => {
    const given = said.get('--run-dir');
    const base = runBaseOf(given === '' ? {} : { runDir: given }, context);
    const simulated = knownNames(simulatedBase(base));
    return said.has('--simulate') ? simulated : [...new Set([...knownNames(base), ...simulated])];
  },
});

const candidatesOf = (commands: Commands = {}): readonly Candidate[] =>
  Object.entries(commands).map(([word, { summary }]) => ({ word, about: summary }));

/** The targets of the spec of `-c`, as far as it can be read; one that has mistakes has targets nevertheless. */
async function targetsIn(said: Said, { workingDirectory, env }: Context): Promise<readonly string[]> {
  const file = (said.get('--config') ?? '').replace(/^~(?=\/)/, env.HOME ?? '~');
  const format = said.get('--input-format') ?? '';
  // Reading a pipe or a terminal would take what somebody else is to read, and might wait for ever.
  if (!statSync(path.resolve(workingDirectory, file)).isFile()) return [];
  const parsed = await parseSpec(
    readSpec(file, { workingDirectory, isRegular: true, ...(isSpecFormat(format) ? { format } : {}) }),
  );
  return parsed.ok ? parsed.spec.targets : [];
}
