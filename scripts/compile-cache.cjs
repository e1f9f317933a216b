// Writes the compiled code of vmrun: what bin/load.js gives to V8. Functions that have run by then are in it, so a
// dry run is done first. Started by the build as a process of its own: node compile-cache.cjs ROOT
'use strict';
const fs = require('node:fs');
const path = require('node:path');

const root = process.argv[2];
const { cacheOf, load } = require(path.join(root, 'bin', 'load.js'));
const { program, script } = load('vmrun');
const spec = path.join(root, 'examples', 'freebsd.json');
process.argv = [process.argv[0], 'vmrun', '--dry-run', '-c', spec, '-t', 'install'];
program
  .main('')
  .then(() => fs.writeFileSync(cacheOf(path.join(root, 'dist', 'bin', 'vmrun.js')), script.createCachedData()));
