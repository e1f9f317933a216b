import { passes, type Net, type Sketch } from './boot-nets.js';

/** Pixels. Wires are attached at multiples of half a row, so that two of them are never nearer than that. */
export const rowHeight = 24;
export const halfRow = rowHeight / 2;
/** Of a card: above the middle of its title, and below the middle of its last row. */
export const titleAbove = 18;
export const belowLast = 16;
const cardGap = 22;
const corridorGap = 10;
/** How far something is moved down to make a wire straight. */
const mostPush = 5 * rowHeight;

/** Heights, from 0. */
export interface Places {
  /** Middle of a card's title. */
  readonly titleY: (card: number) => number;
  /** Middle of an exit's row. */
  readonly rowY: (card: number, row: number) => number;
  /** Where a net crosses a column. */
  readonly corridorY: (column: number, net: Net) => number;
  readonly height: number;
}

/** What stands in a column: a card, or a height that is kept free for a net. */
type Item = { readonly card: number } | { readonly net: Net };

/**
 * Gives every card and every crossing its height, column after column. It goes where the first wire that comes to it
 * from the left is straight, if that is near. Two nets are never attached to the two sides of a gutter at one height,
 * unless they have the same goal.
 */
export function placesOf(sketch: Sketch): Places {
  const titles = new Map<number, number>();
  const corridors = new Map<string, number>();
  const titleY = (card: number): number => titles.get(card) ?? 0;
  const rowY = (card: number, row: number): number => titleY(card) + (row + 1) * rowHeight;
  const corridorKey = (column: number, { name }: Net): string => `${column} ${name}`;
  let height = 0;
  /** Goals by height, on the left side of the gutter before this column. */
  let before = new Map<number, string>();
  const isTaken = (y: number, goal: string): boolean => before.has(y) && before.get(y) !== goal;

  /** Heights at which a net comes to a column from the left. */
  const arriving = (net: Net, column: number): readonly number[] => {
    const near = net.sources.filter(({ card }) => sketch.columnOf(card) === column - 1);
    const passing = corridors.get(corridorKey(column - 1, net));
    return [...near.map(({ card, row }) => rowY(card, row)), ...(passing === undefined ? [] : [passing])];
  };
  const nearBy = (lowest: number, wanted: number | undefined): number =>
    wanted !== undefined && wanted > lowest && wanted - lowest <= mostPush ? wanted : lowest;

  sketch.columns.forEach((_, column) => {
    const after = new Map<number, string>();
    let bottom = -cardGap;

    function placeCorridor(net: Net): void {
      const lowest = Math.max(0, raster(bottom + corridorGap));
      let y = nearBy(lowest, net.side === 'left' ? arriving(net, column)[0] : undefined);
      while (isTaken(y, net.goal)) y += halfRow;
      corridors.set(corridorKey(column, net), y);
      after.set(y, net.goal);
      bottom = y;
    }

    function placeCard(card: number): void {
      const exits = (sketch.targets[card]?.exits ?? []).map((__, row) => ({
        net: sketch.netAt(card, row),
        side: sketch.sideOf(card, row),
        offset: (row + 1) * rowHeight,
      }));
      const coming = sketch.nets.filter(({ to }) => to === card);
      const fromLeft = coming.filter(({ side }) => side === 'left');
      const onLeft = [
        ...fromLeft.map(({ goal }) => ({ offset: 0, goal })),
        ...exits.flatMap(({ net, side, offset }) => (net && side === 'left' ? [{ offset, goal: net.goal }] : [])),
      ];
      const lowest = raster(bottom + cardGap + titleAbove);
      let y = nearBy(lowest, fromLeft.flatMap((net) => arriving(net, column))[0]);
      while (onLeft.some(({ offset, goal }) => isTaken(y + offset, goal))) y += halfRow;
      titles.set(card, y);
      for (const { goal, side } of coming) if (side === 'right') after.set(y, goal);
      // The mark of an end stands before the lanes, so it is in nobody's way.
      for (const { net, side, offset } of exits) if (net && side === 'right') after.set(y + offset, net.goal);
      bottom = y + exits.length * rowHeight + belowLast;
    }

    for (const item of itemsOf(sketch, column)) {
      if ('net' in item) placeCorridor(item.net);
      else placeCard(item.card);
    }
    height = Math.max(height, bottom);
    before = after;
  });
  return { titleY, rowY, corridorY: (column, net) => corridors.get(corridorKey(column, net)) ?? 0, height };
}

const raster = (y: number): number => Math.ceil(y / halfRow) * halfRow;

/** The cards of a column, and between them the nets that cross it, each near the middle of what it connects. */
function itemsOf({ columns, columnOf, nets }: Sketch, column: number): readonly Item[] {
  const rank = new Map(columns.flatMap((cards) => cards.map((card, at) => [card, at] as const)));
  const middle = ({ to, sources }: Net): number => {
    const ranks = [to, ...sources.map(({ card }) => card)].map((card) => rank.get(card) ?? 0);
    return ranks.reduce((sum, each) => sum + each, 0) / ranks.length;
  };
  const keyed: readonly (readonly [key: number, item: Item])[] = [
    ...(columns[column] ?? []).map((card, at) => [at, { card }] as const),
    // Above the card of the same rank.
    ...nets.filter((net) => passes(net, column, columnOf)).map((net) => [middle(net) - 0.5, { net }] as const),
  ];
  return keyed.toSorted(([a], [b]) => a - b).map(([, item]) => item);
}
