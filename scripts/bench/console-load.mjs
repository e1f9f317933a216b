// The console of a guest beside a pipe from it: what reading it costs this process, which is the supervisor, how long it
// takes, and how soon a key that is typed comes back. Run as a process of its own; prints JSON. Arguments: a folder, and
// how many rounds.
import { spawn, spawnSync } from 'node:child_process';
import { closeSync, constants, fstatSync, openSync, readSync, writeFileSync } from 'node:fs';
import { Socket } from 'node:net';
import path from 'node:path';
import { setTimeout as wait } from 'node:timers/promises';
import { median, root } from './measure.mjs';
import { specOf } from './spec.mjs';

const { run } = await import('../../dist/index.js');

const [scratch, rounds] = [process.argv[2], Number(process.argv[3])];
const mebibyte = 1024 * 1024;
/** bhyve writes what its UART gets byte by byte, a loader what stdio has gathered. */
const loads = { bytes: { size: 1, count: 200_000 }, blocks: { size: 4096, count: 64 * 256 } };
const keys = 200;

/** Writes as it is told, and then a word; `cat` gives back what is typed from then on. */
const text = path.join(scratch, 'text');
const guest = `while read size count; do test "$size" = cat && exec cat; dd if='${text}' bs=$size count=$count; echo end; done 2>/dev/null`;
const lastWord = Buffer.from('end\n');

writeFileSync(text, 'the guest has a lot to say, and so it goes on and on and on\n'.repeat((64 * mebibyte) / 60 + 1));

/** Of what comes: when the last word has, and when anything has. */
function listener() {
  let [length, tail] = [0, Buffer.alloc(0)];
  let [onLastWord, onAny] = [() => undefined, () => undefined];
  return {
    hear(bytes) {
      length += bytes.length;
      tail = Buffer.concat([tail, bytes.subarray(-lastWord.length)]).subarray(-lastWord.length);
      onAny();
      if (tail.equals(lastWord)) onLastWord(length);
    },
    /** @returns how many bytes have come */
    untilLastWord() {
      length = 0;
      return new Promise((resolve) => (onLastWord = resolve));
    },
    untilAny: () => new Promise((resolve) => (onAny = resolve)),
  };
}

/** Two FIFOs and nothing between them and us. */
async function pipe() {
  const [input, output] = ['in', 'out'].map((name) => path.join(scratch, name));
  spawnSync('mkfifo', [input, output]);
  const child = spawn('/bin/sh', ['-c', `exec 0<>'${input}' 1<>'${output}'; ${guest}`], { stdio: 'ignore' });
  const open = (file) => openSync(file, constants.O_RDWR | constants.O_NONBLOCK);
  const typed = new Socket({ fd: open(input), readable: false, writable: true });
  const written = new Socket({ fd: open(output), readable: true, writable: false });
  const { hear, ...listening } = listener();
  written.on('data', hear);
  return {
    ...listening,
    type: (word) => typed.write(word),
    end() {
      child.kill('SIGKILL');
      typed.destroy();
      written.destroy();
    },
  };
}

async function guestWithConsole(name) {
  const vm = run(await specOf({ name, cpu: 1, mem: '64M', com1: 'console' }), {
    bhyve: ['/bin/sh', '-c', guest],
    runBase: scratch,
    check: false,
  });
  for await (const { kind } of vm.events) if (kind === 'boot') break;
  return vm;
}

async function end(vm) {
  vm.stop();
  await vm.result;
}

/** A reader in this process. */
async function subscriber() {
  const vm = await guestWithConsole('subscribed');
  const { hear, ...listening } = listener();
  void (async () => {
    for await (const part of vm.console.subscribe()) if (part.kind === 'output') hear(part.bytes);
  })();
  return { ...listening, type: (word) => vm.console.write(word), end: () => end(vm) };
}

/** `vmrun console`, with a file for its screen, so that nobody but it has the work of reading. */
async function client() {
  const vm = await guestWithConsole('served');
  const screen = openSync(path.join(scratch, 'screen'), 'w+');
  const words = ['bin/vmrun.js', 'console', 'served', '--watch', '-q', '--run-dir', scratch];
  const child = spawn(process.execPath, words, { cwd: root, stdio: ['ignore', screen, 'inherit'] });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const tail = Buffer.alloc(lastWord.length);
  let seen = 0;
  return {
    async untilLastWord() {
      for (;;) {
        await wait(5);
        const { size } = fstatSync(screen);
        if (size < seen + tail.length) continue;
        readSync(screen, tail, 0, tail.length, size - tail.length);
        if (!tail.equals(lastWord)) continue;
        const length = size - seen;
        seen = size;
        return length;
      }
    },
    type: (word) => vm.console.write(word),
    async end() {
      await end(vm);
      await exited;
      closeSync(screen);
    },
  };
}

/** `vmrun console` as one who types. */
async function typist() {
  const vm = await guestWithConsole('typed');
  const words = ['bin/vmrun.js', 'console', 'typed', '-q', '--run-dir', scratch];
  const child = spawn(process.execPath, words, { cwd: root, stdio: ['pipe', 'pipe', 'inherit'] });
  const exited = new Promise((resolve) => child.once('exit', resolve));
  const { hear, untilAny } = listener();
  child.stdout.on('data', hear);
  return {
    untilAny,
    type: (word) => child.stdin.write(word),
    async end() {
      await end(vm);
      await exited;
    },
  };
}

async function measure({ type, untilLastWord }, { size, count }) {
  const come = untilLastWord();
  const [before, startMs] = [process.cpuUsage(), performance.now()];
  type(`${size} ${count}\n`);
  const length = await come;
  const { user, system } = process.cpuUsage(before);
  const ms = performance.now() - startMs;
  return { cpuMs: (user + system) / 1000, ms, share: length / (size * count + lastWord.length) };
}

async function echoMs({ type, untilAny }) {
  const startMs = performance.now();
  const come = untilAny();
  type('x');
  await come;
  return performance.now() - startMs;
}

const medians = (list) =>
  Object.fromEntries(Object.keys(list[0]).map((key) => [key, median(list.map((found) => found[key]))]));

const readers = { pipe: await pipe(), subscriber: await subscriber(), client: await client() };
const found = {};
for (const [how, load] of Object.entries(loads)) {
  const all = { pipe: [], subscriber: [], client: [] };
  for (let round = 0; round <= rounds; round += 1) {
    for (const [name, reader] of Object.entries(readers)) {
      const one = await measure(reader, load);
      // In the first one V8 has not yet compiled what is hot.
      if (round > 0) all[name].push(one);
    }
  }
  found[how] = Object.fromEntries(Object.entries(all).map(([name, list]) => [name, medians(list)]));
}

const typists = { pipe: readers.pipe, typist: await typist() };
const echoes = { pipe: [], typist: [] };
for (const who of Object.values(typists)) {
  who.type('cat\n');
  await echoMs(who);
}
for (let key = 0; key < keys; key += 1) {
  for (const [name, who] of Object.entries(typists)) {
    // Nobody types quicker than that.
    await wait(5);
    echoes[name].push(await echoMs(who));
  }
}
for (const reader of [...Object.values(readers), typists.typist]) await reader.end();
process.stdout.write(JSON.stringify({ ...found, echoes }));
