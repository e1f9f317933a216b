import { readFileSync } from 'node:fs';
import { Argument } from 'commander';
import { makeCommand } from '../command-line.js';
import type { MakeSubcommand } from '../subcommand.js';
import { exitCodes } from '../exit-codes.js';
import { packageFile } from '../package-file.js';
import { asText } from '../paint.js';

/** What has a schema: a spec, what is captured of a host, and what commands print as JSON. */
const documents = ['vm', 'host', 'plan', 'comparison', 'check', 'runs'] as const;

const examples = `
It is the file that the package has in schemas/, byte for byte. An editor that
is shown it completes the fields of a spec, explains and checks them. The others
describe what facts prints, and plan, plan --diff, check and ps with --json.

Examples:
  vmrun schema > vm.schema.json
  vmrun schema host > host.schema.json

With it beside the spec, say in vm.json:
  "$schema": "vm.schema.json"
in the first line of vm.yaml:
  # yaml-language-server: $schema=vm.schema.json`;

/** `vmrun schema`: the published schema, as the package has it. */
export const schemaCommand: MakeSubcommand = (context, output) => {
  const command = makeCommand('vmrun schema', output)
    .description('Prints the JSON Schema of a spec, or of what a command prints as JSON.')
    .usage(`[${documents.join(' | ')}]`)
    .addArgument(new Argument('[which]').choices(documents))
    .addHelpText('after', examples);
  return {
    run: (words) => {
      command.parse([...words], { from: 'user' });
      const [which = 'vm'] = command.args;
      context.out(asText(readFileSync(packageFile(context, 'schemas', `${which}.schema.json`), 'utf8')));
      return Promise.resolve(exitCodes.ok);
    },
    color: () => undefined,
  };
};
