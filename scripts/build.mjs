// Builds dist/: the launchers (CommonJS, dependencies bundled), the library (ES
// module, dependencies external) and its types. Also writes what is generated from the device modules: the compiled
// validators, schemas/vm.schema.json and docs/.
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';
import { execa } from 'execa';
import { generate, generateDocuments } from './generate.mjs';

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

const minified = { minify: true };
/** A lazy chunk is CommonJS too, so `import()` becomes `require()` and the ES module loader stays asleep. */
const asCommonJs = { format: 'cjs', supported: { 'dynamic-import': false } };
const toSource = (file) => path.relative(root, file).replaceAll(path.sep, '/');

/**
 * The launcher of vmrun: one file with all that a dry run needs, and chunks for the rest, loaded by `import()`. It is
 * CommonJS, which starts measurably quicker than ES modules, and one file, which starts quicker than several. esbuild
 * splits neither, so: modules that chunks share with the main file are handed to them by the main file.
 */
async function buildVmrun(outdir) {
  const lazy = new Map();
  const markLazy = {
    name: 'mark-lazy',
    setup(bundle) {
      bundle.onResolve({ filter: /^\.{1,2}\// }, ({ kind, path: specifier, resolveDir }) => {
        if (kind !== 'dynamic-import') return undefined;
        const source = path.resolve(resolveDir, specifier.replace(/\.js$/, '.ts'));
        lazy.set(path.basename(source, '.ts'), source);
        return { path: `./lazy/${path.basename(source, '.ts')}.js`, external: true };
      });
    },
  };
  const bundleMain = (entry, extra) =>
    build({
      ...common,
      ...minified,
      ...asCommonJs,
      ...extra,
      stdin: { contents: entry, resolveDir: root },
      plugins: [markLazy, noChildProcess],
    });
  const { metafile } = await bundleMain("export * from './src/cli/main.ts'", { metafile: true, write: false });
  const inMain = new Set(Object.keys(metafile.inputs).filter((input) => input !== '<stdin>'));
  const shared = new Set();
  const takeFromMain = {
    name: 'take-from-main',
    setup(bundle) {
      bundle.onResolve({ filter: /^\.{1,2}\// }, ({ path: specifier, resolveDir, namespace }) => {
        const source = toSource(path.resolve(resolveDir, specifier.replace(/\.js$/, '.ts')));
        if (namespace !== 'file' || !inMain.has(source)) return undefined;
        shared.add(source);
        return { path: source, namespace: 'shared' };
      });
      bundle.onLoad({ filter: /.*/, namespace: 'shared' }, ({ path: source }) => ({
        contents: `module.exports = require('../vmrun.js').shared[${JSON.stringify(source)}]`,
      }));
    },
  };
  await buildLazy(path.join(outdir, 'lazy'), lazy, takeFromMain);
  const names = [...shared].sort();
  const entry = [
    "export * from './src/cli/main.ts';",
    ...names.map((source, index) => `import * as shared${index} from './${source}';`),
    `export const shared = { ${names.map((source, index) => `${JSON.stringify(source)}: shared${index}`).join(', ')} };`,
  ];
  await bundleMain(entry.join('\n'), { outfile: path.join(outdir, 'vmrun.js') });
}

/** A module of a dependency that is replaced in the launchers, with the reason why. */
const replaced = (name, module, importedBy, contents) => ({
  name,
  setup(bundle) {
    bundle.onResolve({ filter: new RegExp(`^${module}$`) }, ({ importer }) =>
      importer.includes(importedBy) ? { path: module, namespace: name } : undefined,
    );
    bundle.onLoad({ filter: /.*/, namespace: name }, () => ({ contents }));
  },
});

/** commander loads it for subcommands that are programs of their own; vmrun has none. */
const noChildProcess = replaced('no-child-process', 'node:child_process', 'commander', 'module.exports = {}');

/** Chunks are split as ES modules, the only way esbuild can, then each is turned into CommonJS by itself. */
async function buildLazy(outdir, entries, plugin) {
  await build({
    ...common,
    ...minified,
    entryPoints: Object.fromEntries(entries),
    format: 'esm',
    splitting: true,
    outdir,
    external: ['../vmrun.js'],
    plugins: [plugin, noChildProcess],
  });
  for (const name of await readdir(outdir)) {
    const file = path.join(outdir, name);
    const source = await readFile(file, 'utf8');
    const { code } = await transform(source, {
      ...asCommonJs,
      platform: 'node',
      target: 'node20',
      minifyWhitespace: true,
    });
    await writeFile(file, code);
  }
}

const dist = path.join(root, 'dist');
await rm(dist, { recursive: true, force: true });
await mkdir(path.join(dist, 'bin'), { recursive: true });
await generate(root);
const bin = path.join(dist, 'bin');
await writeFile(path.join(bin, 'package.json'), '{ "type": "commonjs" }\n');
await Promise.all([buildVmrun(bin), generateDocuments(root)]);
await build({
  ...common,
  ...minified,
  ...asCommonJs,
  entryPoints: ['src/simulator/main.ts'],
  outfile: path.join(bin, 'bhyve-sim.js'),
});
// For this version of Node.js; the package goes without, since no other version can use it.
await execa(process.execPath, [path.join(root, 'bin/compile-cache.js')], { stdio: 'inherit' });
await build({
  ...common,
  entryPoints: ['src/index.ts'],
  format: 'esm',
  packages: 'external',
  outfile: 'dist/index.js',
  sourcemap: true,
});
await execa('tsc', ['-p', 'tsconfig.types.json'], { cwd: root, preferLocal: true, stdio: 'inherit' });
