import { expect, test } from '@jest/globals';
import fc from 'fast-check';
import { forecast } from '../../src/forecast/forecast.js';
import { importText } from '../../src/import/import-text.js';
import { loadSpecText, loadSpecValue } from '../../src/machine/load-spec.js';
import { optionsFor, sourceOf } from '../import/support.js';
import { mutated, piecesIn, secretOriginals, secretSpecs } from '../support/canary.js';
import { runs } from '../support/runs.js';
import { specText } from '../support/specs.js';

test('a secret is in nothing that is said of a spec, wherever there is a stray sign', async () => {
  await fc.assert(
    fc.asyncProperty(mutated(secretSpecs), async ({ text, format }) => {
      const loaded = await loadSpecText(specText(text, { format }));
      const said = loaded.ok ? [loaded.warnings, forecast(loaded.value, loaded.value.targets)] : loaded.problems;
      expect(piecesIn(JSON.stringify(said))).toEqual([]);
    }),
    { numRuns: runs(24_000) },
  );
});

test('nor is one that a value has', async () => {
  await fc.assert(
    fc.asyncProperty(mutated(secretSpecs.filter(({ format }) => format === 'json')), async ({ text }) => {
      const value = valueOf(text);
      if (value === undefined) return;
      const loaded = await loadSpecValue({ name: 'a request', value, resolveFile: (path) => path });
      const said = loaded.ok ? [loaded.warnings, forecast(loaded.value, loaded.value.targets)] : loaded.problems;
      expect(piecesIn(JSON.stringify(said))).toEqual([]);
    }),
    { numRuns: runs(12_000) },
  );
});

function valueOf(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

test('a secret is in nothing that is said of an import, wherever there is a stray sign', async () => {
  await fc.assert(
    fc.asyncProperty(mutated(secretOriginals), async ({ text, format }) => {
      for (const told of [{ format }, {}]) {
        const read = await importText(sourceOf(text), optionsFor(told));
        const said = read.ok ? [read.warnings, read.value.problems] : read.problems;
        expect(piecesIn(JSON.stringify(said))).toEqual([]);
      }
    }),
    { numRuns: runs(4_000) },
  );
});
