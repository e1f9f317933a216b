/** Turns offsets into lines and columns, both from 1; columns count UTF-16 units as editors do. */
export interface Lines {
  at(offset: number): { readonly line: number; readonly column: number };
  /** The text of a line, without its end. */
  text(line: number): string;
}

export function linesOf(text: string): Lines {
  let starts: number[] | undefined;
  const lineStarts = (): readonly number[] => {
    if (starts === undefined) {
      starts = [0];
      for (let index = text.indexOf('\n'); index !== -1; index = text.indexOf('\n', index + 1)) starts.push(index + 1);
    }
    return starts;
  };
  return {
    at(offset) {
      const all = lineStarts();
      let [low, high] = [0, all.length];
      while (high - low > 1) {
        const middle = (low + high) >> 1;
        if ((all[middle] ?? 0) <= offset) low = middle;
        else high = middle;
      }
      return { line: low + 1, column: offset - (all[low] ?? 0) + 1 };
    },
    text(line) {
      const all = lineStarts();
      return text.slice(all[line - 1] ?? 0, all[line] ?? text.length).replace(/\r?\n$/, '');
    },
  };
}
