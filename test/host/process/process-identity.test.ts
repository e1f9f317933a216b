import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync, rmSync, writeFileSync } from 'node:fs';
import { describe, expect, test } from '@jest/globals';
import {
  childrenOf,
  identify,
  isProven,
  isStillChild,
  isStillThere,
} from '../../../src/host/process/process-identity.js';
import { runTool } from '../../../src/host/process/tools.js';
import { inPlace, isRunning, until, type Place } from '../../e2e/support/place.js';

const startOf = async (pid: number): Promise<string | undefined> => (await identify(pid, runTool))?.start;

test('a process keeps its start as long as it runs, whatever it calls itself', async () => {
  await inPlace(async ({ name }) => {
    const title = `) R 1 1 ( ${name}`;
    const code = `process.title = ${JSON.stringify(title)}; console.log('up'); setInterval(() => 0, 1e9)`;
    const child = spawn(process.execPath, ['-e', code], { stdio: ['ignore', 'pipe', 'inherit'] });
    const { pid = 0 } = child;
    const before = await startOf(pid);
    await once(child.stdout, 'data');
    expect(before).toBeDefined();
    expect(await startOf(pid)).toBe(before);
    child.kill('SIGKILL');
    await once(child, 'close');
    expect(await startOf(pid)).toBeUndefined();
    expect(isRunning(pid)).toBe(false);
  });
});

test('there is none for a number that no process has', async () => {
  expect(await startOf(2 ** 30)).toBeUndefined();
});

const onLinux = process.platform === 'linux' ? test : test.skip; // /proc tells of a process that nobody has waited for
onLinux('a process that has ended and was not waited for is none', async () => {
  // The shell starts a child, turns into a program that waits for nobody, and so keeps a zombie.
  const child = spawn('/bin/sh', ['-c', 'sh -c : & echo $!; exec sleep 600'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [text] = (await once(child.stdout, 'data')) as [Buffer];
  const zombie = Number(String(text));
  await until(() => !isRunning(zombie));
  expect(await startOf(zombie)).toBeUndefined();
  child.kill('SIGKILL');
  await once(child, 'exit');
});

test('two processes that were started one after the other differ', async () => {
  expect(await startOf(process.pid)).not.toBe(await startOf(1));
});

describe('a process that was identified', () => {
  /** A process that becomes another program when its standard input ends. */
  async function withProcess(use: (pid: number, become: () => Promise<unknown>) => Promise<void>): Promise<void> {
    const script = 'echo up; read -r line; exec sleep 600';
    const child = spawn('/bin/sh', ['-c', script], { stdio: ['pipe', 'pipe', 'inherit'] });
    const { pid = 0 } = child;
    await once(child.stdout, 'data');
    const become = async (): Promise<void> => {
      const before = (await identify(pid, runTool))?.program;
      child.stdin.end('\n');
      await until(async () => (await identify(pid, runTool))?.program !== before);
    };
    try {
      await use(pid, become);
    } finally {
      child.kill('SIGKILL');
      await once(child, 'exit');
      child.stdin.destroy();
    }
    expect(await isStillThere({ pid }, runTool)).toBe(false);
  }

  test('is still there as long as it runs, whatever program it becomes', async () => {
    await withProcess(async (pid, become) => {
      const known = await identify(pid, runTool);
      if (known?.program === undefined) throw new Error(JSON.stringify(known));
      expect(await isStillThere(known, runTool)).toBe(true);
      await become();
      expect(await isStillThere(known, runTool)).toBe(true);
      const now = await identify(pid, runTool);
      expect(now).toMatchObject({ pid, start: known.start });
      expect(now?.program).not.toBe(known.program);
    });
  });

  test('is not the one that has its number, but was started at another time, or nobody knows when', async () => {
    await withProcess(async (pid) => {
      const known = await identify(pid, runTool);
      for (const start of ['', 'long ago', `${known?.start ?? ''}0`]) {
        expect(await isStillThere({ pid, start }, runTool)).toBe(false);
      }
      expect(await isStillThere({ pid }, runTool)).toBe(false);
      expect(await isStillThere({ pid: 2 ** 30, ...(known?.start && { start: known.start }) }, runTool)).toBe(false);
    });
  });
});

describe('a process is proven to be the one that was started', () => {
  /** With the file open, as its descriptor 3. */
  async function withHeir(use: (pid: number, file: string, place: Place) => Promise<void>): Promise<void> {
    await inPlace(async (place) => {
      const file = place.write('vm.lock', '');
      const descriptor = openSync(file, 'r');
      const child = spawn('cat', [], { stdio: ['pipe', 'ignore', 'inherit', descriptor] });
      closeSync(descriptor);
      const exit = once(child, 'exit');
      try {
        await use(child.pid ?? 0, file, place);
      } finally {
        child.kill('SIGKILL');
        await exit;
      }
      expect(await isProven({ pid: child.pid ?? 0 }, file, runTool)).toBe(false);
    });
  }

  test('by its start and its program, or by the lock that it has open', async () => {
    await withHeir(async (pid, lock, { path }) => {
      const known = await identify(pid, runTool);
      if (known?.start === undefined || known.program === undefined) throw new Error(JSON.stringify(known));
      const { start, program } = known;
      const proven = (more: object, file: string): Promise<boolean> => isProven({ pid, ...more }, file, runTool);
      const none = path('none');
      expect(await proven({ start, program }, none)).toBe(true);
      expect(await proven({ start, program: '/bin/other' }, lock)).toBe(true); // a script that became bhyve
      expect(await proven({ start }, lock)).toBe(true);
      expect(await proven({}, lock)).toBe(true);
      for (const more of [{}, { start }, { program }, { start, program: '/bin/other' }]) {
        expect(await proven(more, none)).toBe(false);
      }
      for (const file of [none, lock]) expect(await proven({ start: 'long ago', program }, file)).toBe(false);
    });
  });

  test('and not by a lock file that took the place of the one it has open', async () => {
    await withHeir(async (pid, lock) => {
      expect(await isProven({ pid }, lock, runTool)).toBe(true);
      rmSync(lock);
      expect(await isProven({ pid }, lock, runTool)).toBe(false);
      writeFileSync(lock, '');
      expect(await isProven({ pid }, lock, runTool)).toBe(false);
    });
  });
});

onLinux('the child of another is not taken for that of a process', async () => {
  const child = spawn('sleep', ['600'], { stdio: 'ignore' });
  const { pid = 0 } = child;
  expect(isStillChild(pid, process.pid)).toBe(true);
  expect(isStillChild(pid, 1)).toBe(false);
  child.kill('SIGKILL');
  await once(child, 'exit');
  expect(isStillChild(pid, process.pid)).toBe(false);
});

test('the children of a process are told, and of one that is gone none', async () => {
  const parent = spawn('/bin/sh', ['-c', 'sleep 600 & echo $!; wait'], { stdio: ['ignore', 'pipe', 'inherit'] });
  const [text] = (await once(parent.stdout, 'data')) as [Buffer];
  const child = Number(String(text));
  expect(await childrenOf(parent.pid ?? 0, runTool)).toEqual([child]);
  expect(await childrenOf(child, runTool)).toEqual([]);
  parent.kill('SIGKILL');
  await once(parent, 'exit');
  process.kill(child, 'SIGKILL');
  expect(await childrenOf(parent.pid ?? 0, runTool)).toEqual([]);
});
