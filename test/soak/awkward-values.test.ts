import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { deviceExamples } from '../../scripts/docs/device-examples.js';
import { loadSpecText } from '../../src/machine/load-spec.js';
import type { Machine } from '../../src/machine/machine.js';
import { awkwardText } from '../support/arbitraries.js';
import { expectedConfig, simulateMachine, sorted } from '../support/simulated.js';
import { machineOf, minimal, specText, valuesOf, type SpecObject } from '../support/specs.js';
import { anyCharacter } from '../support/unicode.js';

/** One text of a spec that can be exchanged for another. */
interface TextPlace {
  readonly title: string;
  readonly with: (text: string) => SpecObject;
}

type Path = readonly (string | number)[];

/** Every text in a value, by its path. */
function textsIn(value: unknown, path: Path = []): readonly Path[] {
  if (typeof value === 'string') return [path];
  if (typeof value !== 'object' || value === null) return [];
  return Object.entries(value).flatMap(([key, item]) =>
    textsIn(item, [...path, Array.isArray(value) ? Number(key) : key]),
  );
}

function replaced(value: unknown, [key, ...rest]: Path, text: string): unknown {
  if (key === undefined) return text;
  if (Array.isArray(value))
    return value.map((item, index) => (index === key ? replaced(item, rest, text) : (item as unknown)));
  const object = value as Readonly<Record<string, unknown>>;
  return { ...object, [key]: replaced(object[key], rest, text) };
}

const placesIn = (title: string, spec: SpecObject, path: Path = []): readonly TextPlace[] => {
  const part = path.reduce<unknown>((value, key) => (value as Readonly<Record<string | number, unknown>>)[key], spec);
  return textsIn(part)
    .filter((inner) => inner.at(-1) !== 'device')
    .map((inner) => ({
      title: `${title} ${inner.join('.')}`,
      with: (text) => replaced(spec, [...path, ...inner], text) as SpecObject,
    }));
};

const ofDevices = Object.entries(deviceExamples).flatMap(([device, examples]) =>
  device === 'raw'
    ? []
    : examples.flatMap(({ fields, needs }, index) =>
        placesIn(`${device}[${index}]`, { ...minimal, release: 15, ...needs, emulations: [{ device, ...fields }] }, [
          'emulations',
          0,
        ]),
      ),
);

const smbios = {
  bios: { vendor: 'a', version: 'a', release_date: 'a' },
  system: { family_name: 'a', manufacturer: 'a', product_name: 'a', serial_number: 'a', sku: 'a', version: 'a' },
  board: { manufacturer: 'a', product_name: 'a', version: 'a', serial_number: 'a', asset_tag: 'a', location: 'a' },
  chassis: { manufacturer: 'a', version: 'a', serial_number: 'a', asset_tag: 'a', sku: 'a' },
};

const firmware = {
  name: 'vm0',
  cpu: 2,
  cpu_pin: { 0: '2' },
  mem: 2 ** 30,
  numa: [{ mem: 2 ** 30, cpus: '0-1', policy: 'prefer:0' }],
  release: 15,
  bootrom: '/rom',
  varfile: '/vars',
  fwcfg: 'qemu',
  tpm: { type: 'swtpm', path: '/run/tpm' },
  fw_cfg_files: [
    { name: 'opt/a', string: 'b' },
    { name: 'opt/c', file: '/d' },
  ],
  com1: 'stdio',
  com2: '/dev/nmdm0A',
  com3: 'tcp=127.0.0.1:1',
  gdb: { address: 'localhost', port: 1 },
  uuid: '5a34b1cc-7d4f-11ee-8d3c-b42e991b0a01',
  keyboard: 'de',
  smbios,
  config: { 'oemstring.0': 'a' },
  hooks: { post_start: ['/bin/a', 'b'] },
};

const ofRoot = [
  ...placesIn('spec', firmware),
  ...placesIn('gdb', { ...minimal, gdb: 'w127.0.0.1:1' }),
  ...placesIn('screen', { ...minimal, graphic: { host: '::1', password: 'a' } }),
  ...placesIn('screen', { ...minimal, release: 16, graphic: { path: '/a', password_file: '/b' } }),
  ...placesIn('arm64', { ...minimal, arch: 'arm64', com1: '/dev/nmdm0A', bootrom: '/u-boot' }),
  ...placesIn('release 14', { ...minimal, release: 14, bootrom: '/rom', varfile: '/vars' }),
  ...placesIn('bhyveload', {
    ...minimal,
    loader: { kind: 'bhyveload', disk: ['/a', '/b'], args: ['-l', '/c'], env: { autoboot_delay: '3' } },
  }),
  ...placesIn('grub-bhyve', {
    ...minimal,
    loader: { kind: 'grub-bhyve', root: 'hd0', device_map: { hd0: '/a' }, commands: ['ls', 'boot'], args: ['-n'] },
  }),
];

const places = [...ofDevices, ...ofRoot];

async function machineWith({ with: specWith }: TextPlace, text: string): Promise<Machine | undefined> {
  const loaded = await loadSpecText(specText(specWith(text)));
  if (loaded.ok) return machineOf(loaded.value);
  expect(loaded.problems.every(({ message }) => message !== '')).toBe(true);
  return undefined;
}

/** All that a machine says to others. */
const sayings = ({ name, variables, loader, policy, requirements, ephemerals, argv, privateConfig }: Machine) => ({
  name,
  variables: variables.map(({ key, value, isSecret }) => [key, value, isSecret]),
  fwCfg: valuesOf(argv, '-f'),
  loader,
  fromFiles: privateConfig?.fromFiles,
  policy,
  needs: requirements.map(({ need }) =>
    JSON.stringify(need, (key, value: unknown) => (key === 'why' ? undefined : value)),
  ),
  ephemerals,
});

const standIn = 'Qq7Qq';

/** The sayings of a machine with the stand-in exchanged for a text, wherever it is. */
const exchanged = (value: unknown, text: string): unknown =>
  JSON.parse(JSON.stringify(value).replaceAll(standIn, () => JSON.stringify(text).slice(1, -1))) as unknown;

/** Needs are JSON in JSON. */
const comparable = (machine: Machine): unknown => {
  const { needs, ...rest } = sayings(machine);
  return JSON.parse(JSON.stringify({ ...rest, needs: needs.map((need) => JSON.parse(need) as unknown) }));
};

/** What the text before it tells of; another text tells of something else. */
const isTelling = (text: string): boolean => /^(stdio$|tcp=|unix:|tap|vmnet|netgraph|netmap|vale|slirp)/.test(text);

describe('a text of a spec reaches its reader as it is, or is refused with a message', () => {
  const references = new Map<TextPlace, Promise<Machine | undefined>>();
  const referenceOf = (place: TextPlace): Promise<Machine | undefined> => {
    const known = references.get(place) ?? machineWith(place, standIn);
    references.set(place, known);
    return known;
  };

  test('there are texts in every device, and in the spec itself', () => {
    const devices = new Set(ofDevices.map(({ title }) => title.replace(/\[.*/, '')));
    expect([...Object.keys(deviceExamples)].filter((device) => !devices.has(device))).toEqual(['virtio-rnd', 'raw']);
    expect(places.length).toBeGreaterThan(100);
  });

  test('10,000 of them', async () => {
    let carried = 0;
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...places),
        fc.oneof(
          awkwardText(6),
          awkwardText(4).map((text) => `/${text}`),
          awkwardText(4).map((text) => `-${text}`),
          fc.string({ unit: anyCharacter, maxLength: 6 }),
        ),
        async (place, text) => {
          const machine = await machineWith(place, text);
          if (machine === undefined) return;
          carried += 1;
          // Nothing else is set, and no argument ends the options.
          const { config, warnings } = simulateMachine(machine);
          expect(sorted(config)).toEqual(sorted(expectedConfig(machine)));
          expect(warnings).toEqual([]);
          const reference = await referenceOf(place);
          if (reference === undefined || isTelling(text)) {
            expect(JSON.stringify(sayings(machine))).toContain(JSON.stringify(text).slice(1, -1));
          } else {
            expect(comparable(machine)).toEqual(exchanged(comparable(reference), text));
          }
        },
      ),
      { numRuns: 10_000 },
    );
    expect(carried).toBeGreaterThan(3000);
  }, 300_000);
});
