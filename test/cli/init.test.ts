import fc from 'fast-check';
import { describe, expect, test } from '@jest/globals';
import { parse } from 'yaml';
import { defaultAnswer, draftNamed, fields, objection, questions, withAnswer } from '../../src/cli/init/answers.js';
import { draftText, type Draft } from '../../src/cli/init/draft.js';
import { nextSteps } from '../../src/cli/init/next-steps.js';
import { fitLines } from '../../src/cli/wrap.js';
import { loadSpecText } from '../../src/machine/load-spec.js';

const full: Draft = { ...draftNamed('web'), iso: 'disc1.iso', bridge: 'bridge0' };
const asText = (text: string, format: 'json' | 'yaml') => ({
  name: 'spec',
  text,
  format,
  resolveFile: (p: string) => p,
});

describe('a first spec', () => {
  const drafts: readonly (readonly [string, Draft])[] = [
    ['as usual', draftNamed('web')],
    ['with everything', full],
    ['with nothing', { ...draftNamed('web'), disk: undefined, net: undefined }],
    ['with a name that YAML would take for a number', { ...full, name: '0x1F', disk: '1e3' }],
  ];
  const cases = drafts.flatMap(([what, draft]) =>
    (['json', 'yaml'] as const).map((format) => [what, format, draft] as const),
  );

  test.each(cases)('%s, as %s, is valid and can be planned for every target', async (_what, format, draft) => {
    const loaded = await loadSpecText(asText(draftText(draft, format), format));
    expect(loaded.ok ? [] : loaded.problems).toEqual([]);
    const targets = loaded.ok ? loaded.value.targets : [];
    expect(targets).toEqual(draft.iso === undefined ? ['default'] : ['default', 'install']);
  });

  test('says the same in every format and to every reader of YAML', () => {
    const word = fc.oneof(
      fc.string({ minLength: 1, unit: 'grapheme' }),
      fc.constantFrom(
        'yes',
        'no',
        'Null',
        '~',
        '1',
        '0o7',
        '1_000',
        '2G',
        '12:30:45',
        '.inf',
        '- a',
        'a: b',
        'a #b',
        '*x',
        '2026-01-01',
      ),
    );
    const optional = fc.option(word, { nil: undefined });
    const draft = fc.record<Draft>({
      ...{ name: word, cpus: fc.oneof(fc.nat(), word), memory: word },
      ...{ disk: optional, iso: optional, net: optional, bridge: optional },
    });
    fc.assert(
      fc.property(draft, (each) => {
        const yaml = draftText(each, 'yaml');
        const value: unknown = JSON.parse(draftText(each, 'json'));
        expect(parse(yaml)).toEqual(value);
        expect(parse(yaml, { version: '1.1' })).toEqual(value);
      }),
    );
  });

  test('has comments that can be taken into use as they are', async () => {
    const text = draftText({ ...full, bridge: undefined }, 'yaml');
    const commented = [...text.matchAll(/^ *# (\w+): (.*)$/gm)].map(([, key = '']) => key);
    expect(commented).toEqual(['com1', 'com1', 'com1', 'graphic', 'bootrom', 'varfile']);
    // A console that is taken into use takes the place of the one that vmrun serves.
    const consoles = [...text.matchAll(/^# (com1: .*\n)/gm)].map(([, line = '']) => line);
    expect(consoles).toEqual(['com1: stdio\n', 'com1: /dev/nmdm-webA\n', 'com1: "tcp=127.0.0.1:5555"\n']);
    for (const console of ['', ...consoles]) {
      const used = text
        .replaceAll(/^# com1: .*\n/gm, '')
        .replace(/^com1: console\n/m, console)
        .replace(/(name: tap0)/, '$1, bridge: bridge0')
        .replaceAll(/^# (\w+): /gm, '$1: ');
      expect(used).toContain('\nvarfile: web-vars.fd');
      const loaded = await loadSpecText(asText(used, 'yaml'));
      expect(loaded.ok ? [] : loaded.problems).toEqual([]);
    }
  });

  test('fits a terminal', () => {
    const lines = [...draftText(full, 'yaml').split('\n'), ...draftText(full, 'json').split('\n')];
    expect(lines.filter((line) => line.length > 80)).toEqual([]);
  });
});

test('there are five questions, and each has an answer for who says nothing', () => {
  expect(questions.map(({ field }) => [field, defaultAnswer(field, draftNamed('web'))])).toEqual([
    ['name', 'web'],
    ['mem', '2G'],
    ['disk', 'web.img'],
    ['iso', 'none'],
    ['net', 'tap0'],
  ]);
});

test.each<[field: (typeof fields)[number], typed: string, said: string]>([
  ['name', 'a b', '"a b" is not a VM name'],
  ['cpu', '0', 'cpu must be 1 to 65535, got 0'],
  ['cpu', 'two', 'cpu must be an integer or an object, got "two"'],
  ['mem', '2X', '"2X" is not digits and one of K, M, G, T'],
  ['mem', '1025', '"1025" is not digits and one of K, M, G, T'],
  ['net', 'lan', 'lan'],
])('the answer %s: %s is refused with the words of the schema', async (field, typed, said) => {
  const wrong = await objection(
    withAnswer(full, field, typed, (name) => name),
    {},
  );
  expect(wrong?.message).toContain(said);
});

test.each(['disk', 'iso', 'net', 'bridge'] as const)('none takes %s away', (field) => {
  expect(withAnswer(full, field, 'none', (name) => `/vm/${name}`)[field]).toBeUndefined();
});

test('what to do next names what is not there yet, quoted for a shell', () => {
  const steps = nextSteps({ file: 'my vm.yaml', missingDisk: 'a b.img', missingCd: 'cd.iso', hasInstall: true });
  expect(steps).toContain("truncate -s 20G 'a b.img'");
  expect(steps).toContain('put the installation CD at cd.iso');
  expect(steps).toContain("vmrun -c 'my vm.yaml' -t install");
  expect(steps.split('\n').filter((line) => line.length > 80)).toEqual([]);
  const narrow = fitLines(
    nextSteps({ file: 'vm0.yaml', missingDisk: 'vm0.img', missingCd: undefined, hasInstall: false }),
    40,
  );
  expect(narrow).toContain('\n  vmrun -c vm0.yaml --simulate\n    try it without bhyve\n');
  const volume = nextSteps({
    file: 'vm.yaml',
    missingDisk: '/dev/zvol/tank/web',
    missingCd: undefined,
    hasInstall: false,
  });
  expect(volume).toContain('zfs create -V 20G tank/web');
  expect(volume).not.toContain('install');
  const there = nextSteps({ file: 'vm.yaml', missingDisk: undefined, missingCd: undefined, hasInstall: false });
  expect(there).not.toMatch(/truncate|zfs/);
});
