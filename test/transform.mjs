// Jest's view of a TypeScript file: types stripped, nothing else changed. tsc checks the types.
import { transform, transformSync } from 'esbuild';

const options = (file) => ({ loader: 'ts', format: 'esm', target: 'node20.11', sourcemap: 'inline', sourcefile: file });

export default {
  process: (source, file) => ({ code: transformSync(source, options(file)).code }),
  processAsync: async (source, file) => ({ code: (await transform(source, options(file))).code }),
};
