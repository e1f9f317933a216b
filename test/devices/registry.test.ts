import { describe, expect, test } from '@jest/globals';
import fc from 'fast-check';
import type { JsonSchema } from '../../src/devices/json-schema.js';
import { releases, type Release } from '../../src/devices/device.js';
import { deviceModels, modelNamed } from '../../src/devices/registry.js';
import { deviceArguments } from '../../src/machine/argv.js';
import type { PlannedDevice } from '../../src/machine/machine.js';
import { findModel } from '../../src/bhyve/pci.js';
import { awkwardText, fieldsOf } from '../support/arbitraries.js';
import { refusal, simulate, simulateMachine, sorted } from '../support/simulated.js';
import { machineOf, planOf, problemsOf, specOf, withDevices } from '../support/specs.js';
import { runs } from '../support/runs.js';

const models = deviceModels.map((model) => [model.model, model] as const);

/** Models whose settings vmrun knows. */
const known = models.filter(([, { isOpaque }]) => isOpaque !== true);

/** Every schema below one, each with the path to it. */
const everySchema = (schema: JsonSchema, path: string): readonly (readonly [string, JsonSchema])[] => [
  [path, schema],
  ...Object.entries(schema.properties ?? {}).flatMap(([key, part]) => everySchema(part, `${path}.${key}`)),
  ...(schema.items === undefined ? [] : everySchema(schema.items, `${path}[]`)),
];

const fieldSchemas = models.flatMap(([name, { schema }]) =>
  Object.entries(schema.properties).map(([field, property]) => [`${name}.${field}`, name, field, property] as const),
);

/** The devices of a spec as they were planned: the machine's own bridges come first and last. */
const ownDevices = (devices: readonly PlannedDevice[]): readonly PlannedDevice[] => devices.slice(1, -1);

/** In a VM where every field has its effect. */
const inFullVm = (device: object) => ({ ...withDevices(device), release: 16, fwcfg: 'qemu' });

describe('every device model', () => {
  test('has a name of its own', () => {
    const names = deviceModels.map(({ model }) => model);
    expect(new Set(names).size).toBe(names.length);
    expect(() => modelNamed('floppy')).toThrow('no device model is named floppy');
  });

  test.each(known)('%s is one that bhyve knows', (name, { emulation }) => {
    expect(findModel(name, 'amd64')).toBeDefined();
    const device = findModel(emulation ?? name, 'amd64');
    expect(device?.alias).toBeUndefined();
    expect(device?.name).toBe(emulation ?? name);
  });

  test.each(models)('%s says what each of its fields is', (name, { description, schema }) => {
    expect(description).toMatch(/^[A-Z].*\.$/s);
    for (const [field, property] of Object.entries(schema.properties)) {
      for (const [path, { description: words, pattern, patternErrorMessage }] of everySchema(
        property,
        `${name}.${field}`,
      )) {
        if (!path.endsWith('[]')) expect([path, words]).toEqual([path, expect.stringMatching(/^\S.{8,}/)]);
        if (pattern !== undefined) expect([path, patternErrorMessage]).toEqual([path, expect.any(String)]);
      }
    }
    for (const field of schema.required ?? []) expect(Object.keys(schema.properties)).toContain(field);
  });

  test.each(models)('%s has an example that is valid, is planned, and starts', async (name, { example }) => {
    const spec = withDevices({ device: name, ...example });
    expect(await problemsOf(spec)).toEqual([]);
    for (const release of releases) {
      const machine = machineOf(await specOf(spec), 'default', { release });
      expect(ownDevices(machine.devices).map(({ model }) => model)).toEqual([name]);
      expect(refusal(simulateMachine(machine).start)).toBe('');
    }
  });

  test.each(models)('%s has examples and defaults in its schema that are valid', async (name, { example, schema }) => {
    for (const [field, { examples = [], default: byDefault }] of Object.entries(schema.properties)) {
      const mac = name === 'virtio-net' || name === 'e1000';
      for (const value of [...examples, ...(byDefault === undefined ? [] : [byDefault])]) {
        const problems = await problemsOf(inFullVm({ device: name, ...example, [field]: value }));
        const codes = problems.map(({ code }) => code).filter((code) => !(mac && code === 'wrong-backend'));
        // A second way to say the same, or half of a pair, is told as such; the value itself is fine.
        expect([
          field,
          value,
          codes.filter(
            (code) =>
              !/^(wrong-type|wrong-text|out-of-range|not-allowed)$/.test(code) &&
              !/twice|incomplete|two-backings/.test(code),
          ),
        ]).toEqual([field, value, []]);
        expect(codes.filter((code) => /^(wrong-type|wrong-text|out-of-range|not-allowed)$/.test(code))).toEqual([]);
      }
    }
  });

  test.each(known)('%s is spelt the same by -s and by -o', (name) => {
    const model = modelNamed(name);
    const wired = model.wiresMemory === true ? ['-S'] : [];
    fc.assert(
      fc.property(
        fieldsOf[name] ?? fc.constant(() => ({})),
        fc.constantFrom<Release[]>(14, 15, 16),
        (make, release) => {
          const fields = make(0);
          const platform = { release, arch: 'amd64' } as const;
          // Some fields are those of one release.
          const findings = model.check?.(fields, platform) ?? [];
          fc.pre(findings.every(({ severity }) => severity === 'warning'));
          const own = model.variables(fields, platform);
          const words = model.words(fields, platform);
          const address = { bus: 0, slot: 4, func: 0 };
          const device: PlannedDevice = {
            address,
            model: name,
            variables: [{ key: 'device', value: model.emulation ?? name }, ...own].map((variable) => ({
              ...variable,
              key: `pci.0.4.0.${variable.key}`,
            })),
            words: words === undefined ? undefined : [name, ...words],
          };
          const [short, long] = [deviceArguments(device), deviceArguments({ ...device, words: undefined })];
          const rest = ['-l', 'bootrom,/rom', 'vm'];
          const [a, b] = [short, long].map((argv) => simulate([...wired, ...argv, ...rest], { release }));
          expect(sorted(a?.config ?? new Map())).toEqual(sorted(b?.config ?? new Map()));
          expect(a?.warnings).toEqual([]);
          expect(long).not.toContain('-s');
        },
      ),
      { numRuns: runs(150) },
    );
  });

  test.each(known)('%s is spelt by -s where its values are plain', (name, { example }) => {
    const words = modelNamed(name).words(example, { release: 15, arch: 'amd64' });
    expect(words).toBeDefined();
    expect(words?.every((word) => !/[,%]/.test(word))).toBe(true);
  });
});

describe('a limit of a field', () => {
  const bounded = fieldSchemas.filter(([, , , { type, minimum }]) => type === 'integer' && minimum !== undefined);
  /** What a device needs besides the field that is looked at. */
  const others: Readonly<Record<string, object>> = {
    'nvme.ram': { path: undefined },
    'fbuf.width': { height: 480 },
    'fbuf.height': { width: 640 },
  };
  const problemsWith = async (title: string, name: string, field: string, value: unknown) =>
    (await problemsOf(inFullVm({ device: name, ...modelNamed(name).example, ...others[title], [field]: value }))).map(
      ({ code, place }) => `${code} ${place?.pointer ?? ''}`,
    );

  test('there are limits to look at', () => {
    expect(bounded.length).toBeGreaterThanOrEqual(15);
  });

  test.each(bounded)(
    '%s holds at the edge, and not past it',
    async (title, name, field, { minimum = 0, maximum = 0 }) => {
      expect(await problemsWith(title, name, field, minimum)).toEqual([]);
      expect(await problemsWith(title, name, field, maximum)).toEqual([]);
      const refused = [`out-of-range /emulations/0/${field}`];
      expect(await problemsWith(title, name, field, minimum - 1)).toEqual(refused);
      expect(await problemsWith(title, name, field, maximum + 1)).toEqual(refused);
    },
  );

  test.each([
    ['ser', 20],
    ['rev', 8],
    ['model', 40],
  ])('%s of a drive has at most %i characters, which bhyve would cut', async (field, max) => {
    const device = { device: 'ahci-hd', path: 'a' };
    expect(await problemsOf(withDevices({ ...device, [field]: 'x'.repeat(max) }))).toEqual([]);
    for (const wrong of ['x'.repeat(max + 1), '', 'é', 'a\tb']) {
      expect((await problemsOf(withDevices({ ...device, [field]: wrong }))).map(({ code }) => code)).toEqual([
        'wrong-text',
      ]);
    }
  });
});

describe('a secret of a device', () => {
  const secretFields = fieldSchemas.filter(([, , , { isSecret }]) => isSecret === true);

  test('is among the fields', () => {
    expect(secretFields.map(([title]) => title)).toEqual(['fbuf.password']);
  });

  test.each(secretFields)('%s is in the private file and never in the command', async (_title, name, field) => {
    await fc.assert(
      fc.asyncProperty(awkwardText(1), fc.constantFrom({}, { host: 'fe80::1%em0' }), async (piece, more) => {
        const secret = `Q7${piece.replaceAll(/[^ -~]|,/g, '')}`.slice(0, 8);
        const machine = await planOf(withDevices({ device: name, ...more, [field]: secret }));
        expect(machine.argv.join('\0')).not.toContain('Q7');
        expect(JSON.stringify(machine.devices.map(({ words, label }) => [words, label]))).not.toContain('Q7');
        expect(machine.argv.slice(machine.argv.indexOf('-k'), -1)).toEqual(['-k', 'bhyve.conf']);
        expect(simulateMachine(machine).config.get(`pci.0.1.0.${field}`)).toBe(secret);
      }),
    );
  });

  test('comes after the devices, since bhyve refuses -s on a slot that a file has touched', async () => {
    const { argv } = await planOf(withDevices({ device: 'fbuf', password: 'x' }), 'default', {
      runDirectory: '/run/vm0',
    });
    expect(argv.indexOf('-k')).toBeGreaterThan(argv.lastIndexOf('-s'));
    expect(argv).toContain('/run/vm0/bhyve.conf');
  });
});
