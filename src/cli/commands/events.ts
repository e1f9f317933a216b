import { systemClock } from '../../host/clock.js';
import { ProblemsError } from '../../base/problem.js';
import type { Context } from '../context.js';
import { defineCommand } from '../define-command.js';
import { exitCodes } from '../exit-codes.js';
import { managerClient, managerOptions, type ManagerClient, type StreamedEvent } from '../manager-client.js';
import { managerEventLines, managerEventIn } from '../show-manager-events.js';
import { asJson, asLines } from '../paint.js';
import type { Colours } from '../colours.js';

const notes = `
Goes on until it is ended, also over a restart of the manager: what cannot be
told of that time is told as a gap.

Examples:
  vmrun events
  vmrun events --vm web
  vmrun events --json | jq -r 'select(.kind == "wanted")'`;

/** `vmrun events`: what happens to the VMs of a manager. */
export const eventsCommand = defineCommand({
  name: 'events',
  description: 'Tells what happens to the VMs of a manager, as it happens.',
  usage: '[options]',
  notes,
  declare: (command) =>
    managerOptions(
      command
        .option('--vm <name>', 'of this VM alone')
        .option('--after <id>', 'what came after this event as well')
        .option('--json', 'print each as JSON, on a line of its own')
        .option('--once', 'end when the manager does'),
    ),
  run: async ({ context, command, options, colours }) => {
    const client = managerClient({ command, context });
    await follow(client, context, { ...options, colours: colours(1) });
    return exitCodes.ok;
  },
});

interface Following {
  readonly vm?: string | undefined;
  readonly after?: string | undefined;
  readonly json?: true | undefined;
  readonly once?: true | undefined;
  readonly colours: Colours;
}

const pauseMs = 500;

async function follow(client: ManagerClient, context: Context, options: Following): Promise<void> {
  const query = options.vm === undefined ? '' : `?vm=${encodeURIComponent(options.vm)}`;
  let last = options.after;
  let hasTold = false;
  for (;;) {
    try {
      const headers = last === undefined ? {} : { 'last-event-id': last };
      for await (const event of client.listen(`/events${query}`, headers)) {
        last = event.id ?? last;
        hasTold = false;
        show(event, context, options);
      }
    } catch (error) {
      // Before the first word, nobody knows whether there ever was a manager.
      const isAway =
        error instanceof ProblemsError && ['no-manager', 'unreachable'].includes(error.problems[0]?.code ?? '');
      if (!isAway || last === undefined) throw error;
    }
    if (options.once === true) return;
    if (!hasTold) context.err(asLines(['vmrun: the manager has ended; waiting for the next one']));
    hasTold = true;
    await systemClock.sleep(pauseMs);
  }
}

function show({ kind, data }: StreamedEvent, context: Context, { json, colours }: Following): void {
  if (kind === 'end' || data === undefined) return;
  if (json === true) context.out(asJson(data));
  else {
    const event = managerEventIn(data);
    if (event !== undefined)
      context.out(asLines(managerEventLines(event, colours, { isVerbose: true, hasTime: true })));
  }
}
