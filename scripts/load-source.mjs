import { build } from 'esbuild';

/** Loads TypeScript from src/ as a module, bundled in memory. @param entry below `root` */
export async function loadSource(root, entry) {
  const { outputFiles } = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    platform: 'node',
    format: 'esm',
    write: false,
    // For dependencies that are CommonJS: a module that is made of text has no require of its own.
    banner: {
      js: `import { createRequire } from 'node:module'; const require = createRequire(${JSON.stringify(`${root}/`)});`,
    },
  });
  return import(`data:text/javascript;base64,${Buffer.from(outputFiles[0].contents).toString('base64')}`);
}
