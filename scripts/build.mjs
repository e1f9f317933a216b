// Builds dist/: the launchers (CommonJS, dependencies bundled, lazy parts in chunks of their own), the library (ES
// module, dependencies external) and its types. Also writes what is generated from the device modules: the compiled
// validators and schemas/vm.schema.json.
import { execFileSync } from 'node:child_process';
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';
import { generate } from './generate.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const { version } = JSON.parse(await readFile(path.join(root, 'package.json'), 'utf8'));
const common = {
  absWorkingDir: root,
  bundle: true,
  platform: 'node',
  target: 'node20',
  define: { VMRUN_VERSION: JSON.stringify(version) },
  logLevel: 'warning',
};

/**
 * esbuild splits ES modules only, but a CommonJS program starts measurably quicker. So: split as ES modules, then
 * turn each chunk into CommonJS by itself.
 */
async function buildLaunchers(outdir) {
  await build({
    ...common,
    entryPoints: { vmrun: 'src/cli/main.ts', 'bhyve-sim': 'src/simulator/main.ts' },
    format: 'esm',
    splitting: true,
    outdir,
    chunkNames: '[name]-[hash]',
    minifySyntax: true,
    minifyWhitespace: true,
  });
  for (const name of await readdir(outdir)) {
    const file = path.join(outdir, name);
    const { code } = await transform(await readFile(file, 'utf8'), {
      format: 'cjs',
      platform: 'node',
      target: 'node20',
      minifyWhitespace: true,
    });
    await writeFile(file, code);
  }
  await writeFile(path.join(outdir, 'package.json'), '{ "type": "commonjs" }\n');
}

const dist = path.join(root, 'dist');
await rm(dist, { recursive: true, force: true });
await mkdir(path.join(dist, 'bin'), { recursive: true });
await generate(root);
await buildLaunchers(path.join(dist, 'bin'));
await build({
  ...common,
  entryPoints: ['src/index.ts'],
  format: 'esm',
  packages: 'external',
  outfile: 'dist/index.js',
  sourcemap: true,
});
execFileSync(process.execPath, ['node_modules/typescript/bin/tsc', '-p', 'tsconfig.types.json'], {
  cwd: root,
  stdio: 'inherit',
});
