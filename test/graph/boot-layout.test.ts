import fc from 'fast-check';
import { expect, test } from '@jest/globals';
import { bootGraph, destinationOf } from '../../src/graph/boot-graph.js';
import { layoutBoots, markRadius, type BootLayout, type Card, type Point } from '../../src/graph/boot-layout.js';
import { bootSpec } from '../support/boots.js';
import { specOf } from '../support/specs.js';

interface Segment {
  readonly goal: string;
  readonly a: Point;
  readonly b: Point;
}

const segmentsOf = ({ wires }: BootLayout): readonly Segment[] =>
  wires.flatMap(({ goal, points }) =>
    points.slice(1).map((b, at): Segment => {
      const a = points[at] ?? b;
      return a.x + a.y <= b.x + b.y ? { goal, a, b } : { goal, a: b, b: a };
    }),
  );

const isWithin = ({ x, y, width, height }: Card, { a, b }: Segment): boolean =>
  a.x < x + width && b.x > x && a.y < y + height && b.y > y;

/** Whether two lie upon one another for a while. */
function overlap(one: Segment, other: Segment): boolean {
  const isLevel = one.a.y === one.b.y;
  if (isLevel !== (other.a.y === other.b.y)) return false;
  if (isLevel) return one.a.y === other.a.y && Math.max(one.a.x, other.a.x) < Math.min(one.b.x, other.b.x);
  return one.a.x === other.a.x && Math.max(one.a.y, other.a.y) < Math.min(one.b.y, other.b.y);
}

const apart = (one: Card, other: Card): boolean =>
  one.x + one.width <= other.x ||
  other.x + other.width <= one.x ||
  one.y + one.height <= other.y ||
  other.y + other.height <= one.y;

const layouts = fc.tuple(bootSpec(), fc.nat(99), fc.integer({ min: 150, max: 330 }));

test('cards keep apart, no wire runs over a card, and wires of different goals only cross', async () => {
  await fc.assert(
    fc.asyncProperty(layouts, async ([object, number, width]) => {
      const spec = await specOf(object);
      const layout = layoutBoots(bootGraph(spec, spec.targets[number % spec.targets.length]), width);
      const { cards } = layout;
      const touching = cards.flatMap((one, at) => cards.slice(at + 1).filter((other) => !apart(one, other)));
      expect(touching).toEqual([]);
      const segments = segmentsOf(layout);
      // Right-angled, so that the checks below are right.
      expect(segments.filter(({ a, b }) => a.x !== b.x && a.y !== b.y)).toEqual([]);
      expect(segments.filter((segment) => cards.some((card) => isWithin(card, segment)))).toEqual([]);
      const along = segments.flatMap((one, at) =>
        segments
          .slice(at + 1)
          .filter((other) => one.goal !== other.goal && overlap(one, other))
          .map((other) => [one, other]),
      );
      expect(along).toEqual([]);
    }),
    { numRuns: 80 },
  );
});

test('each exit has its wire, from its row to the title of the card it leads to, or to a mark of its own', async () => {
  await fc.assert(
    fc.asyncProperty(layouts, async ([object, number, width]) => {
      const spec = await specOf(object);
      const layout = layoutBoots(bootGraph(spec, spec.targets[number % spec.targets.length]), width);
      const { cards, wires } = layout;
      expect(wires.length).toBe(cards.reduce((sum, { rows }) => sum + rows.length, 0));
      const marks: Point[] = [];
      for (const { from, exit, points } of wires) {
        const [first, last] = [points[0], points.at(-1)];
        const card = cards.find(({ target }) => target === from);
        const row = card?.rows.find((each) => each.exit === exit);
        const edge = row?.side === 'left' ? card?.x : (card?.x ?? 0) + width;
        expect(first).toEqual({ x: edge, y: row?.y });
        const name = destinationOf(exit);
        if (name === undefined) {
          if (last !== undefined) marks.push(last);
          continue;
        }
        const to = cards.find(({ target }) => target.name === name);
        expect(last?.y).toBe(to?.titleY);
        expect([to?.x, (to?.x ?? 0) + width]).toContain(last?.x);
        // An arrow points at the card from outside.
        expect(Math.sign((last?.x ?? 0) - (points.at(-2)?.x ?? 0))).toBe(last?.x === to?.x ? 1 : -1);
      }
      const isHit = ({ x, y }: Point, { a, b }: Segment): boolean =>
        a.x < x + markRadius && b.x > x - markRadius && a.y < y + markRadius && b.y > y - markRadius;
      const lines = segmentsOf(layout).filter(({ goal }) => !goal.startsWith('end'));
      // A wire that goes straight on at the height of a mark would run through it.
      expect(marks.filter((mark) => lines.some((line) => isHit(mark, line)))).toEqual([]);
    }),
    { numRuns: 60 },
  );
});

test('all of it is in the picture, and the first boot is at its left', async () => {
  await fc.assert(
    fc.asyncProperty(layouts, async ([object, number, cardWidth]) => {
      const spec = await specOf(object);
      const start = spec.targets[number % spec.targets.length] ?? '';
      const layout = layoutBoots(bootGraph(spec, start), cardWidth);
      const { width, height, cards, wires } = layout;
      const corners = [
        ...cards.flatMap((card) => [card, { x: card.x + card.width, y: card.y + card.height }]),
        ...wires.flatMap(({ points }) => points),
        layout.start.from,
      ];
      expect(corners.filter(({ x, y }) => x < 0 || y < 0 || x > width || y > height)).toEqual([]);
      const first = cards.find(({ target }) => target.name === start);
      expect(layout.start.to).toEqual({ x: first?.x, y: first?.titleY });
      expect(first?.x).toBe(Math.min(...cards.map(({ x }) => x)));
      // However long the chain: wider than this, nobody reads it on a page.
      expect(new Set(cards.map(({ x }) => x)).size).toBeLessThanOrEqual(4);
    }),
    { numRuns: 60 },
  );
});
