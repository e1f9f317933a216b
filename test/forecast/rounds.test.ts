import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { forecast } from '../../src/forecast/forecast.js';
import { loadSpecText } from '../../src/machine/load-spec.js';
import { parseSpec } from '../../src/spec/parse-spec.js';
import { validSpec } from '../support/arbitraries.js';
import { runs } from '../support/runs.js';
import { minimal, specText, told, type SpecObject } from '../support/specs.js';

/** What is told of a spec with faults, besides them. */
async function foreseen(fields: SpecObject): Promise<readonly string[]> {
  const text = specText(fields);
  const loaded = await loadSpecText(text);
  const parsed = await parseSpec(text);
  if (loaded.ok || !parsed.ok) return [];
  const { spec } = parsed;
  return forecast(spec, spec.targets, { despite: loaded.problems, withoutHost: true }).map((problem) =>
    told(problem).replace(/^[^ ]* /, ''),
  );
}

test.each<[what: string, fields: SpecObject, said: readonly string[]]>([
  [
    'a variable that a field says already',
    { uuid: '00000000-0000-4000-8000-000000000004', config: { uuid: 'x', 'memory.wired': 'x' } },
    ['/config/memory.wired bhyve-refuses'],
  ],
  ['a field that is none', { nonsense: 1, extra_options: '-l com9,x' }, ['/extra_options bhyve-refuses']],
  [
    'words that are no options',
    { extra_options: '-l com9,x foo -Z' },
    ['/extra_options bhyve-refuses', '/extra_options bhyve-refuses'],
  ],
  [
    'a wrong console',
    { com1: 'nowhere', emulations: [{ device: 'raw', value: 'nothing' }] },
    ['/emulations/0/value bhyve-refuses'],
  ],
  ['nothing of what the fields say', { com1: 'nowhere', extra_options: '-S' }, []],
])('beside %s, what bhyve refuses is told at once', async (_what, fields, said) => {
  expect(await foreseen({ ...minimal, ...fields })).toEqual(said.map((each) => expect.stringContaining(each)));
});

test('whatever is wrong with a spec, the rest of it can be looked at', async () => {
  const junk = fc.oneof(
    fc.string(),
    fc.integer(),
    fc.constant({}),
    fc.constant([]),
    fc.constant('::1'),
    fc.constant('w'),
  );
  await fc.assert(
    fc.asyncProperty(validSpec, fc.nat(), junk, async (spec, which, value) => {
      const keys = Object.keys(spec);
      const broken = { ...spec, [keys[which % keys.length] ?? 'cpu']: value, extra_options: '-Z' };
      await foreseen(broken);
    }),
    { numRuns: runs(60) },
  );
});
