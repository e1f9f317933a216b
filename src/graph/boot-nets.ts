import { bootColumns, type Columns } from './boot-columns.js';
import { destinationOf, type BootGraph, type BootTarget } from './boot-graph.js';

export type Side = 'left' | 'right';

/** The exits that come to one card on one side and look the same: their wires are drawn as one that branches. */
export interface Net {
  readonly name: string;
  /** The card and the side: nets that differ only in their look join before it. */
  readonly goal: string;
  readonly to: number;
  readonly side: Side;
  readonly sources: readonly ExitPlace[];
}

/** An exit: the place of its target, and which of the exits there it is. */
export interface ExitPlace {
  readonly card: number;
  readonly row: number;
}

/** The graph with its cards in columns and its edges in nets, before anything has a place. */
export interface Sketch {
  readonly targets: readonly BootTarget[];
  readonly columns: Columns;
  readonly columnOf: (card: number) => number;
  readonly nets: readonly Net[];
  /** Undefined: the run ends there. */
  readonly netAt: (card: number, row: number) => Net | undefined;
  /** Where the wire of an exit leaves its card. */
  readonly sideOf: (card: number, row: number) => Side;
}

/**
 * A wire comes to a card from the left where it comes from a column further left, else from the right; it leaves on
 * the left only for a column further left.
 */
export function sketchOf(graph: BootGraph): Sketch {
  const { targets } = graph;
  const columns = bootColumns(graph);
  const columnOfCard = new Map(columns.flatMap((cards, at) => cards.map((card) => [card, at] as const)));
  const columnOf = (card: number): number => columnOfCard.get(card) ?? 0;
  const index = new Map(targets.map(({ name }, card) => [name, card]));
  const nets = new Map<string, Omit<Net, 'sources'> & { readonly sources: ExitPlace[] }>();
  const netAt = targets.map(({ exits, isReached }, card) =>
    exits.map((exit, row): Net | undefined => {
      const to = index.get(destinationOf(exit) ?? '');
      if (to === undefined) return undefined;
      const side = columnOf(card) < columnOf(to) ? 'left' : 'right';
      const goal = `${to} ${side}`;
      const name = [goal, exit.kind, isReached].join(' ');
      const net = nets.get(name) ?? { name, goal, to, side, sources: [] };
      net.sources.push({ card, row });
      nets.set(name, net);
      return net;
    }),
  );
  return {
    targets,
    columns,
    columnOf,
    nets: [...nets.values()],
    netAt: (card, row) => netAt[card]?.[row],
    sideOf: (card, row) => {
      const net = netAt[card]?.[row];
      return net !== undefined && columnOf(net.to) < columnOf(card) ? 'left' : 'right';
    },
  };
}

/** Whether a net has to cross a whole column on its way. */
export const passes = ({ to, side, sources }: Net, column: number, columnOf: (card: number) => number): boolean =>
  sources.some(({ card }) =>
    side === 'left'
      ? columnOf(card) < column && column < columnOf(to)
      : columnOf(to) < column && column < columnOf(card),
  );
