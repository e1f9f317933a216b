import { greatest } from '../base/long-lists.js';
import { visible } from '../base/visible.js';

/** Text of at most so many characters: what is too much goes from its middle, where paths say least. */
export function shorten(text: string, width: number): string {
  if (text.length <= width) return text;
  const end = Math.ceil((width - 3) * 0.6);
  return `${text.slice(0, width - 3 - end)}...${text.slice(text.length - end)}`;
}

/** One cell of a table, or what it says piece by piece: pieces stand on lines of their own where they have no room. */
export type Cell = string | readonly string[];

/** How a table is to be laid out. */
interface TableLayout {
  /** The columns that may be cut. */
  readonly elastic?: readonly number[];
  readonly indent?: string;
  readonly width: number;
}

/** So much of a cell that may be cut is worth a column. */
const leastElastic = 12;

/**
 * Rows below a heading, each column as wide as its widest cell; the columns that may be cut share what the others leave.
 * Those that have no room go to a second line of the row, and so on. A column without any text is left out.
 */
export const table = (rows: readonly (readonly Cell[])[], layout: TableLayout): readonly string[] =>
  tableRows(rows, layout).flat();

/** The same, the lines of each row apart. */
export function tableRows(
  rows: readonly (readonly Cell[])[],
  { elastic = [], indent = '', width }: TableLayout,
): readonly (readonly string[])[] {
  const [heading = []] = rows;
  const used = heading
    .map((_, column) => column)
    .filter(
      (column) => rows.length === 1 || rows.slice(1).some((row) => piecesOf(row[column]).some((text) => text !== '')),
    );
  const columns = used.map((column): Column => {
    const cells = rows.map((row) => piecesOf(row[column]));
    const whole = longestOf(cells.map(joined));
    const isElastic = elastic.includes(column);
    const least = longestOf(cells.flat());
    return { column, isElastic, whole, least: isElastic ? Math.min(whole, leastElastic) : least };
  });
  const folded = fold(columns, width - indent.length);
  return rows.map((row) =>
    folded.flatMap((part, index) => {
      const margin = index === 0 ? indent : `${indent}  `;
      const lines = rowLines(row, part, width - margin.length);
      return (index === 0 ? lines : lines.filter((line) => line !== '')).map((line) => margin + line);
    }),
  );
}

interface Column {
  readonly column: number;
  readonly isElastic: boolean;
  /** Widest cell. */
  readonly whole: number;
  /** What it must have. */
  readonly least: number;
}

/** What others have written takes the room that it has when all of it can be seen. */
const piecesOf = (cell: Cell = ''): readonly string[] => (typeof cell === 'string' ? [cell] : cell).map(visible);

/** There may be more texts than a call takes arguments. */
const longestOf = (texts: readonly string[]): number => texts.reduce((most, { length }) => Math.max(most, length), 0);

const joined = (pieces: readonly string[]): string => pieces.join(', ');

const gap = 2;

/** The columns of each line of a row. */
function fold(columns: readonly Column[], room: number): readonly (readonly Column[])[] {
  const lines: Column[][] = [];
  let left = 0;
  for (const column of columns) {
    left -= column.least + gap;
    const last = lines.at(-1);
    if (last !== undefined && left >= 0) last.push(column);
    else {
      lines.push([column]);
      // The lines below the first are indented.
      left = room - (lines.length === 1 ? 0 : gap) - column.least;
    }
  }
  return lines;
}

/** The lines of some columns of a row: one, unless the pieces of a cell have no room beside one another. */
function rowLines(row: readonly Cell[], columns: readonly Column[], room: number): readonly string[] {
  const widths = columnWidths(columns, room - gap * (columns.length - 1));
  const cells = columns.map(({ column, isElastic }, index) => {
    const width = widths[index] ?? 0;
    const pieces = piecesOf(row[column]);
    return isElastic ? [shorten(joined(pieces), width)] : inLines(pieces, width);
  });
  return Array.from({ length: greatest(cells.map(({ length }) => length)) }, (_, line) =>
    cells
      .map((lines, index) => (lines[line] ?? '').padEnd(widths[index] ?? 0))
      .join(' '.repeat(gap))
      .trimEnd(),
  );
}

/** Pieces side by side as far as there is room. */
function inLines(pieces: readonly string[], width: number): readonly string[] {
  const lines: string[] = [];
  for (const piece of pieces) {
    const last = lines.at(-1);
    if (last !== undefined && last.length + 2 + piece.length <= width) lines[lines.length - 1] = `${last}, ${piece}`;
    else lines.push(piece);
  }
  return lines;
}

/** Each column has what it must have; of the rest those that may be cut take first what they want, the narrow ones before. */
function columnWidths(columns: readonly Column[], room: number): readonly number[] {
  const widths = columns.map(({ least }) => least);
  let left = room - widths.reduce((sum, width) => sum + width, 0);
  const wanting = (isElastic: boolean): readonly number[] =>
    columns
      .map((_, index) => index)
      .filter((index) => columns[index]?.isElastic === isElastic)
      .sort((a, b) => (columns[a]?.whole ?? 0) - (columns[b]?.whole ?? 0));
  for (const group of [wanting(true), wanting(false)]) {
    group.forEach((index, at) => {
      const width = widths[index] ?? 0;
      const share = Math.max(0, Math.floor(left / (group.length - at)));
      const more = Math.min((columns[index]?.whole ?? 0) - width, share);
      widths[index] = width + more;
      left -= more;
    });
  }
  return widths;
}
