import { addAll } from '../../base/long-lists.js';
import { ProblemsError } from '../../base/problem.js';
import { asksFrom } from '../../host/look/facts-paths.js';
import { asksOf, captureFacts } from '../../host/look/facts.js';
import { liveView } from '../../host/look/live-view.js';
import { runTool } from '../../host/process/tools.js';
import type { MachineRequirement } from '../../machine/machine.js';
import { plan } from '../../machine/plan.js';
import { loadWithLock } from '../../report/load-with-lock.js';
import type { SpecFormat } from '../../spec/parse-spec.js';
import type { Context } from '../context.js';
import { defineCommand } from '../define-command.js';
import { exitCodes } from '../exit-codes.js';
import { asJson } from '../paint.js';
import { inputFormatOption } from '../shared-options.js';

const notes = `
What a tool does not tell is in the output, with the reason: a host that vmrun
cannot look at in full is captured all the same. The paths are absolute.

Example:
  vmrun facts -c web.json -c db.json > server.json
  vmrun check web.json --host server.json   on any machine`;

/** `vmrun facts`: what a check would look at, as JSON that `check --host` reads. */
export const factsCommand = defineCommand({
  name: 'facts',
  description: 'Prints what vmrun sees of this host, as JSON. Changes nothing.',
  usage: '[SPEC]... [options]',
  notes,
  declare: (command) =>
    command
      .argument('[spec...]')
      .option(
        '-c, --config <file>',
        'a spec whose files, sockets and ports to look at, if not an operand; may be repeated',
        (file: string, before: readonly string[] | undefined) => [...(before ?? []), file],
      )
      .addOption(inputFormatOption),
  run: async ({ context, operands: [operands], options: { config, inputFormat }, refuse }) => {
    if (operands.length > 0 && config !== undefined) refuse('give specs as operands or with -c, not both');
    const specs = config ?? operands;
    const requirements: MachineRequirement[] = [];
    for (const file of specs) addAll(requirements, await requirementsIn(file, inputFormat, context));
    const asks = asksFrom(context.workingDirectory, asksOf(requirements));
    const { files, sockets, ports, freeBytes, ...rest } = await captureFacts(liveView({ run: runTool }), asks);
    const facts = {
      ...rest,
      files: sorted(files),
      sockets: sorted(sockets),
      ports: sorted(ports),
      freeBytes: sorted(freeBytes),
    };
    context.out(asJson(facts, 2));
    return exitCodes.ok;
  },
});

/** What any target of a spec asks of a host. @throws ProblemsError where the spec is not good */
async function requirementsIn(
  file: string,
  format: SpecFormat | undefined,
  context: Context,
): Promise<readonly MachineRequirement[]> {
  const { spec, locked } = await loadWithLock({ config: file, inputFormat: format }, context);
  const options = { ...context.hostBhyve, identity: locked?.identity };
  return spec.targets.flatMap((target) => {
    const planned = plan(spec, target, options);
    if (!planned.ok) throw new ProblemsError('spec', spec.source, planned.problems);
    return planned.value.requirements;
  });
}

/** By path, whatever the order of the specs: two captures of one host are easy to compare. */
const sorted = <T>(facts: Readonly<Record<string, T>>): Readonly<Record<string, T>> =>
  Object.fromEntries(Object.entries(facts).sort(([a], [b]) => (a < b ? -1 : 1)));
