import { withoutEnd } from '../base/text.js';
import { own, unpainted, type OwnText } from './paint.js';

/** How wide text for people is where nobody says how wide the terminal is. */
export const usualWidth = 80;

/** Narrower ones are written to as if they were so wide: what is meant to stand beside something needs room. */
const leastWidth = 40;

/** What text may take of a terminal; one that does not know its width says 0. */
export const textWidth = (columns: number | undefined): number | undefined =>
  columns === undefined || columns === 0 ? undefined : Math.max(columns, leastWidth);

/** Columns that text takes, whatever its colours. */
export const shownLength = (text: string): number => unpainted(text).length;

/** Lines of a paragraph: broken at blanks, those after the first with their indent in front. A long word stays whole. */
export function wrap(text: string, width: number, indent = ''): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const [, gap = '', word = ''] of withoutEnd(text, ' ').matchAll(/(^ *| +)([^ ]+)/g)) {
    if (line.trim() === '' || shownLength(line + gap + word) <= width) line += gap + word;
    else {
      lines.push(line);
      line = indent + word;
    }
  }
  return [...lines, line];
}

/**
 * Text whose lines fit a terminal: a longer one is broken at blanks, and goes on indented deeper than it began. What
 * stands in a column of its own goes to the next line as a whole. A line with a mark below is cut, for the mark to
 * stay below what it is about.
 * @param width undefined: there is no terminal, and text stays as it is
 */
export function fitLines(text: OwnText, width: number | undefined): OwnText {
  if (width === undefined) return text;
  const lines = text.split('\n');
  const fitting = lines.flatMap((line, index) => {
    const [about = '', mark = ''] = isMark(line) ? [lines[index - 1], line] : [line, lines[index + 1]];
    if (!isMark(mark)) return fitLine(line, width);
    return [shownLength(about) <= width && mark.length <= width ? line : cutAround(line, mark, width)];
  });
  return own(fitting.join('\n'));
}

/** Lines of one that is too long. */
function fitLine(line: string, width: number): readonly string[] {
  if (shownLength(line) <= width) return [line];
  const begin = /^ */.exec(line)?.[0].length ?? 0;
  const indent = ' '.repeat(Math.min(begin, width / 4) + 2);
  // The blanks before a column, taken once: where they begin.
  const gap = /(?<=[^ ]) {3,}(?=[^ ])/.exec(line);
  if (gap === null) return wrap(line, width, indent);
  const [left, right] = [line.slice(0, gap.index), line.slice(gap.index + gap[0].length)];
  return [...wrap(left, width, indent), ...wrap(indent + right, width, `${indent}  `)];
}

const isMark = (line: string): boolean => /^ *\^+$/.test(line);

/** The part of a line that has the place of the mark in it. */
function cutAround(line: string, mark: string, width: number): string {
  const from = Math.max(0, mark.length - Math.ceil((width * 2) / 3));
  return line.slice(from, from + width);
}
