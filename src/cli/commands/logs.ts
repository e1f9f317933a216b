import { ProblemsError } from '../../base/problem.js';
import { vmPath } from '../ask-operation.js';
import { defineCommand } from '../define-command.js';
import { exitCodes } from '../exit-codes.js';
import { managerClient, managerOptions } from '../manager-client.js';
import { countOf } from '../option-values.js';
import { asLines } from '../paint.js';

const notes = `
What the guest writes is at its console: vmrun console NAME. What happens to the
VMs, vmrun events tells.

Examples:
  vmrun logs web
  vmrun logs web -n 20`;

/** `vmrun logs`: what bhyve, its loader and its hooks wrote. */
export const logsCommand = defineCommand({
  name: 'logs',
  description: "Prints what bhyve, its loader and the hooks of a manager's VM wrote, the newest lines.",
  usage: 'NAME [options]',
  notes,
  declare: (command) =>
    managerOptions(command.argument('<name>').option('-n, --lines <number>', 'at most so many', countOf)),
  run: async ({ context, command, operands: [name], options }) => {
    const client = managerClient({ command, context });
    const query = options.lines === undefined ? '' : `?lines=${options.lines}`;
    const { document } = await client.ask('GET', `${vmPath(name)}/log${query}`);
    const lines = typeof document === 'object' && document !== null && 'lines' in document ? document.lines : undefined;
    if (!Array.isArray(lines) || !lines.every((line) => typeof line === 'string')) {
      const message = 'the manager answers what this vmrun does not understand';
      throw new ProblemsError('host', client.where, [{ code: 'strange', severity: 'error', message }]);
    }
    context.out(asLines(lines));
    if (lines.length === 0) context.err(asLines([`vmrun: ${name}: nothing was written`]));
    return exitCodes.ok;
  },
});
