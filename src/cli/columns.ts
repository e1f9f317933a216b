/** How wide text for people may be. */
export const screenWidth = 80;

/** Text of at most so many characters: what is too much goes from its middle, where paths say least. */
export function shorten(text: string, width: number): string {
  if (text.length <= width) return text;
  const end = Math.ceil((width - 3) * 0.6);
  return `${text.slice(0, width - 3 - end)}...${text.slice(text.length - end)}`;
}

/** Lines of a paragraph: broken at blanks, those after the first with their indent in front. A long word stays whole. */
export function wrap(text: string, width: number, indent = ''): readonly string[] {
  const lines: string[] = [];
  let line = '';
  for (const word of text.split(' ')) {
    const longer = line === '' ? word : `${line} ${word}`;
    if (line === '' || longer.length <= width) line = longer;
    else {
      lines.push(line);
      line = indent + word;
    }
  }
  return [...lines, line];
}

/**
 * Rows below a heading, each column as wide as its widest cell; the columns that may be cut share what the others leave.
 * A column without any text is left out.
 * @param elastic the indices of those that may be cut
 */
export function table(
  rows: readonly (readonly string[])[],
  elastic: readonly number[],
  indent: string,
): readonly string[] {
  const [heading = []] = rows;
  const used = heading.map((_, column) => column).filter((column) => rows.slice(1).some((row) => row[column] !== ''));
  const widest = heading.map((_, column) => rows.reduce((most, row) => Math.max(most, (row[column] ?? '').length), 0));
  const natural = (column: number): number => widest[column] ?? 0;
  const fixed = used.filter((column) => !elastic.includes(column)).map(natural);
  const room = screenWidth - indent.length - fixed.reduce((sum, width) => sum + width, 0) - 2 * (used.length - 1);
  const widths = elasticWidths(
    used.filter((column) => elastic.includes(column)).map((column) => [column, natural(column)]),
    room,
  );
  return rows
    .map((row) =>
      used
        .map((column) => {
          const width = widths.get(column) ?? natural(column);
          return shorten(row[column] ?? '', width).padEnd(width);
        })
        .join('  ')
        .trimEnd(),
    )
    .map((line) => indent + line);
}

/** The narrow ones have what they want, the others share what is left. */
function elasticWidths(
  wants: readonly (readonly [column: number, width: number])[],
  room: number,
): Map<number, number> {
  const widths = new Map<number, number>();
  let left = room;
  [...wants]
    .sort(([, a], [, b]) => a - b)
    .forEach(([column, want], index) => {
      const share = Math.max(4, Math.floor(left / (wants.length - index)));
      widths.set(column, Math.min(want, share));
      left -= Math.min(want, share);
    });
  return widths;
}
