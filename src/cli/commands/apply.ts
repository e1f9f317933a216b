import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { ProblemsError } from '../../base/problem.js';
import { steps } from '../../base/json-pointer.js';
import { autostartOf } from '../../fields/autostart.js';
import { loadSpec } from '../../report/load-spec.js';
import { canonicalise } from '../../spec/canonical.js';
import { parseText } from '../../spec/parse-text.js';
import type { SpecText } from '../../spec/parse-spec.js';
import { readSpec } from '../../spec/read.js';
import { toValue, type SourceNode } from '../../spec/source-tree.js';
import { defaultTarget } from '../../spec/targets.js';
import { vmPath } from '../ask-operation.js';
import { defineCommand } from '../define-command.js';
import { exitCodes } from '../exit-codes.js';
import { managerClient, managerOptions, type ManagerClient } from '../manager-client.js';
import { notStartedWords } from '../not-started.js';
import { asLines } from '../paint.js';
import { inputFormatOption, quietOption } from '../shared-options.js';

const notes = `
The manager keeps the spec among its own, as JSON; file names that are relative
to FILE become absolute. A VM that runs has it from its next boot on. A spec
with problems is refused whole, and so is one of a VM whose file is in the
folder of specs: edit that one, then vmrun reload.

Examples:
  vmrun apply web.json
  vmrun apply web.yaml && vmrun start web`;

/** `vmrun apply`: gives a manager a spec. */
export const applyCommand = defineCommand({
  name: 'apply',
  description: 'Makes a VM of a spec in a manager, or gives it another spec.',
  usage: 'FILE [options]',
  notes,
  declare: (command) => managerOptions(command.argument('<file>').addOption(inputFormatOption)).addOption(quietOption),
  run: async ({ context, command, operands: [file], options }) => {
    const { workingDirectory, hostBhyve } = context;
    const input = readSpec(file, { workingDirectory, format: options.inputFormat });
    // What is wrong with it is told here, where its places are those of the file.
    const { spec } = await loadSpec(input, hostBhyve);
    const text = await textForManager(input, path.dirname(path.resolve(workingDirectory, file)));
    const client = managerClient({ command, context });
    const before = await specOf(client, spec.name);
    const { status } = await client.ask('PUT', `${vmPath(spec.name)}/spec`, { text });
    if (options.quiet !== true) {
      const isSame = before !== undefined && isDeepStrictEqual(before, JSON.parse(text));
      const done = status === 201 ? 'made' : isSame ? 'unchanged' : 'replaced: it takes effect at the next boot';
      const isAutomatic = autostartOf(spec.effective(defaultTarget).vm).isAutomatic;
      context.err(
        asLines([
          `vmrun: ${spec.name}: ${done}`,
          ...(status === 201 && isAutomatic ? [`vmrun: ${notStartedWords([spec.name])}`] : []),
        ]),
      );
    }
    return exitCodes.ok;
  },
});

/** What the manager has of it; undefined: nothing that could be the same. */
async function specOf(client: ManagerClient, name: string): Promise<unknown> {
  try {
    return (await client.ask('GET', `${vmPath(name)}/spec`)).document;
  } catch (error) {
    // What is in the way of asking is in the way of writing, too, and is told then.
    if (error instanceof ProblemsError) return undefined;
    throw error;
  }
}

/** The spec as JSON that says the same wherever it lies. */
async function textForManager(input: SpecText, folder: string): Promise<string> {
  const parsed = await parseText(input);
  if (!parsed.ok) throw new Error('it was loaded, and cannot be parsed');
  const root = canonicalise(parsed.root, (name) => path.resolve(folder, name));
  if (input.format !== 'json') return `${JSON.stringify(toValue(root), undefined, 2)}\n`;
  // As it is written, with the notes of its own: file names alone are others.
  const moved = movedFiles(root);
  if (moved.size === 0) return input.text;
  const value: unknown = JSON.parse(input.text);
  for (const [pointer, name] of moved) put(value, steps(pointer), name);
  return `${JSON.stringify(value, undefined, 2)}\n`;
}

/** Texts that are others than those written, by where they stand. */
function movedFiles(node: SourceNode, found = new Map<string, string>()): ReadonlyMap<string, string> {
  if (node.kind === 'scalar') {
    if (typeof node.value === 'string' && node.written !== undefined && node.value.startsWith('/'))
      found.set(node.pointer, node.value);
  } else if (node.kind === 'sequence') for (const item of node.items) movedFiles(item, found);
  else for (const { value } of node.entries) movedFiles(value, found);
  return found;
}

function put(value: unknown, [key = '', ...rest]: readonly string[], text: string): void {
  if (typeof value !== 'object' || value === null) return;
  if (rest.length > 0) put((value as Readonly<Record<string, unknown>>)[key], rest, text);
  else Object.assign(value, { [key]: text });
}
