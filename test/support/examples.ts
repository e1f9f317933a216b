import { readdirSync } from 'node:fs';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { loadSpecText } from '../../src/machine/load-spec.js';
import type { Spec } from '../../src/spec/parse-spec.js';
import { readSpec } from '../../src/spec/read.js';
import { told } from './specs.js';

const folder = path.join(path.dirname(fileURLToPath(import.meta.url)), '../../examples');

/** Every example that is a spec, by its name below examples/. */
export const exampleNames: readonly string[] = readdirSync(folder, { recursive: true, encoding: 'utf8' })
  .filter((name) => /^(?!hosts\/).*\.(json|yaml)$/.test(name))
  .sort();

/** As if read in the example's folder: relative names stay as they are. */
export async function exampleSpec(name: string): Promise<Spec> {
  const file = path.join(folder, name);
  const loaded = await loadSpecText(readSpec(file, { workingDirectory: path.dirname(file) }));
  if (!loaded.ok) throw new Error(loaded.problems.map(told).join('\n'));
  return loaded.value;
}
