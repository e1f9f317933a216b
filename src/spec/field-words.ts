import { vmSchema } from './schema.js';

/** The words that fields, device models and fixed values are named by: in a message they are ours, not the file's. */
export function fieldWords(): ReadonlySet<string> {
  const words = new Set<string>();
  const add = (text: string): void => {
    for (const word of text.match(/\w+/g) ?? []) words.add(word);
  };
  const walk = (value: unknown): void => {
    if (typeof value !== 'object' || value === null) return;
    for (const [key, below] of Object.entries(value) as [string, unknown][]) {
      if ((key === 'properties' || key === '$defs') && typeof below === 'object' && below !== null)
        Object.keys(below).forEach(add);
      if (key === 'enum' && Array.isArray(below)) below.filter((each) => typeof each === 'string').forEach(add);
      walk(below);
    }
  };
  walk(vmSchema);
  return words;
}
