import { visible } from '../base/visible.js';
import { destinationOf, exitWords, type BootGraph } from './boot-graph.js';
import { connectionWords, deviceWords, type Connection, type MachineGraph } from './machine-graph.js';
import { bootsTitle, machineTitle, startsTitle, unreachedWords, type Picture } from './picture.js';
import { startLabel, type StartGraph } from './start-graph.js';

/** A quoted string of the DOT language; Graphviz expands escapes in labels, and HTML's entities too. */
const quoted = (text: string): string =>
  `"${visible(text).replaceAll('&', '&amp;').replaceAll('\\', '\\\\').replaceAll('"', '\\"')}"`;

/** One digraph with a cluster for each of them: a text for dot(1) of Graphviz. */
export function dotOf({ boots, machine, starts }: Picture): string {
  const lines = [
    `digraph ${quoted(boots?.name ?? machine?.name ?? starts?.name ?? '')} {`,
    '  graph [rankdir=LR, fontname="Helvetica", charset="UTF-8"];',
    '  node [shape=box, style=rounded, fontname="Helvetica"];',
    '  edge [fontname="Helvetica", fontsize=11];',
    ...(boots === undefined ? [] : cluster('boots', bootsTitle(boots), bootLines(boots))),
    ...(machine === undefined ? [] : cluster('machine', machineTitle(machine), machineLines(machine))),
    ...(starts === undefined ? [] : cluster('starts', startsTitle(starts), startLines(starts))),
    '}',
  ];
  return `${lines.join('\n')}\n`;
}

const cluster = (id: string, title: string, lines: readonly string[]): readonly string[] => [
  `  subgraph cluster_${id} {`,
  `    label=${quoted(title)};`,
  ...lines.map((line) => `    ${line};`),
  '  }',
];

function bootLines({ start, targets }: BootGraph): readonly string[] {
  const ids = new Map(targets.map(({ name }, index) => [name, `t${index}`]));
  const hasEnd = targets.some(({ exits }) => exits.some((exit) => destinationOf(exit) === undefined));
  const grey = (isReached: boolean): string => (isReached ? '' : ', color=gray60, fontcolor=gray40');
  return [
    'start [shape=point, width=0.15, label=""]',
    ...targets.map(({ name, isReached }, index) => {
      const more = isReached
        ? ''
        : `, style="rounded,dashed", color=gray60, fontcolor=gray40, tooltip=${quoted(unreachedWords(start))}`;
      return `t${index} [label=${quoted(name)}${more}]`;
    }),
    ...(hasEnd ? ['stop [shape=doublecircle, label="end"]'] : []),
    `start -> ${ids.get(start) ?? ''}`,
    ...targets.flatMap(({ exits, isReached }, index) =>
      exits.map((exit) => {
        const to = ids.get(destinationOf(exit) ?? '') ?? 'stop';
        const line = exit.kind === 'give-up' ? ', style=dashed' : '';
        return `t${index} -> ${to} [label=${quoted(exitWords(exit))}${line}${grey(isReached)}]`;
      }),
    ),
  ];
}

function startLines({ vms }: StartGraph): readonly string[] {
  const ids = new Map(vms.map(({ name }, index) => [name, `v${index}`]));
  return [
    ...vms.map((vm, index) => {
      const grey = vm.kind === 'automatic' ? '' : ', style="rounded,dashed", color=gray60, fontcolor=gray40';
      return `v${index} [label=${quoted(startLabel(vm))}${grey}]`;
    }),
    ...vms.flatMap(({ name, kind, waitsFor }) =>
      waitsFor.map(({ name: other, isLoose }) => {
        const looks = [...(isLoose ? ['style=dashed'] : []), ...(kind === 'automatic' ? [] : ['color=gray60'])];
        const look = looks.length === 0 ? '' : ` [${looks.join(', ')}]`;
        return `${ids.get(other) ?? ''} -> ${ids.get(name) ?? ''}${look}`;
      }),
    ),
  ];
}

function machineLines({ facts, connections, buses }: MachineGraph): readonly string[] {
  let number = 0;
  const connected = (from: string, each: Connection): readonly string[] => {
    const id = `c${number}`;
    number += 1;
    const port = each.port === undefined ? '' : `, label=${quoted(each.port)}`;
    return [`${id} [label=${quoted(connectionWords(each))}]`, `${from} -> ${id} [dir=none${port}]`];
  };
  return [
    `m [style="", label=${quoted(facts.join(', '))}]`,
    ...connections.flatMap((each) => connected('m', each)),
    ...buses.flatMap((bus) => [
      `b${bus.number} [style=filled, fillcolor=gray90, label=${quoted(`PCI bus ${bus.number}`)}]`,
      `m -> b${bus.number} [dir=none]`,
      ...bus.devices.flatMap((device, index) => {
        const id = `d${bus.number}x${index}`;
        return [
          `${id} [style="", label=${quoted(deviceWords(device).join(' '))}]`,
          `b${bus.number} -> ${id} [dir=none]`,
          ...device.connections.flatMap((each) => connected(id, each)),
        ];
      }),
    ]),
  ];
}
