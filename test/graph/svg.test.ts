import fc from 'fast-check';
import { describe, expect, test } from '@jest/globals';
import { visible } from '../../src/base/visible.js';
import { bootGraph, exitSentence } from '../../src/graph/boot-graph.js';
import { machineGraph, connectionWords, deviceWords } from '../../src/graph/machine-graph.js';
import type { Picture } from '../../src/graph/picture.js';
import { startSentence } from '../../src/graph/start-graph.js';
import { svgOf } from '../../src/graph/svg.js';
import { bootSpec } from '../support/boots.js';
import { exampleNames, exampleSpec } from '../support/examples.js';
import { folderSpecs, graphOf } from '../support/folders.js';
import { machineOf, planOf, specOf } from '../support/specs.js';
import { wholeMachine } from '../support/whole-machines.js';
import { elementsOf, parseXml, textOfElement, type Element } from '../support/xml.js';
import { runs } from '../support/runs.js';

interface Area {
  readonly name: string;
  readonly left: number;
  readonly top: number;
  readonly right: number;
  readonly bottom: number;
}

interface Drawn {
  readonly root: Element;
  readonly view: Area;
  readonly boxes: readonly Area[];
  readonly texts: readonly Area[];
  readonly titles: readonly string[];
}

const numberOf = ({ attributes }: Element, name: string): number => Number(attributes[name] ?? '0');

/** What a wide font would make of a character: fixed fonts have at most 0.62 ems for a letter, CJK one em. */
const widest = (text: string): number =>
  Array.from(text).reduce(
    (sum, character) => sum + (/^[ -~]$/.test(character) ? 0.62 : /\p{M}|\u200d/u.test(character) ? 0 : 1),
    0,
  );

function sizes(style: string): ReadonlyMap<string, number> {
  return new Map(
    [...style.matchAll(/\.t-(\w+)\{font-size:(\d+)px/g)].map(([, name = '', size]) => [name, Number(size)]),
  );
}

/** Reads a picture back: where its boxes and its words are. */
function draw(picture: Picture): Drawn {
  const root = parseXml(svgOf(picture));
  const elements = elementsOf(root);
  const fonts = sizes(textOfElement(elements.find(({ name }) => name === 'style') ?? root));
  const boxes: Area[] = [];
  const texts: Area[] = [];
  const walk = (element: Element, dx: number, dy: number): void => {
    const [, x = '0', y = '0'] = /^translate\((\S+) (\S+)\)$/.exec(element.attributes.transform ?? '') ?? [];
    const [ox, oy] = [dx + Number(x), dy + Number(y)];
    const classes = (element.attributes.class ?? '').split(' ');
    const left = ox + numberOf(element, 'x');
    const top = oy + numberOf(element, 'y');
    if (element.name === 'rect') {
      const [width, height] = [numberOf(element, 'width'), numberOf(element, 'height')];
      boxes.push({ name: classes[0] ?? '', left, top, right: left + width, bottom: top + height });
    }
    if (element.name === 'text') {
      const name = textOfElement(element);
      const size = fonts.get(classes.find((each) => each.startsWith('t-'))?.slice(2) ?? '') ?? Number.NaN;
      const width = widest(name) * size;
      const start = element.attributes['text-anchor'] === 'end' ? left - width : left;
      texts.push({ name, left: start, top: top - size * 0.8, right: start + width, bottom: top + size * 0.25 });
    }
    for (const child of element.children) if (typeof child !== 'string') walk(child, ox, oy);
  };
  walk(root, 0, 0);
  const [, , width, height] = (root.attributes.viewBox ?? '').split(' ').map(Number);
  const view = { name: 'view', left: 0, top: 0, right: width ?? 0, bottom: height ?? 0 };
  return {
    root,
    view,
    boxes,
    texts,
    titles: elements.filter(({ name }) => name === 'title').map(textOfElement),
  };
}

const isIn = (inner: Area, outer: Area): boolean =>
  inner.left >= outer.left && inner.right <= outer.right && inner.top >= outer.top && inner.bottom <= outer.bottom;

const touch = (one: Area, other: Area): boolean =>
  one.left < other.right && other.left < one.right && one.top < other.bottom && other.top < one.bottom;

/** What is wrong with a picture, whatever it shows. */
function faults({ view, boxes, texts }: Drawn): readonly string[] {
  const shown = boxes.filter(({ name }) => name !== 'ground');
  const at = ({ name, left, top }: Area): string => `${name} at ${left}, ${top}`;
  return [
    ...[...boxes, ...texts].filter((area) => !isIn(area, view)).map((area) => `${at(area)} leaves the view`),
    ...shown.flatMap((one, index) =>
      shown
        .slice(index + 1)
        .filter((other) => touch(one, other))
        .map((other) => `${at(one)} and ${at(other)} overlap`),
    ),
    // A text stands in one box, or in none.
    ...texts.flatMap((text) => {
      const crossed = shown.filter((box) => touch(text, box) && !isIn(text, box));
      return crossed.map((box) => `${at(text)} leaves ${at(box)}`);
    }),
    ...texts.flatMap((one, index) =>
      texts
        .slice(index + 1)
        .filter((other) => touch(one, other))
        .map((other) => `${at(one)} and ${at(other)} overlap`),
    ),
  ];
}

const targetsOf = async (name: string): Promise<readonly (readonly [string, Picture])[]> => {
  const spec = await exampleSpec(name);
  return spec.targets.map((target) => [
    target,
    { boots: bootGraph(spec, target), machine: machineGraph(machineOf(spec, target)) },
  ]);
};

test.each(exampleNames)('the pictures of %s are well-formed, nothing in them overlaps or is cut off', async (name) => {
  for (const [target, picture] of await targetsOf(name)) {
    expect([target, faults(draw(picture))]).toEqual([target, []]);
  }
});

test('so are those of any boot sequence, which show every target and every exit', async () => {
  await fc.assert(
    fc.asyncProperty(bootSpec(), fc.nat(99), async (object, number) => {
      const spec = await specOf(object);
      const boots = bootGraph(spec, spec.targets[number % spec.targets.length]);
      const drawn = draw({ boots });
      expect(faults(drawn)).toEqual([]);
      const sentences = boots.targets.flatMap(({ name, exits }) => exits.map((exit) => exitSentence(name, exit)));
      const expected = [...spec.targets, ...sentences].map(visible);
      expect(expected.filter((title) => !drawn.titles.includes(title))).toEqual([]);
      expect(drawn.boxes.filter(({ name }) => name === 'box').length).toBe(boots.targets.length);
    }),
    { numRuns: runs(40) },
  );
});

test('so are those of any machine, which show every device and all that is connected', async () => {
  await fc.assert(
    fc.asyncProperty(wholeMachine, async (object) => {
      const machine = machineGraph(await planOf(object));
      const drawn = draw({ machine });
      expect(faults(drawn)).toEqual([]);
      const devices = machine.buses.flatMap((bus) => bus.devices);
      const connections = [...machine.connections, ...devices.flatMap((device) => device.connections)];
      const expected = [
        ...devices.map((device) => deviceWords(device).join(' ')),
        ...connections.map(connectionWords),
      ].map(visible);
      expect(expected.filter((title) => !drawn.titles.includes(title))).toEqual([]);
      const own = machine.connections.length > 0 ? 1 : 0;
      const boxes = drawn.boxes.filter(({ name }) => name === 'box');
      expect(boxes.length).toBe(own + devices.length + connections.length);
    }),
    { numRuns: runs(40) },
  );
});

/** Where the level parts of its lines are: of those that pass a column, and of no others, that is all that could cross a card. */
const levels = ({ root }: Drawn): readonly Area[] =>
  elementsOf(root).flatMap(({ attributes }) => {
    if (attributes.class?.startsWith('line ') !== true) return [];
    const points = [...(attributes.d ?? '').matchAll(/([MLC])((?: ?-?[\d.]+)+)/g)].map(
      ([, kind = '', numbers = '']) => {
        const [x = 0, y = 0] = numbers.trim().split(' ').map(Number).slice(-2);
        return { kind, x, y };
      },
    );
    return points.flatMap(({ kind, x, y }, index) => {
      const before = points[index - 1];
      return kind === 'L' && before !== undefined
        ? [{ name: 'line', left: before.x, top: y, right: x, bottom: y }]
        : [];
    });
  });

test('so are those of any folder, which show every VM and whom it waits for, and no line crosses a card', async () => {
  await fc.assert(
    fc.asyncProperty(folderSpecs, async (objects) => {
      const starts = await graphOf(objects);
      const drawn = draw({ starts });
      expect(faults(drawn)).toEqual([]);
      const waits = starts.vms.flatMap(({ name, waitsFor }) =>
        waitsFor.filter(({ isBack }) => !isBack).map((wait) => `${name} waits for ${wait.name}`),
      );
      const expected = [...starts.vms.map(startSentence), ...waits].map(visible);
      expect(expected.filter((title) => !drawn.titles.includes(title))).toEqual([]);
      const cards = drawn.boxes.filter(({ name }) => name === 'box');
      expect(cards.length).toBe(starts.vms.length);
      // The body of the picture is moved to the right and down, its lines as they are written are not.
      const [card] = cards.toSorted((a, b) => a.left - b.left || a.top - b.top);
      const moved = cards.map((box) => ({
        name: box.name,
        left: box.left - (card?.left ?? 0),
        right: box.right - (card?.left ?? 0),
        top: box.top - (card?.top ?? 0),
        bottom: box.bottom - (card?.top ?? 0),
      }));
      const crossed = levels(drawn).flatMap((line) =>
        moved.filter(
          (box) => line.top > box.top && line.top < box.bottom && line.left < box.right && line.right > box.left,
        ),
      );
      expect(crossed).toEqual([]);
    }),
    { numRuns: runs(60) },
  );
});

describe('a picture', () => {
  test('shortens what is long, whatever it is, and has it in full for who points at it', async () => {
    const long = (word: string): string => `/${`${word}/`.repeat(40)}end`;
    const spec = await specOf({
      name: 'n'.repeat(100),
      cpu: 1,
      mem: '1G',
      com1: long('dev'),
      next_target: long('next'),
      emulations: [
        { device: 'virtio-blk', id: long('id'), path: long('disk'), ro: true },
        { device: 'virtio-console', ports: [{ name: long('port'), path: '/s' }] },
        { device: 'virtio-net', name: 'tap0', bridge: 'bridge12345' },
        { device: 'raw', value: long('raw') },
        { device: 'virtio-9p', sharename: 'share'.repeat(50), path: long('漢') },
      ],
      targets: { [long('next')]: {} },
    });
    const target = long('next');
    const drawn = draw({ boots: bootGraph(spec, target), machine: machineGraph(machineOf(spec, target)) });
    expect(faults(drawn)).toEqual([]);
    expect(drawn.view.right).toBeLessThan(1100);
    for (const name of [long('next'), `${long('disk')} (disk, read-only)`]) expect(drawn.titles).toContain(name);
    expect(drawn.texts.map(({ name }) => name)).toContain('read-only');
  });

  test.each(['127.0.0.1', 'fe80::1234:5678:9abc:def0'])('has all that is said of a screen at %s', async (host) => {
    const screen = { device: 'fbuf', host, width: 1920, height: 1080, password: 'x', wait: true };
    const spec = await specOf({ name: 'w', cpu: 1, mem: '1G', emulations: [screen] });
    const drawn = draw({ machine: machineGraph(machineOf(spec)) });
    expect(faults(drawn)).toEqual([]);
    expect(drawn.texts.map(({ name }) => name)).toContain('1920x1080, with a password, waits for a client');
  });

  test('has a name, tells its content in words, and shows the colours that the reader prefers', async () => {
    const [[, picture] = ['', {}]] = await targetsOf('rescue.json');
    const { root } = draw(picture);
    const [title, description, style] = root.children.filter((child) => typeof child !== 'string');
    expect(root.attributes).toMatchObject({ role: 'img', xmlns: 'http://www.w3.org/2000/svg' });
    expect([title?.name, description?.name, style?.name]).toEqual(['title', 'desc', 'style']);
    expect(textOfElement(title ?? root)).toBe('rescue: boot sequence; rescue: machine of target default');
    const words = textOfElement(description ?? root);
    expect(words).toContain('The first boot is default.');
    expect(words).toContain('default, on triple_fault or error: rescue boots.');
    expect(words).toContain('media: not reached from default, booted with -t only.');
    expect(words).toContain('0:1:0 virtio-blk disk0: rescue.img (disk).');
    const [light = '', dark = ''] = textOfElement(style ?? root).split('@media (prefers-color-scheme:dark)');
    const coloured = (rules: string): readonly string[] =>
      [...rules.matchAll(/(\.c-[\w-]+)\{(fill|stroke):#[0-9a-f]{6}\}/g)].map(
        ([, name = '', property = '']) => name + property,
      );
    expect(coloured(light).length).toBeGreaterThan(10);
    expect(coloured(dark)).toEqual(coloured(light));
    // Every class in use has its rule: without one, a shape is black on either ground.
    const used = elementsOf(root).flatMap(({ attributes }) => (attributes.class ?? '').split(' '));
    const unknown = used.filter((name) => /^[ct]-/.test(name) && !light.includes(`.${name}{`));
    expect(unknown).toEqual([]);
  });

  test('with its two parts is as wide as the wider one, and needs nothing from elsewhere', async () => {
    const [[, { boots, machine }] = ['', {}]] = await targetsOf('rescue.json');
    if (boots === undefined || machine === undefined) throw new Error('no picture');
    const both = svgOf({ boots, machine });
    const widths = [{ boots }, { machine }].map((picture) => draw(picture).view.right);
    expect(draw({ boots, machine }).view.right).toBe(Math.max(...widths));
    expect(both.replace('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|url\(|href|@import|<script|<image/);
  });
});
