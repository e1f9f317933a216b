'use strict';
// Loads the programs of dist/bin. Compiling them is most of what a short command costs, so bin/compile-cache.js keeps
// the code that V8 has compiled, in a file beside each script, and this file gives it back to V8 at the start. Without
// such a file, or with one that does not fit, V8 compiles as usual.
//
// V8 trusts compiled code: it checks the length of the source and its own version, no more. So whether a cache fits is
// decided here, before V8 sees it: it holds the very bytes of the script it was made of (comparing is cheaper than
// hashing), and what V8 itself writes at the head of its caches, which tells builds of V8 and their flags apart.
const fs = require('node:fs');
const path = require('node:path');
const vm = require('node:vm');

const headerBytes = 128;
const stampBytes = 20;
let stamp;

/** What tells this V8 and its flags from others. `v8.cachedDataVersionTag()` would say so too, for 2 ms at each start. */
const stampOfV8 = () => {
  stamp ??= new vm.Script('0').createCachedData().hexSlice(0, stampBytes);
  return stamp;
};

/** The head of a cache file; the compiled code follows, then the script it was made of. */
const headerOf = (scriptBytes, compiledBytes) =>
  `vmrun code cache 1, ${scriptBytes} bytes of script, ${compiledBytes} compiled, ${stampOfV8()}\n`.padEnd(headerBytes);

/** The last part of the name of each cache that this version of Node.js can use, but for the tag of its V8. */
const versionPart = `.${process.version}-${process.arch}-`;
const isCacheName = (name, script) =>
  name.endsWith('.cache') && name.startsWith(`${script}.`) && name.includes(versionPart, script.length);

/** @returns the compiled code in the cache file, undefined where that is not of this script or not for this V8 */
function compiledCodeIn(cacheFile, script) {
  const cache = fs.readFileSync(cacheFile);
  const compiledBytes = cache.length - headerBytes - script.length;
  if (compiledBytes <= 0) return undefined;
  if (cache.latin1Slice(0, headerBytes) !== headerOf(script.length, compiledBytes)) return undefined;
  const end = headerBytes + compiledBytes;
  return cache.subarray(end).equals(script) ? cache.subarray(headerBytes, end) : undefined;
}

/**
 * The file of `./id` or `../id`. path.join would go through so many characters at the start that V8 found it worth
 * optimizing, and its compiler costs a supervisor at rest four megabytes.
 */
const fileOf = (folder, id) => (id.startsWith('../') ? `${path.dirname(folder)}/${id.slice(3)}` : folder + id.slice(1));

/** @param onScript is given each script with its file and bytes: bin/compile-cache.js takes the compiled code from it */
function makeLoader(onScript = () => undefined) {
  const modules = new Map();
  const folders = new Map();

  function namesIn(folder) {
    let names = folders.get(folder);
    if (names === undefined) folders.set(folder, (names = fs.readdirSync(folder)));
    return names;
  }

  function compiledCode(folder, file, script) {
    try {
      const name = path.basename(file);
      for (const cache of namesIn(folder)) {
        if (!isCacheName(cache, name)) continue;
        const compiled = compiledCodeIn(`${folder}/${cache}`, script);
        if (compiled !== undefined) return compiled;
      }
    } catch {
      // A cache that cannot be read is no reason not to start.
    }
    return undefined;
  }

  return function load(file) {
    const known = modules.get(file);
    if (known !== undefined) return known.exports;
    const folder = path.dirname(file);
    const bytes = fs.readFileSync(file);
    const script = new vm.Script(
      `(function (exports, require, module, __filename, __dirname) { ${bytes.latin1Slice()}\n});`,
      { filename: file, cachedData: compiledCode(folder, file, bytes) },
    );
    onScript(file, script, bytes);
    const loaded = { exports: {} };
    modules.set(file, loaded);
    const requireFrom = (id) => (id.startsWith('.') ? load(fileOf(folder, id)) : require(id));
    script.runInThisContext()(loaded.exports, requireFrom, loaded, file, folder);
    return loaded.exports;
  };
}

const programFile = (name) => path.join(path.dirname(__dirname), 'dist', 'bin', `${name}.js`);

module.exports = { load: (name) => makeLoader()(programFile(name)), makeLoader, programFile, headerOf };
