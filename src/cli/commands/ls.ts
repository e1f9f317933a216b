import { defineCommand } from '../define-command.js';
import { exitCodes } from '../exit-codes.js';
import { managerClient, managerOptions } from '../manager-client.js';
import { asJson } from '../paint.js';
import { formatOf, listOptions } from '../shared-options.js';
import { formatVms, vmLines, vmsIn } from '../show-vms.js';

const notes = `
STATE is that of vmrun ps, or: stopped; queued, it waits for others; failed, it
was to run and could not. Below a VM stands what there is to know of it: why it
failed, whom it waits for, and what its changed spec will bring. For scripts,
--format lines: no heading and no notes.

Examples:
  vmrun ls
  vmrun ls --json | jq -r '.[] | select(.state == "failed") | .name'`;

/** `vmrun ls`: the VMs of a manager. */
export const lsCommand = defineCommand({
  name: 'ls',
  description: 'Lists the VMs of a manager, those that do not run as well.',
  usage: '[options]',
  notes,
  declare: (command) => managerOptions(listOptions(command)),
  run: async ({ context, command, options }) => {
    const client = managerClient({ command, context });
    const { document } = await client.ask('GET', '/vms');
    const vms = vmsIn(document, client.where);
    const format = formatOf(options);
    const now = new Date();
    if (format === 'json') context.out(asJson(vms, 2));
    else if (format === 'lines') context.out(vmLines(vms, now));
    else context.out(formatVms(vms, now, context.columns?.(1)));
    return exitCodes.ok;
  },
});
