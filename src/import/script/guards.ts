import { addAll } from '../../base/long-lists.js';
import type { Command, List, Part, Simple, Word } from './tree.js';

/** A command, or a case, with the numbers of the conditions around it. */
interface Guarded {
  readonly site: number;
  readonly words: readonly Word[];
  readonly assignments: Simple['assignments'];
  readonly line: number;
  readonly guards: ReadonlySet<number>;
}

/**
 * The conditions that a line of a script depends on: those around it, and those around whatever sets the variables that
 * they look at, and so on.
 */
export function guardsOf(commands: List, line: number): ReadonlySet<number> {
  const all = guarded(commands, new Set());
  const bySite = new Map(all.map((each) => [each.site, each]));
  const found = new Set<number>();
  const visit = (guards: ReadonlySet<number>): void => {
    for (const site of guards) {
      if (found.has(site)) continue;
      found.add(site);
      const condition = bySite.get(site);
      if (condition === undefined) continue;
      const names = namesIn(condition);
      for (const each of all) if (each.assignments.some(({ name }) => names.has(name))) visit(each.guards);
    }
  };
  for (const each of all) if (linesOf(each).has(line)) visit(each.guards);
  return found;
}

function guarded(commands: List, outer: ReadonlySet<number>): readonly Guarded[] {
  return commands.flatMap((command) => within(command, outer));
}

function within(command: Command, outer: ReadonlySet<number>): readonly Guarded[] {
  switch (command.kind) {
    case 'simple':
      return [{ ...command, site: command.id, guards: outer }];
    case 'arithmetic':
      return [];
    case 'pipeline':
      return guarded(command.commands, outer);
    case 'background':
    case 'redirected':
      return within(command.command, outer);
    case 'function':
      return within(command.body, outer);
    case 'group':
    case 'counting':
    case 'for':
      return guarded(command.body, outer);
    case 'loop':
      return [...guarded(command.condition, outer), ...guarded(command.body, withSites(outer, command.condition))];
    case 'case':
      return [
        { site: command.id, words: [command.subject], assignments: [], line: command.line, guards: outer },
        ...command.items.flatMap(({ body }) => guarded(body, new Set([...outer, command.id]))),
      ];
    case 'and-or': {
      let guards = outer;
      let before = command.first;
      const found = [...within(command.first, outer)];
      for (const { command: next } of command.rest) {
        guards = withSites(guards, [before]);
        addAll(found, within(next, guards));
        before = next;
      }
      return found;
    }
    case 'if': {
      let guards = outer;
      const found: Guarded[] = [];
      for (const { condition, body } of command.clauses) {
        addAll(found, guarded(condition, guards));
        guards = withSites(guards, condition);
        addAll(found, guarded(body, guards));
      }
      return [...found, ...guarded(command.otherwise, guards)];
    }
  }
}

const withSites = (outer: ReadonlySet<number>, conditions: List): ReadonlySet<number> =>
  new Set([...outer, ...guarded(conditions, new Set()).map(({ site }) => site)]);

const wordsOf = ({ words, assignments }: Guarded): readonly Word[] => [
  ...words,
  ...assignments.flatMap(({ value }) => value),
];

const linesOf = (command: Guarded): ReadonlySet<number> =>
  new Set([command.line, ...wordsOf(command).map(({ line }) => line)]);

/** The variables that a condition looks at. */
const namesIn = (command: Guarded): ReadonlySet<string> =>
  new Set(wordsOf(command).flatMap(({ parts }) => parts.flatMap(namesOfPart)));

const namesOfPart = (part: Part): readonly string[] => (part.kind === 'parameter' ? [part.name] : []);
