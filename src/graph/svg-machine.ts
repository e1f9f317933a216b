import { greatest } from '../base/long-lists.js';
import { formatAddress } from '../base/pci-address.js';
import { connectionWords, deviceWords, type Connection, type MachineGraph } from './machine-graph.js';
import { machineTitle } from './picture.js';
import { boxAt, fitted, lineAt, sizeOf, textAt, textWidth, titled, type Section } from './svg-parts.js';

const rowHeight = 30;
const cardGap = 10;
const busHeight = 26;
const busGap = 20;
const padding = 12;
const spaceBetween = 10;
/** Of the line that is the bus. */
const busX = 16;
const deviceX = 44;
const linkLength = 44;
const boxHeight = 24;
const most = { model: 170, id: 160, label: 260, port: 200, connection: 470, name: 260, about: 420 };

/** A card with what is connected to it: a device in its slot, or the machine itself. */
interface Entry {
  readonly words: readonly { readonly text: string; readonly face: 'name' | 'word'; readonly isMuted: boolean }[];
  readonly title: string;
  readonly connections: readonly Connection[];
  /** The row of each connection; 0 is that of the name. */
  readonly rows: readonly number[];
}

export function machineSection(graph: MachineGraph): Section {
  const { name, target, facts, connections, buses } = graph;
  const own: readonly Entry[] =
    connections.length === 0
      ? []
      : [entry([{ text: 'machine', face: 'name', isMuted: false }], `${name}: besides its devices`, connections, 1)];
  const groups = buses.map((bus) => ({
    title: `PCI bus ${bus.number}`,
    entries: bus.devices.map((device) => {
      const { address, model, id, label } = device;
      const words = [
        quiet(formatAddress(address)),
        { text: fitted(model, sizeOf('name'), most.model), face: 'name' as const, isMuted: false },
        ...(id === undefined ? [] : [quiet(fitted(id, sizeOf('word'), most.id))]),
        ...(label === undefined ? [] : [quiet(fitted(label, sizeOf('word'), most.label))]),
      ];
      return entry(words, deviceWords(device).join(' '), device.connections, 0);
    }),
  }));
  const entries = [...own, ...groups.flatMap((group) => group.entries)];
  const cardWidth = Math.ceil(greatest([150, ...entries.map(entryWidth)]));
  const all = entries.flatMap((each) => each.connections);
  // Names stand below one another.
  const tags = greatest([0, ...all.map(tagWidth)]);
  // A long name is cut before the words about it are.
  const widths = all.map((each) => {
    const about = tags + notesWidth(each) + 2 * padding;
    return about + Math.min(nameWidth(each), Math.max(most.name, most.connection - about));
  });
  const boxWidth = Math.ceil(greatest([0, ...widths]));
  const body: string[] = [];
  let y = 0;
  const put = (each: Entry): number => {
    const at = y;
    body.push(drawEntry(each, at, { cardWidth, boxWidth, tags }));
    y += heightOf(each) + cardGap;
    return at + rowHeight / 2;
  };
  for (const each of own) put(each);
  if (own.length > 0) y += busGap - cardGap;
  for (const { title, entries: devices } of groups) {
    const top = y + busHeight;
    const width = textWidth(title, sizeOf('caption')) + 2 * padding;
    const label = boxAt(0, y, width, busHeight, { radius: 13, fill: 'bus', stroke: 'bus-line', name: 'bus' });
    body.push(label, textAt(padding, y + busHeight / 2, title, { face: 'caption' }));
    y = top + cardGap;
    const stubs = devices.map(put);
    body.push(lineAt(busX, top, busX, stubs.at(-1) ?? top, 'bus-line'));
    for (const stub of stubs) body.push(lineAt(busX, stub, deviceX, stub, 'bus-line'));
    y += busGap - cardGap;
  }
  return {
    title: machineTitle(graph),
    subtitle: facts.join(', '),
    width: deviceX + cardWidth + (boxWidth === 0 ? 0 : linkLength + boxWidth),
    height: Math.max(0, y - busGap),
    body,
    sentences: [
      `Target ${target} has ${facts.join(', ')}.`,
      ...entries.map((each) => {
        const ends = each.connections.map((connection) => {
          const port = connection.port === undefined ? '' : `${connection.port} `;
          return `${port}${connectionWords(connection)}`;
        });
        return `${each.title}${ends.length === 0 ? '' : `: ${ends.join('; ')}`}.`;
      }),
    ],
  };
}

const quiet = (text: string): Entry['words'][number] => ({ text, face: 'word', isMuted: true });

/** @param firstRow of a connection without a port */
function entry(words: Entry['words'], title: string, connections: readonly Connection[], firstRow: number): Entry {
  const rows: number[] = [];
  let next = firstRow;
  for (const { port } of connections) {
    if (port !== undefined) next = Math.max(1, next);
    rows.push(next);
    next += 1;
  }
  return { words, title, connections, rows };
}

const heightOf = ({ rows }: Entry): number => (greatest([0, ...rows]) + 1) * rowHeight;

const portText = (port: string): string => fitted(port, sizeOf('small'), most.port);

function entryWidth({ words, connections }: Entry): number {
  const name = words.reduce((sum, { text, face }) => sum + textWidth(text, sizeOf(face)) + spaceBetween, -spaceBetween);
  const ports = connections.map(({ port = '' }) => textWidth(portText(port), sizeOf('small')));
  return greatest([name, ...ports]) + 2 * padding;
}

/** What is said of a connection: a tag, its name, notes. */
const aboutOf = ({ kind = '', notes }: Connection) => ({
  tag: fitted(kind, sizeOf('tag'), most.about),
  notes: fitted(notes.join(', '), sizeOf('small'), most.about),
});

const spaced = (width: number): number => (width === 0 ? 0 : width + spaceBetween);

const tagWidth = (connection: Connection): number => spaced(textWidth(aboutOf(connection).tag, sizeOf('tag')));

const notesWidth = (connection: Connection): number => spaced(textWidth(aboutOf(connection).notes, sizeOf('small')));

const nameWidth = ({ name }: Connection): number => textWidth(name, sizeOf('word'));

interface Columns {
  readonly cardWidth: number;
  readonly boxWidth: number;
  readonly tags: number;
}

function drawEntry(each: Entry, y: number, sizes: Columns): string {
  const { words, title, connections, rows } = each;
  const [x, width, height] = [deviceX, sizes.cardWidth, heightOf(each)];
  const middle = (row: number): number => y + row * rowHeight + rowHeight / 2;
  const parts: string[] = [boxAt(x, y, width, height)];
  let at = x + padding;
  for (const { text, face, isMuted } of words) {
    parts.push(textAt(at, middle(0), text, { face, colour: isMuted ? 'muted' : 'ink' }));
    at += textWidth(text, sizeOf(face)) + spaceBetween;
  }
  const links = connections.map((connection, index) => {
    const rowY = middle(rows[index] ?? 0);
    const { port } = connection;
    const label =
      port === undefined
        ? ''
        : textAt(x + width - padding, rowY, portText(port), { face: 'small', colour: 'muted', anchor: 'end' });
    const boxX = x + width + linkLength;
    return [
      label,
      lineAt(x + width, rowY, boxX, rowY, 'wire-faint'),
      drawConnection(connection, boxX, rowY, sizes),
    ].join('');
  });
  return `${titled(title, parts.join(''))}${links.join('')}`;
}

function drawConnection(connection: Connection, x: number, y: number, { boxWidth: width, tags }: Columns): string {
  const { tag, notes } = aboutOf(connection);
  const name = fitted(connection.name, sizeOf('word'), width - 2 * padding - tags - notesWidth(connection));
  const parts = [
    boxAt(x, y - boxHeight / 2, width, boxHeight, { radius: 5, fill: 'panel' }),
    tag === '' ? '' : textAt(x + padding, y, tag, { face: 'tag', colour: 'tag' }),
    textAt(x + padding + tags, y, name, { face: 'word' }),
    notes === '' ? '' : textAt(x + width - padding, y, notes, { face: 'small', colour: 'muted', anchor: 'end' }),
  ];
  return titled(connectionWords(connection), parts.join(''));
}
