import { shown } from '../base/text.js';
import type { MergeFinding } from './merge.js';
import type { SourceNode } from './source-tree.js';

/**
 * A problem names its place by all keys on the way there, and there may be hundreds of thousands of them: with a key of
 * megabytes that takes minutes, though nobody reads such a name. No target, variable or comment has one.
 */
export const mostKeyCharacters = 1024;

/** The first value that stands below longer keys, all of them together; undefined: there is none. */
export function longKey(root: SourceNode): MergeFinding | undefined {
  const below = (node: SourceNode, before: number): MergeFinding | undefined => {
    if (node.kind === 'scalar') return undefined;
    if (node.kind === 'sequence') return first(node.items, (item) => below(item, before));
    return first(node.entries, ({ key, keyStart, value }) => {
      const length = before + key.length;
      if (length <= mostKeyCharacters) return below(value, length);
      const whose = before === 0 ? '' : ' with those that it stands below';
      return {
        code: 'long-key',
        message: `the key ${shown(key)} has ${length} characters${whose}, and there may be ${mostKeyCharacters}`,
        fix: 'write a shorter one',
        node: { ...node, start: keyStart },
      };
    });
  };
  return below(root, 0);
}

function first<Item, Found>(items: readonly Item[], look: (item: Item) => Found | undefined): Found | undefined {
  for (const item of items) {
    const found = look(item);
    if (found !== undefined) return found;
  }
  return undefined;
}
