import type { SourceNode } from './source-tree.js';

/**
 * Where each text of a parsed file ends that is written as nothing but itself: in quotes, or to the end of its line.
 * Not in a list, nor before another value of YAML on its line: there a stray sign would make two texts of one.
 * @returns the end of the text that an offset is in
 */
export function valueEnds(text: string, format: string, root: SourceNode): (offset: number) => number | undefined {
  let ends: readonly { readonly start: number; readonly end: number }[] | undefined;
  return (offset) => {
    ends ??= wholeTexts(text, format, root).sort((a, b) => a.start - b.start);
    let [low, high] = [0, ends.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((ends[middle]?.start ?? 0) <= offset) low = middle + 1;
      else high = middle;
    }
    const { end = 0 } = ends[low - 1] ?? {};
    return offset < end ? end : undefined;
  };
}

function wholeTexts(text: string, format: string, node: SourceNode): { start: number; end: number }[] {
  switch (node.kind) {
    case 'scalar': {
      const { value, start, end } = node;
      const isQuoted = /["']/.test(text.charAt(start)) && format !== 'yaml';
      return typeof value === 'string' && (isQuoted || /^[ \t]*(?:[\r\n}]|$)/.test(text.slice(end, end + 80)))
        ? [{ start, end }]
        : [];
    }
    case 'sequence':
      return node.items.flatMap((item) => (item.kind === 'scalar' ? [] : wholeTexts(text, format, item)));
    case 'mapping':
      return node.entries.flatMap(({ value }) => wholeTexts(text, format, value));
  }
}
