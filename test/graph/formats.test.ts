import fc from 'fast-check';
import { describe, expect, test } from '@jest/globals';
import { visible } from '../../src/base/visible.js';
import { bootGraph, destinationOf, exitWords, type BootGraph } from '../../src/graph/boot-graph.js';
import { drawGraph, graphFormats, plainLook } from '../../src/graph/draw.js';
import { connectionWords, deviceWords, machineGraph, type MachineGraph } from '../../src/graph/machine-graph.js';
import { startLabel, type StartGraph } from '../../src/graph/start-graph.js';
import { columns, widthOf } from '../../src/graph/words.js';
import { bootSpec } from '../support/boots.js';
import { exampleNames, exampleSpec } from '../support/examples.js';
import { machineOf, minimal, planOf, specOf } from '../support/specs.js';
import { folderSpecs, graphOf } from '../support/folders.js';
import { wholeMachine } from '../support/whole-machines.js';
import { runs } from '../support/runs.js';

/** A graph as a text in some language says it: labels by node, and edges between labels. */
interface Read {
  readonly nodes: readonly string[];
  readonly edges: readonly string[];
}

/** Mermaid's quoted texts, with entities by number; anything else in quotes is a mistake. */
function fromMermaid(text: string): Read {
  const word = (quoted: string): string => {
    if (!/^"(?:[^"#<>&\\%`;:]|#\d+;)*"$/.test(quoted)) throw new Error(`not a safe text: ${quoted}`);
    return quoted.slice(1, -1).replaceAll(/#(\d+);/g, (_, code: string) => String.fromCodePoint(Number(code)));
  };
  const labels = new Map<string, string>();
  const edges: string[] = [];
  for (const line of text.split('\n').slice(1, -1)) {
    const node = /^ {4}(\w+)(?:\(\(\(|\(\(|\[\[|\(|\[)(".*?")(?:\)\)\)|\)\)|\]\]|\)|\])(:::unreached)?$/.exec(line);
    const edge = /^ {4}(\w+) (-->|-\.->|---)(?:\|(".*?")\|)? (\w+)$/.exec(line);
    if (node !== null) labels.set(node[1] ?? '', word(node[2] ?? '""') + (node[3] === undefined ? '' : ' (unreached)'));
    else if (edge !== null) {
      const [, from = '', , label = '""', to = ''] = edge;
      edges.push(`${labels.get(from) ?? '?'} -${word(label)}- ${labels.get(to) ?? '?'}`);
    } else if (!/^ {2}(subgraph \w+\[".*"\]|end|classDef unreached \S+ \S+)$|^ {4}direction LR$/.test(line)) {
      throw new Error(`not a line of a flowchart: ${line}`);
    }
  }
  return { nodes: [...labels.values()], edges };
}

/** DOT as dot(1) reads it, as far as we write it. */
function fromDot(text: string): Read {
  const quoted = String.raw`"(?:[^"\\]|\\["\\])*"`;
  const word = (string: string): string => {
    const entities: Readonly<Record<string, string>> = { '&amp;': '&' };
    const plain = string.slice(1, -1).replaceAll(/\\(["\\])/g, '$1');
    return plain.replaceAll(/&\w+;/g, (entity) => entities[entity] ?? '?');
  };
  const values = String.raw`(?:\w+=(?:${quoted}|[\w.]+)(?:, )?)*`;
  const labels = new Map<string, string>();
  const edges: string[] = [];
  const labelOf = (attributes: string): string =>
    word(new RegExp(`(?:^|, )label=(${quoted})`).exec(attributes)?.[1] ?? '""');
  for (const line of text.split('\n').slice(0, -1)) {
    const node = new RegExp(`^ {4}(\\w+) \\[(${values})\\];$`).exec(line);
    const edge = new RegExp(`^ {4}(\\w+) -> (\\w+)(?: \\[(${values})\\])?;$`).exec(line);
    if (node !== null) {
      const isDashed = (node[2] ?? '').includes('style="rounded,dashed"');
      labels.set(node[1] ?? '', labelOf(node[2] ?? '') + (isDashed ? ' (unreached)' : ''));
    } else if (edge !== null) {
      const [, from = '', to = '', attributes = ''] = edge;
      edges.push(`${labels.get(from) ?? '?'} -${labelOf(attributes)}- ${labels.get(to) ?? '?'}`);
    } else if (
      !new RegExp(
        `^(digraph ${quoted} \\{| {2}subgraph cluster_\\w+ \\{| {2}(graph|node|edge) \\[${values}\\];| {2}\\}|\\}| {4}label=${quoted};)$`,
      ).test(line)
    ) {
      throw new Error(`not a line of DOT: ${line}`);
    }
  }
  return { nodes: [...labels.values()], edges };
}

/** The same of the model. @param start how the language labels the mark of the start */
function ofBoots({ start, targets }: BootGraph, startLabel: string): Read {
  const label = (name: string | undefined): string => {
    if (name === undefined) return 'end';
    const target = targets.find((each) => each.name === name);
    return visible(name) + (target?.isReached === false ? ' (unreached)' : '');
  };
  const exits = targets.flatMap(({ name, exits: own }) => own.map((exit) => ({ name, exit })));
  const hasEnd = exits.some(({ exit }) => destinationOf(exit) === undefined);
  return {
    nodes: [startLabel, ...targets.map(({ name }) => label(name)), ...(hasEnd ? ['end'] : [])],
    edges: [
      `${startLabel} -- ${label(start)}`,
      ...exits.map(({ name, exit }) => `${label(name)} -${exitWords(exit)}- ${label(destinationOf(exit))}`),
    ],
  };
}

function ofMachine({ facts, connections, buses }: MachineGraph): Read {
  const own = facts.join(', ');
  const nodes = [own];
  const edges: string[] = [];
  const connect = (from: string, list: typeof connections): void => {
    for (const each of list) {
      nodes.push(visible(connectionWords(each)));
      edges.push(`${from} -${visible(each.port ?? '')}- ${visible(connectionWords(each))}`);
    }
  };
  connect(own, connections);
  for (const { number, devices } of buses) {
    nodes.push(`PCI bus ${number}`);
    edges.push(`${own} -- PCI bus ${number}`);
    for (const device of devices) {
      const words = visible(deviceWords(device).join(' '));
      nodes.push(words);
      edges.push(`PCI bus ${number} -- ${words}`);
      connect(words, device.connections);
    }
  }
  return { nodes, edges };
}

function ofStarts({ vms }: StartGraph): Read {
  const labels = new Map(
    vms.map((vm) => [vm.name, visible(startLabel(vm)) + (vm.kind === 'automatic' ? '' : ' (unreached)')]),
  );
  return {
    nodes: [...labels.values()],
    edges: vms.flatMap(({ name, waitsFor }) =>
      waitsFor.map((wait) => `${labels.get(wait.name) ?? '?'} -- ${labels.get(name) ?? '?'}`),
    ),
  };
}

test('Mermaid and DOT say every VM of a folder and whom it waits for, whatever they are named', async () => {
  await fc.assert(
    fc.asyncProperty(folderSpecs, async (objects) => {
      const starts = await graphOf(objects);
      expect(fromMermaid(drawGraph({ starts }, 'mermaid'))).toEqual(ofStarts(starts));
      expect(fromDot(drawGraph({ starts }, 'dot'))).toEqual(ofStarts(starts));
    }),
    { numRuns: runs(60) },
  );
});

test('Mermaid and DOT say every target and every exit, whatever the targets are named', async () => {
  await fc.assert(
    fc.asyncProperty(bootSpec(12), fc.nat(99), async (object, number) => {
      const spec = await specOf(object);
      const boots = bootGraph(spec, spec.targets[number % spec.targets.length]);
      expect(fromMermaid(drawGraph({ boots }, 'mermaid'))).toEqual(ofBoots(boots, ' '));
      expect(fromDot(drawGraph({ boots }, 'dot'))).toEqual(ofBoots(boots, ''));
    }),
    { numRuns: runs(60) },
  );
});

test('Mermaid and DOT say every device and what it is connected to, whatever the names are', async () => {
  await fc.assert(
    fc.asyncProperty(wholeMachine, async (object) => {
      const machine = machineGraph(await planOf(object));
      expect(fromMermaid(drawGraph({ machine }, 'mermaid'))).toEqual(ofMachine(machine));
      expect(fromDot(drawGraph({ machine }, 'dot'))).toEqual(ofMachine(machine));
    }),
    { numRuns: runs(60) },
  );
});

describe('the text', () => {
  const utf8 = { ...plainLook, isUnicode: true };
  const tooWide = (text: string): readonly string[] => text.split('\n').filter((line) => widthOf(line, columns) > 80);
  const untidy = (text: string): readonly string[] => text.split('\n').filter((line) => line.trimEnd() !== line);

  test.each(exampleNames)('of %s has at most 80 columns, and only ASCII where a terminal has no more', async (name) => {
    const spec = await exampleSpec(name);
    for (const target of spec.targets) {
      const picture = { boots: bootGraph(spec, target), machine: machineGraph(machineOf(spec, target)) };
      const [rich, plain] = [drawGraph(picture, 'text', utf8), drawGraph(picture, 'text')];
      expect([...tooWide(rich), ...tooWide(plain), ...untidy(rich)]).toEqual([]);
      expect(plain).toMatch(/^[ -~\n]*$/);
      expect(rich).toMatch(/├─|└─/);
    }
  });

  test('of any spec has at most 80 columns, and a line for each target, exit, device and connection', async () => {
    await fc.assert(
      fc.asyncProperty(bootSpec(10), wholeMachine, fc.boolean(), async (object, other, isUnicode) => {
        const boots = bootGraph(await specOf(object));
        const machine = machineGraph(await planOf(other));
        const [first = '', second = ''] = [{ boots }, { machine }].map((picture) =>
          drawGraph(picture, 'text', { ...plainLook, isUnicode }),
        );
        expect([...tooWide(first), ...tooWide(second)]).toEqual([]);
        const lines = (text: string): number => text.split('\n').filter((line) => line !== '').length;
        const exits = boots.targets.reduce((sum, target) => sum + target.exits.length, 0);
        const note = boots.targets.some(({ isReached }) => !isReached) ? 1 : 0;
        expect(lines(first)).toBe(1 + note + boots.targets.length + exits);
        const devices = machine.buses.flatMap((bus) => bus.devices);
        // The first connection without a port stands on the line of its device.
        const below = devices.map(
          ({ connections }) => connections.length - (connections.some(({ port }) => port === undefined) ? 1 : 0),
        );
        // Words about a connection that go on stand far to the right of where a line begins.
        const goneOn = second.split('\n').filter((line) => /^[│|]? {8}/.test(line)).length;
        expect(lines(second) - goneOn).toBe(
          2 +
            machine.connections.length +
            machine.buses.length +
            devices.length +
            below.reduce((sum, each) => sum + each, 0),
        );
      }),
      { numRuns: runs(40) },
    );
  });

  const screen = { device: 'fbuf', width: 1920, height: 1080, password: 'x', wait: true };
  test.each<[device: object, lines: readonly string[]]>([
    [
      { device: 'virtio-blk', path: `/${'very/'.repeat(20)}long.img`, ro: true },
      ['├─ 0:5:0   virtio-blk  /very/very/very/…ery/very/very/long.img (disk, read-only)'],
    ],
    [
      { ...screen, host: '127.0.0.1' },
      [
        '├─ 0:5:0   fbuf        127.0.0.1:5900 (VNC, 1920x1080, with a password,',
        '│                      waits for a client)',
      ],
    ],
    [
      { ...screen, host: 'fe80::1234:5678:9abc:def0' },
      [
        '├─ 0:5:0   fbuf        [fe80::1234:5678:9abc:def0]:5900 (VNC, 1920x1080,',
        '│                      with a password, waits for a client)',
      ],
    ],
  ])('cuts no word about a connection, it goes on in the next line: %j', async (device, lines) => {
    const machine = await planOf({ ...minimal, emulations: [{ slot: '5', ...device }] });
    const drawn = drawGraph({ machine: machineGraph(machine) }, 'text', utf8).split('\n');
    const at = drawn.indexOf(lines[0] ?? '');
    expect(drawn.slice(at, at + lines.length)).toEqual(lines);
  });

  test('of any folder has at most 80 columns, and a line for each VM and for each that waits for it', async () => {
    await fc.assert(
      fc.asyncProperty(folderSpecs, fc.boolean(), async (objects, isUnicode) => {
        const starts = await graphOf(objects);
        const text = drawGraph({ starts }, 'text', { ...plainLook, isUnicode });
        expect(tooWide(text)).toEqual([]);
        const waits = starts.vms.flatMap(({ waitsFor }) => waitsFor).length;
        const words = starts.vms.flatMap((vm) => vm.words).length;
        const lines = text.split('\n').filter((line) => line !== '').length;
        expect(lines).toBe(1 + starts.vms.length + words + waits);
      }),
      { numRuns: runs(60) },
    );
  });

  test('is bold and dim where the terminal has that, and the same otherwise', async () => {
    const spec = await exampleSpec('rescue.json');
    const picture = { boots: bootGraph(spec), machine: machineGraph(machineOf(spec)) };
    const look = { isUnicode: true, bold: (text: string) => `<b>${text}</b>`, dim: (text: string) => `<d>${text}</d>` };
    const marked = drawGraph(picture, 'text', look);
    expect(marked).toContain('<b>default</b>');
    expect(marked.replaceAll(/<\/?[bd]>/g, '')).toBe(drawGraph(picture, 'text', utf8));
  });
});

test.each(graphFormats)('in %s no password is to be seen, and the same spec gives the same picture', async (format) => {
  const object = {
    ...minimal,
    graphic: { password: 'Geheim77' },
    config: { 'pci.0.31.0.x-password': 'Geheim77' },
    emulations: [{ device: 'raw', value: 'fbuf,tcp=1.2.3.4:5,password=Geheim77,w=800' }],
  };
  const draw = async (): Promise<string> => {
    const spec = await specOf(object);
    return drawGraph({ boots: bootGraph(spec), machine: machineGraph(machineOf(spec)) }, format);
  };
  const picture = await draw();
  expect(picture).not.toContain('Geheim77');
  // It says that there is one.
  expect(picture).toContain('with a password');
  expect(await draw()).toBe(picture);
});
