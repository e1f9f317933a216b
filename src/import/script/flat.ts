import type { Command, List } from './tree.js';

/** The simple commands of a script as they stand, whatever is around them: for one that never comes to its bhyve. */
export function flat(commands: List): List {
  return commands.flatMap(leaves);
}

function leaves(command: Command): List {
  switch (command.kind) {
    case 'simple':
    case 'arithmetic':
      return [command];
    case 'pipeline':
      return flat(command.commands);
    case 'and-or':
      return flat([command.first, ...command.rest.map((each) => each.command)]);
    case 'background':
    case 'redirected':
      return leaves(command.command);
    case 'if':
      return [
        ...command.clauses.flatMap(({ condition, body }) => flat([...condition, ...body])),
        ...flat(command.otherwise),
      ];
    case 'loop':
      return flat([...command.condition, ...command.body]);
    case 'for':
      // Its variable gets a value.
      return [{ ...command, body: [] }, ...flat(command.body)];
    case 'counting':
    case 'group':
      return flat(command.body);
    case 'case':
      return command.items.flatMap(({ body }) => flat(body));
    case 'function':
      return [command, ...leaves(command.body)];
  }
}
