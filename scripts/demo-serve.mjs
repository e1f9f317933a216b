// npm run demo:serve: a manager of the five VMs of examples/manager, played by the simulator, and what to try with it.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';

const root = path.dirname(path.dirname(fileURLToPath(import.meta.url)));
const folder = mkdtempSync(path.join(tmpdir(), 'vmrun-demo-'));
const configuration = path.join(folder, 'manager.json');
const runDir = path.join(folder, 'run');
writeFileSync(
  configuration,
  JSON.stringify({ specs: path.join(root, 'examples/manager'), state: path.join(folder, 'state'), run_dir: runDir }),
);
const vmrun = path.join(root, 'bin/vmrun.js');
const scripts = ['crash=triple_fault:5s', 'rescue=triple_fault:1s,triple_fault:1s,triple_fault:1s,triple_fault:1s,run'];
console.log(`Five VMs, simulated: web waits for db, crash keeps crashing, rescue has come to its rescue target in a few seconds.
In another terminal, in ${root}:

  node bin/vmrun.js ls --run-dir ${runDir}
  node bin/vmrun.js stop mail --run-dir ${runDir}
  node bin/vmrun.js events --run-dir ${runDir}
  node bin/vmrun.js plan --all examples/manager
  curl --unix-socket ${runDir}-simulated/manager.sock http://localhost/api/v1/vms

Ctrl-C stops them all.
`);
const words = ['serve', '-c', configuration, '--simulate', ...scripts.flatMap((script) => ['--script', script])];
const manager = spawn(process.execPath, [vmrun, ...words], { stdio: 'inherit' });
// Ctrl-C goes to both: the manager ends by itself.
for (const signal of ['SIGINT', 'SIGTERM']) process.on(signal, () => signal === 'SIGTERM' && manager.kill(signal));
const [code] = await once(manager, 'close');
rmSync(folder, { recursive: true, force: true });
process.exitCode = code ?? 1;
