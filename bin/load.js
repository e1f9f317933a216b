'use strict';
// Loads a program of dist/bin with the code that V8 compiled for it when it was built. Compiling is most of what a
// short command costs; with the compiled code at hand it starts nearly as quickly as node itself. Another version of
// node does not take that code, and compiles as usual.
const fs = require('node:fs');
const Module = require('node:module');
const path = require('node:path');
const vm = require('node:vm');

/** The file beside a program that holds its compiled code. */
const cacheOf = (file) => `${file}.cache`;

function compiledCode(file) {
  try {
    return fs.readFileSync(cacheOf(file));
  } catch {
    return undefined;
  }
}

/** @returns what the program exports, and its script, from which the build takes the compiled code */
function load(name) {
  const file = path.join(path.dirname(__dirname), 'dist', 'bin', `${name}.js`);
  const script = new vm.Script(Module.wrap(fs.readFileSync(file, 'latin1')), {
    filename: file,
    cachedData: compiledCode(file),
  });
  const loaded = new Module(file, module);
  loaded.filename = file;
  loaded.paths = Module._nodeModulePaths(path.dirname(file));
  require.cache[file] = loaded;
  script.runInThisContext()(loaded.exports, Module.createRequire(file), loaded, file, path.dirname(file));
  loaded.loaded = true;
  return { program: loaded.exports, script };
}

module.exports = { load, cacheOf };
