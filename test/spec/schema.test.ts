import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from '@jest/globals';
import { Ajv2020 } from 'ajv/dist/2020.js';
import fc from 'fast-check';
import { format } from 'prettier';
import { parse as parseYaml } from 'yaml';
import { visibleLines } from '../../src/base/visible.js';
import { deviceModels } from '../../src/devices/registry.js';
import { publishedSchema } from '../../src/spec/published-schema.js';
import { validSpec } from '../support/arbitraries.js';
import { minimal, problemsOf, withDevices, type SpecObject } from '../support/specs.js';
import { runs } from '../support/runs.js';

const root = fileURLToPath(new URL('../../', import.meta.url));
const read = (file: string): string => readFileSync(root + file, 'utf8');

const published = JSON.parse(read('schemas/vm.schema.json')) as Readonly<Record<string, unknown>>;
const validate = new Ajv2020({ strict: false, allErrors: true }).compile(published);

/** What an editor that knows the schema underlines. */
const violations = (spec: unknown): readonly string[] =>
  validate(spec) ? [] : (validate.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message ?? ''}`);

describe('the published schema', () => {
  test('is the one that the sources give; if not, run the build', async () => {
    const text = await format(visibleLines(JSON.stringify(publishedSchema())), { parser: 'json', printWidth: 120 });
    expect(read('schemas/vm.schema.json')).toBe(text);
  });

  test("says nothing of the loader's own annotations", () => {
    expect(read('schemas/vm.schema.json')).not.toMatch(/isFile|takesDigits|isSecret|discriminator/);
  });

  test('knows every device model', () => {
    for (const { model, example } of deviceModels)
      expect(violations(withDevices({ device: model, ...example }))).toEqual([]);
  });

  const examples = readdirSync(`${root}examples`, { recursive: true, encoding: 'utf8' });

  test.each(examples.filter((file) => /^(?!hosts\/).*\.(json|yaml)$/.test(file)))('accepts examples/%s', (file) => {
    const text = read(`examples/${file}`);
    expect(violations(file.endsWith('.yaml') ? parseYaml(text) : JSON.parse(text))).toEqual([]);
  });

  const disk = { device: 'virtio-blk', path: 'a' };

  test.each<[what: string, spec: SpecObject]>([
    ['digits for text', { ...minimal, name: 123, graphic: { password: 1234 } }],
    ['text for an integer', { ...minimal, cpu: '2', graphic: { port: '5900', width: '640', height: '480' } }],
    ['digits in a list', { ...minimal, hooks: { post_start: ['/bin/sleep', 5] } }],
    ['one device for a list', { ...minimal, emulations: disk }],
    ['one port for a list', withDevices({ device: 'virtio-console', ports: '/a' })],
    ['one port section for a list', withDevices({ device: 'virtio-console', ports: { name: 1, path: '/a' } })],
    ['one reason for a list', { ...minimal, reboot_on: 'signal' }],
    ['digits for a target', { ...minimal, restart: { max: 1 }, on_give_up: 1, targets: { 1: {} } }],
    ['sections of targets', { ...minimal, targets: [{ a: { cpu: 2 } }, { b: { emulations: disk } }] }],
    ['nulls', { ...minimal, com1: null, emulations: null, targets: null, graphic: { host: null } }],
    ['a whole float', { ...minimal, mem: 1_536_000_000.0 }],
    [
      "keys of the user's own",
      {
        ...minimal,
        $schema: 'x',
        'x-a': 1,
        emulations: [{ ...disk, 'x-b': null }],
        targets: { 'x-c': 5, t: { 'x-d': [] } },
      },
    ],
    ['a removal', { ...withDevices({ ...disk, id: 1 }), targets: { t: { emulations: [{ id: '1', remove: true }] } } }],
  ])('accepts what the loader takes for what is meant: %s', async (_what, spec) => {
    expect(await problemsOf(spec)).toEqual([]);
    expect(violations(spec)).toEqual([]);
  });

  test.each<[what: string, spec: unknown]>([
    ['no object', []],
    ['nothing', {}],
    ['no memory', { name: 'a', cpu: 1 }],
    ['an unknown field', { ...minimal, emulatons: [] }],
    ['an unknown field of a device', withDevices({ ...disk, pth: 'a' })],
    ['an unknown field of a target', { ...minimal, targets: { a: { name: 'b' } } }],
    ['an unknown device', withDevices({ device: 'floppy' })],
    ['a device without a model', withDevices({ path: 'a' })],
    ['a device without a path', withDevices({ device: 'virtio-blk' })],
    ['a device that is null', { ...minimal, emulations: [null] }],
    ['no CPU', { ...minimal, cpu: 0 }],
    ['half a CPU', { ...minimal, cpu: 1.5 }],
    ['a size that is none', { ...minimal, mem: '12Q' }],
    ['a name with a slash', { ...minimal, name: 'a/b' }],
    ['a flag as text', { ...minimal, utc_clock: 'yes' }],
    ['a password of nine', { ...minimal, graphic: { password: '123456789' } }],
    ['a wide screen', { ...minimal, graphic: { width: 5000, height: 480 } }],
    ['a field given twice', { ...minimal, com1: ['stdio', 'stdio'] }],
    ['a removal in the base', withDevices({ id: 'a', remove: true })],
    ['remove: false', { ...minimal, targets: { a: { emulations: [{ id: 'a', remove: false }] } } }],
    ['a target that is not an object', { ...minimal, targets: { a: 5 } }],
    ['an unknown reason', { ...minimal, reboot_on: ['reset'] }],
    ['a status that has no reason', { ...minimal, reboot_on: [5] }],
    ['a pause as a target', { ...minimal, on_give_up: { reboot: 'default' } }],
    ['an unknown hook', { ...minimal, hooks: { pre_stop: '/bin/x' } }],
    [
      '17 console ports',
      withDevices({ device: 'virtio-console', ports: Array.from({ length: 17 }, (_, index) => `/${index}`) }),
    ],
  ])('refuses %s, as vmrun does', async (_what, spec) => {
    expect(violations(spec).length).toBeGreaterThan(0);
    expect((await problemsOf(JSON.stringify(spec))).length).toBeGreaterThan(0);
  });

  test('accepts whatever vmrun accepts', async () => {
    await fc.assert(
      fc.asyncProperty(validSpec, async (spec) => {
        expect((await problemsOf(spec)).filter(({ severity }) => severity === 'error')).toEqual([]);
        expect(violations(spec)).toEqual([]);
      }),
      { numRuns: runs(200) },
    );
  });
});
