import path from 'node:path';
import type { Call } from './call.js';
import { parse } from './dialect.js';
import type { Flow, Run, Wrapper } from './run.js';

const outer = new WeakMap<Run, readonly Wrapper[]>();

/** Wrappers of the text or function that is being followed. */
export const outerWrappers = (run: Run): readonly Wrapper[] => outer.get(run) ?? [];

/** Follows a text or function that is called with wrappers. */
export function withWrappers(run: Run, wrappers: readonly Wrapper[], walk: () => Flow | undefined): Flow | undefined {
  const before = outerWrappers(run);
  outer.set(run, [...before, ...wrappers]);
  const flow = walk();
  outer.set(run, before);
  return flow;
}

/** `eval`, `sh -c`, `. file`: a text that becomes commands. */
export function evaluateText({ run, command, tools, wrappers }: Call, text: string): Flow | undefined {
  const key = `${run.dialect} ${command.id} ${command.line} ${text}`;
  const parsed = run.texts.read.get(key) ?? parse(text, run.dialect, { ids: run.texts.ids, onlyLine: command.line });
  run.texts.read.set(key, parsed);
  if (!parsed.ok) {
    run.lost.push({
      line: command.line,
      code: 'script',
      message: `a text that this line runs cannot be read: ${parsed.message}`,
    });
    return undefined;
  }
  run.expanded += text.length;
  for (const name of parsed.tree.assigned) run.assigned.add(name);
  run.depth += 1;
  const flow = withWrappers(run, wrappers, () => tools.follow(run, parsed.tree.commands));
  run.depth -= 1;
  return flow;
}

/** A file that the script has written, or that stands beside it. */
export function textOfFile(run: Run, name: string): string | undefined {
  run.read.add(name);
  const inFolder = run.directory === undefined ? name : path.posix.resolve(run.directory, name);
  return run.files.get(name) ?? run.readFile(inFolder);
}
