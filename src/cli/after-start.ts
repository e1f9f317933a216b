import { ProblemsError, type Problem } from '../base/problem.js';
import { quoteWord } from '../base/shell.js';
import type { VmView } from '../manager/vm-view.js';
import { vmPath } from './ask-operation.js';
import type { ManagerClient } from './manager-client.js';

/** What a manager knows of a VM that was started just now; undefined where it has gone since. */
export async function viewOf(client: ManagerClient, name: string): Promise<VmView | undefined> {
  try {
    const { document } = await client.ask('GET', vmPath(name));
    return isView(document) ? document : undefined;
  } catch (error) {
    if (error instanceof ProblemsError) return undefined;
    throw error;
  }
}

/** The rest of it is as the manager has it. */
const isView = (value: unknown): value is VmView =>
  typeof value === 'object' && value !== null && 'name' in value && 'spec' in value;

/** What is wrong with a file that was not booted: warnings, since the VM runs, with what the file said before. */
export const notBooted = ({ name, spec: { nextBoot, problems } }: VmView): readonly Problem[] =>
  nextBoot === 'file'
    ? []
    : [
        {
          code: 'old-spec',
          severity: 'warning',
          message: `${name} runs with its spec from before the last change: ${problems.length === 0 ? 'its file is gone' : 'its file has problems'}`,
        },
        ...problems.map((problem) => ({ ...problem, severity: 'warning' }) as const),
      ];

/** Of a start that had nothing to do. */
export function runsAlready({ name, target }: VmView, wanted: string | undefined): string {
  if (wanted === undefined || target === undefined || wanted === target) return 'runs already';
  return `runs already, with target ${target}; vmrun restart ${quoteWord(name)} -t ${quoteWord(wanted)} boots the other`;
}
