import { greatest } from '../base/long-lists.js';
import type { BootGraph, BootTarget, Exit } from './boot-graph.js';
import { sketchOf, type Net, type Side, type Sketch, type ExitPlace } from './boot-nets.js';
import { belowLast, halfRow, placesOf, rowHeight, titleAbove, type Places } from './boot-places.js';

export interface Point {
  readonly x: number;
  readonly y: number;
}

/** One exit of a target: a line of its card, and the end of the wire that leaves there. */
interface ExitRow {
  readonly exit: Exit;
  /** The line's middle. */
  readonly y: number;
  readonly side: Side;
}

/** The box of a target: its name, and a row for each exit. Labels stand in it, so no wire can cross one. */
export interface Card extends Point {
  readonly width: number;
  readonly height: number;
  readonly target: BootTarget;
  /** Middle of the line with the name. */
  readonly titleY: number;
  readonly rows: readonly ExitRow[];
}

/** A wire from a row to the card of the next target, or to a mark of the end: corners of a right-angled line. */
export interface Wire {
  readonly from: BootTarget;
  readonly exit: Exit;
  /** Where it goes: wires with one goal may join, all others only cross. */
  readonly goal: string;
  readonly points: readonly Point[];
}

/** Pixels, from 0, 0. */
export interface BootLayout {
  readonly width: number;
  readonly height: number;
  /** In the order of the spec. */
  readonly cards: readonly Card[];
  readonly wires: readonly Wire[];
  /** Into the card of the first boot. */
  readonly start: { readonly from: Point; readonly to: Point };
}

/** Of the marks of start and end. */
export const markRadius = 6;
const startLength = 34;
const endLength = 30;
const laneGap = 12;
/** On both sides of the lanes: room for an arrow head. */
const gutterPad = 20;

/**
 * Draws the targets in columns, and the wires in the gutters between the columns, each on a lane of its own, so that
 * none runs over a card or along another; where it has to cross a column, a height between the cards is kept for it.
 * @param cardWidth of every card, in pixels
 */
export function layoutBoots(graph: BootGraph, cardWidth: number): BootLayout {
  const sketch = sketchOf(graph);
  const places = placesOf(sketch);
  const across = acrossOf(sketch, places, cardWidth);
  const cards = sketch.targets.map((target, card): Card => {
    const { exits } = target;
    return {
      target,
      x: across.cardX(card),
      y: places.titleY(card) - titleAbove,
      width: cardWidth,
      height: titleAbove + exits.length * rowHeight + belowLast,
      titleY: places.titleY(card),
      rows: exits.map((exit, row) => ({ exit, y: places.rowY(card, row), side: sketch.sideOf(card, row) })),
    };
  });
  const wires = cards.flatMap(({ target, rows }, card) =>
    rows.map(({ exit, y, side }, row): Wire => {
      const begin = { x: edgeOf(across.cardX(card), side, cardWidth), y };
      const net = sketch.netAt(card, row);
      if (net === undefined) {
        return { from: target, exit, goal: `end ${card} ${row}`, points: [begin, { x: begin.x + endLength, y }] };
      }
      const corners = hopsOf(sketch, places, net, { card, row }).flatMap(({ gutter, from, to }) => {
        const x = across.laneX(gutter, net);
        return x === undefined
          ? []
          : [
              { x, y: from },
              { x, y: to },
            ];
      });
      const end = { x: edgeOf(across.cardX(net.to), net.side, cardWidth), y: places.titleY(net.to) };
      return { from: target, exit, goal: net.goal, points: withoutTwins([begin, ...corners, end]) };
    }),
  );
  const first = cards.find(({ target }) => target.name === graph.start);
  const to = { x: first?.x ?? 0, y: first?.titleY ?? 0 };
  const from = { x: to.x - startLength + markRadius, y: to.y };
  return { width: across.width, height: places.height, cards, wires, start: { from, to } };
}

const edgeOf = (cardX: number, side: Side, cardWidth: number): number => (side === 'left' ? cardX : cardX + cardWidth);

const withoutTwins = (points: readonly Point[]): readonly Point[] =>
  points.filter((point, at) => point.x !== points[at - 1]?.x || point.y !== points[at - 1]?.y);

/** The way of a wire through one gutter, that on the right of the column with its number: from a height to a height. */
interface Hop {
  readonly gutter: number;
  readonly from: number;
  readonly to: number;
}

function hopsOf({ columnOf }: Sketch, places: Places, net: Net, { card, row }: ExitPlace): readonly Hop[] {
  const isForward = net.side === 'left';
  const goal = columnOf(net.to);
  const own = columnOf(card);
  const last = isForward ? goal - 1 : goal;
  const hops: Hop[] = [];
  let from = places.rowY(card, row);
  let gutter = isForward || own === goal ? own : own - 1;
  while (gutter !== last) {
    const to = places.corridorY(isForward ? gutter + 1 : gutter, net);
    hops.push({ gutter, from, to });
    from = to;
    gutter += isForward ? 1 : -1;
  }
  return [...hops, { gutter, from, to: places.titleY(net.to) }];
}

/** What stands where from left to right. */
interface Across {
  readonly cardX: (card: number) => number;
  /** Undefined: the net goes straight through the gutter. */
  readonly laneX: (gutter: number, net: Net) => number | undefined;
  readonly width: number;
}

function acrossOf(sketch: Sketch, places: Places, cardWidth: number): Across {
  const hops = sketch.nets.flatMap((net) =>
    net.sources.flatMap((source) => hopsOf(sketch, places, net, source).map((hop) => ({ ...hop, net }))),
  );
  const lanes = sketch.columns.map((_, gutter) =>
    assignLanes(intervalsOf(hops.filter((hop) => hop.gutter === gutter))),
  );
  let x = startLength;
  const columns = lanes.map((taken) => {
    const cardX = x;
    const firstLane = cardX + cardWidth + endLength + gutterPad;
    x = firstLane + (taken.size === 0 ? 0 : greatest(taken.values()) * laneGap + gutterPad);
    return { cardX, firstLane };
  });
  return {
    cardX: (card) => columns[sketch.columnOf(card)]?.cardX ?? 0,
    laneX: (gutter, { name }) => {
      const lane = lanes[gutter]?.get(name);
      return lane === undefined ? undefined : (columns[gutter]?.firstLane ?? 0) + lane * laneGap;
    },
    width: x,
  };
}

/** What a net takes up of a lane. */
interface Interval {
  readonly name: string;
  readonly top: number;
  readonly bottom: number;
}

/** One for each net that changes its height. */
function intervalsOf(hops: readonly (Hop & { readonly net: Net })[]): readonly Interval[] {
  const intervals = new Map<string, Interval>();
  for (const { net, from, to } of hops) {
    const { name } = net;
    const { top, bottom } = intervals.get(name) ?? { top: from, bottom: from };
    intervals.set(name, { name, top: Math.min(top, from, to), bottom: Math.max(bottom, from, to) });
  }
  return [...intervals.values()].filter(({ top, bottom }) => top < bottom);
}

/** Lanes from 0, on each of which the intervals keep apart; short ones first, which leaves them next to their cards. */
function assignLanes(intervals: readonly Interval[]): ReadonlyMap<string, number> {
  const lanes: Interval[][] = [];
  const taken = new Map<string, number>();
  const bySize = intervals.toSorted((a, b) => a.bottom - a.top - (b.bottom - b.top) || a.top - b.top);
  for (const interval of bySize) {
    const isFree = (lane: readonly Interval[]): boolean =>
      lane.every(({ top, bottom }) => bottom + halfRow <= interval.top || interval.bottom + halfRow <= top);
    const found = lanes.findIndex(isFree);
    const at = found === -1 ? lanes.length : found;
    (lanes[at] ??= []).push(interval);
    taken.set(interval.name, at);
  }
  return taken;
}
