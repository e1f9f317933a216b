#!/usr/bin/env node
'use strict';
// Makes vmrun start in less time with this version of Node.js: node bin/compile-cache.js
//
// It keeps what V8 compiles in a file beside each script of dist/bin, and bin/load.js gives that back to V8. Run it once
// on each host, as the user who owns these files, and again when another version of vmrun or Node.js is installed.
// vmrun works without it, and only starts later. --remove takes the files away.
const { spawnSync } = require('node:child_process');
const { createHash } = require('node:crypto');
const fs = require('node:fs');
const os = require('node:os');
const path = require('node:path');
const v8 = require('node:v8');
const { headerOf, programFile } = require('./load.js');

const exitCodes = { usage: 64, internal: 70, cannotCreate: 73 };
const programs = path.dirname(programFile('vmrun'));
const folders = [programs, path.join(programs, 'lazy')];

const cacheName = /^(?<script>.+\.js)\.(?<sum>[0-9a-f]{64})\.(?<major>v\d+)\.[^-]*-(?<arch>[^-]+)-\d+\.cache$/;
const temporaryName = /^.+\.js\.[0-9a-f]{64}\..+\.cache\.(?<pid>\d+)\.new$/;

const sumOf = (bytes) => createHash('sha256').update(bytes).digest('hex');

/** Whole or not at all: a vmrun may read it at this moment. */
function writeWhole(file, content) {
  const temporary = `${file}.${process.pid}.new`;
  try {
    fs.writeFileSync(temporary, content, { mode: 0o644 });
    fs.renameSync(temporary, file);
  } catch (error) {
    fs.rmSync(temporary, { force: true });
    throw error;
  }
}

/** @returns the name of the cache */
function writeCache({ file, bytes, compiled }) {
  const cache = `${file}.${sumOf(bytes)}.${process.version}-${process.arch}-${v8.cachedDataVersionTag()}.cache`;
  writeWhole(cache, Buffer.concat([Buffer.from(headerOf(bytes.length, compiled.length)), compiled, bytes]));
  return path.basename(cache);
}

/** What V8 has compiled when a program has run: in a process of its own, since the programs print, and may exit. */
function compiledBy(program, scratch) {
  const made = path.join(scratch, `${program}.made`);
  const { status, signal, error } = spawnSync(process.execPath, [path.join(__dirname, 'warm-up.js'), program, made], {
    cwd: scratch,
    stdio: 'ignore',
  });
  if (status === 0) return v8.deserialize(fs.readFileSync(made));
  const how = error?.message ?? signal ?? `status ${status}`;
  throw new Error(`${programFile(program)} does not run (${how}); install vmrun again`);
}

function isRunning(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** The caches that no longer serve: of a script that has changed or is gone, or of a Node.js that this one replaced. */
function staleIn(folder, made) {
  const names = fs.readdirSync(folder);
  const isStale = (name) => {
    const temporary = temporaryName.exec(name);
    if (temporary !== null) return !isRunning(Number(temporary.groups.pid));
    const { script, sum, major, arch } = cacheName.exec(name)?.groups ?? {};
    if (script === undefined || made.includes(name)) return false;
    if (!names.includes(script) || sumOf(fs.readFileSync(path.join(folder, script))) !== sum) return true;
    return process.version.startsWith(`${major}.`) && process.arch === arch;
  };
  return names.filter(isStale);
}

const cachesIn = (folder) => fs.readdirSync(folder).filter((name) => cacheName.test(name) || temporaryName.test(name));

function remove(namesIn) {
  for (const folder of folders) {
    for (const name of namesIn(folder)) fs.rmSync(path.join(folder, name), { force: true });
  }
}

function makeCaches() {
  const scratch = fs.mkdtempSync(path.join(os.tmpdir(), 'vmrun-cache-'));
  try {
    const compiled = ['vmrun', 'bhyve-sim'].flatMap((program) => compiledBy(program, scratch));
    const made = compiled.map(writeCache);
    remove((folder) => staleIn(folder, made));
  } finally {
    fs.rmSync(scratch, { recursive: true, force: true });
  }
}

const say = (text) => process.stderr.write(`compile-cache: ${text}\n`);

function main(words) {
  const isRemoving = words[0] === '--remove';
  if (words.length > (isRemoving ? 1 : 0)) {
    say('usage: node compile-cache.js [--remove]');
    return exitCodes.usage;
  }
  try {
    // Said before the work is done.
    for (const folder of folders) fs.accessSync(folder, fs.constants.W_OK);
    if (isRemoving) remove(cachesIn);
    else makeCaches();
    return 0;
  } catch (error) {
    if (error.syscall === undefined) {
      say(error.message);
      return exitCodes.internal;
    }
    const place = error.path ?? programs;
    const isMissing = error.code === 'ENOENT';
    say(
      isMissing
        ? `${place} does not exist; install vmrun again, or run npm run build`
        : `${place} cannot be written (${error.code}); run this as the user who owns it`,
    );
    return exitCodes.cannotCreate;
  }
}

process.exitCode = main(process.argv.slice(2));
