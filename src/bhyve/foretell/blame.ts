import type { ConfigNode } from '../config-node.js';
import type { Read } from './recording.js';

/** What is behind something that bhyve says. */
export interface Blamed {
  /** The variable that it is about, where there is one. */
  readonly variable?: string;
  /** A variable that would have to be set beside it. */
  readonly missing?: string;
  /** The word in which the option begins that set it; undefined: no option did. */
  readonly index: number | undefined;
  /** The variable that was read last, whether it is there or not. */
  readonly asked?: string;
}

export interface BlameOptions {
  readonly prefixes: ReadonlyMap<ConfigNode, string>;
  readonly setters: ReadonlyMap<string, number>;
  /** The word in which the option begins that made a node, by what stands in front of its variables. */
  readonly makers: ReadonlyMap<string, number>;
  /** Whether an option is to be looked at before others. */
  readonly isSuspect: (index: number) => boolean;
}

/**
 * Names the variable behind what bhyve says after some reads: the last one that it has read in the node where it was, and
 * that a suspect option sets; else what stands beside a variable that is not there; else the last read of all.
 */
export function blame(reads: readonly Read[], options: BlameOptions): Blamed {
  const last = reads.at(-1);
  if (last === undefined) return { index: undefined };
  const prefix = last.node === undefined ? '' : (options.prefixes.get(last.node) ?? '');
  return { ...behind(reads, last, options), asked: prefix + last.name };
}

function behind(
  reads: readonly Read[],
  last: Read,
  { prefixes, setters, makers, isSuspect }: BlameOptions,
): Omit<Blamed, 'asked'> {
  const nameOf = ({ node, name }: Read): string => (node === undefined ? name : (prefixes.get(node) ?? '') + name);
  const backwards = reads.toReversed();
  const suspect = (variables: readonly string[]): Blamed | undefined => {
    const variable = variables.find((name) => {
      const index = setters.get(name);
      return index !== undefined && isSuspect(index);
    });
    return variable === undefined ? undefined : { variable, index: setters.get(variable) };
  };
  const inNode = suspect(backwards.filter((read) => read.node === last.node).map(nameOf));
  if (inNode !== undefined) return inNode;
  const { node } = last;
  const prefix = node === undefined ? '' : (prefixes.get(node) ?? '');
  if (prefix !== '' && node?.entries.has(last.name) === false) {
    const beside = suspect([...setters.keys()].filter((name) => name.startsWith(prefix)));
    if (beside !== undefined) return { ...beside, missing: nameOf(last) };
    const maker = makers.get(prefix);
    if (maker !== undefined && isSuspect(maker)) return { variable: nameOf(last), index: maker };
  }
  const names = backwards.map(nameOf);
  const any = suspect(names);
  if (any !== undefined) return any;
  const variable = names.find((name) => setters.has(name));
  return variable === undefined ? { index: undefined } : { variable, index: setters.get(variable) };
}
