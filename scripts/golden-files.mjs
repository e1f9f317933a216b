// The golden files: for every target of every example, bhyve's arguments one a line, as they are where the examples
// stand. Used by the test that compares them and by the script that writes them.
import { readdir } from 'node:fs/promises';
import path from 'node:path';

/**
 * @param vmrun the library, or the modules of it that this needs
 * @returns for each file, named relative to test/golden, what it must hold
 */
export async function goldenFiles(root, { readSpec, loadSpecText, plan }) {
  const folder = path.join(root, 'examples');
  const files = new Map();
  for (const name of (await readdir(folder)).sort()) {
    if (!/\.(json|yaml)$/.test(name)) continue;
    const loaded = await loadSpecText(readSpec(path.join(folder, name), { workingDirectory: folder }));
    if (!loaded.ok) throw new Error(`${name}: ${loaded.problems.map(({ message }) => message).join('; ')}`);
    for (const target of loaded.value.targets) {
      const planned = plan(loaded.value, target);
      if (!planned.ok) throw new Error(`${name}, target ${target}: ${JSON.stringify(planned.problems)}`);
      files.set(path.join(path.parse(name).name, target, 'argv.txt'), `${planned.value.argv.join('\n')}\n`);
    }
  }
  return files;
}
