// npm run fuzz: mutated texts for everything of vmrun that reads text of others, many times as quick as under jest, whose
// contexts slow down every look at a global name. --coverage tells which lines of the readers they have reached.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { parseArgs } from 'node:util';
import { build } from 'esbuild';
import { lineCoverage } from './fuzz/line-coverage.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const sources = path.join(root, 'test/support/mutated');
const { values } = parseArgs({
  options: {
    inputs: { type: 'string', default: '50000' },
    seed: { type: 'string', default: '1' },
    seeds: { type: 'string', default: '1' },
    reader: { type: 'string', default: '' },
    coverage: { type: 'boolean', default: false },
  },
});

const folder = mkdtempSync(path.join(tmpdir(), 'vmrun-fuzz-'));
try {
  const script = path.join(folder, 'fuzz.mjs');
  await build({
    absWorkingDir: root,
    entryPoints: [path.join(sources, 'fuzz.ts')],
    outfile: script,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    sourcemap: 'linked',
    // Where the texts start from, and how dependencies that are CommonJS ask for modules of Node.
    define: { 'import.meta.url': JSON.stringify(pathToFileURL(path.join(sources, 'texts.ts')).href) },
    banner: { js: `import { createRequire } from 'node:module'; const require = createRequire('${root}/');` },
    logLevel: 'warning',
  });
  const env = values.coverage ? { ...process.env, NODE_V8_COVERAGE: path.join(folder, 'coverage') } : process.env;
  for (let seed = Number(values.seed); seed < Number(values.seed) + Number(values.seeds); seed += 1) {
    console.log(`seed ${seed}`);
    const words = ['--enable-source-maps', script, values.inputs, String(seed), values.reader];
    const { status } = spawnSync(process.execPath, words, { cwd: root, stdio: 'inherit', env });
    if (status !== 0) process.exitCode = 1;
  }
  if (values.coverage) lineCoverage(script, path.join(folder, 'coverage'), root);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
