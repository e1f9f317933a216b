// The golden files: for every target of every example, bhyve's arguments one a line, as they are where the examples
// are, in a folder that is called /vms here; beside them the command of its loader, where there is one. Examples of one
// name in several formats share them. One example has its pictures too, in every format. Used by the test that compares
// them and by the script that writes them.
import { readdir } from 'node:fs/promises';
import path from 'node:path';

const lines = (words) => `${words.join('\n')}\n`;

/** The target whose pictures are drawn. */
const drawn = { example: 'rescue.json', target: 'default' };
const terminal = { isUnicode: true, bold: (text) => text, dim: (text) => text };

/**
 * @param vmrun the library, or the modules of it that this needs
 * @returns for each file, named relative to test/golden, what it must hold
 */
export async function goldenFiles(root, { readSpec, loadSpecText, plan, ...graph }) {
  const folder = path.join(root, 'examples');
  const files = new Map();
  for (const name of (await readdir(folder, { recursive: true })).sort()) {
    // Those of hosts/ are captured hosts.
    if (!/^(?!hosts\/).*\.(json|yaml|conf|ucl)$/.test(name)) continue;
    const file = path.join(folder, name);
    const absoluteFile = (written) => path.posix.resolve('/vms', written);
    const loaded = await loadSpecText({ ...readSpec(file, { workingDirectory: path.dirname(file) }), absoluteFile });
    if (!loaded.ok) throw new Error(`${name}: ${loaded.problems.map(({ message }) => message).join('; ')}`);
    for (const target of loaded.value.targets) {
      const planned = plan(loaded.value, target);
      if (!planned.ok) throw new Error(`${name}, target ${target}: ${JSON.stringify(planned.problems)}`);
      const { argv, loader } = planned.value;
      const put = (file, text) => {
        const golden = path.join(name.replace(/\.[a-z]+$/, ''), target, file);
        const before = files.get(golden);
        if (before !== undefined && before !== text) throw new Error(`${name} is not the VM of its name: ${golden}`);
        files.set(golden, text);
      };
      put('argv.txt', lines(argv));
      if (loader !== undefined) put('loader.txt', lines(loader.argv));
      if (name !== drawn.example || target !== drawn.target) continue;
      const boots = graph.bootGraph(loaded.value, target);
      const machine = graph.machineGraph(planned.value);
      for (const format of graph.graphFormats) {
        put(`graph-${format}.txt`, graph.drawGraph({ boots, machine }, format, terminal));
      }
    }
  }
  return files;
}
