import { groupBy } from '../base/group-by.js';
import { greatest } from '../base/long-lists.js';
import { startsTitle } from './picture.js';
import { startSentence, type StartGraph, type StartVm } from './start-graph.js';
import { boxAt, fitted, number, sizeOf, textAt, textWidth, titled, type Colour, type Section } from './svg-parts.js';

const padding = 14;
const nameHeight = 30;
const lineHeight = 18;
const below = 8;
const cardGap = 18;
/** What a wire that goes past a column takes there. */
const passHeight = 14;
const gutter = 84;
const leastWidth = 120;
const mostWidth = 340;
const headLength = 8;

/** Something that stands in a column: the card of a VM, or a wire that goes past. */
interface Place {
  readonly id: string;
  readonly vm?: StartVm;
  readonly height: number;
  /** Of the column before. */
  readonly before: readonly string[];
}

interface Point {
  readonly x: number;
  readonly y: number;
}

/** The VMs in columns, each right of those that it waits for. A wire crosses no card: it has a place in each column it passes. */
export function startsSection(graph: StartGraph): Section {
  const { vms } = graph;
  const widths = vms.flatMap(({ name, words }) => [
    textWidth(name, sizeOf('name')),
    ...words.map((each) => textWidth(each, sizeOf('small'))),
  ]);
  const cardWidth = Math.ceil(
    Math.min(mostWidth, greatest([leastWidth, ...widths.map((width) => width + 2 * padding)])),
  );
  const columns = arranged(graph);
  const xOf = (column: number): number => column * (cardWidth + gutter);
  const middles = new Map<string, number>();
  const tops = new Map<string, number>();
  let height = 0;
  for (const places of columns) {
    let y = 0;
    for (const { id, height: own } of places) {
      tops.set(id, y);
      middles.set(id, y + (own === passHeight ? own : nameHeight) / 2);
      y += own + cardGap;
    }
    height = Math.max(height, y - cardGap);
  }
  const cards = vms.map((vm) => drawCard(vm, { x: xOf(vm.column), y: tops.get(vm.name) ?? 0 }, cardWidth));
  const byName = new Map(vms.map((vm) => [vm.name, vm]));
  const wires = vms.flatMap((vm) =>
    vm.waitsFor
      .filter(({ isBack }) => !isBack)
      .map(({ name, isLoose }) => {
        const from = byName.get(name)?.column ?? 0;
        const way: Point[] = [{ x: xOf(from) + cardWidth, y: middles.get(name) ?? 0 }];
        for (let column = from + 1; column < vm.column; column += 1) {
          const y = middles.get(passId(name, vm.name, column)) ?? 0;
          way.push({ x: xOf(column), y }, { x: xOf(column) + cardWidth, y });
        }
        way.push({ x: xOf(vm.column), y: middles.get(vm.name) ?? 0 });
        return titled(`${vm.name} waits for ${name}`, drawWire(way, vm.kind === 'automatic', isLoose));
      }),
  );
  return {
    title: startsTitle(graph),
    subtitle: 'An arrow leads to the VM that waits; a dashed one to a VM that is started all the same.',
    width: columns.length === 0 ? 0 : xOf(columns.length - 1) + cardWidth,
    height: Math.max(0, height),
    body: [...wires, ...cards],
    sentences: vms.map((vm) => `${startSentence(vm)}.`),
  };
}

const passId = (from: string, to: string, column: number): string => JSON.stringify([from, to, column]);

const heightOf = ({ words }: StartVm): number => nameHeight + words.length * lineHeight + below;

/** What stands in each column from the top, each about as high as what it comes from. */
function arranged({ vms }: StartGraph): readonly (readonly Place[])[] {
  const byName = new Map(vms.map((vm) => [vm.name, vm]));
  const places: (Place & { readonly column: number })[] = [];
  for (const vm of vms) {
    const before: string[] = [];
    for (const { name, isBack } of vm.waitsFor) {
      if (isBack) continue;
      let last = name;
      for (let column = (byName.get(name)?.column ?? 0) + 1; column < vm.column; column += 1) {
        const id = passId(name, vm.name, column);
        places.push({ id, height: passHeight, before: [last], column });
        last = id;
      }
      before.push(last);
    }
    places.push({ id: vm.name, vm, height: heightOf(vm), before, column: vm.column });
  }
  const columns: Place[][] = [];
  const ranks = new Map<string, number>();
  const groups = groupBy(places, ({ column }) => column);
  for (let column = 0; column < groups.size; column += 1) {
    const keyed = (groups.get(column) ?? []).map((place, index) => {
      const known = place.before.flatMap((id) => ranks.get(id) ?? []);
      const mean = known.length === 0 ? index : known.reduce((sum, rank) => sum + rank, 0) / known.length;
      return { place, mean };
    });
    const sorted = keyed.sort((a, b) => a.mean - b.mean).map(({ place }) => place);
    sorted.forEach(({ id }, rank) => ranks.set(id, rank));
    columns.push(sorted);
  }
  return columns;
}

function drawCard(vm: StartVm, { x, y }: Point, width: number): string {
  const { name, kind, words } = vm;
  const isQuiet = kind !== 'automatic';
  const room = width - 2 * padding;
  return titled(
    startSentence(vm),
    [
      boxAt(x, y, width, heightOf(vm), { isDashed: isQuiet }),
      textAt(x + padding, y + nameHeight / 2 + 2, fitted(name, sizeOf('name'), room), {
        face: 'name',
        colour: isQuiet ? 'muted' : 'ink',
      }),
      ...words.map((line, index) =>
        textAt(x + padding, y + nameHeight + (index + 0.5) * lineHeight, fitted(line, sizeOf('small'), room), {
          face: 'small',
          colour: kind === 'held' ? 'head-warn' : 'muted',
        }),
      ),
    ].join(''),
  );
}

function drawWire(way: readonly Point[], isStrong: boolean, isLoose: boolean): string {
  const [line, head]: readonly [Colour, Colour] = isStrong ? ['wire', 'head'] : ['wire-faint', 'head-faint'];
  const tip = way.at(-1) ?? { x: 0, y: 0 };
  const ends = way.map((point, index) =>
    index === way.length - 1 ? { ...point, x: point.x - headLength + 1 } : point,
  );
  const path = ends
    .map(({ x, y }, index) => {
      const before = ends[index - 1];
      if (before === undefined) return `M${number(x)} ${number(y)}`;
      if (before.y === y) return `L${number(x)} ${number(y)}`;
      const middle = number((before.x + x) / 2);
      return `C${middle} ${number(before.y)} ${middle} ${number(y)} ${number(x)} ${number(y)}`;
    })
    .join('');
  const back = number(tip.x - headLength);
  const arrow = `<path d="M${number(tip.x)} ${number(tip.y)}L${back} ${number(tip.y - 4)}L${back} ${number(tip.y + 4)}Z" class="c-${head}"/>`;
  return `<path d="${path}" class="line c-${line}${isLoose ? ' dashed' : ''}"/>${arrow}`;
}
