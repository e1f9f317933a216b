// Writes the compiled code that bin/load.js gives to V8. Functions that have run by then are in it, so a dry run, a
// simulated run and a spec with a mistake are gone through first. Started by the build as a process of its own:
// node compile-cache.cjs ROOT SCRATCH
'use strict';
const fs = require('node:fs');
const path = require('node:path');

const [root, scratch] = process.argv.slice(2);
const { cacheOf, makeLoader, programFile } = require(path.join(root, 'bin', 'load.js'));
const simulator = path.join(root, 'bin', 'bhyve-sim.js');
const example = path.join(root, 'examples', 'freebsd.json');

async function warmUp() {
  const scripts = new Map();
  const load = makeLoader((file, script) => scripts.set(file, script));
  const { main } = load(programFile('vmrun'));
  const wrong = path.join(scratch, 'wrong.json');
  fs.writeFileSync(wrong, '{ "name": "vm", "cpu": 0 }');
  for (const words of [
    ['--dry-run', '-c', example, '-t', 'install'],
    ['-c', example, '-t', 'install', '--simulate=reboot,power_off', '--run-dir', path.join(scratch, 'run')],
    ['-c', wrong],
  ]) {
    process.argv = [process.argv[0], 'vmrun', ...words];
    await main(simulator);
  }
  process.exitCode = 0;
  for (const [file, script] of scripts) fs.writeFileSync(cacheOf(file), script.createCachedData());
}

warmUp();
