import { notBooted, viewOf } from '../after-start.js';
import { askOperation } from '../ask-operation.js';
import { defineCommand } from '../define-command.js';
import { exitCodes } from '../exit-codes.js';
import { managerClient, managerOptions } from '../manager-client.js';
import { duration } from '../option-values.js';
import { asLines } from '../paint.js';
import { quietOption } from '../shared-options.js';
import { formatProblem } from '../show-problems.js';

const notes = `
Stops the guest by its power button, then starts the VM with its spec as it is
now, and waits for none of the VMs in autostart.after.
Where its file has problems, it starts with what the file said before, and they
are told as warnings.
Exit status: 0 it runs, 69 it was not started again.

Examples:
  vmrun restart web
  vmrun restart web --timeout 30s   end it by force after 30 seconds
  vmrun restart web -t rescue`;

/** `vmrun restart`: stops a VM of a manager, then starts it. */
export const restartCommand = defineCommand({
  name: 'restart',
  description: 'Stops a VM of a manager, then starts it with its spec as it is now.',
  usage: 'NAME [options]',
  notes,
  declare: (command) =>
    managerOptions(
      command
        .argument('<name>')
        .option('-t, --target <name>', 'target of the first boot')
        .option('--timeout <time>', 'how long the guest has, e.g. 90s; then it is ended by force', duration)
        .option('--now', 'do not wait for the guest')
        .option('--no-wait', 'do not wait until it runs again'),
    ).addOption(quietOption),
  run: async ({ context, command, operands: [name], options, refuse, colours }) => {
    const { target, timeout, now, wait } = options;
    if (now === true && timeout !== undefined) refuse('--now and --timeout exclude one another');
    const say = (text: string): void => {
      if (options.quiet !== true) context.err(asLines([`vmrun: ${name}: ${text}`]));
    };
    const body = {
      ...(target === undefined ? {} : { target }),
      ...(timeout === undefined ? {} : { timeout: timeout / 1000 }),
      ...(now === undefined ? {} : { now }),
    };
    const client = managerClient({ command, context });
    const operation = await askOperation(client, name, 'restart', body, {
      isWaiting: wait,
      say,
      onLong: () => {
        say('stopping it, then starting it again');
      },
    });
    if (operation.state === 'running') {
      say('is asked to restart');
      return exitCodes.ok;
    }
    say('runs');
    const view = await viewOf(client, name);
    if (view !== undefined)
      context.err(asLines(notBooted(view).flatMap((problem) => formatProblem(problem, colours()))));
    return exitCodes.ok;
  },
});
