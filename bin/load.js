'use strict';
// Loads the programs of dist/bin with the code that V8 compiled for them when they were built. Compiling is most of
// what a short command costs; with the compiled code at hand it starts nearly as quickly as node itself. Another
// version of node does not take that code, and compiles as usual.
const fs = require('node:fs');
const Module = require('node:module');
const path = require('node:path');
const vm = require('node:vm');

/** The file beside a script that holds its compiled code. */
const cacheOf = (file) => `${file}.cache`;

function compiledCode(file) {
  try {
    return fs.readFileSync(cacheOf(file));
  } catch {
    return undefined;
  }
}

/**
 * The file of `./id` or `../id`. path.join would go through so many characters at the start that V8 found it worth
 * optimizing, and its compiler costs a supervisor at rest four megabytes.
 */
const fileOf = (folder, id) => (id.startsWith('../') ? `${path.dirname(folder)}/${id.slice(3)}` : folder + id.slice(1));

/** @param onScript is given each script with its file: the build takes the compiled code from it */
function makeLoader(onScript = () => undefined) {
  const modules = new Map();
  return function load(file) {
    const known = modules.get(file);
    if (known !== undefined) return known.exports;
    const script = new vm.Script(Module.wrap(fs.readFileSync(file, 'latin1')), {
      filename: file,
      cachedData: compiledCode(file),
    });
    onScript(file, script);
    const loaded = { exports: {} };
    modules.set(file, loaded);
    const folder = path.dirname(file);
    const requireFrom = (id) => (id.startsWith('.') ? load(fileOf(folder, id)) : require(id));
    script.runInThisContext()(loaded.exports, requireFrom, loaded, file, folder);
    return loaded.exports;
  };
}

const programFile = (name) => path.join(path.dirname(__dirname), 'dist', 'bin', `${name}.js`);

module.exports = { load: (name) => makeLoader()(programFile(name)), makeLoader, programFile, cacheOf };
