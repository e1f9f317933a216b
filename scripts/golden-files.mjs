// The golden files: for every target of every example, bhyve's arguments one a line, as they are where the examples
// stand; beside them the command of its loader, where there is one. Examples of one name in several formats share them.
// Used by the test that compares them and by the script that writes them.
import { readdir } from 'node:fs/promises';
import path from 'node:path';

const lines = (words) => `${words.join('\n')}\n`;

/**
 * @param vmrun the library, or the modules of it that this needs
 * @returns for each file, named relative to test/golden, what it must hold
 */
export async function goldenFiles(root, { readSpec, loadSpecText, plan }) {
  const folder = path.join(root, 'examples');
  const files = new Map();
  for (const name of (await readdir(folder, { recursive: true })).sort()) {
    // Those of hosts/ are captured hosts.
    if (!/^(?!hosts\/).*\.(json|yaml|conf|ucl)$/.test(name)) continue;
    const file = path.join(folder, name);
    const loaded = await loadSpecText(readSpec(file, { workingDirectory: path.dirname(file) }));
    if (!loaded.ok) throw new Error(`${name}: ${loaded.problems.map(({ message }) => message).join('; ')}`);
    for (const target of loaded.value.targets) {
      const planned = plan(loaded.value, target);
      if (!planned.ok) throw new Error(`${name}, target ${target}: ${JSON.stringify(planned.problems)}`);
      const { argv, loader } = planned.value;
      const put = (file, words) => {
        const golden = path.join(name.replace(/\.[a-z]+$/, ''), target, file);
        const before = files.get(golden);
        if (before !== undefined && before !== lines(words))
          throw new Error(`${name} is not the VM of its name: ${golden}`);
        files.set(golden, lines(words));
      };
      put('argv.txt', argv);
      if (loader !== undefined) put('loader.txt', loader.argv);
    }
  }
  return files;
}
