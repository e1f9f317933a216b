import { vmPath } from '../ask-operation.js';
import { defineCommand } from '../define-command.js';
import { exitCodes } from '../exit-codes.js';
import { managerClient, managerOptions } from '../manager-client.js';
import { asLines } from '../paint.js';
import { quietOption } from '../shared-options.js';

const notes = `
It has to be stopped. Its disks stay. A VM whose spec is a file of the folder of
specs is removed with that file: rm, then vmrun reload.

Examples:
  vmrun remove web`;

/** `vmrun remove`: removes a VM that vmrun apply, or another client, has made. */
export const removeCommand = defineCommand({
  name: 'remove',
  description: 'Removes a VM that vmrun apply or another client of the manager has made.',
  usage: 'NAME [options]',
  notes,
  declare: (command) => managerOptions(command.argument('<name>')).addOption(quietOption),
  run: async ({ context, command, operands: [name], options }) => {
    await managerClient({ command, context }).ask('DELETE', vmPath(name));
    if (options.quiet !== true) context.err(asLines([`vmrun: ${name}: removed`]));
    return exitCodes.ok;
  },
});
