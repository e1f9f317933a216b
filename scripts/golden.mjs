// Rewrites test/golden from the built library. What changed is read in review.
import { mkdir, rm, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { goldenFiles } from './golden-files.mjs';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const files = await goldenFiles(root, await import('../dist/index.js'));
const golden = path.join(root, 'test/golden');
await rm(golden, { recursive: true, force: true });
for (const [name, content] of files) {
  const file = path.join(golden, name);
  await mkdir(path.dirname(file), { recursive: true });
  await writeFile(file, content);
}
console.log(`${files.size} golden files written`);
