import { readFileSync, readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from '@jest/globals';
import { goldenFiles } from '../scripts/golden-files.mjs';
import { deviceModels } from '../src/devices/registry.js';
import { bootGraph } from '../src/graph/boot-graph.js';
import { drawGraph, graphFormats } from '../src/graph/draw.js';
import { machineGraph } from '../src/graph/machine-graph.js';
import { loadSpecText } from '../src/machine/load-spec.js';
import { plan } from '../src/machine/plan.js';
import { readSpec } from '../src/spec/read.js';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const golden = path.join(root, 'test/golden');
const graph = { bootGraph, machineGraph, drawGraph, graphFormats };
const files = await goldenFiles(root, { readSpec, loadSpecText, plan, ...graph });

test.each([...files])('%s is the one that was reviewed', (name, content) => {
  expect(content).toBe(readFileSync(path.join(golden, name), 'utf8'));
});

test('every golden file belongs to a target of an example', () => {
  const there = readdirSync(golden, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.txt'));
  expect(there.sort()).toEqual([...files.keys()].sort());
});

test('every device model stands in a golden file', () => {
  const words = [...files.values()].join('');
  const unseen = deviceModels
    .map(({ model }) => model)
    // What raw says is another model.
    .filter(
      (model) => model !== 'raw' && !new RegExp(`^\\d+:\\d+:\\d+,${model}(,|$)|device=${model}$`, 'm').test(words),
    );
  expect(unseen).toEqual([]);
});
