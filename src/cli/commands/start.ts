import { notBooted, runsAlready, viewOf } from '../after-start.js';
import { askOperation } from '../ask-operation.js';
import { defineCommand } from '../define-command.js';
import { exitCodes } from '../exit-codes.js';
import { managerClient, managerOptions } from '../manager-client.js';
import { asLines } from '../paint.js';
import { quietOption } from '../shared-options.js';
import { formatProblem } from '../show-problems.js';

const notes = `
Waits until bhyve runs, or until it is known why it does not. A start by hand
goes before autostart: it waits for none of the VMs in autostart.after, and one
that is queued for them is started now. One that runs already is left alone.
Where its file has problems, it is started with what the file said before, and
they are told as warnings.
Exit status: 0 it runs, 69 it was not started.

Examples:
  vmrun start web
  vmrun start web -t install
  vmrun start web --no-wait     ask for it, and go`;

/** `vmrun start`: starts a VM of a manager. */
export const startCommand = defineCommand({
  name: 'start',
  description: 'Starts a VM of a manager. A VM without one: vmrun -c FILE.',
  usage: 'NAME [options]',
  notes,
  declare: (command) =>
    managerOptions(
      command
        .argument('<name>')
        .option('-t, --target <name>', 'target of the first boot')
        .option('--no-wait', 'do not wait until it runs'),
    ).addOption(quietOption),
  run: async ({ context, command, operands: [name], options, colours }) => {
    const say = (text: string): void => {
      if (options.quiet !== true) context.err(asLines([`vmrun: ${name}: ${text}`]));
    };
    const { target, wait } = options;
    const client = managerClient({ command, context });
    const operation = await askOperation(client, name, 'start', target === undefined ? {} : { target }, {
      isWaiting: wait,
      say,
      onLong: () => {
        say('starting');
      },
    });
    if (operation.state === 'running') {
      say('is asked to start');
      return exitCodes.ok;
    }
    const view = await viewOf(client, name);
    if (operation.hadEffect) say('runs');
    else say(view === undefined ? 'runs already' : runsAlready(view, target));
    if (operation.hadEffect && view !== undefined)
      context.err(asLines(notBooted(view).flatMap((problem) => formatProblem(problem, colours()))));
    return exitCodes.ok;
  },
});
