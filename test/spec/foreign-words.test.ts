import { describe, expect, test } from '@jest/globals';
import { deviceModels } from '../../src/devices/registry.js';
import { loadSpecText } from '../../src/machine/load-spec.js';
import { foreignDeviceWords, foreignModels, foreignRootWords, respelledSize } from '../../src/spec/foreign-words.js';
import { vmSchema } from '../../src/spec/schema.js';

/** What a spec with this text is told, all of it: message and fix. */
async function told(text: string): Promise<string> {
  const loaded = await loadSpecText({ name: 'vm', text, format: 'json', resolveFile: (file) => file });
  return loaded.ok ? '' : loaded.problems.map(({ message, fix }) => `${message}; ${fix ?? ''}`).join('\n');
}
const withField = (key: string, value: unknown): string =>
  JSON.stringify({ name: 'vm', cpu: 1, mem: '64M', [key]: value });

const rootFields = Object.keys(vmSchema.properties ?? {});
const fieldsOf = (model: string): readonly string[] => Object.keys(vmSchema.$defs[model]?.properties ?? {});

describe('a word of another tool', () => {
  test.each(
    foreignRootWords.flatMap(({ words, fields, otherwise }) => words.map((word) => ({ word, fields, otherwise }))),
  )('at the root, $word, is met with what a spec has', async ({ word, fields = [], otherwise }) => {
    for (const field of fields) expect(rootFields).toContain(field);
    expect(fields.length > 0 || otherwise !== undefined).toBe(true);
    if (rootFields.includes(word)) return;
    const text = await told(withField(word, 'x'));
    expect(text).toContain(fields[0] === undefined ? otherwise : `did you mean "${fields[0]}"?`);
    // Of any spelling, and in a target.
    expect(await told(withField(word.toUpperCase().replaceAll('_', '-'), 'x'))).toContain('here; ');
    expect(await told(withField('targets', { other: { [word]: 'x' } }))).toMatch(
      /did you mean "|belongs to the spec|add to|leave|give|a spec|a file/,
    );
  });

  test('in a device is met with a field that the device has', async () => {
    const named = new Set<string>();
    for (const { model, example } of deviceModels) {
      const known = fieldsOf(model);
      for (const { words, fields = [], otherwise } of foreignDeviceWords) {
        for (const word of words) {
          if (known.includes(word)) continue;
          const text = await told(withField('emulations', [{ device: model, ...example, [word]: 'x' }]));
          expect(text).toContain(`"${word}" is not a field here`);
          const field = fields.find((each) => known.includes(each));
          if (field !== undefined) named.add(field);
          if (field === undefined && otherwise === undefined) continue;
          expect(text).toMatch(/did you mean "\w+"|leave it out/);
        }
      }
    }
    // No row is only there to be there: each names a field of some device.
    for (const { fields = [] } of foreignDeviceWords)
      expect(fields.length === 0 || fields.some((field) => named.has(field))).toBe(true);
  });

  test.each(Object.entries(foreignModels).flatMap(([model, words]) => words.map((word) => ({ model, word }))))(
    'for a model, $word, is met with $model',
    async ({ model, word }) => {
      expect(deviceModels.map((each) => each.model)).toContain(model);
      expect(await told(withField('emulations', [{ device: word }]))).toContain(`did you mean "${model}"?`);
    },
  );
});

test.each([
  ['8GiB', '8G'],
  ['8 GB', '8G'],
  ['8gib', '8G'],
  ['8192 MB', '8G'],
  ['1.5G', '1536M'],
  ['512 MiB', '512M'],
  ['4 gigabytes', '4G'],
  ['512 k', '512K'],
])('memory of %j is met with %j', async (written, meant) => {
  expect(respelledSize(written)).toBe(meant);
  expect(await told(JSON.stringify({ name: 'vm', cpu: 1, mem: written }))).toContain(`write "${meant}"`);
});

test.each(['much', '8', '8X', '1.0000001G', 'G', '-4G'])(
  'memory of %j is not a size that anybody could guess',
  (written) => {
    expect(respelledSize(written)).toBeUndefined();
  },
);

test('a swtpm without a path is met with a socket, a passed TPM with a device', async () => {
  expect(await told(withField('tpm', { type: 'swtpm' }))).toContain('"path": "/var/run/swtpm.sock"');
  expect(await told(withField('tpm', { type: 'passthru' }))).toContain('"path": "/dev/tpm0"');
});

test.each([
  ['0:7', '"7"'],
  ['0:4', '"4"'],
])('slot %j, which bhyve takes for a function of slot 0, is met with %j', async (slot, meant) => {
  expect(await told(withField('emulations', [{ device: 'virtio-rnd', slot }]))).toContain(meant);
});
