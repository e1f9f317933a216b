import { groupBy } from '../base/group-by.js';
import { greatest } from '../base/long-lists.js';
import { formatAddress } from '../base/pci-address.js';
import { visible } from '../base/visible.js';
import { destinationOf, exitWords, type BootGraph, type BootTarget, type Exit } from './boot-graph.js';
import { connectionWords, type Connection, type MachineDevice, type MachineGraph } from './machine-graph.js';
import { bootsTitle, machineTitle, startsTitle, unreachedWords, type Picture } from './picture.js';
import type { StartGraph } from './start-graph.js';
import { columns, shortened, widthOf } from './words.js';

/** How a terminal shows the picture: its letters and its colours. */
export interface Look {
  /** Box characters and arrows of Unicode; else ASCII. */
  readonly isUnicode: boolean;
  readonly bold: (text: string) => string;
  readonly dim: (text: string) => string;
}

const unicode = {
  branch: '├─ ',
  last: '└─ ',
  through: '│  ',
  to: '→ ',
  again: '↺ ',
  end: '■ ',
  first: '● ',
  other: '○ ',
  cut: '…',
};

const ascii: typeof unicode = {
  branch: '|- ',
  last: '`- ',
  through: '|  ',
  to: '-> ',
  again: '-> ',
  end: '-| ',
  first: '* ',
  other: 'o ',
  cut: '..',
};

const width = 80;
const endWords = 'the run ends';

interface Pen extends Look {
  readonly marks: typeof unicode;
}

/** The picture as lines of at most 80 columns. */
export function textOf({ boots, machine, starts }: Picture, look: Look): string {
  const pen = { ...look, marks: look.isUnicode ? unicode : ascii };
  const pictures = [
    ...(boots === undefined ? [] : [bootLines(boots, pen)]),
    ...(machine === undefined ? [] : [machineLines(machine, pen)]),
    ...(starts === undefined ? [] : [startLines(starts, pen)]),
  ];
  return `${pictures.map((lines) => lines.join('\n')).join('\n\n')}\n`;
}

const fit = (text: string, room: number, { marks }: Pen): string => shortened(visible(text), room, columns, marks.cut);

const padded = (text: string, to: number): string => text + ' '.repeat(Math.max(0, to - widthOf(text, columns)));

function bootLines(graph: BootGraph, pen: Pen): readonly string[] {
  const { start, targets } = graph;
  const labels = targets.flatMap(({ exits }) => exits.map((exit) => exitWords(exit).length));
  const labelWidth = greatest([0, ...labels]);
  const first = targets.filter(({ name }) => name === start);
  const reached = targets.filter(({ name, isReached }) => isReached && name !== start);
  const others = targets.filter(({ isReached }) => !isReached);
  const block = (target: BootTarget): readonly string[] => ['', ...targetLines(target, start, labelWidth, pen)];
  return [
    pen.bold(fit(bootsTitle(graph), width, pen)),
    ...[...first, ...reached].flatMap(block),
    ...(others.length === 0 ? [] : ['', pen.dim(`${fit(unreachedWords(start), width - 1, pen)}:`)]),
    ...others.flatMap(block),
  ];
}

function targetLines(target: BootTarget, start: string, labelWidth: number, pen: Pen): readonly string[] {
  const { name, exits, isReached } = target;
  const { marks, bold, dim } = pen;
  const shown = fit(name, width - 2, pen);
  return [
    `${name === start ? marks.first : marks.other}${isReached ? bold(shown) : shown}`,
    ...exits.map((exit, index) => {
      const branch = index === exits.length - 1 ? marks.last : marks.branch;
      const label = padded(exitWords(exit), labelWidth + 2);
      return `${dim(branch)}${label}${follower(target, exit, width - labelWidth - 2 - 3, pen)}`;
    }),
  ];
}

function follower({ name }: BootTarget, exit: Exit, room: number, pen: Pen): string {
  const { marks, dim } = pen;
  const to = destinationOf(exit);
  if (to === undefined) return dim(`${marks.end}${endWords}`);
  return `${to === name ? marks.again : marks.to}${fit(to, room - 3, pen)}`;
}

/** Each VM with what is said of it, and those that wait for it. */
function startLines(graph: StartGraph, pen: Pen): readonly string[] {
  const { marks, bold, dim } = pen;
  const followers = groupBy(
    graph.vms.flatMap(({ name, waitsFor }) =>
      waitsFor.map((wait) => ({ before: wait.name, name, isLoose: wait.isLoose })),
    ),
    ({ before }) => before,
  );
  return [
    bold(fit(startsTitle(graph), width, pen)),
    ...graph.vms.flatMap(({ name, kind, words }) => {
      const shown = fit(name, width - 2, pen);
      const isStarted = kind === 'automatic';
      const below = followers.get(name) ?? [];
      const bar = below.length === 0 ? '   ' : marks.through;
      return [
        '',
        `${isStarted ? marks.first : marks.other}${isStarted ? bold(shown) : shown}`,
        ...words.map((line) => `${dim(bar)}${dim(fit(line, width - 3, pen))}`),
        ...below.map(({ name: other, isLoose }, index) => {
          const branch = index === below.length - 1 ? marks.last : marks.branch;
          const loose = isLoose ? ', started all the same' : '';
          return `${dim(branch)}${marks.to}${fit(other, width - 3 - marks.to.length - loose.length, pen)}${dim(loose)}`;
        }),
      ];
    }),
  ];
}

function machineLines(graph: MachineGraph, pen: Pen): readonly string[] {
  const { facts, connections, buses } = graph;
  const devices = buses.flatMap((bus) => bus.devices);
  const widest = (words: readonly string[], most: number): number =>
    Math.min(most, greatest([0, ...words.map((word) => widthOf(visible(word), columns))]));
  const widths: Widths = {
    address: widest(
      devices.map(({ address }) => formatAddress(address)),
      9,
    ),
    model: widest(
      devices.map(({ model }) => model),
      16,
    ),
    id: widest(
      devices.map(({ id = '' }) => id),
      16,
    ),
  };
  return [
    pen.bold(fit(machineTitle(graph), width, pen)),
    pen.dim(fit(facts.join(', '), width, pen)),
    ...(connections.length === 0 ? [] : ['', ...portLines(connections, '', pen)]),
    ...buses.flatMap((bus) => [
      '',
      pen.bold(`PCI bus ${bus.number}`),
      ...bus.devices.flatMap((device, index) => deviceLines(device, index === bus.devices.length - 1, widths, pen)),
    ]),
  ];
}

const plain = (text: string): string => text;

interface Widths {
  readonly address: number;
  readonly model: number;
  readonly id: number;
}

/**
 * A device; what is connected to the device itself is on its line, its ports are below it. Words about a connection that
 * the line has no room for go on below where they began.
 */
function deviceLines(device: MachineDevice, isLast: boolean, widths: Widths, pen: Pen): readonly string[] {
  const { address, model, id = '', label = '', connections } = device;
  const { marks, bold, dim } = pen;
  const [own, ...more] = connections.filter(({ port }) => port === undefined);
  const below = [...more, ...connections.filter(({ port }) => port !== undefined)];
  const place = padded(formatAddress(address), widths.address + 2);
  const room = width - 3 - widths.address - 2 - widths.model - (widths.id === 0 ? 0 : widths.id + 2) - 2;
  const [end = '', ...rest] = own === undefined ? [fit(label, room, pen)] : connectionLines(own, room, pen);
  const cells = [
    { text: fit(model, widths.model, pen), to: widths.model, paint: bold },
    { text: fit(id, widths.id, pen), to: widths.id, paint: plain },
    { text: end, to: 0, paint: plain },
  ];
  // A column that nobody has takes no room; what nothing follows is not filled up.
  const last = cells.findLastIndex(({ text }) => text !== '');
  const shown = cells.filter(({ to }, at) => at <= last && (to > 0 || at === last));
  const words = shown.map(({ text, to, paint }, at) => {
    return paint(text) + (at === shown.length - 1 ? '' : ' '.repeat(to - widthOf(text, columns) + 2));
  });
  const branch = isLast ? marks.last : marks.branch;
  const indent = isLast ? '   ' : marks.through;
  const before = ' '.repeat(width - 3 - room);
  return [
    `${dim(branch)}${place}${words.join('')}`,
    ...rest.map((line) => dim(indent) + before + line),
    ...portLines(below, indent, pen),
  ];
}

function portLines(connections: readonly Connection[], indent: string, pen: Pen): readonly string[] {
  const { marks, dim } = pen;
  const most = 24;
  const ports = connections.map(({ port = '' }) => fit(port, most, pen));
  const widest = greatest([0, ...ports.map((port) => widthOf(port, columns))]);
  return connections.flatMap((connection, index) => {
    const isLast = index === connections.length - 1;
    const port = widest === 0 ? '' : `${padded(ports[index] ?? '', widest)}  `;
    const room = width - widthOf(indent, columns) - 3 - widthOf(port, columns);
    const [line = '', ...rest] = connectionLines(connection, room, pen);
    return [
      `${dim(`${indent}${isLast ? marks.last : marks.branch}`)}${port}${line}`,
      ...rest.map(
        (more) => dim(`${indent}${isLast ? '   ' : marks.through}`) + ' '.repeat(widthOf(port, columns)) + more,
      ),
    ];
  });
}

/** What a name may have of the room before the words about it do. */
const nameShare = 0.6;

/** A name and the words about it; those without room beside it go on below, one or several to a line. */
function connectionLines(connection: Connection, room: number, pen: Pen): readonly string[] {
  const about = visible(connectionWords(connection).slice(connection.name.length));
  const name = fit(connection.name, Math.max(room * nameShare, room - widthOf(about, columns)), pen);
  const lines: string[] = [''];
  for (const words of about.split(/(?<=,) /)) {
    const line = lines.at(-1) ?? '';
    const left = room - (lines.length === 1 ? widthOf(name, columns) : 0);
    const longer = line === '' ? words : `${line} ${words}`;
    if (widthOf(longer, columns) <= left) lines[lines.length - 1] = longer;
    else lines.push(fit(words.trimStart(), room, pen));
  }
  return lines.map((line, index) => (index === 0 ? name : '') + (line === '' ? '' : pen.dim(line)));
}
