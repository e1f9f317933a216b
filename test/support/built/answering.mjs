// vmrun as it is built, command after command in one process: each message has the words, the folder, the environment
// and the standard input of one. What it prints goes to the process's own descriptors, and ends with a mark on both.
import { closeSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const require = createRequire(import.meta.url);
const launcher = fileURLToPath(new URL('../../../bin/', import.meta.url));
const { main } = require(`${launcher}load.js`).load('vmrun');
const [, , mark, scratch] = process.argv;

/** Descriptor 0 is the lowest that is free. */
function setStandardInput(text) {
  closeSync(0);
  if (text === undefined) {
    openSync('/dev/null');
    return;
  }
  writeFileSync(scratch, text, { encoding: 'base64', mode: 0o600 });
  openSync(scratch);
  rmSync(scratch);
}

process.on('disconnect', () => process.exit());
process.on('message', async ({ words, cwd, env, input }) => {
  setStandardInput(input);
  process.chdir(cwd);
  for (const name of Object.keys(process.env)) delete process.env[name];
  Object.assign(process.env, env);
  process.argv = [process.execPath, `${launcher}vmrun.js`, ...words];
  process.exitCode = undefined;
  await main(`${launcher}bhyve-sim.js`);
  const status = process.exitCode;
  process.exitCode = undefined;
  for (const descriptor of [1, 2]) writeSync(descriptor, mark);
  // The place of a test goes with every process that stands in it.
  process.chdir('/');
  process.send(status);
});
