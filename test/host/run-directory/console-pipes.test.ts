import { spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  closeSync,
  existsSync,
  lstatSync,
  mkdtempSync,
  openSync,
  readFileSync,
  readSync,
  rmSync,
  symlinkSync,
  unlinkSync,
  writeFileSync,
  writeSync,
  constants,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from '@jest/globals';
import { openConsolePipes, type ConsolePipes } from '../../../src/host/run-directory/console-pipes.js';
import { runTool, type RunTool } from '../../../src/host/process/tools.js';

let folder: string;
let opened: ConsolePipes[];
/** Ends of a bhyve. */
let descriptors: number[];
let seen: string;
let reads: number;
let tools: (readonly string[])[];

const run: RunTool = (argv, options) => {
  tools.push(argv);
  return runTool(argv, options);
};

beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), 'vmrun-pipes-'));
  [opened, descriptors, tools, seen, reads] = [[], [], [], '', 0];
});

afterEach(() => {
  for (const pipes of opened) pipes.close();
  for (const descriptor of descriptors) closeSync(descriptor);
  rmSync(folder, { recursive: true });
});

const at = (name: string): string => path.join(folder, name);

async function open(more: { readonly isAdopted?: boolean } = {}): Promise<ConsolePipes> {
  const pipes = await openConsolePipes({
    file: at,
    run,
    isAdopted: false,
    ...more,
    onOutput: (bytes) => {
      reads += 1;
      seen += Buffer.from(bytes).toString();
    },
  });
  opened.push(pipes);
  return pipes;
}

/** As bhyve has it: an open file of its own, in both directions, that never waits. */
function end(file: string): number {
  const descriptor = openSync(file, constants.O_RDWR | constants.O_NONBLOCK);
  descriptors.push(descriptor);
  return descriptor;
}

const soon = () => new Promise((resolve) => setImmediate(resolve));

async function until(isThere: () => boolean): Promise<void> {
  while (!isThere()) await soon();
}

/** All that waits to be read. */
function taken(descriptor: number): string {
  const bytes = Buffer.alloc(256 * 1024);
  let text = '';
  try {
    for (;;) text += bytes.toString('latin1', 0, readSync(descriptor, bytes));
  } catch {
    return text;
  }
}

describe('the FIFOs of a console', () => {
  test('are private, made by one process, and lead both ways', async () => {
    const pipes = await open();
    for (const file of [pipes.input, pipes.output]) {
      expect(lstatSync(file).isFIFO()).toBe(true);
      expect(lstatSync(file).mode & 0o777).toBe(0o600);
    }
    await pipes.prepare();
    expect(tools).toEqual([['mkfifo', '-m', '600', at('console.in'), at('console.out')]]);
    writeSync(end(pipes.output), 'login: ');
    await until(() => seen === 'login: ');
    const guest = end(pipes.input);
    expect(await pipes.write(Buffer.from('root\n'))).toBe(true);
    expect(taken(guest)).toBe('root\n');
  });

  test('go on for the next supervisor, with what nobody has read meanwhile', async () => {
    const first = await open();
    const guest = { input: end(first.input), output: end(first.output) };
    first.close();
    // The first 64 KiB stay, and the guest does not wait for a reader of the rest.
    writeSync(guest.output, Buffer.alloc(64 * 1024, 'a'));
    expect(() => writeSync(guest.output, 'b')).toThrow(/EAGAIN/);
    const second = await open({ isAdopted: true });
    await until(() => seen.length === 64 * 1024);
    writeSync(guest.output, 'still here');
    await until(() => seen.endsWith('astill here'));
    expect(await second.write(Buffer.from('so am I'))).toBe(true);
    expect(taken(guest.input)).toBe('so am I');
    expect(tools).toHaveLength(1);
  });

  test('start afresh where there is nobody to go on with', async () => {
    const first = await open();
    writeSync(end(first.output), 'of the run before');
    first.close();
    const second = await open();
    writeSync(end(second.output), 'new');
    await until(() => seen.endsWith('new'));
    expect(seen.replace('of the run before', '')).toBe('new');
    expect(tools).toHaveLength(2);
  });

  test('hold what is typed until bhyve reads it, up to a limit, and say when they do', async () => {
    const pipes = await open();
    const chunk = Buffer.alloc(1024, 'x');
    const answers: (boolean | undefined)[] = [];
    for (let number = 0; number < 200; number += 1) {
      answers[number] = undefined;
      void pipes.write(chunk).then((isTaken) => (answers[number] = isTaken));
    }
    await until(() => answers.includes(false) && answers.includes(true));
    const waiting = answers.filter((answer) => answer === undefined).length;
    expect(waiting).toBeGreaterThan(0);
    expect(waiting).toBeLessThanOrEqual(64);
    const guest = end(pipes.input);
    let read = 0;
    await until(() => {
      read += taken(guest).length;
      return !answers.includes(undefined);
    });
    read += taken(guest).length;
    expect(read).toBe(answers.filter((answer) => answer === true).length * 1024);
    expect(await pipes.write(chunk)).toBe(true);
  });

  test('have nothing for a boot that was typed for the one before', async () => {
    const pipes = await open();
    const answers: boolean[] = [];
    for (let number = 0; number < 120; number += 1) {
      void pipes.write(Buffer.alloc(1024, 'x')).then((isTaken) => answers.push(isTaken));
    }
    await pipes.prepare();
    await until(() => answers.length === 120);
    expect(answers.slice(-10)).toEqual(Array(10).fill(false));
    const guest = end(pipes.input);
    expect(await pipes.write(Buffer.from('fresh'))).toBe(true);
    expect(taken(guest)).toBe('fresh');
  });

  test('are made anew where somebody has removed them, or put something else there', async () => {
    const pipes = await open();
    unlinkSync(pipes.input);
    unlinkSync(pipes.output);
    writeFileSync(at('secret'), 'untouched');
    symlinkSync(at('secret'), pipes.output);
    await pipes.prepare();
    expect(lstatSync(pipes.output).isFIFO()).toBe(true);
    writeSync(end(pipes.output), 'seen');
    await until(() => seen === 'seen');
    const guest = end(pipes.input);
    expect(await pipes.write(Buffer.from('typed'))).toBe(true);
    expect(taken(guest)).toBe('typed');
    expect(readFileSync(at('secret'), 'utf8')).toBe('untouched');
  });

  test('cannot be there without mkfifo, and that is said', async () => {
    const none: RunTool = (argv) =>
      Promise.resolve({ argv, exitCode: undefined, stdout: '', stderr: '', failure: 'ENOENT' });
    await expect(
      openConsolePipes({ file: at, run: none, isAdopted: false, onOutput: () => undefined }),
    ).rejects.toMatchObject({ message: expect.stringMatching(/mkfifo.*ENOENT/), code: 'EIO' });
    expect(existsSync(at('console.in'))).toBe(false);
  });

  test('are not read once for each byte of a guest that writes byte by byte', async () => {
    const pipes = await open();
    const guest = end(pipes.output);
    for (let bytes = 0; bytes < 2000; bytes += 1) {
      writeSync(guest, 'x');
      await soon();
    }
    await until(() => seen.length === 2000);
    expect(reads).toBeLessThan(1000);
  });

  test('keep up with a guest that writes without end', async () => {
    const pipes = await open();
    let length = 0;
    const flood = spawn('/bin/sh', ['-c', 'exec head -c 50000000 /dev/zero 1<>"$0"', pipes.output]);
    const ended = once(flood, 'exit');
    await until(() => {
      length += seen.length;
      seen = '';
      return length === 50_000_000;
    });
    expect(await ended).toEqual([0, null]);
  });
});
