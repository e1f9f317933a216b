// Builds dist/: the launchers (CommonJS, dependencies bundled), the library and its manager (ES
// modules, dependencies external) and their types. Also writes what is generated from the device modules: the compiled
// validators, schemas/, docs/, man/ and port/pkg-plist.
import { mkdir, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { build, transform } from 'esbuild';
import { execa } from 'execa';
import { generate, generateDocuments, generateOpenApi, generateReportSchemas } from './generate.mjs';
import { emitTypes, libraryProgram } from './library-types.mjs';
import { stampFile, stampText } from './build-stamp.mjs';
import { portFiles, portPlist } from './port-plist.mjs';

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
 * splits neither, so: what chunks share with the main file is handed to them by the main file.
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
  const main = "export * from './src/cli/main.ts';";
  const { metafile } = await bundleMain(main, { metafile: true, write: false });
  const inMain = new Set(Object.keys(metafile.inputs));
  const takeFromMain = {
    name: 'take-from-main',
    setup(bundle) {
      bundle.onResolve({ filter: /^\.{1,2}\// }, ({ path: specifier, resolveDir }) => {
        const source = toSource(path.resolve(resolveDir, specifier.replace(/\.js$/, '.ts')));
        return inMain.has(source) ? { path: sharedPrefix + source, external: true, sideEffects: false } : undefined;
      });
    },
  };
  // Loaded by a thread, by its file.
  lazy.set('draft-thread', path.join(root, 'src/cli/serve/draft-thread.ts'));
  const shared = await buildLazy(path.join(outdir, 'lazy'), lazy, takeFromMain);
  await bundleMain(main + handOver(shared), { outfile: path.join(outdir, 'vmrun.js') });
}

/** How a chunk names a module of the main file, until it is written. */
const sharedPrefix = 'main-file:';

/** Adds what a chunk, as an ES module, imports from the main file. @param shared names by module */
function addImports(shared, code) {
  const imports = [...code.matchAll(new RegExp(`import\\s*\\{([^{}]*)\\}\\s*from\\s*"${sharedPrefix}([^"]+)"`, 'g'))];
  if (imports.length !== code.split(`"${sharedPrefix}`).length - 1) {
    throw new Error('a chunk takes a module of the main file whole: import its names instead');
  }
  for (const [, list, source] of imports) {
    const names = shared.get(source) ?? new Set();
    for (const name of list.split(',')) names.add(name.trim().split(/\s+as\s+/)[0]);
    shared.set(source, names);
  }
}

/** A function of the main file that gives chunks what they import; a dry run, which loads none, pays nothing for it. */
function handOver(shared) {
  const lines = [];
  const cases = [];
  for (const [index, source] of [...shared.keys()].sort().entries()) {
    const names = [...shared.get(source)].sort();
    lines.push(`import { ${names.map((name) => `${name} as ${name}_${index}`).join(', ')} } from './${source}';`);
    cases.push(`case '${source}': return { ${names.map((name) => `${name}: ${name}_${index}`).join(', ')} };`);
  }
  return `${lines.join('\n')}\nexport function shared(source) { switch (source) { ${cases.join('\n')} } }`;
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

/**
 * Chunks are split as ES modules, the only way esbuild can, then each is turned into CommonJS by itself.
 * @returns the names that they import from each module of the main file
 */
async function buildLazy(outdir, entries, plugin) {
  await build({
    ...common,
    ...minified,
    entryPoints: Object.fromEntries(entries),
    format: 'esm',
    splitting: true,
    outdir,
    plugins: [plugin, noChildProcess],
  });
  const shared = new Map();
  for (const name of await readdir(outdir)) {
    const file = path.join(outdir, name);
    const source = await readFile(file, 'utf8');
    addImports(shared, source);
    const { code } = await transform(source, {
      ...asCommonJs,
      platform: 'node',
      target: 'node20',
      minifyWhitespace: true,
    });
    const fromMain = new RegExp(`require\\("${sharedPrefix}([^"]+)"\\)`, 'g');
    await writeFile(file, code.replaceAll(fromMain, 'require("../vmrun.js").shared("$1")'));
  }
  return shared;
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
// Its names and lines are those of the sources: no map, which would be half of the package, is needed to read a stack.
await build({
  ...common,
  // What the two share is in files of its own, so that a class of the one is that of the other.
  entryPoints: { index: 'src/index.ts', manager: 'src/manager/index.ts' },
  format: 'esm',
  splitting: true,
  chunkNames: 'library/[name]-[hash]',
  packages: 'external',
  outdir: 'dist',
});
const program = libraryProgram(root);
emitTypes(program);
await generateReportSchemas(root, program);
await generateOpenApi(root, program);
await writeFile(path.join(root, 'port/pkg-plist'), portPlist(portFiles(root)));
await writeFile(stampFile(root), stampText);
