/** What freebsd-smoke.sh asks Node.js: node ask.mjs WHAT ARGUMENTS. Prints what was seen; status 1: not as believed. */
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  constants,
  openSync,
  readFileSync,
  readSync,
  readdirSync,
  rmSync,
  watch as watchFile,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { Socket } from 'node:net';
import path from 'node:path';
import process from 'node:process';
import tty from 'node:tty';

const { O_RDONLY, O_WRONLY, O_RDWR, O_CREAT, O_NONBLOCK, O_NOCTTY } = constants;
/** FreeBSD's <fcntl.h>. */
const O_SHLOCK = 0x10;
const O_EXLOCK = 0x20;

const ownArch = process.arch === 'arm64' ? 'arm64' : 'amd64';

const fail = (...lines) => {
  for (const line of lines) console.log(line);
  process.exitCode = 1;
};

/** Every name (or `name=value`) on standard input is in the facts that vmrun printed of this host. */
function facts(kind, file) {
  const wanted = readFileSync(0, 'utf8').split('\n').filter(Boolean);
  let all;
  try {
    all = JSON.parse(readFileSync(file, 'utf8'))[kind];
  } catch (error) {
    return fail(`vmrun facts: ${error.message}`, readFileSync(file, 'utf8'));
  }
  if (all === undefined || all.error !== undefined) return fail(all?.error ?? `vmrun facts has no ${kind}`);
  const known = Array.isArray(all)
    ? all.map((one) => one.name ?? one)
    : Object.entries(all).map(([name, value]) => `${name}=${value}`);
  const missing = wanted.filter((name) => !known.includes(name));
  if (wanted.length === 0) return fail('the tool lists nothing');
  if (missing.length > 0) fail(`not read: ${missing.join(' ')}`);
}

/** A child inherits the lock, and holds it when we have closed it. */
async function lock(file) {
  const flags = O_RDWR | O_CREAT | O_NONBLOCK | O_EXLOCK;
  const descriptor = openSync(file, flags, 0o600);
  // It ends when its standard input does, so none is left behind.
  const child = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore', descriptor] });
  const ended = once(child, 'close');
  await once(child, 'spawn');
  closeSync(descriptor);
  const whileHeld = tryToOpen(file, flags);
  child.kill('SIGKILL');
  await ended;
  const afterwards = tryToOpen(file, flags);
  if (whileHeld !== 'EAGAIN') fail(`while a child had it: ${whileHeld}`);
  if (afterwards !== 'opened') fail(`after the end of the child: ${afterwards}`);
}

/** Who shares a lock lets others share it, and nobody have it alone. */
function share(file) {
  const open = O_RDWR | O_CREAT | O_NONBLOCK;
  const descriptor = openSync(file, open | O_SHLOCK, 0o600);
  const [shared, alone] = [tryToOpen(file, open | O_SHLOCK), tryToOpen(file, open | O_EXLOCK)];
  closeSync(descriptor);
  const afterwards = tryToOpen(file, open | O_EXLOCK);
  if (shared !== 'opened') fail(`shared: ${shared}`);
  if (alone !== 'EAGAIN') fail(`alone: ${alone}`);
  if (afterwards !== 'opened') fail(`after it was closed: ${afterwards}`);
}

/** A file that grows is told. */
async function watch(file) {
  const watcher = watchFile(file);
  const changed = once(watcher, 'change');
  writeFileSync(file, 'more', { flag: 'a' });
  await changed;
  watcher.close();
}

/** pkill(1) signals who holds the lock of a pid file, and nobody where it is not locked. */
async function signal(file) {
  const descriptor = openSync(file, O_RDWR | O_CREAT | O_NONBLOCK | O_EXLOCK, 0o600);
  writeSync(descriptor, `${process.pid}\n`);
  let count = 0;
  const heard = new Promise((resolve) => {
    process.on('SIGUSR1', () => {
      count += 1;
      resolve();
    });
  });
  const words = ['-USR1', '-L', '-F', file];
  const held = run('pkill', words);
  if (held.status !== 0) return fail(`while it is locked: status ${held.status}`, held.stderr);
  await heard;
  closeSync(descriptor);
  const free = run('pkill', words);
  if (free.status === 0 || count !== 1) fail(`after it was closed: status ${free.status}`, free.stderr);
}

function tryToOpen(file, flags) {
  try {
    closeSync(openSync(file, flags));
    return 'opened';
  } catch (error) {
    return error.code;
  }
}

/** Who listens to a FIFO hears the end of the child that has it open for writing; who comes later knows whether it has ended. */
async function line(file) {
  const reader = openSync(file, O_RDONLY | O_NONBLOCK);
  const writer = openSync(file, O_WRONLY | O_NONBLOCK);
  const child = spawn('cat', { stdio: ['pipe', 'ignore', 'ignore', writer] });
  await once(child, 'spawn');
  closeSync(writer);
  const socket = new Socket({ fd: reader, readable: true, writable: false });
  let isOver = false;
  const over = once(socket.resume(), 'close').then(() => (isOver = true));
  const late = readFrom(file);
  if (late !== 'EAGAIN' || isOver) fail(`while a child had it: ${late}, ${isOver ? 'at its end' : 'not at its end'}`);
  child.kill('SIGKILL');
  await over;
  const later = readFrom(file);
  if (later !== 0) fail(`after the end of the child: ${later}`);
}

function readFrom(file) {
  const descriptor = openSync(file, O_RDONLY | O_NONBLOCK);
  try {
    return readSync(descriptor, Buffer.alloc(1));
  } catch (error) {
    return error.code;
  } finally {
    closeSync(descriptor);
  }
}

/** What is written into a FIFO that we have open in both directions comes back. */
async function fifo(file) {
  const descriptor = openSync(file, O_RDWR | O_NONBLOCK);
  const socket = new Socket({ fd: descriptor, readable: true, writable: false });
  writeSync(descriptor, 'hello');
  const [bytes] = await once(socket, 'data');
  if (String(bytes) !== 'hello') fail(String(bytes));
  socket.destroy();
}

/** What is written at one end of a null modem comes out of the other. */
async function nmdm(one, other) {
  const far = openSync(one, O_RDWR | O_NONBLOCK | O_NOCTTY);
  const near = openSync(other, O_RDWR | O_NONBLOCK | O_NOCTTY);
  if (!tty.isatty(near)) return fail(`${other} is not a terminal to Node.js`);
  const stream = new tty.ReadStream(near);
  stream.setRawMode(true);
  writeSync(far, 'hello');
  const [bytes] = await once(stream, 'data');
  if (!'hello'.startsWith(String(bytes))) fail(String(bytes));
  stream.destroy();
  closeSync(far);
}

const sorted = (text) => text.split('\n').filter(Boolean).sort();
const withoutDump = (lines) => lines.filter((line) => line !== 'config.dump=1');
const isSame = (a, b) => a.length === b.length && a.every((line, index) => line === b[index]);
const run = (command, words, cwd) => spawnSync(command, words, { cwd, encoding: 'utf8', input: '' });

/** A message of the vectors: `<errno>` and the like stand for any words, and of a usage text the first line counts. */
function asPattern(text) {
  const plain = text.replaceAll(/[.*+?^${}()|[\]\\]/g, '\\$&');
  const tail = text.includes('Usage: ') ? '(\\n[^]*)?' : '';
  return new RegExp(`^${plain.replaceAll(/<(errno|ptr|gai error)>/g, '[^\\n]+')}${tail}$`);
}

/** bhyve's configuration, or its refusal, of each vector of this release. */
function vectors(bhyve, release, file, folder) {
  const major = Number.parseInt(release, 10);
  const all = JSON.parse(readFileSync(file, 'utf8'));
  const mine = all.filter(
    (vector) =>
      (vector.release ?? 15) === major &&
      (vector.arch ?? 'amd64') === ownArch &&
      vector.signal === undefined &&
      (vector.dump !== undefined || vector.stage === 'parse'),
  );
  if (mine.length === 0) {
    console.log(`there are no vectors for ${ownArch} in release ${major}`);
    process.exitCode = 2;
    return;
  }
  for (const { argv, dump, error, exit, files = {} } of mine) {
    for (const [name, text] of Object.entries(files)) writeFileSync(path.join(folder, name), text);
    const { stdout, stderr, status } = run(bhyve, ['-o', 'config.dump=1', ...argv], folder);
    for (const name of Object.keys(files)) rmSync(path.join(folder, name));
    const wanted = Object.entries(dump ?? {}).map(([key, value]) => `${key}=${value}`);
    const isRight =
      dump === undefined
        ? status === exit && asPattern(error).test(stderr.trimEnd())
        : isSame(withoutDump(sorted(stdout)), withoutDump(wanted.sort()));
    if (!isRight) fail(`${JSON.stringify(argv)}: status ${status}`, stdout, stderr);
  }
  console.log(`${mine.length} of ${all.length} vectors are for this release`);
}

/** What vmrun says that bhyve makes of the command of an example of this release, and what bhyve makes of it. */
function examples(bhyve, vmrun, release, folder) {
  const major = Number.parseInt(release, 10);
  const specs = readdirSync(folder, { recursive: true })
    .filter((name) => /\.(?:json|ya?ml|conf|ucl)$/.test(name) && !name.startsWith('hosts'))
    .sort();
  let tried = 0;
  const ask = (spec, ...options) => run(vmrun, ['-c', path.join(folder, spec), ...options]);
  for (const spec of specs) {
    const told = ask(spec, '--dry-run', '--format', 'config');
    const command = ask(spec, '--dry-run', '--format', 'json');
    if (told.status !== 0 || command.status !== 0) {
      fail(`${spec}: ${told.stderr}${command.stderr}`);
      continue;
    }
    const { plan } = JSON.parse(ask(spec, '--debug').stdout);
    if (plan.release !== major || plan.arch !== ownArch) continue;
    tried += 1;
    const words = withoutPrivateFile(JSON.parse(command.stdout).slice(1));
    const { stdout, stderr } = run(bhyve, ['-o', 'config.dump=1', ...words], folder);
    const [said, made] = [sorted(told.stdout), withoutDump(sorted(stdout))];
    const isPublic = (line) => !/\.password=/.test(line);
    if (isSame(said.filter(isPublic), made.filter(isPublic))) continue;
    fail(
      `${spec}: ${stderr}`,
      ...said.filter((line) => !made.includes(line)).map((line) => `only vmrun: ${line}`),
      ...made.filter((line) => !said.includes(line)).map((line) => `only bhyve: ${line}`),
    );
  }
  if (tried === 0) fail(`no example is for release ${major}`);
  console.log(`${tried} of ${specs.length} examples are for this release`);
}

/** A password is in that file alone, which a run makes; in print it is starred. */
function withoutPrivateFile(words) {
  const at = words.indexOf('-k');
  return at < 0 ? words : words.toSpliced(at, 2);
}

const [what, ...words] = process.argv.slice(2);
await { facts, lock, share, watch, signal, line, fifo, nmdm, vectors, examples }[what](...words);
