import { readFileSync } from 'node:fs';
import { Argument } from '@commander-js/extra-typings';
import { defineCommand } from '../define-command.js';
import { exitCodes } from '../exit-codes.js';
import { packageFile } from '../package-file.js';
import { asText } from '../paint.js';

/** What has a schema: a spec, what is captured of a host, and what commands print as JSON. */
const documents = ['vm', 'host', 'plan', 'comparison', 'check', 'runs', 'start-plan', 'manager'] as const;

const notes = `
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
export const schemaCommand = defineCommand({
  name: 'schema',
  description: 'Prints the JSON Schema of a spec, or of what a command prints as JSON.',
  usage: `[${documents.join('|')}]`,
  notes,
  hasColours: false,
  declare: (command) => command.addArgument(new Argument('[which]').choices(documents)),
  run: ({ context, operands: [which = 'vm'] }) => {
    context.out(asText(readFileSync(packageFile(context, 'schemas', `${which}.schema.json`), 'utf8')));
    return exitCodes.ok;
  },
});
