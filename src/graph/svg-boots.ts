import { greatest } from '../base/long-lists.js';
import { destinationOf, exitSentence, exitWords, type BootGraph, type Exit } from './boot-graph.js';
import { layoutBoots, markRadius, type Card, type Point, type Wire } from './boot-layout.js';
import { bootsTitle, unreachedWords } from './picture.js';
import {
  boxAt,
  fitted,
  lineAt,
  number,
  sizeOf,
  textAt,
  textWidth,
  titled,
  type Colour,
  type Section,
} from './svg-parts.js';

const padding = 14;
const leastWidth = 150;
const mostWidth = 330;
const legendHeight = 34;

export function bootsSection(graph: BootGraph): Section {
  const { name, start, targets } = graph;
  const widths = targets.flatMap((target) => [
    textWidth(target.name, sizeOf('name')),
    ...target.exits.map((exit) => textWidth(exitWords(exit), sizeOf('word'))),
  ]);
  const cardWidth = Math.ceil(
    Math.min(mostWidth, greatest([leastWidth, ...widths.map((width) => width + 2 * padding)])),
  );
  const layout = layoutBoots(graph, cardWidth);
  const legend = legendOf(graph, layout.height + legendHeight / 2 + 8);
  return {
    title: bootsTitle(graph),
    width: Math.max(layout.width, legend.width),
    height: layout.height + legendHeight,
    body: [
      ...layout.cards.map((card) => drawCard(card)),
      // What a run can take lies above what it cannot.
      ...layout.wires
        .toSorted((a, b) => Number(a.from.isReached) - Number(b.from.isReached))
        .map((wire) => drawWire(wire)),
      titled(`${name} begins with ${start}`, drawStart(layout.start.from, layout.start.to)),
      ...legend.body,
    ],
    sentences: [
      `The first boot is ${start}.`,
      ...targets.flatMap((target) => [
        ...target.exits.map((exit) => `${exitSentence(target.name, exit)}.`),
        ...(target.isReached ? [] : [`${target.name}: ${unreachedWords(start)}.`]),
      ]),
    ],
  };
}

function drawCard({ target, x, y, width, height, titleY, rows }: Card): string {
  const { name, isReached } = target;
  const colour = isReached ? 'ink' : 'muted';
  const room = width - 2 * padding;
  return titled(
    name,
    [
      boxAt(x, y, width, height, { isDashed: !isReached }),
      textAt(x + padding, titleY, fitted(name, sizeOf('name'), room), { face: 'name', colour }),
      ...(rows.length === 0 ? [] : [lineAt(x, titleY + 12, x + width, titleY + 12, 'rule')]),
      ...rows.map((row) => {
        const isQuiet = !isReached || destinationOf(row.exit) === undefined;
        const words = fitted(exitWords(row.exit), sizeOf('word'), room);
        const isLeft = row.side === 'left';
        return textAt(isLeft ? x + padding : x + width - padding, row.y, words, {
          face: 'word',
          colour: isQuiet ? 'muted' : 'ink',
          anchor: isLeft ? 'start' : 'end',
        });
      }),
    ].join(''),
  );
}

/** What a wire is drawn with: one that no run takes is grey, one that gives up stands out. */
function coloursOf(exit: Exit, isReached: boolean): { readonly line: Colour; readonly head: Colour } {
  if (!isReached || destinationOf(exit) === undefined) return { line: 'wire-faint', head: 'head-faint' };
  return exit.kind === 'give-up' ? { line: 'wire-warn', head: 'head-warn' } : { line: 'wire', head: 'head' };
}

function drawWire({ from, exit, points }: Wire): string {
  const { line, head } = coloursOf(exit, from.isReached);
  const isEnd = destinationOf(exit) === undefined;
  const tip = points.at(-1) ?? { x: 0, y: 0 };
  const before = points.at(-2) ?? tip;
  const direction = Math.sign(tip.x - before.x);
  const end = isEnd ? endMark(tip) : '';
  const point = isEnd ? { ...tip, x: tip.x - direction * markRadius } : tip;
  const drawn = [...points.slice(0, -1), { ...point, x: point.x - direction * (headLength - 1) }];
  return titled(
    exitSentence(from.name, exit),
    `<path d="${roundedPath(drawn)}" class="line c-${line}"/>${arrowHead(point, direction, head)}${end}`,
  );
}

const headLength = 8;

const arrowHead = ({ x, y }: Point, direction: number, colour: Colour): string => {
  const back = number(x - direction * headLength);
  return `<path d="M${number(x)} ${number(y)}L${back} ${number(y - 4)}L${back} ${number(y + 4)}Z" class="c-${colour}"/>`;
};

/** The final state of UML: a dot in a ring. */
const endMark = ({ x, y }: Point): string =>
  `<circle cx="${number(x)}" cy="${number(y)}" r="${markRadius - 0.75}" class="line c-wire-faint"/>` +
  `<circle cx="${number(x)}" cy="${number(y)}" r="${markRadius - 3}" class="c-muted"/>`;

const startMark = ({ x, y }: Point): string =>
  `<circle cx="${number(x)}" cy="${number(y)}" r="${markRadius}" class="c-ink"/>`;

const drawStart = (from: Point, to: Point): string =>
  `${lineAt(from.x, from.y, to.x - headLength + 1, to.y, 'wire')}${startMark(from)}${arrowHead(to, 1, 'head')}`;

const cornerRadius = 6;

/** A right-angled line with round corners. */
function roundedPath(points: readonly Point[]): string {
  return points
    .map((point, at) => {
      const before = points[at - 1];
      const after = points[at + 1];
      if (before === undefined) return `M${number(point.x)} ${number(point.y)}`;
      if (after === undefined) return `L${number(point.x)} ${number(point.y)}`;
      const [into, outOf] = [towards(point, before), towards(point, after)];
      return `L${number(into.x)} ${number(into.y)}Q${number(point.x)} ${number(point.y)} ${number(outOf.x)} ${number(outOf.y)}`;
    })
    .join('');
}

/** The point on the way to another where a corner begins: at most half the way. */
function towards(from: Point, to: Point): Point {
  const [dx, dy] = [to.x - from.x, to.y - from.y];
  const length = Math.abs(dx) + Math.abs(dy);
  const step = Math.min(cornerRadius, length / 2);
  return { x: from.x + Math.sign(dx) * step, y: from.y + Math.sign(dy) * step };
}

/** What the marks mean, as far as they are in the picture. */
function legendOf({ start, targets }: BootGraph, y: number) {
  const hasEnd = targets.some(({ exits }) => exits.some((exit) => destinationOf(exit) === undefined));
  const hasOthers = targets.some(({ isReached }) => !isReached);
  const shownStart = fitted(start, sizeOf('caption'), 180);
  const items: readonly (readonly [mark: (at: number) => string, words: string])[] = [
    [(x) => startMark({ x: x + markRadius, y }), 'first boot'],
    ...(hasEnd ? [[(x: number) => endMark({ x: x + markRadius, y }), 'the run ends'] as const] : []),
    ...(hasOthers
      ? [
          [
            (x: number) => boxAt(x, y - 5, 2 * markRadius, 10, { radius: 2, isDashed: true, name: 'key' }),
            unreachedWords(shownStart),
          ] as const,
        ]
      : []),
  ];
  let x = 0;
  const body = items.map(([mark, words]) => {
    const at = x;
    const textX = at + 2 * markRadius + 8;
    x = textX + textWidth(words, sizeOf('caption')) + 20;
    return `${mark(at)}${textAt(textX, y, words, { face: 'caption', colour: 'muted' })}`;
  });
  return { body, width: x - 20 };
}
