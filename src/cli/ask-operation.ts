import { ProblemsError } from '../base/problem.js';
import type { Operation } from '../manager/operations.js';
import type { ManagerClient } from './manager-client.js';

/** How long one request waits; the next one goes on waiting. */
const waitWords = '30s';

export const vmPath = (name: string): string => `/vms/${encodeURIComponent(name)}`;

/**
 * Asks a manager to do something with a VM, and waits for its end.
 * @param say writes a line: what is to be known in any case
 * @param onLong told once, when it is not done at once
 */
export async function askOperation(
  client: ManagerClient,
  name: string,
  act: 'start' | 'stop' | 'restart',
  body: object,
  {
    isWaiting,
    say,
    onLong,
  }: { readonly isWaiting: boolean; readonly say: (text: string) => void; readonly onLong: () => void },
): Promise<Operation> {
  const first = await client.ask('POST', `${vmPath(name)}/${act}`, { body });
  let operation = operationIn(first.document, client);
  if (operation.state === 'running' && isWaiting) onLong();
  while (operation.state === 'running' && isWaiting) {
    const next = await client.ask('GET', `/operations/${encodeURIComponent(operation.id)}?wait=${waitWords}`);
    operation = operationIn(next.document, client);
  }
  if (operation.state === 'done' || operation.state === 'running') {
    for (const { message, fix } of operation.problems) say(`warning: ${message}${fix === undefined ? '' : `; ${fix}`}`);
  }
  if (operation.state === 'failed' || operation.state === 'interrupted') throw failedOf(name, operation);
  return operation;
}

function failedOf(name: string, { kind, state, problems }: Operation): ProblemsError {
  const word = state === 'failed' ? 'has failed' : 'was interrupted';
  const all =
    problems.length > 0 ? problems : [{ code: state, severity: 'error', message: `the ${kind} ${word}` } as const];
  return new ProblemsError('host', name, all);
}

function operationIn(document: unknown, { where }: ManagerClient): Operation {
  if (isOperation(document)) return document;
  const message = 'the manager answers what this vmrun does not understand';
  throw new ProblemsError('host', where, [
    { code: 'strange', severity: 'error', message, fix: 'are both of one version?' },
  ]);
}

/** The rest of it is as the manager has it. */
const isOperation = (value: unknown): value is Operation =>
  typeof value === 'object' &&
  value !== null &&
  'id' in value &&
  'state' in value &&
  'problems' in value &&
  typeof value.id === 'string' &&
  typeof value.state === 'string' &&
  Array.isArray(value.problems);
