import type { ConfigNode } from './config-node.js';
import type { Output } from './outcome.js';

/**
 * Follows bhyve through a command line and a start, for those who ask which word is behind what bhyve says. All of it is
 * told before anything else comes of it, so what bhyve prints next is about what was told last.
 */
export interface Trace {
  /** Where bhyve prints. */
  readonly output: Output;
  /** An option is read, which sets what is set until the next one; undefined: there are no more. */
  readonly option?: (option: TracedOption | undefined) => void;
  /** A variable is set. */
  readonly set?: (node: ConfigNode, name: string) => void;
  /** A node is made, and the variable that is to stand in it may never come. */
  readonly make?: (node: ConfigNode) => void;
  /** A variable is asked for; it need not be there. No node: there is none, and the name is the whole one. */
  readonly read?: (node: ConfigNode | undefined, name: string, by: ReadBy) => void;
}

/** Code of bhyve, or a `%(…)` in another variable. */
export type ReadBy = 'code' | 'reference';

export interface TracedOption {
  readonly letter: string;
  readonly argument: string;
  /** The word of the command line in which it begins. */
  readonly index: number;
}

/** What stands in front of the variables of each node: `''` at the top, `pci.0.4.0.` for a device. */
export function prefixesOf(root: ConfigNode): ReadonlyMap<ConfigNode, string> {
  const prefixes = new Map<ConfigNode, string>();
  const visit = (node: ConfigNode, prefix: string): void => {
    prefixes.set(node, prefix);
    for (const [name, entry] of node.entries) if (typeof entry !== 'string') visit(entry, `${prefix}${name}.`);
  };
  visit(root, '');
  return prefixes;
}
