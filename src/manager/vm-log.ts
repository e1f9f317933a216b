/** The newest lines of what a VM's programs wrote. */
export interface VmLog {
  /** Whole lines. */
  readonly add: (text: string) => void;
  readonly lines: () => readonly string[];
}

/** Lines that are kept, and characters of each. */
const mostLines = 500;
const longestLine = 4000;

export function vmLog(): VmLog {
  let lines: string[] = [];
  return {
    add(text) {
      for (const line of text.replace(/\n$/, '').split('\n')) lines.push(line.slice(0, longestLine));
      // Seldom, and then a good part of them.
      if (lines.length > 2 * mostLines) lines = lines.slice(-mostLines);
    },
    lines: () => lines.slice(-mostLines),
  };
}
