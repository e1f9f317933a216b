import type { ConfigNode } from '../config-node.js';
import { emptyOutput } from '../outcome.js';
import { prefixesOf, type Trace, type TracedOption } from '../trace.js';

/** A variable that bhyve's code has asked for, and how many lines it had printed by then. */
export interface Read {
  /** Undefined: there is none, and the name is the whole one. */
  readonly node: ConfigNode | undefined;
  readonly name: string;
  readonly line: number;
}

/** What was told of one pass of bhyve over a command line, or over what came of it. */
export interface Recording {
  readonly trace: Trace;
  /** In order. */
  readonly reads: readonly Read[];
  /** The options, each with the lines that were printed before it; undefined: none is left. */
  readonly options: readonly { readonly option: TracedOption | undefined; readonly line: number }[];
  /** Every variable that was asked for, by code or by a reference in another. */
  readonly variables: (root: ConfigNode) => ReadonlySet<string>;
  /** The word in which the option begins that set a variable last. */
  readonly setters: (root: ConfigNode) => ReadonlyMap<string, number>;
  /** The same of the one that made a node, by what stands in front of its variables. */
  readonly makers: (root: ConfigNode) => ReadonlyMap<string, number>;
}

export function record(): Recording {
  const output = emptyOutput();
  const reads: Read[] = [];
  const options: { readonly option: TracedOption | undefined; readonly line: number }[] = [];
  const asked = new Map<ConfigNode, Set<string>>();
  const set = new Map<ConfigNode, Map<string, number | undefined>>();
  const made = new Map<ConfigNode, number>();
  const named = <T>(root: ConfigNode, of: (node: ConfigNode) => Iterable<readonly [string, T]>): Map<string, T> =>
    new Map(
      [...prefixesOf(root)].flatMap(([node, prefix]) =>
        [...of(node)].map(([name, value]) => [prefix + name, value] as const),
      ),
    );
  return {
    trace: {
      output,
      option: (option) => {
        options.push({ option, line: output.stderr.length });
      },
      set: (node, name) => {
        const names = set.get(node) ?? new Map<string, number | undefined>();
        set.set(node, names.set(name, options.at(-1)?.option?.index));
      },
      make: (node) => {
        const index = options.at(-1)?.option?.index;
        if (index !== undefined) made.set(node, index);
      },
      read: (node, name, by) => {
        if (by === 'code') reads.push({ node, name, line: output.stderr.length });
        if (node === undefined) return;
        asked.set(node, (asked.get(node) ?? new Set<string>()).add(name));
      },
    },
    reads,
    options,
    variables: (root) => new Set(named(root, (node) => (asked.get(node) ?? new Set()).entries()).keys()),
    setters: (root) =>
      new Map(
        [...named(root, (node) => set.get(node) ?? [])].flatMap(([name, at]) => (at === undefined ? [] : [[name, at]])),
      ),
    makers: (root) =>
      new Map(
        [...prefixesOf(root)].flatMap(([node, prefix]) => {
          const index = made.get(node);
          return index === undefined ? [] : [[prefix, index] as const];
        }),
      ),
  };
}
