'use strict';
// Loads the programs of dist/bin. Compiling them is most of what a short command costs, so bin/compile-cache.js keeps
// the code that V8 has compiled, in a file beside each script, and this file gives it back to V8 at the start. Without
// such a file, or with one that does not fit, V8 compiles as usual.
//
// V8 trusts compiled code: of the source it checks the length, no more. So whether a cache is of this script is decided
// here, before V8 sees it: it holds the very bytes of the script that it was made of (comparing is cheaper than hashing).
// Whether it was made by this V8, with the flags that it has now, V8 tells by the head of its own part, and refuses others.
const fs = require('node:fs');
const vm = require('node:vm');

const headerBytes = 128;

/** The head of a cache file; the compiled code follows, then the script it was made of. */
const headerOf = (scriptBytes, compiledBytes) =>
  `vmrun code cache 2, ${scriptBytes} bytes of script, ${compiledBytes} compiled\n`.padEnd(headerBytes);

/** The last part of the name of each cache that this version of Node.js can use, but for the tag of its V8. */
const versionPart = `.${process.version}-${process.arch}-`;

/** @returns the compiled code in the cache file, undefined where that is not of this script */
function compiledCodeIn(cacheFile, script) {
  const cache = fs.readFileSync(cacheFile);
  const compiledBytes = cache.length - headerBytes - script.length;
  if (compiledBytes <= 0) return undefined;
  if (cache.latin1Slice(0, headerBytes) !== headerOf(script.length, compiledBytes)) return undefined;
  const end = headerBytes + compiledBytes;
  return cache.subarray(end).equals(script) ? cache.subarray(headerBytes, end) : undefined;
}

/**
 * What stands before the last slash. The functions of node:path go through a path letter by letter, in so many steps at
 * a start that V8 finds them worth optimizing, and its compiler costs a supervisor at rest four megabytes.
 */
const folderOf = (file) => file.slice(0, file.lastIndexOf('/'));

/** The file of `./id` or `../id`. */
const fileOf = (folder, id) => (id.startsWith('../') ? `${folderOf(folder)}/${id.slice(3)}` : folder + id.slice(1));

/** @param onScript is given each script with its file and bytes: bin/compile-cache.js takes the compiled code from it */
function makeLoader(onScript = () => undefined) {
  const modules = new Map();
  const folders = new Map();

  /**
   * The caches of a script. The names of its folder are searched as one text: there may be hundreds, and a loop over them
   * for each script is soon worth optimizing to V8, whose compiler costs a supervisor at rest megabytes.
   */
  function cachesOf(folder, script) {
    let names = folders.get(folder);
    if (names === undefined) folders.set(folder, (names = `/${fs.readdirSync(folder).join('/')}/`));
    const found = [];
    for (let at = names.indexOf(`/${script}.`); at !== -1; at = names.indexOf(`/${script}.`, at + 1)) {
      const name = names.slice(at + 1, names.indexOf('/', at + 1));
      if (name.endsWith('.cache') && name.includes(versionPart)) found.push(name);
    }
    return found;
  }

  function compiledCode(folder, file, script) {
    try {
      for (const cache of cachesOf(folder, file.slice(folder.length + 1))) {
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
    const folder = folderOf(file);
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

const programFile = (name) => `${folderOf(__dirname)}/dist/bin/${name}.js`;

/** sysexits(3): a system call failed, a fault of the program. bhyve has 4 for an error. */
const statuses = { vmrun: { system: 71, internal: 70 }, 'bhyve-sim': { system: 4, internal: 4 } };

/** Without its build, a copy of the repository has the launchers and nothing that they could launch. */
const systemWords = ({ code, path, message }, name) =>
  code === 'ENOENT' && path === programFile(name)
    ? `this copy of vmrun is not built: there is no ${path}\nfix: npm ci && npm run build, in ${folderOf(__dirname)}`
    : `it cannot go on: ${message}`;

/**
 * Node.js would end with its stack and status 1, which says of a VM that its guest powered off. What is told here nobody
 * else has caught, the loading of the program itself among it.
 */
function sayWhatEndsIt(name) {
  process.on('uncaughtException', (error) => {
    const isSystem = error instanceof Error && typeof error.syscall === 'string';
    const words = isSystem
      ? systemWords(error, name)
      : `this is a bug in vmrun, please report it:\n${error instanceof Error ? error.stack : error}`;
    try {
      fs.writeSync(2, `${name}: ${seen(words)}\n`);
    } catch {
      // Nobody can read it; the status says it.
    }
    process.exit(statuses[name][isSystem ? 'system' : 'internal']);
  });
}

/**
 * SIGUSR1 to a Node.js that does not listen for it opens a debugger, on a port where every user of the host may tell this
 * process what to run. A log that is rotated sends it, and a service manager may, at any moment.
 */
function keepDebuggerOut() {
  process.on('SIGUSR1', () => undefined);
}

/** Nothing of the program may be there yet, so in few words: all that is not ASCII is escaped, and a line stays below. */
const seen = (text) =>
  text
    .replaceAll('\n', '\n  ')
    .replace(/[^\n -~]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`);

/** Loads a program that is about to be run. */
function load(name) {
  keepDebuggerOut();
  sayWhatEndsIt(name);
  return makeLoader()(programFile(name));
}

module.exports = { load, makeLoader, programFile, headerOf };
