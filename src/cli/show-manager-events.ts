import { listWords } from '../base/text.js';
import { unreachable } from '../base/unreachable.js';
import type { ManagerEvent } from '../manager/manager-events.js';
import type { Operation } from '../manager/operations.js';
import type { Colours } from './colours.js';
import { eventLines } from './show-events.js';
import { formatProblem } from './show-problems.js';

/** An event of a manager as it came; undefined where it is of a kind that this vmrun does not know. */
export const managerEventIn = (data: unknown): ManagerEvent | undefined => (isEvent(data) ? data : undefined);

const kinds: readonly string[] = [
  'run',
  'wanted',
  'operation',
  'group',
  'ready',
  'spec',
  'warning',
  'gap',
] satisfies readonly ManagerEvent['kind'][];

/** The rest of it is as the manager has it. */
const isEvent = (value: unknown): value is ManagerEvent =>
  typeof value === 'object' &&
  value !== null &&
  'kind' in value &&
  'time' in value &&
  typeof value.kind === 'string' &&
  kinds.includes(value.kind);

interface EventLook {
  /** What only matters when it goes wrong as well. */
  readonly isVerbose: boolean;
  /** Each line begins with its time. */
  readonly hasTime: boolean;
}

/** The lines that tell people what happened, each with the VM that it is about. */
export function managerEventLines(
  event: ManagerEvent,
  colours: Colours,
  { isVerbose, hasTime }: EventLook,
): readonly string[] {
  const vm = 'vm' in event ? event.vm : undefined;
  const about = vm === undefined ? '' : `${vm}: `;
  const time = hasTime ? `${event.time} ` : '';
  return wordsOf(event, colours, isVerbose).map((line) => `${time}${about}${line}`);
}

function wordsOf(event: ManagerEvent, colours: Colours, isVerbose: boolean): readonly string[] {
  switch (event.kind) {
    case 'run':
      return eventLines(event.event, colours, isVerbose);
    case 'wanted': {
      const { state, by, target } = event.wanted;
      return [`wanted ${state}${target === undefined ? '' : `, target ${target}`}, by ${by}`];
    }
    case 'operation':
      return operationWords(event.operation, colours, isVerbose);
    case 'group':
      return [`belongs to the group ${event.group}`];
    case 'ready':
      return event.isReady
        ? [`${colours.bold('ready')}: those that wait for it may start`]
        : [colours.yellow(`not ready${event.why === undefined ? '' : `: ${event.why}`}`)];
    case 'spec':
      return [
        ...(isVerbose || event.problems.length > 0 ? [`its spec is ${event.what}`] : []),
        ...event.problems.flatMap((problem) => formatProblem(problem, colours)),
      ];
    case 'warning':
      return formatProblem(event.problem, colours).map((line) => line.trimStart());
    case 'gap':
      return [
        colours.yellow(
          event.count === undefined ? 'events are missing here' : `${event.count} events are missing here`,
        ),
      ];
    default:
      return unreachable(event);
  }
}

function operationWords(
  { kind, by, state, problems }: Operation,
  colours: Colours,
  isVerbose: boolean,
): readonly string[] {
  if (state === 'running') return [`${kind}, asked for by ${by}`];
  if (state === 'done') return isVerbose ? [`${kind}: done`] : [];
  const why = problems.length === 0 ? '' : `: ${listWords(problems.map(({ message }) => message))}`;
  return [colours.yellow(`${kind}: ${state}${why}`)];
}
