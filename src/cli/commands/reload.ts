import { listWords } from '../../base/text.js';
import type { Problem } from '../../base/problem.js';
import { defineCommand } from '../define-command.js';
import { exitCodes } from '../exit-codes.js';
import { managerClient, managerOptions } from '../manager-client.js';
import { asLines } from '../paint.js';
import { notStartedWords } from '../not-started.js';
import { quietOption } from '../shared-options.js';
import { formatProblem } from '../show-problems.js';

const notes = `
What has changed takes effect at the next boot of its VM: nothing is restarted.
A new VM with autostart starts with the next manager, or by vmrun start.
Exit status: 0 all specs are good, 65 some have problems.

Examples:
  vmrun reload`;

/** `vmrun reload`: lets a manager read its folder again. */
export const reloadCommand = defineCommand({
  name: 'reload',
  description: 'Makes a manager read its specs again, and says what has changed.',
  usage: '[options]',
  notes,
  declare: (command) => managerOptions(command).addOption(quietOption),
  run: async ({ context, command, options, colours }) => {
    const { document } = await managerClient({ command, context }).ask('POST', '/reload');
    const found = (key: string): readonly unknown[] => {
      const list: unknown =
        typeof document === 'object' && document !== null
          ? Object.entries(document).find(([each]) => each === key)?.[1]
          : [];
      return Array.isArray(list) ? list : [];
    };
    const problems = found('problems') as readonly Problem[];
    const lines = (['added', 'changed', 'removed'] as const).flatMap((what) => {
      const names = found(what).filter((name) => typeof name === 'string');
      return names.length === 0 ? [] : [`vmrun: ${what}: ${listWords(names)}`];
    });
    const waiting = found('notStarted').filter((name) => typeof name === 'string');
    if (waiting.length > 0) lines.push(`vmrun: ${notStartedWords(waiting)}`);
    if (options.quiet !== true) context.err(asLines(lines.length === 0 ? ['vmrun: nothing has changed'] : lines));
    context.err(asLines(problems.flatMap((problem) => formatProblem(problem, colours()))));
    return problems.some(({ severity }) => severity === 'error') ? exitCodes.spec : exitCodes.ok;
  },
});
