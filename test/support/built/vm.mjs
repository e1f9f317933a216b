// What the scripts share that run VMs with the built library in a process of their own: see ../built-process.ts.
import { writeSync } from 'node:fs';
import { loadSpecText } from '../../../dist/index.js';

/** A small VM of this name. */
export async function specOf(name, fields = {}) {
  const text = JSON.stringify({ name, cpu: 1, mem: '64M', restart: { delay: 0 }, ...fields });
  const loaded = await loadSpecText({ name: 'vm.json', text, format: 'json', resolveFile: (path) => path });
  if (!loaded.ok) throw new Error(JSON.stringify(loaded.problems));
  return loaded.value;
}

export const sh = (script) => ['/bin/sh', '-c', script];

/** The one thing that a script says, to the test that has started it. */
export const answer = (value) => writeSync(1, JSON.stringify(value));
