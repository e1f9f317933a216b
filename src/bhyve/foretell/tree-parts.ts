import { type ConfigNode, emptyNode } from '../config-node.js';

/** Whether a variable belongs to what makes no sense without another: a device, the TPM, the numbers of CPUs. */
export function isPartOf(variable: string): (other: string) => boolean {
  const [prefix] = /^(pci\.\d+\.\d+\.\d+|domains\.\d+|vcpu\.\d+|tpm|gdb|monitor)\./.exec(variable) ?? [];
  if (prefix !== undefined) return (other) => other.startsWith(prefix);
  const topology = ['cpus', 'sockets', 'cores', 'threads'];
  return topology.includes(variable) ? (other) => topology.includes(other) : (other) => other === variable;
}

/** A tree without some variables, and without the nodes that are then empty. */
export function copyWithout(root: ConfigNode, isOut: (variable: string) => boolean): ConfigNode {
  const copy = (node: ConfigNode, prefix: string): ConfigNode => {
    const { entries, isBroken } = node;
    const kept = { ...emptyNode(), isBroken };
    for (const [name, entry] of entries) {
      if (typeof entry === 'string') {
        if (!isOut(prefix + name)) kept.entries.set(name, entry);
        continue;
      }
      const below = copy(entry, `${prefix}${name}.`);
      if (below.entries.size > 0 || entry.entries.size === 0) kept.entries.set(name, below);
    }
    return kept;
  };
  return copy(root, '');
}
