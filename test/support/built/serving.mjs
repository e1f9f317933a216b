// `vmrun serve --simulate` as it is built, with a shell script in the place of the simulator, which is a Node.js of 40 MiB
// for each VM. Arguments: the script, then those of `vmrun serve`.
import { createRequire } from 'node:module';
import { fileURLToPath } from 'node:url';

const launcher = fileURLToPath(new URL('../../../bin/', import.meta.url));
const [node, , guest, ...words] = process.argv;
// What a simulator is run by.
process.execPath = '/bin/sh';
process.argv = [node, `${launcher}vmrun.js`, 'serve', '--simulate', ...words];
await createRequire(import.meta.url)(`${launcher}load.js`)
  .load('vmrun')
  .main(guest);
