import { visible } from '../base/visible.js';
import { destinationOf, exitWords, type BootGraph } from './boot-graph.js';
import { connectionWords, deviceWords, type Connection, type MachineGraph } from './machine-graph.js';
import { bootsTitle, machineTitle, startsTitle, type Picture } from './picture.js';
import { startLabel, type StartGraph } from './start-graph.js';

/**
 * Text in double quotes. Mermaid has an entity for every character; what may mean something to any of its grammars is
 * written so: quotes, Markdown, directives, and the colon that makes it take an entity on a line for a style.
 */
const quoted = (text: string): string =>
  `"${visible(text).replaceAll(/[^\p{L}\p{N}\p{M}\p{S} _./,()-]|[<>$^`|~+=]/gu, entity)}"`;

const entity = (character: string): string => `#${character.codePointAt(0) ?? 0};`;

/** One flowchart with a subgraph for each of them: a text for mermaid.js, as GitHub and others draw it. */
export function mermaidOf({ boots, machine, starts }: Picture): string {
  const lines = [
    'flowchart LR',
    ...(boots === undefined ? [] : subgraph('boots', bootsTitle(boots), bootLines(boots))),
    ...(machine === undefined ? [] : subgraph('machine', machineTitle(machine), machineLines(machine))),
    ...(starts === undefined ? [] : subgraph('starts', startsTitle(starts), startLines(starts))),
    ...(boots?.targets.some(({ isReached }) => !isReached) === true ||
    starts?.vms.some(({ kind }) => kind !== 'automatic') === true
      ? ['  classDef unreached stroke-dasharray:4 3,opacity:0.6']
      : []),
  ];
  return `${lines.join('\n')}\n`;
}

const subgraph = (id: string, title: string, lines: readonly string[]): readonly string[] => [
  `  subgraph ${id}[${quoted(title)}]`,
  '    direction LR',
  ...lines.map((line) => `    ${line}`),
  '  end',
];

function bootLines({ start, targets }: BootGraph): readonly string[] {
  const ids = new Map(targets.map(({ name }, index) => [name, `t${index}`]));
  const edges = targets.flatMap(({ name, exits }) =>
    exits.map((exit) => {
      const to = destinationOf(exit);
      const arrow = exit.kind === 'give-up' ? '-.->' : '-->';
      return `${ids.get(name) ?? ''} ${arrow}|${quoted(exitWords(exit))}| ${ids.get(to ?? '') ?? 'stop'}`;
    }),
  );
  const hasEnd = targets.some(({ exits }) => exits.some((exit) => destinationOf(exit) === undefined));
  return [
    'start((" "))',
    ...targets.map(({ name, isReached }, index) => `t${index}(${quoted(name)})${isReached ? '' : ':::unreached'}`),
    ...(hasEnd ? ['stop((("end")))'] : []),
    `start --> ${ids.get(start) ?? ''}`,
    ...edges,
  ];
}

function startLines({ vms }: StartGraph): readonly string[] {
  const ids = new Map(vms.map(({ name }, index) => [name, `v${index}`]));
  return [
    ...vms.map((vm, index) => `v${index}(${quoted(startLabel(vm))})${vm.kind === 'automatic' ? '' : ':::unreached'}`),
    ...vms.flatMap(({ name, waitsFor }) =>
      waitsFor.map(
        ({ name: other, isLoose }) => `${ids.get(other) ?? ''} ${isLoose ? '-.->' : '-->'} ${ids.get(name) ?? ''}`,
      ),
    ),
  ];
}

function machineLines({ facts, connections, buses }: MachineGraph): readonly string[] {
  let number = 0;
  const connected = (from: string, each: Connection): readonly string[] => {
    const id = `c${number}`;
    number += 1;
    const port = each.port === undefined ? '' : `|${quoted(each.port)}|`;
    return [`${id}(${quoted(connectionWords(each))})`, `${from} ---${port} ${id}`];
  };
  return [
    `m[${quoted(facts.join(', '))}]`,
    ...connections.flatMap((each) => connected('m', each)),
    ...buses.flatMap((bus) => [
      `b${bus.number}[[${quoted(`PCI bus ${bus.number}`)}]]`,
      `m --- b${bus.number}`,
      ...bus.devices.flatMap((device, index) => {
        const id = `d${bus.number}x${index}`;
        return [
          `${id}[${quoted(deviceWords(device).join(' '))}]`,
          `b${bus.number} --- ${id}`,
          ...device.connections.flatMap((each) => connected(id, each)),
        ];
      }),
    ]),
  ];
}
