import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import { escapeValue } from '../../src/machine/argv.js';
import { openConfig } from '../../src/bhyve/config-tree.js';
import { emptyNode } from '../../src/bhyve/config-node.js';
import { emptyOutput } from '../../src/bhyve/outcome.js';
import { awkwardText } from '../support/arbitraries.js';
import { expectedConfig, simulateMachine, sorted } from '../support/simulated.js';
import { loadSpecText } from '../../src/machine/load-spec.js';
import { machineOf, minimal, planOf, specText, valuesOf, withDevices, type SpecObject } from '../support/specs.js';
import { runs } from '../support/runs.js';

const disk = { device: 'virtio-blk', path: 'disk.img' };
const awkward = [
  'a,b',
  ',ro',
  'a b',
  '50%',
  '%(name)',
  '%%',
  '\\',
  'a\\%b',
  'a=b',
  '=',
  "it's",
  '"q"',
  'é漢😀',
  '#x',
  '-o',
  '--',
  '$HOME',
  'true',
  'ram=5',
  'hd:x',
  ' ',
  'a,',
  '\u00a0',
];

/** Every field that takes text, as a spec that has the text there, and the variable that is to hold it. */
const textFields: readonly (readonly [field: string, spec: (text: string) => SpecObject, key: string])[] = [
  ['name', (name) => ({ ...minimal, name }), 'name'],
  ['bootrom', (bootrom) => ({ ...minimal, bootrom }), 'bootrom'],
  ['bootrom beside a varfile', (bootrom) => ({ ...minimal, bootrom, varfile: '/v' }), 'bootrom'],
  ['varfile', (varfile) => ({ ...minimal, varfile }), 'bootvars'],
  ['com1', (text) => ({ ...minimal, com1: text }), 'lpc.com1.path'],
  ['a tty', (text) => ({ ...minimal, com2: `/dev/${text}` }), 'lpc.com2.path'],
  ['gdb', (text) => ({ ...minimal, gdb: `${text}:1234` }), 'gdb.address'],
  ['uuid', (uuid) => ({ ...minimal, uuid }), 'uuid'],
  ['host', (host) => ({ ...minimal, graphic: { host } }), 'pci.0.1.0.tcp'],
  ['password', (password) => ({ ...minimal, graphic: { password } }), 'pci.0.1.0.password'],
  ['virtio-blk path', (path) => withDevices({ ...disk, path }), 'pci.0.1.0.path'],
  ['virtio-blk ser', (ser) => withDevices({ ...disk, ser }), 'pci.0.1.0.ser'],
  ['virtio-blk sectorsize', (sectorsize) => withDevices({ ...disk, sectorsize }), 'pci.0.1.0.sectorsize'],
  ['ahci path', (path) => withDevices({ device: 'ahci-hd', path }), 'pci.0.1.0.port.0.path'],
  ['ahci rev', (rev) => withDevices({ device: 'ahci-cd', path: 'a', rev }), 'pci.0.1.0.port.0.rev'],
  ['ahci model', (model) => withDevices({ device: 'ahci-hd', path: 'a', model }), 'pci.0.1.0.port.0.model'],
  ['nvme path', (path) => withDevices({ device: 'nvme', path }), 'pci.0.1.0.path'],
  ['nvme ser', (ser) => withDevices({ device: 'nvme', ram: 1, ser }), 'pci.0.1.0.ser'],
  ['nvme dsm', (dsm) => withDevices({ device: 'nvme', ram: 1, dsm }), 'pci.0.1.0.dsm'],
  ['tap name', (name) => withDevices({ device: 'virtio-net', type: 'tap', name }), 'pci.0.1.0.backend'],
  ['e1000 name', (name) => withDevices({ device: 'e1000', type: 'vmnet', name }), 'pci.0.1.0.backend'],
  ['vale port', (name) => withDevices({ device: 'virtio-net', name: `vale0:${name}` }), 'pci.0.1.0.backend'],
  ['mac', (mac) => withDevices({ device: 'virtio-net', name: 'tap0', mac }), 'pci.0.1.0.mac'],
  [
    'netgraph path',
    (path) => withDevices({ device: 'virtio-net', type: 'netgraph', path, peerhook: 'l' }),
    'pci.0.1.0.path',
  ],
  [
    'netgraph peerhook',
    (peerhook) => withDevices({ device: 'e1000', type: 'netgraph', path: 'p', peerhook }),
    'pci.0.1.0.peerhook',
  ],
  [
    'hostfwd',
    (text) => withDevices({ device: 'virtio-net', type: 'slirp', hostfwd: [`tcp:${text}:22-:22`] }),
    'pci.0.1.0.hostfwd',
  ],
  [
    'console path',
    (path) => withDevices({ device: 'virtio-console', ports: [`/run/x${path}`] }),
    'pci.0.1.0.port.0.path',
  ],
  [
    'console name',
    (name) => withDevices({ device: 'virtio-console', ports: [{ name, path: '/a' }] }),
    'pci.0.1.0.port.0.name',
  ],
  ['passthru src', (src) => withDevices({ device: 'passthru', src }), 'pci.0.1.0.pptdev'],
  ['passthru rom', (rom) => withDevices({ device: 'passthru', src: 'ppt0', rom }), 'pci.0.1.0.rom'],
];

/** What bhyve sees of a text; undefined where vmrun refuses it. */
async function seen(spec: SpecObject, key: string): Promise<string | undefined> {
  const loaded = await loadSpecText(specText(spec));
  if (!loaded.ok) return undefined;
  const machine = machineOf(loaded.value);
  const { config, warnings } = simulateMachine(machine);
  // Nothing else is set, and no argument ends the options.
  expect(sorted(config)).toEqual(sorted(expectedConfig(machine)));
  expect(warnings).toEqual([]);
  return config.get(key);
}

describe('text of a spec reaches the guest as it is, or is refused', () => {
  test.each(textFields)('%s', async (_field, spec, key) => {
    for (const text of awkward) {
      const value = await seen(spec(text), key);
      if (value !== undefined) expect([text, value]).toEqual([text, expect.stringContaining(text)]);
    }
    await fc.assert(
      fc.asyncProperty(awkwardText(5), async (text) => {
        const value = await seen(spec(text), key);
        if (value !== undefined) expect(value).toContain(text);
      }),
      { numRuns: runs(30) },
    );
  });

  test.each(textFields)('%s never holds a NUL or a newline', async (_field, spec) => {
    for (const text of ['a\0b', 'a\nb', 'a\rb', '\u007f', '']) {
      const object = spec(text);
      const holdsIt = JSON.stringify(object) !== JSON.stringify(spec('a'));
      expect(holdsIt && (await loadSpecText(specText(object))).ok && text !== '').toBe(false);
    }
  });

  test.each([
    ['a comma', 'a,ro', 'pci.0.1.0.path=a,ro'],
    ['a percent sign', '50%', 'pci.0.1.0.path=50\\%'],
    ['a percent sign and a backslash', '\\50%', 'pci.0.1.0.path=\\\\50\\%'],
  ])('with %s it is told by variables, since -s cannot say it', async (_what, path, option) => {
    const { argv } = await planOf(withDevices({ ...disk, path }));
    expect(valuesOf(argv, '-o')).toEqual(['pci.0.1.0.device=virtio-blk', option]);
    expect(valuesOf(argv, '-s')).toEqual(['0:0:0,hostbridge', '0:31:0,lpc']);
  });

  test.each([
    ['a backslash alone', 'C:\\vm'],
    ['an equals sign', 'a=b=c'],
    ['blanks', ' a b '],
    ['quotes', `'"`],
  ])('with %s it is told by -s', async (_what, path) => {
    const { argv } = await planOf(withDevices({ ...disk, path }));
    expect(valuesOf(argv, '-s')).toContain(`0:1:0,virtio-blk,${path}`);
  });

  test('escaping is undone by bhyve, for any text', () => {
    fc.assert(
      fc.property(fc.string({ unit: fc.constantFrom('%', '\\', '(', ')', 'a', '.') }), (value) => {
        const output = emptyOutput();
        const config = openConfig(emptyNode(), output);
        config.set('a', escapeValue(value));
        expect(config.get('a')).toBe(value);
        expect(output.stderr).toEqual([]);
      }),
      { numRuns: runs(1000) },
    );
  });
});
